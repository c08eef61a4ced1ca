"""How the outbox and the incidents stand, as far as an alarm asks. Reads only, numbers and instants."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select

from storage.base import Base
from storage.tables import INCIDENTS, OUTBOX


@dataclass(frozen=True, slots=True)
class State:
    """`waiting`: mails whose time has come, or that were tried in vain; `since` when the time of the first came."""

    waiting: int
    since: dt.datetime | None
    uncertain: int
    incidents: int


def state_of(base: Base, now: dt.datetime) -> State:
    due = OUTBOX.c.state.in_(("queued", "deferred")) & (OUTBOX.c.at <= now)
    tried = OUTBOX.c.state.in_(("claimed", "handing_over", "deferred"))
    open_ones = select(func.count()).select_from(INCIDENTS).where(INCIDENTS.c.closed_at.is_(None))
    with base.reading() as connection:
        waiting = connection.scalar(select(func.count()).where(due | tried)) or 0
        since = connection.scalar(select(func.min(OUTBOX.c.at)).where(due))
        uncertain = connection.scalar(select(func.count()).where(OUTBOX.c.state == "uncertain")) or 0
        return State(waiting, since, uncertain, connection.scalar(open_ones) or 0)
