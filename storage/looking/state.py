"""How the outbox and the incidents stand, as far as an alarm asks. Reads only, numbers and instants."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, literal_column, select

from storage.base import Base
from storage.rows import LANES
from storage.tables import INCIDENTS, OUTBOX

IS_IN_DOUBT = OUTBOX.c.state == literal_column("'uncertain'")
"""Written out, as the index says it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Mails whose time has come, or that are tried just now or again later; `since` when the time of the first came."""

    mails: int
    since: dt.datetime | None


def waiting(base: Base, now: dt.datetime) -> Waiting:
    """Looks at the indexes of what waits only, so that a page may ask."""
    waits = OUTBOX.c.lane.in_(LANES) & OUTBOX.c.at.is_not(None)
    due, again = waits & (OUTBOX.c.at <= now), waits & (OUTBOX.c.at > now) & (OUTBOX.c.state == "deferred")
    in_hand = OUTBOX.c.lease_until.is_not(None)
    with base.reading() as connection:
        counts = (select(func.count()).select_from(OUTBOX).where(each) for each in (due, again, in_hand))
        number = sum(connection.scalar(each) or 0 for each in counts)
        return Waiting(number, connection.scalar(select(func.min(OUTBOX.c.at)).where(due)))


def in_doubt(base: Base) -> int:
    with base.reading() as connection:
        return connection.scalar(select(func.count()).where(IS_IN_DOUBT)) or 0


def open_incidents(base: Base) -> int:
    with base.reading() as connection:
        open_ones = select(func.count()).select_from(INCIDENTS).where(INCIDENTS.c.closed_at.is_(None))
        return connection.scalar(open_ones) or 0
