"""Seals over all histories: what has grown is listed once, and a change is told by the case and its line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from storage.chains import seals
from storage.sealing import new_ring
from storage.store import SqlStore, open_store
from tests.acceptance.test_main_job import START, VERIFIED, House


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    opened = open_store(database_url, new_ring(), create=True)
    yield opened
    opened.close()


def number(store: SqlStore, days: int) -> str:
    return (store.outbox.seal(START + dt.timedelta(days=days)) or "none").partition(",")[0]


def test_a_seal_is_made_when_a_history_has_grown_and_not_otherwise(store: SqlStore) -> None:
    assert number(store, 0) == "none"
    house = House(store)
    assert [number(store, 1), number(store, 2)] == ["1", "1"]
    house.answer(3, "verify", "complete", "cus", VERIFIED)
    assert [number(store, 4), number(store, 5)] == ["2", "2"]
    assert list(store.views.verify_seals()) == []


def test_what_grows_while_histories_are_read_is_in_the_next_seal(store: SqlStore) -> None:
    house = House(store)
    with store.base.reading() as connection:
        heads = seals.grown(connection)
    house.answer(3, "verify", "complete", "cus", VERIFIED)
    with store.base.writing() as connection:
        first = seals.seal(connection, heads, START + dt.timedelta(days=3))
    assert first is not None and first.number == 1
    assert [number(store, 3), number(store, 4)] == ["2", "2"]
    with store.base.reading() as connection:
        assert {seq for _, seq in seals.chain(connection)[1]} >= {head[1] for head in seals.grown(connection)}


def test_a_changed_line_is_told_although_its_own_chain_was_made_anew(store: SqlStore) -> None:
    house = House(store)
    number(store, 1)
    with store.base.engine.begin() as connection:
        for trigger in ("history_no_update", "history_no_delete"):
            on = " ON history" if connection.dialect.name == "postgresql" else ""
            connection.execute(text(f"DROP TRIGGER {trigger}{on}"))
        connection.execute(text("UPDATE history SET hash = 'other' WHERE case_id = :id"), {"id": house.id})
    (wrong,) = store.views.verify_seals()
    assert wrong.startswith(f"case {house.id}: line ")
    assert wrong.endswith("is not as it was sealed")


@pytest.mark.parametrize("statement", ["UPDATE seals SET hash = 'x'", "DELETE FROM seals"])
def test_a_seal_cannot_be_changed_or_taken_away(store: SqlStore, statement: str) -> None:
    House(store)
    number(store, 1)
    with pytest.raises(DBAPIError, match="append-only"), store.base.engine.begin() as connection:
        connection.execute(text(statement))
