"""How much waits at an instant, so that several workers can be given it in parts. Counts no further than asked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import ColumnElement, ScalarSelect, bindparam, func, literal, select

from storage.base import Base
from storage.messages import may_be_delivered
from storage.tables import CYCLES, OUTBOX, TIMERS


@dataclass(frozen=True, slots=True)
class Waiting:
    """`dates` are timers and cycles that are due."""

    dates: int
    messages: int
    mails: int

    @property
    def total(self) -> int:
        return self.dates + self.messages + self.mails


def waiting(base: Base, now: dt.datetime, most: int) -> Waiting:
    """At most `most` of each kind of row are counted; takes no lock."""
    with base.reading() as connection:
        row = connection.execute(_COUNTS, {"now": now, "most": most}).one()
    return Waiting(row.timers + row.cycles, row.messages, row.mails)


def _some(where: ColumnElement[bool]) -> ScalarSelect[int]:
    some = select(literal(1)).where(where).limit(bindparam("most")).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


_NOW = bindparam("now", type_=TIMERS.c.at.type)
_COUNTS = select(
    _some(TIMERS.c.at <= _NOW).label("timers"),
    _some(CYCLES.c.at <= _NOW).label("cycles"),
    _some(may_be_delivered(_NOW)).label("messages"),
    _some(OUTBOX.c.at <= _NOW).label("mails"),
)
