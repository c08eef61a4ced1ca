"""A timer or message that cannot be worked is counted and waits, five times at most; the others go on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

import pytest
from sqlalchemy import func, select, text, update

import workflows
from engine.errors import LostRace
from engine.model.case import Actor, Contact, FactValue
from engine.model.definition import Definition
from engine.model.office import Office, Person
from engine.service import Service
from storage.store import SqlStore
from storage.tables import MESSAGES, TIMERS
from tests import outgoing
from tests.integration.stored import opened
from tests.office import PEOPLE, office

START = dt.datetime(2028, 1, 10, 16, 0, tzinfo=dt.UTC)
LATE = START + dt.timedelta(days=50)
MINUTE = dt.timedelta(minutes=1)
ADA = Actor("person", "ada", "Ada Priv", PEOPLE["ada"].roles)


class Shelf(workflows.Catalogue):
    """The shipped definitions; looking for one raises the next of `errors` as long as there are any."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[Exception] = []

    def pinned(self, process: str, version: int, digest: str) -> Definition:
        if self.errors:
            raise self.errors.pop(0)
        return super().pinned(process, version, digest)


def make_office(people: Iterable[Person]) -> Office:
    return office()


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    with opened(database_url) as store:
        yield store


@pytest.fixture
def service(store: SqlStore, shelf: Shelf) -> Service:
    """Two corrections, each with timers and a mail to its parent."""
    shelf.errors = []
    service = Service(store, shelf, make_office)
    for number in range(2):
        facts: dict[str, FactValue] = {"received_on": dt.date(2028, 1, 10), "item": "birth date"}
        parent = Contact("Pat Parent", f"pat{number}@home.example", "es")
        service.start("correction_request", facts, {"parent": parent}, ADA, START)
    return service


def due(store: SqlStore, now: dt.datetime = LATE) -> list[int]:
    with store.begin() as unit:
        return [timer.id for timer in unit.due_timers(now, 100)]


def caught_up(service: Service) -> None:
    while service.tick(LATE, 50) == 50:
        pass


def waiting(store: SqlStore) -> list[int]:
    with store.begin() as unit:
        return [message.id for message in unit.messages(100, LATE)]


def attempts(store: SqlStore) -> set[tuple[str, int, int]]:
    """The rows that have failed, and how often."""
    tables = {"timer": TIMERS, "message": MESSAGES}
    with store.base.reading() as connection:
        return {(kind, row.id, row.attempts) for kind, table in tables.items()
                for row in connection.execute(select(table).where(table.c.attempts > 0))}  # fmt: skip


def mails_accepted(store: SqlStore) -> None:
    for row in store.outbox.claim(START, 100):
        store.outbox.settle(row, "accepted", "250 ok", START)


def test_a_race_lost_now_and_then_is_run_again_at_once_and_counts_as_no_failure(
    store: SqlStore, service: Service, shelf: Shelf
) -> None:
    before = due(store)
    shelf.errors = [LostRace("another was first")] * 4
    caught_up(service)
    assert set(before).isdisjoint(due(store)) and attempts(store) == set()


def test_a_timer_that_loses_every_race_waits_like_any_that_fails(
    store: SqlStore, service: Service, shelf: Shelf
) -> None:
    first, *others = due(store)
    shelf.errors = [LostRace("another was first")] * 5
    caught_up(service)
    assert set(others).isdisjoint(due(store))
    assert first in due(store, LATE + MINUTE) and attempts(store) == {("timer", first, 1)}


def test_timers_that_collide_with_a_row_for_ever_end_as_incidents(store: SqlStore, service: Service) -> None:
    with store.base.engine.begin() as connection:
        connection.execute(text("CREATE UNIQUE INDEX one_rung ON history (kind) WHERE kind = 'rung_fired'"))
    now = LATE
    for minutes in (0, 1, 2, 4, 8):
        now += dt.timedelta(minutes=minutes)
        while service.tick(now):
            pass
    assert {(incident.kind, incident.error) for incident in store.views.incidents()} == {("timer", "LostRace")}
    assert due(store, now) == []


@pytest.mark.parametrize("error", [KeyError("name"), TypeError("kind"), AttributeError("gone"), RecursionError()])
def test_a_sick_timer_waits_a_minute_and_the_others_fire(
    store: SqlStore, service: Service, shelf: Shelf, error: Exception
) -> None:
    before = due(store)
    shelf.errors = [error]
    caught_up(service)
    assert before[0] not in due(store)
    assert before[0] in due(store, LATE + MINUTE)
    service.tick(LATE + MINUTE)
    assert before[0] not in due(store, LATE + MINUTE)


