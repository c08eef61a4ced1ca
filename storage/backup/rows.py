"""Rows of any table as JSON, alike for both kinds of database: a backup of one can be restored into the other."""

from __future__ import annotations

import datetime as dt
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Boolean, Column, Date, Integer, LargeBinary, TableClause, column, table
from sqlalchemy.types import TypeEngine

from storage.tables import CASES

TYPES: Mapping[str, TypeEngine[Any]] = {
    "text": CASES.c.id.type,
    "instant": CASES.c.started_at.type,
    "bytes": LargeBinary(),
    "yes_no": Boolean(),
    "number": Integer(),
    "date": Date(),
}
_KINDS = {type(CASES.c.sealed.type): "bytes", **{type(kind): name for name, kind in TYPES.items()}}

_Convert = Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


_PACK: Mapping[str, _Convert] = {
    "instant": lambda value: value.astimezone(dt.UTC).isoformat(),
    "bytes": lambda value: b64encode(value).decode(),
    "date": lambda value: value.isoformat(),
}
_UNPACK: Mapping[str, _Convert] = {
    "instant": dt.datetime.fromisoformat,
    "bytes": b64decode,
    "date": dt.date.fromisoformat,
}


def kind_of(its: Column[Any]) -> str:
    """How the values of a column are written; each type that our tables use has one way."""
    return _KINDS[type(its.type)]


def packing(kinds: Sequence[str]) -> Callable[[Sequence[Any]], list[Any]]:
    """From a row, in the order of these kinds, to values that JSON knows."""
    ways = [_PACK.get(kind, _same) for kind in kinds]
    return lambda row: [None if value is None else way(value) for way, value in zip(ways, row, strict=True)]


def unpacking(columns: Sequence[tuple[str, str]]) -> Callable[[Sequence[Any]], dict[str, Any]]:
    """From what `packing` made back to values, by the names of (name, kind)."""
    ways = [(name, _UNPACK.get(kind, _same)) for name, kind in columns]
    return lambda row: {
        name: None if value is None else way(value) for (name, way), value in zip(ways, row, strict=True)
    }


def table_of(name: str, columns: Sequence[tuple[str, str]]) -> TableClause:
    """A table as a backup describes it, which may be one of an older schema."""
    return table(name, *(column(each, TYPES[kind]) for each, kind in columns))
