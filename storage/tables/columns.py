"""What all tables are made with: names of constraints, types that both databases know, indexes of what waits."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Date, DateTime, Index, MetaData, String, text
from sqlalchemy.ext.compiler import compiles
from sqlmodel import SQLModel

SQLModel.model_config["defer_build"] = True  # nobody has a row validated: what that needs is not made at start
METADATA: MetaData = SQLModel.metadata
METADATA.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


# SQLite's STRICT tables know five types only; these compile to them wherever DDL is written, migrations too.
@compiles(String, "sqlite")
@compiles(DateTime, "sqlite")
@compiles(Date, "sqlite")
def _as_text(*_: Any, **__: Any) -> str:
    return "TEXT"


@compiles(Boolean, "sqlite")
def _as_integer(*_: Any, **__: Any) -> str:
    return "INTEGER"


# A condition of an index is given for SQLite alone: to name PostgreSQL loads all that SQLAlchemy knows of it.
# `storage.dialects.with_conditions` gives it to both.


def pending(table: str, column: str, *more: str) -> Index:
    """An index of the rows that still wait, so that a poll reads one leaf whatever has been done before."""
    where = text(f"{column} IS NOT NULL")
    return Index(f"ix_{table}_{column}_pending", column, *more, sqlite_where=where)


def only_where(name: str, where: str, *columns: str) -> Index:
    """An index of the few rows for which something is still to come."""
    return Index(name, *columns, sqlite_where=text(where))


def unique_where(name: str, where: str, *columns: str) -> Index:
    return Index(name, *columns, unique=True, sqlite_where=text(where))


def args(*constraints: Any) -> tuple[Any, ...]:
    return (*constraints, {"sqlite_strict": True})
