"""What SQLAlchemy knows of each database, loaded for the one that is used: PostgreSQL's part takes two megabytes."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from sqlalchemy import MetaData, Table
from sqlalchemy.dialects import registry
from sqlalchemy.engine import Dialect

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql.psycopg"}


@cache
def dialect_of(kind: str) -> Dialect:
    return registry.load(_DRIVERS[kind])()  # type: ignore[no-any-return]


def insert_into(kind: str, table: Table) -> PostgresInsert | SqliteInsert:
    """An INSERT that knows ON CONFLICT."""
    return import_module(f"sqlalchemy.dialects.{kind}").insert(table)  # type: ignore[no-any-return]


def with_conditions(tables: MetaData) -> MetaData:
    """The same tables, which tell PostgreSQL too of which rows their indexes are: only migrations ask for that."""
    for index in (index for table in tables.tables.values() for index in table.indexes):
        index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]
    return tables
