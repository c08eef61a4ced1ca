"""What comes and what waits, over all cases: the legal dates that are near, and the tasks that somebody is asked to
do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Connection, exists, func, select

from storage.tables import ASSIGNEES, CLOCKS, TASKS


def running_until(connection: Connection, day: dt.date) -> Sequence[tuple[str, str]]:
    near = (CLOCKS.c.status == "running") & (CLOCKS.c.legal <= day)
    wanted = select(CLOCKS.c.case_id, CLOCKS.c.name).where(near)
    rows = connection.execute(wanted.order_by(CLOCKS.c.legal, CLOCKS.c.case_id, CLOCKS.c.name))
    return tuple((row.case_id, row.name) for row in rows)


def waiting(connection: Connection, but_for: str, limit: int) -> Sequence[tuple[str, str]]:
    asked = TASKS.c.outcome.is_(None) & TASKS.c.present & TASKS.c.offered.is_(False)
    theirs = exists().where((ASSIGNEES.c.task_id == TASKS.c.id) & (ASSIGNEES.c.person_id == but_for))
    wanted = select(TASKS.c.case_id, TASKS.c.id).where(asked & ~theirs).limit(limit)
    rows = connection.execute(wanted.order_by(func.coalesce(TASKS.c.due, dt.date.max), TASKS.c.case_id, TASKS.c.id))
    return tuple((row.case_id, row.id) for row in rows)


def chased(connection: Connection, limit: int) -> Sequence[tuple[str, str]]:
    offered = TASKS.c.outcome.is_(None) & TASKS.c.present & TASKS.c.offered & TASKS.c.party.is_not(None)
    runs = exists().where((CLOCKS.c.case_id == TASKS.c.case_id) & (CLOCKS.c.status == "running"))
    wanted = select(TASKS.c.case_id, TASKS.c.id).where(offered & runs).limit(limit)
    rows = connection.execute(wanted.order_by(TASKS.c.case_id, TASKS.c.id))
    return tuple((row.case_id, row.id) for row in rows)
