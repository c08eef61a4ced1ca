"""Several workers on one database: what two of them do at the same moment is done once, and is missed by neither."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text

from cli.demo.sink import MailSink
from cli.home import Home
from cli.upkeep.seen import Marker
from cli.wiring import open_house
from engine.model.case import SYSTEM, Case, Contact
from engine.model.messages import AudienceTold, Decision, Effect, Notify, Send, SendToAll
from storage.mailing.recipients import Member
from storage.store import SqlStore
from storage.tables import DEFINITIONS, OUTBOX
from storage.unit import SqlUnit
from tests.integration.stored import NOW, change, opened, start
from tests.processes import sample_home, until
from workflows import Catalogue

pytestmark = pytest.mark.postgres

LINE = Notify("person:ann", "news", "mail", "Look at it", 8)
ASKS = Send("task", "1", "1", "person:ann", line=LINE)


@pytest.fixture
def store(postgres_url: str) -> Iterator[SqlStore]:
    with opened(postgres_url) as store:
        yield store


def while_another_writes(store: SqlStore, first: Callable[[SqlUnit], object], second: Callable[[], object]) -> bool:
    """Runs `second` while what `first` wrote is not committed yet; says whether it had to wait for that."""
    waited = False
    thread = threading.Thread(target=second)
    with store.begin() as unit:
        first(unit)
        thread.start()
        until(lambda: waits(store) or not thread.is_alive(), "the other")
        waited = thread.is_alive()
    thread.join(timeout=30)
    assert not thread.is_alive()
    return waited


def waits(store: SqlStore) -> bool:
    asked = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with store.base.reading() as connection:
        return bool(connection.scalar(asked))


def goes_on(unit: SqlUnit, case: Case, *effects: Effect) -> None:
    """A change of the case that has these effects, in the transaction at hand."""
    unit.keep(case, Decision(replace(case, revision=case.revision + 1), effects, ()), SYSTEM, NOW)


def told(store: SqlStore) -> list[str]:
    with store.begin() as unit:
        read = [message.read() for message in unit.messages(1, NOW)]
        return [one.what for one in read if isinstance(one, AudienceTold)]


def test_two_that_settle_the_last_two_copies_say_once_that_all_are_told(store: SqlStore) -> None:
    case = start(store)
    with store.begin() as unit:
        unit.audiences(NOW).enter(case.id, "families", [Member(f"F{n}", f"f{n}@x.example", "") for n in range(2)])
    change(store, case, SendToAll("notice", "families", "1", "as_wished"))
    with store.read() as unit:
        one, other = unit.connection.execute(select(OUTBOX).order_by(OUTBOX.c.id)).mappings().all()

    def settle_other() -> None:
        with store.begin() as unit:
            unit.audiences(NOW).settled([other], "accepted")

    assert while_another_writes(store, lambda unit: unit.audiences(NOW).settled([one], "accepted"), settle_other)
    heard = []
    while what := told(store):
        heard += what
        with store.begin() as unit:
            unit.message_done(unit.messages(1, NOW)[0])
    assert sorted(heard) == ["began", "complete", "told"]


def test_two_add_lines_to_one_brief_without_waiting_for_each_other(store: SqlStore) -> None:
    cases = [start(store, LINE), start(store), start(store)]
    waited = while_another_writes(
        store,
        lambda unit: goes_on(unit, cases[1], LINE),
        lambda: change(store, cases[2], LINE),
    )
    assert not waited
    with store.read() as unit:
        (row,) = unit.connection.execute(select(OUTBOX.c.id)).all()
    monday = NOW + dt.timedelta(days=1)
    (claimed,) = store.outbox.claim(monday, 10)
    assert (claimed.id, len(store.outbox.brief_lines(claimed))) == (row.id, 3)


def test_a_brief_that_gets_a_line_at_this_moment_is_not_claimed(store: SqlStore) -> None:
    case = start(store, LINE)
    taken: list[int] = []
    while_another_writes(
        store,
        lambda unit: goes_on(unit, case, replace(LINE, subject="late")),
        lambda: taken.extend(row.id for row in store.outbox.claim(NOW + dt.timedelta(days=1), 10)),
    )
    assert taken == []
    (claimed,) = store.outbox.claim(NOW + dt.timedelta(days=1), 10)
    assert len(store.outbox.brief_lines(claimed)) == 2


def test_a_brief_is_held_over_without_waiting_for_the_cases_in_it(store: SqlStore) -> None:
    case = start(store, LINE)
    night = NOW + dt.timedelta(days=1, hours=12)
    waited = while_another_writes(store, lambda unit: unit.case(case.id), lambda: store.outbox.claim(night, 10))
    assert not waited
    with store.read() as unit:
        states = unit.connection.scalars(select(OUTBOX.c.state).order_by(OUTBOX.c.id)).all()
    assert states == ["cancelled", "queued"]


def test_two_that_ask_one_person_at_the_same_moment_send_one_mail_and_one_line(store: SqlStore) -> None:
    begun = [start(store), start(store)]
    waited = while_another_writes(
        store, lambda unit: goes_on(unit, begun[0], ASKS), lambda: change(store, begun[1], ASKS)
    )
    assert not waited
    with store.read() as unit:
        mails = unit.connection.scalars(select(OUTBOX.c.mail).order_by(OUTBOX.c.mail)).all()
    assert mails == ["brief", "task"]


def test_two_that_mail_one_operator_at_the_same_moment_take_a_day_each(store: SqlStore) -> None:
    parties = {"operator": Contact("Learn Inc", "desk@learn.example")}
    one, other = (change(store, start(store), parties=parties) for _ in range(2))
    tells = Send("renewed", "1", "1", "party:operator", pace="free")
    assert while_another_writes(store, lambda unit: goes_on(unit, one, tells), lambda: change(store, other, tells)), (
        "who comes second sees whether the first one's mail stands")
    days = [store.base.today(row.at) for row in store.views.outbox() if row.at is not None]
    assert len(days) == len(set(days)) == 2


def test_two_that_use_a_definition_first_adopt_it_once(store: SqlStore) -> None:
    definition = Catalogue().newest("operator_fix")

    def adopt(unit: SqlUnit) -> None:
        unit.adopt(definition, lambda its: its.process)

    def adopt_too() -> None:
        with store.begin() as unit:
            adopt(unit)

    assert while_another_writes(store, adopt, adopt_too)
    with store.read() as unit:
        assert unit.connection.scalars(select(DEFINITIONS.c.hash)).all() == [definition.hash]


def test_of_two_that_woke_after_a_gap_one_tells_of_it(store: SqlStore) -> None:
    store.set_high_water(NOW)
    later = NOW + dt.timedelta(days=3)
    done = [store.tell_gap(NOW, later, ["person:ann"], "while_off", {"done": "1"}) for _ in range(2)]
    assert done == [True, False]
    with store.read() as unit:
        assert unit.connection.scalars(select(OUTBOX.c.recipient)).all() == ["person:ann"]
    assert store.high_water() == later


def test_marks_that_several_workers_of_one_home_move_are_no_setback(postgres_url: str, tmp_path: Path) -> None:
    stop = threading.Event()
    with MailSink() as sink:
        home = Home(sample_home(tmp_path, sink, 8080, postgres_url))
    with open_house(home) as house:
        markers = [Marker(house, stop) for _ in range(4)]

        def go_on(marker: Marker) -> None:
            for _ in range(50):
                marker.mark(NOW)

        with ThreadPoolExecutor(4) as workers:
            list(workers.map(go_on, markers))
        assert not stop.is_set()
