"""The rows of standing schedules, which are the only truth of what starts when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, delete, func, select, update

from engine.cycles import NOTHING, Cycle, Planned
from engine.ports import DueCycle
from storage.statements import insert_new
from storage.tables import AGREEMENTS, CASES, CYCLES

_MANY = 500
"""Keys of one IN list."""
_LOOKED_BACK = 5


def planned(connection: Connection, process: str, subjects: Collection[str]) -> dict[str, Planned]:
    found: dict[str, Planned] = {}
    for batch in _batches(subjects):
        mine = (CYCLES.c.process == process) & CYCLES.c.subject.in_(batch)
        still = func.count(CASES.c.id).filter(CASES.c.ended_at.is_(None))
        started = select(CYCLES.c.subject, func.max(CYCLES.c.occurrence).label("last"), still.label("still"))
        started = started.outerjoin(CASES, CASES.c.id == CYCLES.c.case_id)
        started = started.where(mine & CYCLES.c.fired_at.is_not(None)).group_by(CYCLES.c.subject)
        found |= {row.subject: Planned(last=row.last, open=bool(row.still)) for row in connection.execute(started)}
        for row in connection.execute(select(CYCLES).where(mine & CYCLES.c.fired_at.is_(None))):
            waits = None if row.at is None else Cycle(row.occurrence, row.at)
            before = found.get(row.subject, NOTHING)
            found[row.subject] = replace(before, waits=waits, stopped=row.at is None)
    return found


def plan(connection: Connection, process: str, cycles: Mapping[str, Cycle | None]) -> None:
    """Replaces what waits; a subject whose cycle an incident holds back keeps it."""
    for batch in _batches(cycles):
        waiting = CYCLES.c.at.is_not(None) & CYCLES.c.fired_at.is_(None)
        connection.execute(
            delete(CYCLES).where((CYCLES.c.process == process) & CYCLES.c.subject.in_(batch) & waiting)
        )
        news = [(subject, cycle) for subject in batch if (cycle := cycles[subject]) is not None]
        rows = [{"process": process, "subject": subject, "occurrence": cycle.on, "at": cycle.at, "planned_at": cycle.at,
                 "missed": 0, "attempts": 0} for subject, cycle in news]
        insert_new(connection, CYCLES, rows)


def drop(connection: Connection, scheduled: Collection[str]) -> None:
    waiting = CYCLES.c.at.is_not(None) & CYCLES.c.fired_at.is_(None)
    connection.execute(delete(CYCLES).where(waiting & CYCLES.c.process.not_in(sorted(scheduled))))


def due(connection: Connection, now: dt.datetime, limit: int) -> Sequence[DueCycle]:
    wanted = select(CYCLES).where(CYCLES.c.at <= now).order_by(CYCLES.c.at, CYCLES.c.id).limit(limit)
    rows = connection.execute(wanted.with_for_update(skip_locked=True))
    return tuple(DueCycle(row.id, row.process, row.subject, Cycle(row.occurrence, row.planned_at or row.at))
                 for row in rows)


def done(connection: Connection, row: DueCycle, on: dt.date, case_id: str, missed: int, now: dt.datetime) -> None:
    started = {"at": None, "fired_at": now, "occurrence": on, "case_id": case_id, "missed": missed}
    connection.execute(update(CYCLES).where(CYCLES.c.id == row.id).values(started))


def active_agreements(connection: Connection, beyond: str, limit: int) -> Sequence[str]:
    wanted = select(AGREEMENTS.c.id).where((AGREEMENTS.c.status == "active") & (AGREEMENTS.c.id > beyond))
    return connection.scalars(wanted.order_by(AGREEMENTS.c.id).limit(limit)).all()


def last_ended(connection: Connection, process: str, subjects: Collection[str]) -> Sequence[str]:
    """The latest first, back to the one that a cycle has started."""
    mine = (CASES.c.process == process) & CASES.c.subject.in_(sorted(subjects)) & CASES.c.ended_at.is_not(None)
    its = (CYCLES.c.process == process) & (CYCLES.c.subject == CASES.c.subject) & (CYCLES.c.case_id == CASES.c.id)
    of_cycle = select(CYCLES.c.id).where(its).exists().label("of_cycle")
    latest = select(CASES.c.id, of_cycle).where(mine).order_by(CASES.c.ended_at.desc(), CASES.c.id.desc())
    found = connection.execute(latest.limit(_LOOKED_BACK)).all()
    last = next((place for place, row in enumerate(found) if row.of_cycle), len(found))
    return [row.id for row in found[: last + 1]]


def _batches(subjects: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(subjects)
    return (ordered[start : start + _MANY] for start in range(0, len(ordered), _MANY))
