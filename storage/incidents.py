"""What failed five times waits for a person; the others go on."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Column, Connection, Table, insert, select, update

from engine.errors import Refused, UsageError
from storage.tables import CYCLES, INCIDENTS, MESSAGES, OUTBOX, TIMERS

TRIES = 5
KEEPS_ITS_TURN = 2
_TABLES = {"timer": TIMERS, "cycle": CYCLES, "message": MESSAGES, "mail": OUTBOX}
_STOPPED: dict[str, dict[str, Any]] = {
    "timer": {"at": None},
    "cycle": {"at": None},
    "message": {"stopped": True},
    "mail": {"state": "queued", "at": None, "lease_until": None},
}


def failed(
    connection: Connection, kind: str, ref: int, error: str, now: dt.datetime, *, died: bool = False
) -> int:
    """Counts one failure of a row; the fifth stops it and opens an incident. 0 for a row that waits for nothing. Where
    the whole process `died` at a timer or cycle it may well have been chance: it keeps its turn twice, so that what
    comes after it stays after it."""
    table = _TABLES[kind]
    mine = select(table).where(table.c.id == ref).with_for_update(key_share=True)
    row = connection.execute(mine).mappings().first()
    if row is None or (kind == "timer" and row["at"] is None) or (kind == "message" and row["stopped"]):
        return 0
    tries = int(row[_counter(table).name]) + 1
    connection.execute(update(table).where(table.c.id == ref).values({_counter(table).name: tries}))
    if tries >= TRIES:
        _open(connection, kind, dict(row), error, tries, now)
    elif died and tries <= KEEPS_ITS_TURN:
        return tries
    elif kind in ("timer", "cycle") and row["at"] is not None:
        connection.execute(update(table).where(table.c.id == ref).values(at=now + _pause(tries)))
    elif kind == "mail":
        waiting = {"state": "queued", "at": now + _pause(tries), "lease_until": None}
        connection.execute(update(OUTBOX).where((OUTBOX.c.id == ref) & (OUTBOX.c.state == "claimed")).values(waiting))
    return tries


def retry(connection: Connection, incident_id: int, now: dt.datetime) -> None:
    row = connection.execute(select(INCIDENTS).where(INCIDENTS.c.id == incident_id).with_for_update()).first()
    if row is None:
        raise UsageError(f"unknown incident {incident_id}: see soppa incidents list")
    if row.closed_at is not None:
        raise Refused(f"incident {incident_id} is closed already: nothing was changed")
    table = _TABLES[row.kind]
    again: dict[str, Any] = {"stopped": False} if row.kind == "message" else {"at": now}
    mine = table.c.id == row.ref
    if row.kind == "mail":
        mine &= OUTBOX.c.state == "queued"
    connection.execute(update(table).where(mine).values({**again, _counter(table).name: 0}))
    connection.execute(update(INCIDENTS).where(INCIDENTS.c.id == incident_id).values(closed_at=now))


def _open(connection: Connection, kind: str, row: dict[str, Any], error: str, tries: int, now: dt.datetime) -> None:
    incident = {
        "kind": kind,
        "ref": row["id"],
        "case_id": row["case_id"],
        "error": error,
        "tries": tries,
        "opened_at": now,
        "resume_at": row.get("at"),
    }
    known = (INCIDENTS.c.kind == kind) & (INCIDENTS.c.ref == row["id"]) & INCIDENTS.c.closed_at.is_(None)
    if connection.scalar(select(INCIDENTS.c.id).where(known)) is None:
        connection.execute(insert(INCIDENTS).values(**incident))
    table = _TABLES[kind]
    mine = table.c.id == row["id"]
    if kind == "mail":  # one that is on its way, or settled, is never queued again by a failure
        mine &= OUTBOX.c.state.in_(("queued", "claimed", "deferred"))
    connection.execute(update(table).where(mine).values(_STOPPED[kind]))


def _counter(table: Table) -> Column[int]:
    return table.c.failures if table is OUTBOX else table.c.attempts


def _pause(tries: int) -> dt.timedelta:
    """One minute, then twice as long each time."""
    return dt.timedelta(minutes=2 ** (tries - 1))
