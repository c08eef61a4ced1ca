"""A correction from receipt to closed on a real database: the service, its messages and its timers."""

import datetime as dt
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

import workflows
from engine.errors import AlreadyDecided, Stale, UsageError
from engine.model.case import Actor, Case, Contact, FactValue
from engine.model.handed import OutboxRow
from engine.model.office import Office, Person
from engine.service import Service
from storage.sealing import new_ring
from storage.store import SqlStore, open_store
from tests import outgoing
from tests.office import PEOPLE, office

START = dt.datetime(2028, 1, 10, 16, 0, tzinfo=dt.UTC)
CATALOGUE = workflows.Catalogue()
VERIFIED: dict[str, FactValue] = {
    "requester_kind": "parent",
    "identity_ok": True,
    "where_seen": "gradebook",
    "right_value": "2012-03-04",
    "data_owner": "dan",
}


def actor(person: str) -> Actor:
    known = PEOPLE[person]
    return Actor("person", known.id, known.name, known.roles)


def make_office(people: Iterable[Person]) -> Office:
    return office()


class House:
    """A service on a fresh database, with hands for the story."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.service = Service(store, CATALOGUE, make_office)
        facts: dict[str, FactValue] = {"received_on": dt.date(2028, 1, 10), "item": "birth date"}
        parties = {"parent": Contact("Pat Parent", "pat@home.example", "es")}
        self.id = self.service.start("correction_request", facts, parties, actor("ada"), START).id

    def case(self, case_id: str | None = None) -> Case:
        with self.store.read() as unit:
            return unit.case(case_id or self.id)

    def answer(self, day: int, task: str, outcome: str, by: str, values: dict[str, FactValue], of: str = "") -> Case:
        found = self.case(of).open_task(task)
        assert found is not None, task
        return self.service.complete_task(found.id, outcome, values, actor(by), START + dt.timedelta(days=day))

    def mails_leave(self, now: dt.datetime) -> list[OutboxRow]:
        """Every mail that is due is accepted by a friendly relay, and each case hears of it."""
        rows = list(self.store.outbox.claim(now, 100))
        for row in rows:
            mail = {"address": "x@home.example", "message_id": f"<{row.id}@d.example>", "raw": b"mail", "links": []}
            assert outgoing.prepared(self.store.outbox, row, now=now, **mail)  # type: ignore[arg-type]
            assert outgoing.handing_over(self.store.outbox, row, now)
            self.store.outbox.settle(row, "accepted", "250 ok", now)
        while self.service.advance(now):
            pass
        return rows


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    store = open_store(database_url, new_ring(), create=True)
    yield House(store)
    store.close()


def test_from_receipt_to_closed(house: House) -> None:
    house.answer(2, "verify", "complete", "cus", VERIFIED)
    house.answer(4, "advise", "answered", "dan", {"owner_view": "wrong", "owner_basis": "the register"})
    house.answer(9, "decide", "wrong_district", "cus", {"basis": "the register"})
    fixed: dict[str, FactValue] = {"fixed_on": dt.date(2028, 2, 1), "fixed_where": "register"}
    told = house.answer(22, "fix", "fixed", "dan", fixed)
    assert (told.state, told.clocks["district_fix"].status) == ("district_telling", "running")
    rows = house.mails_leave(START + dt.timedelta(days=23))
    assert {"receipt", "told_wrong_district", "told_corrected"} <= {row.mail for row in rows}
    case = house.case()
    assert (case.outcome, case.clocks["district_fix"].status) == ("corrected", "satisfied")
    assert case.clocks["district_fix"].ended_on == dt.date(2028, 2, 2)


def test_a_case_read_back_is_the_case_that_was_decided(house: House) -> None:
    decided = house.answer(2, "verify", "complete", "cus", VERIFIED)
    assert house.case() == decided


def test_an_operators_branch_is_a_case_of_its_own_and_reports_its_end(house: House) -> None:
    house.answer(2, "verify", "complete", "cus", VERIFIED)
    house.answer(4, "advise", "answered", "dan", {"owner_view": "wrong", "owner_basis": "x"})
    holders = (Contact("Synthetic Learning", "privacy@operator.example"),)
    house.answer(9, "decide", "wrong_outside", "cus", {"basis": "x", "outside_holders": holders})
    house.service.advance(START + dt.timedelta(days=9))
    child = house.case("2028-0002")
    assert (child.process, child.parent) == ("operator_fix", house.id)
    assert child.parties["operator"] == holders[0]
    assert house.case().children == {"operator_fix": 1}


def test_each_rung_fires_once_also_after_months_of_downtime(house: House) -> None:
    late = START + dt.timedelta(days=100)
    while house.service.tick(late):
        pass
    with house.store.begin() as unit:
        assert list(unit.due_timers(late, 100)) == []
    assert house.service.tick(late) == 0
    assert house.case().clocks["district_fix"].status == "running"


def test_the_second_answer_is_refused_and_nothing_changes(house: House) -> None:
    task = house.case().open_task("verify")
    assert task is not None
    after = house.answer(2, "verify", "complete", "cus", VERIFIED)
    with pytest.raises((AlreadyDecided, Stale)):
        house.service.complete_task(task.id, "complete", VERIFIED, actor("cus"), START)
    assert house.case() == after


def too_late(house: House) -> list[tuple[str, dict[str, str]]]:
    lines = house.store.views.history(house.id)
    return [(line.actor, line.detail) for line in lines if line.kind == "answer_too_late"]


def test_who_loses_the_race_for_a_task_is_told_the_winner_and_stands_in_the_history_once(house: House) -> None:
    task = house.case().open_task("verify")
    assert task is not None
    house.answer(2, "verify", "complete", "cus", VERIFIED)
    for _ in range(2):
        with pytest.raises(AlreadyDecided, match="already decided by Cus Todian: complete"):
            house.service.complete_task(task.id, "incomplete", VERIFIED, actor("ada"), START)
    line = {"task": task.id, "by": "Ada Priv", "decided_by": "Cus Todian"}
    assert too_late(house) == [("person:ada", line)]
    assert house.store.views.verify_history(house.id) == []


def test_an_own_second_answer_is_no_race(house: House) -> None:
    task = house.case().open_task("verify")
    assert task is not None
    house.answer(2, "verify", "complete", "cus", VERIFIED)
    with pytest.raises(AlreadyDecided, match="Cus Todian"):
        house.service.complete_task(task.id, "complete", VERIFIED, actor("cus"), START)
    assert too_late(house) == []


def test_of_two_who_answer_at_the_same_moment_one_wins_and_the_other_is_on_record(house: House) -> None:
    task = house.case().open_task("verify")
    assert task is not None
    begin, told = threading.Barrier(2), list[str]()
    custodians = [replace(actor(person), roles=frozenset({"custodian"})) for person in ("ada", "cus")]

    def answer(by: Actor) -> None:
        begin.wait()
        try:
            house.service.complete_task(task.id, "complete", VERIFIED, by, START)
        except AlreadyDecided:
            told.append(f"person:{by.id}")

    racers = [threading.Thread(target=answer, args=(by,)) for by in custodians]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert len(told) == 1
    assert [who for who, _ in too_late(house)] == told
    assert house.store.views.verify_history(house.id) == []


@pytest.mark.parametrize("case_id", ["2028-0009", "nonsense"])
def test_an_unknown_case_is_one_sentence(house: House, case_id: str) -> None:
    with pytest.raises(UsageError, match=case_id):
        house.case(case_id)
