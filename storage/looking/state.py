"""How the outbox and the incidents stand, as far as an alarm asks. Reads only, numbers and instants."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select

from storage.base import Base
from storage.tables import INCIDENTS, OUTBOX


@dataclass(frozen=True, slots=True)
class Waiting:
    """Mails whose time has come, or that are tried just now or again later; `since` when the time of the first came."""

    mails: int
    since: dt.datetime | None


def waiting(base: Base, now: dt.datetime) -> Waiting:
    """Looks at the indexes of what waits only, so that a page may ask."""
    due = OUTBOX.c.at <= now
    again = OUTBOX.c.at.is_not(None) & (OUTBOX.c.state == "deferred")
    with base.reading() as connection:
        mails = connection.scalar(select(func.count()).where(due | again | OUTBOX.c.lease_until.is_not(None))) or 0
        return Waiting(mails, connection.scalar(select(func.min(OUTBOX.c.at)).where(due)))


def in_doubt(base: Base) -> int:
    with base.reading() as connection:
        return connection.scalar(select(func.count()).where(OUTBOX.c.state == "uncertain")) or 0


def open_incidents(base: Base) -> int:
    with base.reading() as connection:
        open_ones = select(func.count()).select_from(INCIDENTS).where(INCIDENTS.c.closed_at.is_(None))
        return connection.scalar(open_ones) or 0