def test_the_fifth_failure_of_a_timer_is_an_incident_that_can_be_retried(
    store: SqlStore, service: Service, shelf: Shelf
) -> None:
    shelf.errors = [KeyError("name")]
    service.tick(LATE)
    now = LATE
    for minutes in (1, 2, 4, 8):
        now += dt.timedelta(minutes=minutes)
        while service.tick(now - MINUTE / 2):
            pass
        shelf.errors = [KeyError("name")]
        assert service.tick(now) == 1
    (incident,) = store.views.incidents()
    assert (incident.kind, incident.tries, incident.error) == ("timer", 5, "KeyError")
    assert service.tick(now) == 0
    store.retry_incident(incident.id, now)
    assert service.tick(now) == 1
    assert store.views.incidents() == ()


def test_a_batch_ends_when_its_time_is_spent_and_asks_to_be_called_again(store: SqlStore, service: Service) -> None:
    before = due(store)
    assert service.tick(LATE, 50, lambda: True) == 50
    assert len(before) > 1
    assert before[0] not in due(store)
    assert set(before[1:]) <= set(due(store))


def test_a_timer_at_which_a_process_died_keeps_its_turn_twice(service: Service, store: SqlStore) -> None:
    """What comes after it stays after it: a rung of a target is not overtaken by what ends the target."""
    first, *rest = due(store)
    for tries in (1, 2):
        assert store.failed("timer", first, "it died", LATE, died=True) == tries
        assert due(store) == [first, *rest]
    store.failed("timer", first, "it died", LATE, died=True)
    assert due(store) == rest


@pytest.mark.parametrize("error", [KeyError("name"), TypeError("kind"), AttributeError("gone")])
def test_a_sick_message_is_counted_and_the_others_are_delivered(
    store: SqlStore, service: Service, shelf: Shelf, error: Exception
) -> None:
    mails_accepted(store)
    sick, *_ = waiting(store)
    for _ in range(5):
        shelf.errors = [error]
        service.advance(START)
        shelf.errors = []
    assert waiting(store) == []
    (incident,) = store.views.incidents()
    assert (incident.kind, incident.ref, incident.error) == ("message", sick, type(error).__name__)
    store.retry_incident(incident.id, START)
    assert service.advance(START) >= 1
    assert waiting(store) == [] and store.views.incidents() == ()


def test_a_message_that_lost_a_race_is_delivered_by_the_same_call(
    store: SqlStore, service: Service, shelf: Shelf
) -> None:
    mails_accepted(store)
    shelf.errors = [LostRace("another was first")] * 4
    service.advance(START)
    assert waiting(store) == [] and attempts(store) == set()


def test_a_message_that_loses_every_race_ends_as_an_incident(store: SqlStore, service: Service, shelf: Shelf) -> None:
    mails_accepted(store)
    sick = waiting(store)[0]
    for call in range(1, 6):
        shelf.errors = [LostRace("another was first")] * 5
        service.advance(START)
        assert attempts(store) == {("message", sick, call)}
    assert waiting(store) == []
    assert [(line.kind, line.ref, line.error) for line in store.views.incidents()] == [("message", sick, "LostRace")]


def test_a_message_that_cannot_be_opened_does_not_stop_the_others(store: SqlStore, service: Service) -> None:
    for row in store.outbox.claim(START, 10):
        sent = {"address": "x@home.example", "message_id": f"<{row.id}@d>", "raw": b"mail", "links": []}
        outgoing.prepared(store.outbox, row, now=START, **sent)  # type: ignore[arg-type]
        store.outbox.settle(row, "accepted", "250 ok", START)
    with store.base.engine.begin() as connection:
        first = connection.scalar(select(func.min(MESSAGES.c.id)))
        connection.execute(update(MESSAGES).where(MESSAGES.c.id == first).values(sealed=b"broken"))
    service.advance(START)
    with store.begin() as unit:
        assert [message.id for message in unit.messages(10, LATE)] == [first]
    for _ in range(4):
        service.advance(START)
    assert [(line.kind, line.ref) for line in store.views.incidents()] == [("message", first)]
