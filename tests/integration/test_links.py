"""Links die with their task; codes and counts hold against guessing."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from engine.model.case import Actor, Case
from engine.model.handed import NewLink, Session
from engine.model.office import Person
from storage.store import SqlStore
from storage.tables import PEOPLE
from tests.integration.stored import MINUTE, NOW, change, opened, start

HOUR = dt.timedelta(hours=1)
PARENT = "party:parent"
ANN = Actor("person", "ann", "Ann", frozenset({"custodian"}))


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    with opened(database_url) as store:
        yield store


@pytest.fixture
def case(store: SqlStore) -> Case:
    """A case with a link to its task and one to its status."""
    case = start(store)
    store.links.add_link(NewLink("task", "task", case.id, "person:ann", "code", NOW + HOUR, case.tasks[0].id, 1))
    store.links.add_link(NewLink("status", "status", case.id, PARENT, "code", NOW + HOUR))
    return case


def revoked(store: SqlStore, token_hash: str) -> dt.datetime | None:
    link = store.links.link(token_hash)
    assert link is not None
    return link.revoked_at


def test_a_link_comes_back_and_an_unknown_one_is_nothing(store: SqlStore, case: Case) -> None:
    link = store.links.link("task")
    assert link is not None
    assert (link.purpose, link.recipient, link.level, link.task_generation) == ("task", "person:ann", "code", 1)
    assert link.expires_at == NOW + HOUR and store.links.link("never") is None


@pytest.mark.parametrize("how", ["answered", "left behind", "re-assigned"])
def test_a_link_dies_in_the_commit_that_closes_or_moves_its_task(store: SqlStore, case: Case, how: str) -> None:
    (task,) = case.tasks
    tasks = {
        "answered": (replace(task, outcome="complete", done_by="Ann", done_at=NOW),),
        "left behind": (),
        "re-assigned": (replace(task, generation=2, assignees=("bob",)),),
    }[how]
    change(store, case, tasks=tasks)
    assert revoked(store, "task") == NOW and revoked(store, "status") is None


def test_a_link_lives_on_while_its_task_is_the_same(store: SqlStore, case: Case) -> None:
    change(store, case, state="elsewhere")
    assert revoked(store, "task") is None


def test_a_right_code_opens_once(store: SqlStore, case: Case) -> None:
    assert store.links.new_code(PARENT, case.id, "hash", NOW + HOUR, NOW)
    assert store.links.try_code(PARENT, None, "hash", NOW) == "expired"
    assert store.links.try_code(PARENT, case.id, "hash", NOW) == "right"
    assert store.links.try_code(PARENT, case.id, "hash", NOW) == "expired"


def test_a_code_runs_out(store: SqlStore) -> None:
    store.links.new_code("person:ann", None, "hash", NOW + MINUTE, NOW)
    assert store.links.try_code("person:ann", None, "hash", NOW + MINUTE) == "expired"


def test_five_wrong_tries_lock_whatever_code_comes_after(store: SqlStore) -> None:
    store.links.new_code("person:ann", None, "one", NOW + HOUR, NOW)
    said = [store.links.try_code("person:ann", None, "wrong", NOW) for _ in range(3)]
    store.links.new_code("person:ann", None, "two", NOW + 3 * HOUR, NOW)
    said += [store.links.try_code("person:ann", None, "one", NOW) for _ in range(2)]
    assert said == ["wrong", "wrong", "wrong", "wrong", "locked"]
    assert store.links.try_code("person:ann", None, "two", NOW) == "locked"
    assert store.links.try_code("person:ann", None, "two", NOW + HOUR) == "right"


def test_a_sixth_code_within_the_hour_is_not_mailed(store: SqlStore) -> None:
    asked = [store.links.new_code("person:ann", None, str(n), NOW + HOUR, NOW) for n in range(6)]
    assert asked == [True] * 5 + [False]
    assert store.links.new_code("person:bob", None, "x", NOW + HOUR, NOW)


def test_a_session_lives_until_it_expires_or_is_closed(store: SqlStore) -> None:
    store.links.open_session("s", Session(0, "person:ann", None, "open", NOW + HOUR), NOW)
    session = store.links.session("s", NOW)
    assert session is not None and store.links.session("s", NOW + HOUR) is None
    store.links.raise_session(session, "code")
    raised = store.links.session("s", NOW)
    assert raised == replace(session, level="code")
    store.links.close_session(session)
    assert store.links.session("s", NOW) is None


def test_a_tick_of_the_custodian_counts_for_its_case_and_party(store: SqlStore, case: Case) -> None:
    assert not store.links.second_confirmed(case.id, PARENT)
    store.links.confirm_second(case.id, PARENT, "in_person", ANN, NOW)
    store.links.confirm_second(case.id, PARENT, "call_back", ANN, NOW)
    assert store.links.second_confirmed(case.id, PARENT) and not store.links.second_confirmed(case.id, "party:other")


def test_a_tick_stands_in_the_history_of_its_case(store: SqlStore, case: Case) -> None:
    store.links.confirm_second(case.id, PARENT, "in_person", ANN, NOW)
    line = store.views.history(case.id)[-1]
    assert (line.kind, line.actor, line.at) == ("second_confirmed", "person:ann", NOW)
    assert line.detail == {"party": PARENT.removeprefix("party:"), "how": "in_person"}
    assert not store.views.verify_history(case.id)


def test_a_time_step_is_used_once_and_the_secret_is_sealed(store: SqlStore) -> None:
    store.save_person(Person("ann", "Ann", "ann@d.org", frozenset({"custodian"})))
    assert store.links.totp_secret("ann") is None
    store.set_totp("ann", "JBSWY3DP")
    assert store.links.totp_secret("ann") == "JBSWY3DP"
    assert [store.links.totp_used("ann", step) for step in (7, 7, 6, 8)] == [True, False, False, True]
    with store.base.reading() as connection:
        assert b"JBSWY3DP" not in bytes(connection.scalars(select(PEOPLE.c.totp)).one())


def test_a_changed_person_keeps_the_authenticator(store: SqlStore) -> None:
    ann = Person("ann", "Ann", "ann@d.org", frozenset({"custodian"}))
    store.save_person(ann)
    store.set_totp("ann", "JBSWY3DP")
    store.save_person(replace(ann, name="Ann Lee"))
    assert store.links.totp_secret("ann") == "JBSWY3DP"


def test_one_request_too_many_is_refused_until_the_next_window(store: SqlStore) -> None:
    assert [store.links.allow("ip/1", 2, HOUR, NOW) for _ in range(3)] == [True, True, False]
    assert store.links.allow("ip/2", 2, HOUR, NOW) and store.links.allow("ip/1", 2, HOUR, NOW + HOUR)


def test_requests_at_once_are_all_counted(store: SqlStore) -> None:
    said: list[bool] = []

    def ask() -> None:
        said.extend(store.links.allow("ip", 10, HOUR, NOW) for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert (said.count(True), said.count(False)) == (10, 10)
