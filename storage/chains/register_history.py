"""The register's history: what was ever written into an entry, by whom and when, one hash chain an entry.

The chain is made as that of a case is; what names people is sealed, and only its keyed digest is in the chain.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from engine.errors import WrongEnvironment
from engine.model.case import Actor, Contact
from engine.words import written
from registry.values import Change
from storage.chains.history import START, hash_after
from storage.rows import Row, dump
from storage.sealing import Ring, canonical
from storage.tables import REGISTER_HISTORY

SEALED = frozenset({"contact", "breach_contact", "sponsor", "notes"})
"""Fields that name people, or may."""

_MANY = 500


@dataclass(frozen=True, slots=True)
class Line:
    """What is to be written of one entry."""

    entry: str
    is_new: bool
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A line as it stands: `detail` holds (was, becomes) by field, as text."""

    entry: str
    seq: int
    at: dt.datetime
    actor: str
    kind: str
    cause: str
    detail: Mapping[str, tuple[str, str]]


def append(
    connection: Connection, ring: Ring, lines: Sequence[Line], actor: Actor, now: dt.datetime, cause: str
) -> None:
    """Adds one line for each entry; each entry is in `lines` once."""
    known = heads(connection, [line.entry for line in lines if not line.is_new])
    rows = []
    for line in lines:
        seq, head = known.get(line.entry, (0, START))
        row = _row(ring, line, seq + 1, actor, now, cause)
        row["hash"] = hash_after(head, row)
        rows.append(row)
    if rows:
        connection.execute(insert(REGISTER_HISTORY), rows)


def read(connection: Connection, ring: Ring, entries: Collection[str]) -> Sequence[Written]:
    """The lines of these entries, oldest first."""
    wanted = select(REGISTER_HISTORY).where(REGISTER_HISTORY.c.entry.in_(sorted(entries)))
    rows = connection.execute(wanted.order_by(REGISTER_HISTORY.c.at, REGISTER_HISTORY.c.entry, REGISTER_HISTORY.c.seq))
    return tuple(_read(ring, row) for row in rows.mappings())


def faults(connection: Connection, ring: Ring, entry: str) -> Sequence[str]:
    """What is wrong with the chain of an entry, a sentence for each line at fault; empty when it is whole."""
    wanted = select(REGISTER_HISTORY).where(REGISTER_HISTORY.c.entry == entry).order_by(REGISTER_HISTORY.c.seq)
    return faults_in(ring, entry, connection.execute(wanted).mappings())


def faults_in(ring: Ring | None, entry: str, rows: Iterable[Row]) -> Sequence[str]:
    """The same of these rows, which are all of the entry's in their order; without a ring the sealed parts are left
    aside."""
    found: list[str] = []
    head = START
    for number, row in enumerate(rows, 1):
        if row["seq"] != number:
            return [*found, f"{entry}: line {number} of its history is missing"]
        if row["hash"] != hash_after(head, row) or (ring is not None and not _sealed_is_true(ring, row)):
            found.append(f"{entry}: line {number} of its history, or the one before, was changed")
        head = row["hash"]
    return found


def heads(connection: Connection, entries: Sequence[str]) -> dict[str, tuple[int, str]]:
    """The last line of each of these entries: its number, and its hash."""
    found: dict[str, tuple[int, str]] = {}
    table = REGISTER_HISTORY
    for start in range(0, len(entries), _MANY):
        batch = table.c.entry.in_(entries[start : start + _MANY])
        last = select(table.c.entry, func.max(table.c.seq).label("seq")).where(batch).group_by(table.c.entry).subquery()
        mine = (table.c.entry == last.c.entry) & (table.c.seq == last.c.seq)
        rows = connection.execute(select(table.c.entry, table.c.seq, table.c.hash).join(last, mine))
        found |= {row.entry: (row.seq, row.hash) for row in rows}
    return found


def lines_after(connection: Connection, entry: str, seq: int) -> Sequence[tuple[str, dt.datetime]]:
    """By whom and when an entry was written after a line."""
    mine = (REGISTER_HISTORY.c.entry == entry) & (REGISTER_HISTORY.c.seq > seq)
    rows = connection.execute(select(REGISTER_HISTORY.c.actor, REGISTER_HISTORY.c.at).where(mine))
    return [(row.actor, row.at) for row in rows]


def _row(ring: Ring, line: Line, seq: int, actor: Actor, now: dt.datetime, cause: str) -> dict[str, object]:
    told = {one.field: [_text(one.was), _text(one.becomes)] for one in line.changes}
    personal = {name: told.pop(name) for name in list(told) if name in SEALED}
    plain, place = canonical(personal), line_place(line.entry, seq)
    return {
        "entry": line.entry,
        "seq": seq,
        "at": now.astimezone(dt.UTC),
        "actor": f"{actor.kind}:{actor.id}",
        "kind": "entered" if line.is_new else "changed",
        "detail": dump({"cause": cause, "changes": told}),
        "personal_digest": ring.digest(plain, place) if personal else None,
        "sealed": ring.seal(plain, place) if personal else None,
    }


def _text(value: object) -> str:
    if isinstance(value, Contact):
        return f"{value.name} <{value.email}>" if value.email else value.name
    return "" if value is None else written(value)  # type: ignore[arg-type]


def _read(ring: Ring, row: Row) -> Written:
    sealed = row["sealed"]
    personal = json.loads(ring.open(sealed, line_place(row["entry"], row["seq"]))) if sealed else {}
    plain = json.loads(row["detail"])
    detail = {name: (was, becomes) for name, (was, becomes) in {**plain["changes"], **personal}.items()}
    return Written(row["entry"], row["seq"], row["at"], row["actor"], row["kind"], plain["cause"], detail)


def _sealed_is_true(ring: Ring, row: Row) -> bool:
    """A sealed part that was emptied is no fault; one that says something else than its digest is."""
    if row["sealed"] is None or row["personal_digest"] is None:
        return row["sealed"] is None
    place = line_place(row["entry"], row["seq"])
    try:
        digest = ring.digest(ring.open(row["sealed"], place), place, row["personal_digest"].partition(":")[0])
    except WrongEnvironment:
        return False
    return bool(digest == row["personal_digest"])


def line_place(entry: str, seq: int) -> str:
    return f"register_history/{entry}/{seq}"
