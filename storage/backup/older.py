"""The tables of a database of another schema than this program's: their names and columns as the database has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Date, DateTime, Integer, LargeBinary, MetaData, Table, inspect
from sqlalchemy.types import TypeEngine

from storage.backup.rows import TYPES
from storage.tables import METADATA

_NOT_KEPT = {"alembic_version"}
_KINDS = ((Boolean, "yes_no"), (Integer, "number"), (LargeBinary, "bytes"), (DateTime, "instant"), (Date, "date"))


def tables_there(connection: Connection) -> Sequence[Table]:
    """In an order in which each stands after those that it names. What SQLite knows only as text is taken for what this
    program's tables say of it."""
    found, made = inspect(connection), MetaData()
    for name, _ in found.get_sorted_table_and_fkc_names():
        if name is not None and name not in _NOT_KEPT:
            keys = set(found.get_pk_constraint(name)["constrained_columns"])
            columns = [_column(name, each, each["name"] in keys) for each in found.get_columns(name)]
            Table(name, made, *columns)
    return list(made.tables.values())


def _column(table: str, said: Any, is_key: bool) -> Column[Any]:
    return Column(said["name"], _type(table, str(said["name"]), said["type"]), primary_key=is_key)


def _type(table: str, column: str, said: TypeEngine[Any]) -> TypeEngine[Any]:
    known = METADATA.tables.get(table)
    if known is not None and column in known.c:
        return known.c[column].type
    return TYPES[next((kind for its, kind in _KINDS if isinstance(said, its)), "text")]
