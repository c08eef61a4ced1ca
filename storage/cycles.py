"""The rows of standing schedules, which are the only truth of what starts when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, bindparam, delete, func, select, update

from engine.model.cycles import NOTHING, Cycle, Planned
from engine.model.handed import DueCycle
from storage import direct, prepared
from storage.lists import among
from storage.statements import insert_new
from storage.tables import AGREEMENTS, CASES, CYCLES

_MANY = 500
"""Keys of one IN list."""
_LOOKED_BACK = 5


_MINE = (CYCLES.c.process == bindparam("its_process")) & among(CYCLES.c.subject, "its_subjects")
_STILL = func.count(CASES.c.id).filter(CASES.c.ended_at.is_(None))
_STARTED = (
    select(CYCLES.c.subject, func.max(CYCLES.c.occurrence).label("last"), _STILL.label("still"))
    .outerjoin(CASES, CASES.c.id == CYCLES.c.case_id)
    .where(_MINE & CYCLES.c.fired_at.is_not(None))
    .group_by(CYCLES.c.subject)
)
_NOT_STARTED = select(CYCLES).where(_MINE & CYCLES.c.fired_at.is_(None))
_DROP_WAITING = delete(CYCLES).where(_MINE & CYCLES.c.at.is_not(None) & CYCLES.c.fired_at.is_(None))
_DUE = (
    select(CYCLES)
    .where(CYCLES.c.at.is_not(None) & (CYCLES.c.at <= bindparam("now", type_=CYCLES.c.at.type)))
    .order_by(CYCLES.c.at, CYCLES.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_DONE = update(CYCLES).where(CYCLES.c.id == bindparam("its_id"))


def planned(connection: Connection, process: str, subjects: Collection[str]) -> dict[str, Planned]:
    found: dict[str, Planned] = {}
    for batch in _batches(subjects):
        mine = {"its_process": process, "its_subjects": batch}
        found |= {row["subject"]: Planned(last=row["last"], open=bool(row["still"]))
                  for row in direct.read(connection, _STARTED, mine)}
        for row in direct.read(connection, _NOT_STARTED, mine):
            waits = None if row["at"] is None else Cycle(row["occurrence"], row["at"])
            before = found.get(row["subject"], NOTHING)
            found[row["subject"]] = replace(before, waits=waits, stopped=row["at"] is None)
    return found


def plan(connection: Connection, process: str, cycles: Mapping[str, Cycle | None]) -> None:
    """Replaces what waits; a subject whose cycle an incident holds back keeps it."""
    for batch in _batches(cycles):
        direct.write(connection, _DROP_WAITING, {"its_process": process, "its_subjects": batch})
        news = [(subject, cycle) for subject in batch if (cycle := cycles[subject]) is not None]
        insert_new(connection, CYCLES, [_waiting(process, subject, cycle) for subject, cycle in news])


def _waiting(process: str, subject: str, cycle: Cycle) -> dict[str, object]:
    return {"process": process, "subject": subject, "occurrence": cycle.on, "at": cycle.at, "planned_at": cycle.at,
            "missed": 0, "attempts": 0}  # fmt: skip


def drop(connection: Connection, scheduled: Collection[str]) -> None:
    waiting = CYCLES.c.at.is_not(None) & CYCLES.c.fired_at.is_(None)
    connection.execute(delete(CYCLES).where(waiting & CYCLES.c.process.not_in(sorted(scheduled))))


def due(connection: Connection, now: dt.datetime, limit: int) -> Sequence[DueCycle]:
    rows = direct.read(connection, _DUE, {"now": now, "most": limit})
    return tuple(DueCycle(row["id"], row["process"], row["subject"],
                          Cycle(row["occurrence"], row["planned_at"] or row["at"])) for row in rows)


def done(
    connection: Connection, row: DueCycle, on: dt.date, case_id: str, missed: int, now: dt.datetime, then: Cycle | None
) -> None:
    started = {"at": None, "fired_at": now, "occurrence": on, "case_id": case_id, "missed": missed}
    direct.write(connection, _DONE, {**started, "its_id": row.id})
    if then is not None:
        insert_new(connection, CYCLES, [_waiting(row.process, row.subject, then)])


def active_agreements(connection: Connection, beyond: str, limit: int) -> Sequence[str]:
    wanted = select(AGREEMENTS.c.id).where((AGREEMENTS.c.status == "active") & (AGREEMENTS.c.id > beyond))
    return connection.scalars(wanted.order_by(AGREEMENTS.c.id).limit(limit)).all()


def subjects_ended(connection: Connection, process: str, subjects: Collection[str]) -> Collection[str]:
    its = {"its_process": process, "its_subjects": sorted(subjects)}
    return [row["subject"] for row in direct.read(connection, prepared.SUBJECTS_ENDED, its)]


def last_ended(connection: Connection, process: str, subjects: Collection[str]) -> Sequence[str]:
    """The latest first, back to the one that a cycle has started."""
    its = {"its_process": process, "its_subjects": sorted(subjects), "at_most": _LOOKED_BACK}
    found = direct.read(connection, prepared.LAST_ENDED, its)
    last = next((place for place, row in enumerate(found) if row["of_cycle"]), len(found))
    return [row["id"] for row in found[: last + 1]]


def _batches(subjects: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(subjects)
    return (ordered[start : start + _MANY] for start in range(0, len(ordered), _MANY))
