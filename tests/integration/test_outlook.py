"""What is near and what waits, over all cases, on both databases; and the officer's brief that opens a week."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.model.case import Case
from engine.model.messages import Decision, Event
from storage.store import SqlStore
from tests.integration.stored import ANN, NOW, TODAY, clock, new_case, opened, task

ADA = "person:ada"


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    with opened(database_url) as store:
        yield store


def case_with(store: SqlStore, legal: dt.date | None = None, status: str = "running", **of_task: object) -> Case:
    with store.begin() as unit:
        number = unit.new_case_id(TODAY)
        one = replace(task(number), **of_task)  # type: ignore[arg-type]
        clocks = {"district_fix": replace(clock(), legal=legal, status=status)}  # type: ignore[arg-type]
        case = replace(new_case(number), tasks=(one,), clocks=clocks)
        unit.keep(None, Decision(case, (), (Event("case_started"),)), ANN, NOW)
    return case


def test_the_running_legal_dates_up_to_a_day_come_earliest_first(store: SqlStore) -> None:
    late, near = case_with(store, TODAY - dt.timedelta(days=3)), case_with(store, TODAY + dt.timedelta(days=7))
    case_with(store, TODAY + dt.timedelta(days=8))
    case_with(store, TODAY, status="satisfied")
    case_with(store, None)
    with store.read() as unit:
        found = unit.running_until(TODAY + dt.timedelta(days=7))
    assert found == ((late.id, "district_fix"), (near.id, "district_fix"))


def test_what_waits_for_others_comes_by_its_target_and_what_has_none_last(store: SqlStore) -> None:
    none = case_with(store, due=None)
    second, first = case_with(store, due=dt.date(2026, 12, 2)), case_with(store, due=dt.date(2026, 12, 1))
    case_with(store, assignees=("ada", "bob"))
    case_with(store, offered=True)
    case_with(store, outcome="done", done_by="Ann", done_at=NOW)
    with store.read() as unit:
        assert unit.waiting("ada", 10) == tuple((case.id, f"{case.id}-1") for case in (first, second, none))
        assert unit.waiting("ada", 1) == ((first.id, f"{first.id}-1"),)


def test_what_is_offered_to_a_party_counts_while_a_clock_of_its_case_runs(store: SqlStore) -> None:
    chased = case_with(store, TODAY, offered=True, party="parent", role=None, assignees=())
    case_with(store, TODAY, status="satisfied", offered=True, party="parent", role=None, assignees=())
    case_with(store, TODAY, party="parent", role=None, assignees=())
    with store.read() as unit:
        assert unit.chased(10) == ((chased.id, f"{chased.id}-1"),)


def test_a_week_is_opened_once_for_each_reader_and_empty(store: SqlStore) -> None:
    for _ in range(2):
        store.outbox.open_week([ADA, "person:bob"], NOW)
    rows = sorted((row.recipient, row.occurrence, row.state) for row in store.views.outbox())
    assert rows == [(ADA, "2026-11-30", "queued"), ("person:bob", "2026-11-30", "queued")]
    (row, _) = store.outbox.claim(dt.datetime(2026, 11, 30, 13, 30, tzinfo=dt.UTC), 10)
    assert store.outbox.brief_lines(row) == () and store.outbox.opens_week(row)
    store.outbox.open_week([ADA], dt.datetime(2026, 11, 30, 13, 31, tzinfo=dt.UTC))
    assert [row.occurrence for row in store.views.outbox() if row.recipient == ADA] == ["2026-12-07", "2026-11-30"]
