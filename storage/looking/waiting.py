"""How much waits at an instant, so that several workers can be given it in parts. Counts no further than asked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, bindparam, func, literal, select

from storage.base import Base
from storage.prepared import may_be_delivered
from storage.rows import LANES
from storage.tables import CYCLES, MESSAGES, OUTBOX, TIMERS


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
    """At most `most` of each kind of row are counted, and of each lane of mails; takes no lock."""
    with base.reading() as connection:
        row = connection.execute(COUNTS, {"now": now, "most": most}).one()
    return Waiting(row.timers + row.cycles, row.messages, row.mails)


def _some(which: Select[int]) -> ScalarSelect[int]:
    return select(func.count()).select_from(which.limit(bindparam("most")).subquery()).scalar_subquery()


def _due(at: ColumnElement[Any], *where: ColumnElement[bool]) -> ScalarSelect[int]:
    """In the order of the index, so that every plan takes it."""
    due = select(literal(1)).where(at <= bindparam("now", type_=at.type), *where)
    return _some(due.order_by(at))


COUNTS = select(
    _due(TIMERS.c.at).label("timers"),
    _due(CYCLES.c.at).label("cycles"),
    _some(select(literal(1)).where(may_be_delivered(bindparam("now", type_=MESSAGES.c.at.type)))).label("messages"),
    reduce(add, (_due(OUTBOX.c.at, OUTBOX.c.lane == lane) for lane in LANES)).label("mails"),
)
