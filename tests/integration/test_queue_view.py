"""The queue reads straight from the database: legal dates first, without the libraries of the store."""

from __future__ import annotations

import datetime as dt
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from engine.errors import WrongEnvironment
from engine.model.case import Case, Clock, Task
from engine.model.messages import Decision, Event, HideTask
from engine.model.office import Person
from storage.looking.hints import person as person_of
from storage.looking.hints import takes_part
from storage.looking.queue import QueueRow, View, asking, open_queue_rows, snoozed_count
from storage.store import SqlStore
from storage.tables import CASES, CLOCKS, DEFINITIONS
from tests.integration.stored import ANN, NOW, TODAY, change, clock, new_case, opened, start, task
from workflows import Catalogue


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    with opened(database_url) as store:
        yield store


@pytest.fixture
def rows(store: SqlStore, database_url: str) -> list[QueueRow]:
    """Three cases: the second has the earliest legal date, the third no clock at all."""
    store.save_person(Person("ann", "Ann Lee", "ann@d.org", frozenset({"custodian"})))
    start(store)
    _start(store, legal=dt.date(2026, 11, 20))
    _start(store, legal=None)
    return open_queue_rows(database_url, View(TODAY))


def _start(store: SqlStore, legal: dt.date | None) -> None:
    with store.begin() as unit:
        case = new_case(unit.new_case_id(TODAY))
        clocks = {"district_fix": replace(clock(), legal=legal)} if legal else {}
        task = replace(case.tasks[0], due=dt.date(2026, 12, 3))
        case = replace(case, process="other", clocks=clocks, tasks=(task,))
        unit.keep(None, Decision(case, (), (Event("case_started"),)), ANN, NOW)


def test_legal_dates_come_first_and_what_has_none_last(rows: list[QueueRow]) -> None:
    assert [(row.case_id, row.legal) for row in rows] == [
        ("2026-0002", dt.date(2026, 11, 20)),
        ("2026-0001", dt.date(2027, 2, 1)),
        ("2026-0003", None),
    ]


def test_a_row_says_who_what_and_by_when(rows: list[QueueRow]) -> None:
    row = rows[1]
    assert (row.task, row.task_title, row.role) == ("verify", "Verify parent and request", "custodian")
    assert row.assignees == (("ann", "Ann Lee"), ("bob", "bob"))
    assert (row.due, row.target) == (dt.date(2026, 12, 1), dt.date(2027, 1, 29))
    assert [(found.name, found.rule) for found in row.clocks] == [("district_fix", "R-CORR-DISTRICT")]


@pytest.mark.parametrize(
    ("wish", "cases"),
    [
        ({"process": "other"}, ["2026-0002", "2026-0003"]),
        ({"person": "eve"}, []),
        ({"person": "bob", "role": "custodian", "limit": 1}, ["2026-0002"]),
        ({"role": "privacy"}, []),
        ({"overdue": True}, ["2026-0002"]),
    ],
)
@pytest.mark.usefixtures("rows")
def test_the_queue_is_narrowed(database_url: str, wish: dict[str, object], cases: list[str]) -> None:
    found = open_queue_rows(database_url, View(TODAY, **wish))  # type: ignore[arg-type]
    assert [row.case_id for row in found] == cases


_SORTED_EACH_TIME = """
    WITH duties AS (
        SELECT case_id, MIN(legal) AS legal, MIN(target) AS target FROM clocks
        WHERE status = 'running' AND name NOT IN ('window_one', 'window_two') GROUP BY case_id),
    asked AS (SELECT case_id, MIN(due) AS due FROM tasks WHERE outcome IS NULL AND present AND NOT offered
        GROUP BY case_id)
    SELECT c.id, t.id FROM cases c
    LEFT JOIN tasks t ON t.case_id = c.id AND t.outcome IS NULL AND t.present AND NOT t.offered
    LEFT JOIN duties d ON d.case_id = c.id
    LEFT JOIN asked a ON a.case_id = c.id
    WHERE c.ended_at IS NULL OR t.id IS NOT NULL
    ORDER BY COALESCE(d.legal, {never}), {least}(COALESCE(a.due, {never}), COALESCE(d.target, {never})), c.id,
        COALESCE(t.due, {never}), t.id"""
"""The queue without the dates that stand on the case: what it must not differ from."""


def _all_kinds_of_cases(store: SqlStore, chance: random.Random) -> None:
    """Cases with few different dates, so that many are alike in some of them; each is changed once or twice."""
    for _ in range(60):
        case = start(store)
        for _ in range(chance.randint(1, 2)):
            ended = NOW if chance.random() < 0.3 else None
            news = {"tasks": _any_tasks(chance, case), "clocks": _any_clocks(chance, case), "ended_at": ended}
            case = change(store, case, now=NOW, **news)


