"""What is sent by the driver itself is what SQLAlchemy would have sent, on both databases."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Select, bindparam, insert, literal, select
from sqlalchemy.exc import IntegrityError

from storage import direct, prepared
from storage.lists import among
from storage.register import BY_AGREEMENT
from storage.store import SqlStore
from storage.tables import CASE_NUMBERS, CASES
from tests.integration.stored import opened, start

READ = {
    "a case": (prepared.CASE, "its_id"), "its tasks": (prepared.PRESENT_TASKS, "its_case"),
    "its clocks": (prepared.PRESENT_CLOCKS, "its_case"), "its history": (prepared.HISTORY_HEAD, "its_case"),
}  # fmt: skip


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    with opened(database_url) as store:
        yield store


@pytest.mark.parametrize("what", READ)
def test_rows_have_the_values_that_sqlalchemy_gives(store: SqlStore, what: str) -> None:
    statement, name = READ[what]
    its = {name: start(store).id}
    with store.base.reading() as connection:
        expected = [dict(row) for row in connection.execute(statement, its).mappings()]
        assert expected and direct.read(connection, statement, its) == expected
        assert direct.first(connection, statement, its) == expected[0]


def test_what_is_not_there_is_none(store: SqlStore) -> None:
    with store.base.reading() as connection:
        assert direct.scalar(connection, prepared.CASE, {"its_id": "2020-0001"}) is None


def test_an_error_of_the_driver_comes_as_sqlalchemy_tells_it_and_undoes_all(store: SqlStore) -> None:
    row = {"year": 2031, "last": 1}
    with pytest.raises(IntegrityError), store.base.engine.begin() as connection:
        direct.write_all(connection, insert(CASE_NUMBERS), [row, row])
    with store.base.reading() as connection:
        years = select(CASE_NUMBERS.c.year).where(CASE_NUMBERS.c.year == 2031)
        assert direct.read(connection, years, {}) == []


def test_an_hour_that_comes_twice_is_two_instants(store: SqlStore) -> None:
    """In a zone whose clocks are put back its two moments are equal to Python."""
    first = dt.datetime(2028, 11, 5, 1, 30, tzinfo=ZoneInfo("America/Chicago"))
    instant = CASES.c.started_at.type
    same = select(literal(1)).where(bindparam("its_one", type_=instant) == bindparam("its_other", type_=instant))
    with store.base.reading() as connection:
        others = [first, first.astimezone(dt.UTC), first.replace(fold=1)]
        found = [direct.scalar(connection, same, {"its_one": first, "its_other": other}) for other in others]
    assert found == [1, 1, None]


def test_a_statement_with_a_list_of_its_own_is_refused(store: SqlStore) -> None:
    some = select(CASES.c.id).where(CASES.c.id.in_(bindparam("its_cases", expanding=True)))
    with store.base.reading() as connection, pytest.raises(TypeError):
        direct.read(connection, some, {"its_cases": ["2026-0001"]})


@pytest.mark.parametrize(("statement", "tables"), [
    (prepared.TASKS_OF_SOME, ["tasks"]), (BY_AGREEMENT, ["agreements", "products", "operators"]),
])  # fmt: skip
def test_a_list_is_looked_up_by_an_index(sqlite_with_tables: str, statement: Select[Any], tables: list[str]) -> None:
    """However much there is besides: nothing is read through."""
    with opened(sqlite_with_tables) as store, store.base.reading() as connection:
        words = str(statement.compile(connection))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", (json.dumps(["2026-0001"]),)).all()
    said = [row.detail.split(" ")[:2] for row in plan]
    assert [table for word, table in said if word == "SEARCH"] == tables
    assert [table for word, table in said if word == "SCAN"] == ["json_each"]


@pytest.mark.parametrize("others", [0, 1, 600])
def test_a_list_may_have_any_length_and_hold_any_words(store: SqlStore, others: int) -> None:
    odd = ["""it's "a" [b], {c} \\ ñ %s""", *(f"x{number}" for number in range(others))]
    ids = [start(store).id for _ in range(2)]
    by_words, by_number = select(CASES.c.id).where(among(CASES.c.id, "its")), among(CASE_NUMBERS.c.year, "its")
    with store.base.reading() as connection:
        assert direct.read(connection, by_words, {"its": []}) == []
        assert direct.read(connection, by_words.order_by(CASES.c.id), {"its": [*odd, *ids]}) == [
            {"id": name} for name in ids
        ]
        assert connection.scalars(by_words, {"its": [*odd, ids[1]]}).all() == [ids[1]]
        assert direct.scalar(connection, select(literal(1)).where(by_number), {"its": [1, 2, *range(others)]}) is None
        assert direct.scalar(connection, select(literal(1)).where(by_number), {"its": [*range(others), 2026]}) == 1
