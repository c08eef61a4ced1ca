"""What a backup says of itself: by whom and when it was made, and how far the histories had come."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Table, func, select

from storage.sealing import canonical
from storage.tables import HISTORY, META, METADATA, SEALS


@dataclass(frozen=True, slots=True)
class Manifest:
    """`key_check` tells the right key ring; `heads` is a digest over the last line of each history, `seal` number and
    hash of the latest seal; `rows` counts the rows of each table."""

    soppa: str
    schema: str
    made_at: dt.datetime
    database: str
    key_check: str
    heads: str
    seal: tuple[int, str] | None
    rows: Mapping[str, int]

    @property
    def cases(self) -> int:
        return self.rows["cases"]

    @property
    def lines(self) -> int:
        return self.rows["history"]

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "made_at": self.made_at.isoformat()}


def read_manifest(said: Any) -> Manifest:
    seal = (int(said["seal"][0]), str(said["seal"][1])) if said["seal"] else None
    return Manifest(**{**said, "made_at": dt.datetime.fromisoformat(said["made_at"]), "seal": seal})


def describe(
    connection: Connection, soppa: str, schema: str, now: dt.datetime, tables: Sequence[Table] = METADATA.sorted_tables
) -> Manifest:
    """The manifest of the moment that this transaction sees."""
    rows = {table.name: _count(connection, table) for table in tables}
    key_check = connection.scalar(select(META.c.value).where(META.c.name == "key_check"))
    return Manifest(
        soppa, schema, now, connection.dialect.name, str(key_check), heads(connection), latest_seal(connection), rows
    )


def heads(connection: Connection) -> str:
    """A digest over case, number and hash of the last line of each history."""
    tops = select(HISTORY.c.case_id, func.max(HISTORY.c.seq).label("seq")).group_by(HISTORY.c.case_id).subquery()
    same = (HISTORY.c.case_id == tops.c.case_id) & (HISTORY.c.seq == tops.c.seq)
    rows = connection.execute(select(HISTORY.c.case_id, HISTORY.c.seq, HISTORY.c.hash).join(tops, same))
    return hashlib.sha256(canonical(sorted([row.case_id, row.seq, row.hash] for row in rows))).hexdigest()


def latest_seal(connection: Connection) -> tuple[int, str] | None:
    row = connection.execute(select(SEALS.c.number, SEALS.c.hash).order_by(SEALS.c.number.desc()).limit(1)).first()
    return (row.number, row.hash) if row else None


def _count(connection: Connection, table: Table) -> int:
    return int(connection.scalar(select(func.count()).select_from(table)) or 0)