def _any_tasks(chance: random.Random, case: Case) -> tuple[Task, ...]:
    """Those it had are left behind."""
    numbers = range(10 * case.revision, 10 * case.revision + chance.randint(0, 3))
    return tuple(replace(task(case.id, number), due=_any_day(chance), offered=chance.random() < 0.3,
                         role=chance.choice(["custodian", "privacy"]), assignees=(chance.choice(["ann", "bob"]),),
                         outcome="done" if chance.random() < 0.3 else None) for number in numbers)


def _any_clocks(chance: random.Random, case: Case) -> dict[str, Clock]:
    """Of the clocks it has the generation stays or grows."""
    names = {*case.clocks, *chance.sample(["one", "two", "window_one", "window_two"], 2)}
    return {name: replace(case.clocks.get(name, clock()), name=name, legal=_any_day(chance), target=_any_day(chance),
                          status=chance.choice(["running", "running", "satisfied", "void"]),
                          is_window=name.startswith("window")) for name in names}


def _any_day(chance: random.Random) -> dt.date | None:
    return chance.choice([None, *(TODAY + dt.timedelta(days=days) for days in range(-1, 3))])


@pytest.mark.parametrize("seed", range(3))
def test_the_queue_is_as_it_was_when_the_database_sorted_it_each_time(
    store: SqlStore, database_url: str, seed: int
) -> None:
    _all_kinds_of_cases(store, random.Random(seed))
    with asking(database_url) as ask:
        least = "MIN" if ask.mark == "?" else "LEAST"
        sorted_each_time = ask(_SORTED_EACH_TIME.format(never=ask.never, least=least))
    rows = open_queue_rows(database_url, View(TODAY))
    assert len(rows) > 30 and [(row.case_id, row.task_id) for row in rows] == sorted_each_time
    assert open_queue_rows(database_url, View(TODAY, limit=10)) == rows[:10]
    for person, role in product(("ann", None), ("privacy", None)):
        mine = [row for row in rows if (person is None or person in dict(row.assignees)) and role in (None, row.role)]
        late = [row for row in mine if row.is_overdue(TODAY)]
        assert open_queue_rows(database_url, View(TODAY, person=person, role=role)) == mine
        assert open_queue_rows(database_url, View(TODAY, person=person, role=role, overdue=True)) == late


def test_the_migration_gives_each_case_the_dates_that_the_store_gives_it(store: SqlStore) -> None:
    _all_kinds_of_cases(store, random.Random(7))
    dates = select(CASES.c.id, CASES.c.next_legal, CASES.c.next_target).order_by(CASES.c.id)
    windows = select(CLOCKS.c.case_id, CLOCKS.c.name, CLOCKS.c.is_window).order_by(CLOCKS.c.case_id, CLOCKS.c.name)
    labels = json.dumps({"window_one": {"window": True}, "window_two": {"window": True}, "one": {"window": False}})
    with store.base.writing() as connection:
        kept = [connection.execute(wanted).all() for wanted in (dates, windows)]
        row = {"process": "correction_request", "version": 1, "hash": "h", "title": "", "labels": labels, "source": ""}
        connection.execute(insert(DEFINITIONS).values(**row))
        connection.execute(update(CASES).values(next_legal=None, next_target=None))
        connection.execute(update(CLOCKS).values(is_window=False))
        import_module("storage.migrations.versions.0012_dates_of_the_queue").fill(connection)
        import_module("storage.migrations.versions.0036_in_order").fill(connection)
        assert [connection.execute(wanted).all() for wanted in (dates, windows)] == kept


def test_a_day_that_our_agreement_sets_is_no_legal_date(store: SqlStore, database_url: str) -> None:
    fix = Catalogue().newest("operator_fix")
    with store.begin() as unit:
        unit.adopt(fix, lambda definition: "")
        case = new_case(unit.new_case_id(TODAY))
        ours = replace(clock(), name="operator_fix", length=30, legal=TODAY - dt.timedelta(days=1), agreed=None)
        case = replace(case, process=fix.process, version=fix.version, clocks={"operator_fix": ours})
        unit.keep(None, Decision(case, (), (Event("case_started"),)), ANN, NOW)
    start(store)
    (first, second) = open_queue_rows(database_url, View(TODAY))
    assert (first.legal, first.agreement, first.is_overdue(TODAY)) == (None, ours.legal, True)
    assert (second.legal, second.agreement) == (clock().legal, None)
    assert open_queue_rows(database_url, View(TODAY, overdue=True)) == [first]


def test_a_case_that_asks_nobody_is_still_seen(store: SqlStore, database_url: str) -> None:
    change(store, start(store), tasks=())
    (row,) = open_queue_rows(database_url, View(TODAY))
    assert row.task_id is None and row.legal == dt.date(2027, 2, 1)


def test_a_case_that_ended_is_not(store: SqlStore, database_url: str) -> None:
    ended = {"district_fix": replace(clock(), status="satisfied")}
    change(store, start(store), tasks=(), clocks=ended, ended_at=NOW, outcome="fixed")
    assert open_queue_rows(database_url, View(TODAY)) == []


