"""What people and the daemon wait for finds its rows by an index, so that no year's work makes the next one slower."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, event

from engine.model.case import Contact, FactValue
from engine.service import Service
from registry.values import NEW
from storage import direct, prepared
from storage.looking.state import in_doubt, waiting
from storage.mailing.window import MailWindow
from storage.sealing import new_ring
from storage.store import SqlStore, open_store
from tests.integration.stored import ANN
from tests.office import PEOPLE, actor, office
from tests.registers import CHECK_IN, COLLECT, Shelf, compiled
from workflows import Catalogue

NOW = dt.datetime(2026, 11, 4, 16, 0, tzinfo=dt.UTC)
SHORT = {"people", "messages", "definitions", "meta", "case_numbers", "register_numbers", "json_each", "CONSTANT"}
"""Tables that do not grow with the years, or whose rows go once they are done."""
WAITING = {"ix_outbox_lane", "ix_outbox_lease_until_pending"}
"""Indexes of what has not left yet."""


@pytest.fixture
def store(sqlite_with_tables: str) -> Iterator[SqlStore]:
    window = MailWindow(ZoneInfo("America/Chicago"), weekly=frozenset({"data_owner"}))
    store = open_store(sqlite_with_tables, new_ring(), create=True, window=window)
    for person in PEOPLE.values():
        store.save_person(person)
    yield store
    store.close()


def test_nothing_that_grows_is_read_through(store: SqlStore) -> None:
    sent: dict[str, Any] = {}
    event.listen(store.base.engine, "before_cursor_execute",
                 lambda *told: sent.setdefault(told[2], told[3][0] if told[5] else told[3]))  # fmt: skip
    correction(Service(store, Catalogue(), lambda people: office()))
    check_ins(Service(store, Shelf(compiled(CHECK_IN), compiled(COLLECT)), lambda people: office()), store)
    with store.base.reading() as connection:
        found = {words: read_through(connection, words, given) for words, given in sent.items()}
    assert len(found) > 40
    assert {words: tables for words, tables in found.items() if tables} == {}


def test_how_mail_stands_is_seen_without_reading_all_that_ever_left(store: SqlStore) -> None:
    sent: dict[str, Any] = {}
    event.listen(store.base.engine, "before_cursor_execute", lambda *told: sent.setdefault(told[2], told[3]))
    assert (in_doubt(store.base), waiting(store.base, NOW).mails, store.views.in_doubt(50)) == (0, 0, ())
    with store.base.reading() as connection:
        found = {words: read_through(connection, words, given) for words, given in sent.items()}
    assert sum("uncertain" in words for words in found) == 2
    assert {words: tables for words, tables in found.items() if tables} == {}


def correction(service: Service) -> None:
    """From a parent's request to the reminders of those who were asked."""
    facts: dict[str, FactValue] = {"received_on": dt.date(2026, 11, 4), "item": "A date"}
    case = service.start("correction_request", facts, {"parent": Contact("Pat", "pat@home.example")}, actor("cus"), NOW)
    answers: dict[str, FactValue] = {"requester_kind": "parent", "identity_ok": True, "data_owner": "dan",
                                     "right_value": "2012-03-04", "where_seen": "gradebook"}
    service.complete_task(case.tasks[0].id, "complete", answers, actor("cus"), NOW)
    for days in range(1, 30, 7):
        service.tick(NOW + dt.timedelta(days=days))
        service.advance(NOW + dt.timedelta(days=days))


def check_ins(service: Service, store: SqlStore) -> None:
    """Agreements that are entered, and the cases that their schedules start."""
    with store.begin() as unit:
        writer = unit.register_writer(ANN, NOW, "import")
        for number in range(3):
            writer.enter({"operator": "Acme Learning", "product": f"Maths {number}", "type": "vendor_dpa",
                          "signed_on": dt.date(2024, 3, 1)}, agreement=NEW)  # fmt: skip
        writer.flush()
        service.plan(unit, writer.touched, NOW)
    service.tick(NOW + dt.timedelta(days=40))


def read_through(connection: Connection, words: str, given: Any) -> set[str]:
    """The tables that a statement reads from end to end."""
    if not words.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
        return set()
    plan = connection.connection.cursor().execute(f"EXPLAIN QUERY PLAN {words}", given)
    scanned = (re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", row[3]) for row in plan)
    return {match[1] for match in scanned if match and match[2] not in WAITING} - SHORT


@pytest.mark.parametrize(("statement", "its"), [
    (prepared.BRIEF_OF_DAY, {"its_recipient": "person:ann", "its_day": "2026-11-04"}),
    (prepared.LINE_SINCE, {"its_recipient": "person:ann", "its_case": "2026-0001", "its_task": "1", "since": "2026"}),
])  # fmt: skip
def test_a_brief_is_found_among_those_of_its_day(store: SqlStore, statement: Any, its: Mapping[str, object]) -> None:
    asked: list[tuple[str, Any]] = []
    event.listen(store.base.engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
    with store.base.reading() as connection:
        direct.read(connection, statement, its)
        words, given = asked[-1]
        plan = connection.connection.cursor().execute(f"EXPLAIN QUERY PLAN {words}", given).fetchall()
    assert any("SEARCH outbox" in row[3] and "step=? AND occurrence" in row[3] for row in plan)
