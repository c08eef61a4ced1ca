"""A batch of one transaction: what one of it has found serves the others, but for what was rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from engine.errors import UsageError
from engine.model.case import Case
from engine.model.messages import Decision, Event, Notify
from storage.mailing.briefs import lines_of
from storage.store import SqlStore
from storage.tables import HISTORY, OUTBOX
from storage.unit import SqlUnit
from tests.integration.stored import ANN, NOW, TODAY, load, new_case, opened, start

LINE = Notify("person:ann", "reminder", "district_fix", "Correct it", 3, TODAY, legal=True)
SICK = (0, 3, 4, 9)
"""The first of all, one after a well one, one after a sick one, the last."""


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    with opened(database_url) as store:
        yield store


def test_what_is_sick_is_undone_alone_wherever_it_stands(store: SqlStore) -> None:
    with store.begin() as unit:
        cases = [_one(unit, is_sick=number in SICK) for number in range(10)]
        unit.set_high_water(NOW)
    kept = [case for case in cases if case is not None]
    with store.base.reading() as connection:
        (brief,) = connection.scalars(select(OUTBOX.c.id)).all()
        lines = lines_of(connection, store.base.ring, brief)
        assert connection.scalar(select(func.count()).select_from(HISTORY)) == len(kept) == 6
    assert sorted(line.case_id for line in lines) == [case.id for case in kept]
    assert store.high_water() == NOW and [load(store, case.id) for case in kept] == kept


def test_a_history_goes_on_after_its_last_line_whatever_was_undone_in_between(store: SqlStore) -> None:
    case = start(store)
    with store.begin() as unit:
        for number, is_sick in enumerate((False, True, False), 2):
            before = unit.case(case.id)
            after = replace(before, revision=before.revision + 1)
            _kept_unless(unit, before, Decision(after, (), (Event("noted", {"count": str(number)}),)), is_sick)
    assert store.views.verify_history(case.id) == []
    assert [line.detail.get("count") for line in store.views.history(case.id)] == [None, "2", "4"]


def _one(unit: SqlUnit, *, is_sick: bool) -> Case | None:
    decision = Decision(new_case(unit.new_case_id(TODAY)), (LINE,), (Event("case_started"),))
    return decision.case if _kept_unless(unit, None, decision, is_sick) else None


def _kept_unless(unit: SqlUnit, before: Case | None, decision: Decision, is_sick: bool) -> bool:
    try:
        with unit.savepoint():
            unit.keep(before, decision, ANN, NOW)
            if is_sick:
                raise UsageError("sick")
    except UsageError:
        return False
    return True


def test_none_stands_within_another(store: SqlStore) -> None:
    with store.begin() as unit, unit.savepoint(), pytest.raises(RuntimeError), unit.savepoint():
        pass