def test_the_path_to_the_queue_loads_neither_orm_nor_cryptography() -> None:
    heavy = ("sqlalchemy", "sqlmodel", "alembic", "cryptography", "pydantic", "psycopg")
    program = f"import sys, storage.looking.queue; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "soppa.sqlite"
    with pytest.raises(WrongEnvironment, match="there is no database"):
        open_queue_rows(path, View(TODAY))
    path.touch(mode=0o600)
    with pytest.raises(WrongEnvironment, match="no tables of soppa: make them with soppa init"):
        open_queue_rows(path, View(TODAY))
    path.write_bytes(b"This is no database, but it is long enough to be looked at." * 20)
    with pytest.raises(WrongEnvironment, match="cannot be read"):
        open_queue_rows(path, View(TODAY))
    path.chmod(0o644)
    with pytest.raises(WrongEnvironment, match="chmod 600"):
        open_queue_rows(path, View(TODAY))


# --- snoozed ---------------------------------------------------------------------------------------------------------

LATER = dt.date(2026, 11, 30)
"""Before the task's target, Dec 1."""


def _hide(store: SqlStore, case: Case, until: dt.date | None = LATER, person: str = "ann", **how: bool) -> Case:
    return change(store, case, HideTask(case.tasks[0].id, case.tasks[0].generation, person, until, **how))


def _seen(url: str, login: str | None = "ann", today: dt.date = TODAY, **wish: bool) -> list[dt.date | None]:
    return [row.snoozed_until for row in open_queue_rows(url, View(today, login, **wish))]  # type: ignore[arg-type]


@pytest.fixture
def case(store: SqlStore) -> Case:
    for name in ("ann", "bob"):
        store.save_person(Person(name, name.title(), f"{name}@d.org", frozenset({"custodian"}), login=name))
    return start(store)


def test_what_is_snoozed_is_out_of_ones_own_queue_only(store: SqlStore, database_url: str, case: Case) -> None:
    _hide(store, case)
    assert _seen(database_url) == []
    assert _seen(database_url, "bob") == _seen(database_url, None) == [None]
    assert _seen(database_url, snoozed=True) == [LATER]
    assert (snoozed_count(database_url, TODAY, "ann"), snoozed_count(database_url, TODAY, "bob")) == (1, 0)


def test_it_is_back_on_its_day_and_when_its_reader_says_so(store: SqlStore, database_url: str, case: Case) -> None:
    case = _hide(store, case)
    assert _seen(database_url, today=LATER - dt.timedelta(days=1)) == []
    assert _seen(database_url, today=LATER) == [None]
    _hide(store, case, None)
    assert _seen(database_url) == [None] and _seen(database_url, snoozed=True) == []


def test_a_date_that_moved_before_brings_it_back_unless_it_was_said(
    store: SqlStore, database_url: str, case: Case
) -> None:
    case = _hide(store, case)
    sooner = replace(case.tasks[0], due=TODAY)
    assert _seen(database_url) == []
    case = change(store, case, tasks=(sooner,))
    assert _seen(database_url) == [LATER]
    _hide(store, case, past_date=True)
    assert _seen(database_url) == []


def test_so_does_a_legal_date_of_its_case(store: SqlStore, database_url: str, case: Case) -> None:
    change(store, _hide(store, case), clocks={"district_fix": replace(clock(), legal=TODAY)})
    assert _seen(database_url) == [LATER]


def test_a_task_that_went_to_another_is_not_the_one_that_was_snoozed(
    store: SqlStore, database_url: str, case: Case
) -> None:
    change(store, _hide(store, case), tasks=(replace(case.tasks[0], generation=2),))
    assert _seen(database_url) == [None] and snoozed_count(database_url, TODAY, "ann") == 0


def test_mine_is_what_waits_for_whoever_looks(store: SqlStore, database_url: str, case: Case) -> None:
    change(store, case, tasks=(replace(case.tasks[0], assignees=("bob",)),))
    assert _seen(database_url, mine=True) == [] and _seen(database_url, "bob", mine=True) == [None]


def test_who_takes_part_in_a_case_is_told_by_its_tasks(store: SqlStore, database_url: str) -> None:
    """Case 1 was begun by ann and asks ann and bob, as custodians."""
    store.save_person(Person("bob", "Bob Ray", "bob@d.org", frozenset({"staff"}), login="bray"))
    case = start(store).id
    parts = {person: takes_part(database_url, person, roles, [case]) == {case} for person, roles in (
        ("ann", ()), ("bob", ()), ("eve", ()), ("cem", ("custodian",)), ("dan", ("staff", "legal")))}
    assert parts == {"ann": True, "bob": True, "eve": False, "cem": True, "dan": False}
    assert person_of(database_url, "bray") == ("bob", frozenset({"staff"}))
    assert person_of(database_url, "nobody") is None
