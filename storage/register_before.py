"""The register as it was before an answer: what is kept of the entries that it changes, and whether they may be put
back."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from registry.values import Record
from storage.chains.register_history import heads, lines_after
from storage.register import TABLES, read_record
from storage.rows import Row, pack_fact, unpack_fact
from storage.sealing import Ring

Entries = Sequence[tuple[str, int, Mapping[str, object]]]
"""Of each entry its kind, the last line of its history, and its row."""


def entries_before(connection: Connection, agreements: Iterable[str]) -> list[tuple[str, int, Mapping[str, object]]]:
    """These agreements with their products and operators, as JSON."""
    found: dict[tuple[str, str], Row] = {}
    for agreement in sorted(set(agreements)):
        row = _row(connection, "A", agreement)
        product = _row(connection, "P", row["product"])
        operator = _row(connection, "O", product["operator"])
        found |= {("A", agreement): row, ("P", product["id"]): product, ("O", operator["id"]): operator}
    last = heads(connection, [entry for _, entry in found])
    return [(kind, last[entry][0], _plain(row)) for (kind, entry), row in found.items()]


def changed_since(connection: Connection, entries: Entries, by: str, at: dt.datetime) -> str:
    """The first of these entries that somebody else has changed, or at another instant; empty where there is none."""
    mine = (f"person:{by}", at)
    for _, last, row in entries:
        entry = str(row["id"])
        if any(line != mine for line in lines_after(connection, entry, last)):
            return entry
    return ""


def records_of(entries: Entries, ring: Ring) -> list[Record]:
    return [read_record(kind, _values(row), ring) for kind, _, row in entries]


def _row(connection: Connection, kind: str, entry: str) -> Row:
    table = TABLES[kind]
    return connection.execute(select(table).where(table.c.id == entry)).mappings().one()


def _plain(row: Row) -> Mapping[str, object]:
    return {name: _packed(value) for name, value in row.items()}


def _packed(value: Any) -> object:
    if isinstance(value, bytes):
        return ["bytes", base64.b64encode(value).decode()]
    return value if value is None else pack_fact(value)


def _values(row: Mapping[str, object]) -> dict[str, Any]:
    return {name: _unpacked(value) for name, value in row.items()}


def _unpacked(value: Any) -> Any:
    if isinstance(value, list) and value[0] == "bytes":
        return base64.b64decode(value[1])
    return value if value is None else unpack_fact(value)
