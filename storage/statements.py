"""Statements that both databases write alike but SQLAlchemy does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, text

from storage import direct, prepared
from storage.dialects import insert_into

_ONLY_ONE = 7_260_828
_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:kind, hashtext(:what))")


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts the rows whose unique key is not there yet, and leaves the others as they are."""
    direct.write_all(connection, prepared.new(connection.dialect.name, table), rows)


def only_one(connection: Connection, what: str) -> bool:
    """Whether no other transaction at work has asked the same; on SQLite there is no other. Waits for nobody."""
    if connection.dialect.name == "sqlite":
        return True
    return bool(connection.scalar(_TRY_LOCK, {"kind": _ONLY_ONE, "what": what}))


def put(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Inserts a row, or writes its columns over the one with the same primary key."""
    keys = [column.name for column in table.primary_key]
    news = {name: value for name, value in row.items() if name not in keys}
    statement = insert_into(connection.dialect.name, table).values(**row)
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=news))
