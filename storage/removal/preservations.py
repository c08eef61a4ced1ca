"""Preservations: cases of which nothing may be purged, since a lawsuit or a request for records may need them.

They move no date and stop no mail; that is what a hold does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from engine.deciding.forms import FieldError, read_text
from engine.errors import Refused, UsageError
from engine.model.case import Actor
from engine.model.messages import Event
from storage.chains import history
from storage.rows import Row
from storage.sealing import Ring
from storage.tables import PRESERVATIONS


@dataclass(frozen=True, slots=True)
class Preservation:
    """`by` is a person's id."""

    case_id: str
    placed_at: dt.datetime
    by: str
    reason: str


def place(
    connection: Connection, ring: Ring, case_id: str, reason: str, actor: Actor, now: dt.datetime
) -> Preservation:
    """Keeps a case, whose row this transaction has locked, from every purge. Raises `Refused` where that is so already,
    `UsageError` without a reason."""
    words = _read(reason)
    if of(connection, ring, case_id) is not None:
        raise Refused(f"case {case_id} is preserved already: soppa preservation list names the reason")
    sealed = ring.seal(words.encode(), reason_place(case_id))
    row = {"case_id": case_id, "placed_at": now, "by": actor.id, "sealed": sealed}
    connection.execute(insert(PRESERVATIONS).values(**row))
    _tell(connection, ring, case_id, "preservation_placed", words, actor, now)
    return Preservation(case_id, now, actor.id, words)


def release(connection: Connection, ring: Ring, case_id: str, reason: str, actor: Actor, now: dt.datetime) -> None:
    """Raises `Refused` where a case is not preserved, `UsageError` without a reason."""
    words = _read(reason)
    if connection.execute(delete(PRESERVATIONS).where(PRESERVATIONS.c.case_id == case_id)).rowcount != 1:
        raise Refused(f"case {case_id} is not preserved: there is nothing to release")
    _tell(connection, ring, case_id, "preservation_released", words, actor, now)


def of(connection: Connection, ring: Ring, case_id: str) -> Preservation | None:
    found = select(PRESERVATIONS).where(PRESERVATIONS.c.case_id == case_id)
    row = connection.execute(found).mappings().first()
    return _opened(row, ring) if row else None


def every(connection: Connection, ring: Ring) -> Sequence[Preservation]:
    """Those that stand, the oldest first."""
    rows = connection.execute(select(PRESERVATIONS).order_by(PRESERVATIONS.c.placed_at, PRESERVATIONS.c.case_id))
    return tuple(_opened(row, ring) for row in rows.mappings())


def preserved(connection: Connection) -> frozenset[str]:
    """The ids of preserved cases."""
    return frozenset(connection.scalars(select(PRESERVATIONS.c.case_id)))


def _tell(
    connection: Connection, ring: Ring, case_id: str, kind: str, reason: str, actor: Actor, now: dt.datetime
) -> None:
    event = Event(kind, {"by": actor.name}, personal={"reason": reason})
    history.append(connection, ring, case_id, [event], actor, now)


def _read(reason: str) -> str:
    try:
        words = read_text(reason)
    except FieldError as error:
        raise UsageError(f"the reason cannot be kept ({error})") from error
    if not words:
        raise UsageError("a preservation needs a reason: add --reason")
    return words


def _opened(row: Row, ring: Ring) -> Preservation:
    reason = ring.open(row["sealed"], reason_place(row["case_id"])).decode()
    return Preservation(row["case_id"], row["placed_at"], row["by"], reason)


def reason_place(case_id: str) -> str:
    return f"preservations/{case_id}"
