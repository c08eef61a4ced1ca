"""Keeping a decision: every row that it changes, written on one connection, in one transaction.

The case's row is written first, under its revision: whoever lost the race writes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from engine.case import SYSTEM, Actor, Case, Clock, Task
from engine.errors import LostRace
from engine.messages import (
    CancelTimers,
    ChildEnded,
    Command,
    Decision,
    Effect,
    Notify,
    Send,
    SetTimer,
    StartCase,
    StartChild,
    TellParent,
)
from storage import history
from storage.rows import case_row, clock_row, pack_command, pack_fact, pack_secrets, task_row
from storage.sealing import Ring
from storage.statements import insert_for, insert_new
from storage.tables import (
    ASSIGNEES,
    BRIEF_LINES,
    CASE_NUMBERS,
    CASES,
    CLOCKS,
    FACT_PAST,
    LINKS,
    MESSAGES,
    OUTBOX,
    TASKS,
    TIMERS,
)

URGENT, BULK = 0, 1
"""Lanes of the outbox: what may leave at once overtakes what was planned."""

BriefAt = Callable[[dt.datetime], tuple[dt.date, dt.datetime]]
"""From an instant to the day of the next brief and the instant it leaves at, not before the instant given."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """Writes one decision. `today` is the local date of `now`."""

    connection: Connection
    ring: Ring
    brief_at: BriefAt
    actor: Actor
    now: dt.datetime
    today: dt.date

    def keep(self, before: Case | None, decision: Decision) -> None:
        """Raises `LostRace` when the case's revision is not `before.revision` any more; nothing may be written then."""
        case = decision.case
        self._case(before, case)
        if before is not None:
            self._past_facts(before, case)
        self._tasks(before.tasks if before else (), case)
        self._clocks(before, case)
        self._revoke(before.tasks if before else (), case)
        self._effects(case, decision.effects)
        history.append(self.connection, self.ring, case.id, decision.events, self.actor, self.now)

    def _case(self, before: Case | None, case: Case) -> None:
        row = {**case_row(case), "sealed": self.ring.seal_json(pack_secrets(case), case_place(case.id))}
        if before is None:
            self.connection.execute(insert(CASES).values(**row))
            return
        mine = (CASES.c.id == case.id) & (CASES.c.revision == before.revision)
        if self.connection.execute(update(CASES).where(mine).values(**row)).rowcount != 1:
            raise LostRace(f"case {case.id} has changed since it was read: nothing was written, look again")

    def _past_facts(self, before: Case, case: Case) -> None:
        rows = [
            {
                "case_id": case.id,
                "revision": case.revision,
                "name": name,
                "superseded_at": self.now,
                "by": f"{self.actor.kind}:{self.actor.id}",
                "sealed": self.ring.seal_json(pack_fact(was), fact_place(case.id, case.revision, name)),
            }
            for name, was in before.facts.items()
            if case.facts.get(name) != was
        ]
        if rows:
            self.connection.execute(insert(FACT_PAST), rows)

    def _tasks(self, before: Sequence[Task], case: Case) -> None:
        known = {task.id: (position, task) for position, task in enumerate(before)}
        for position, task in enumerate(case.tasks):
            row = task_row(case.id, task, position)
            if task.id not in known:
                self.connection.execute(insert(TASKS).values(**row))
                self._assign(task)
            elif known[task.id] != (position, task):
                self.connection.execute(update(TASKS).where(TASKS.c.id == task.id).values(**row))
                if known[task.id][1].assignees != task.assignees:
                    self._assign(task)
        gone = known.keys() - {task.id for task in case.tasks}
        if gone:
            self.connection.execute(update(TASKS).where(TASKS.c.id.in_(gone)).values(present=False))

    def _assign(self, task: Task) -> None:
        self.connection.execute(delete(ASSIGNEES).where(ASSIGNEES.c.task_id == task.id))
        rows = [
            {"task_id": task.id, "person_id": person, "position": position}
            for position, person in enumerate(task.assignees)
        ]
        if rows:
            self.connection.execute(insert(ASSIGNEES), rows)

    def _clocks(self, before: Case | None, case: Case) -> None:
        known = before.clocks if before else {}
        for name, clock in case.clocks.items():
            old = known.get(name)
            if old == clock:
                continue
            if old is not None and old.generation == clock.generation:
                mine = _generation(case.id, clock)
                self.connection.execute(update(CLOCKS).where(mine).values(**clock_row(case.id, clock)))
                continue
            if old is not None:
                ended = {"status": "superseded", "superseded_because": clock.reason, "ended_on": self.today}
                self.connection.execute(update(CLOCKS).where(_generation(case.id, old)).values(**ended))
            self.connection.execute(insert(CLOCKS).values(**clock_row(case.id, clock)))

    def _revoke(self, before: Sequence[Task], case: Case) -> None:
        """Links of a task that closed, or that went to another person or form, are dead from this commit on; a mail
        that would carry such a link is not sent any more."""
        for old in before:
            new = case.task(old.id)
            if not old.is_open or (new is not None and new.is_open and new.generation == old.generation):
                continue
            links = (LINKS.c.task_id == old.id) & LINKS.c.revoked_at.is_(None)
            self.connection.execute(update(LINKS).where(links).values(revoked_at=self.now))
            waiting = OUTBOX.c.state.in_(("queued", "claimed", "deferred"))
            mails = (OUTBOX.c.task_id == old.id) & (OUTBOX.c.mail == "task") & waiting
            self.connection.execute(update(OUTBOX).where(mails).values(state="cancelled", at=None, lease_until=None))

    def _effects(self, case: Case, effects: Iterable[Effect]) -> None:
        for number, effect in enumerate(effects):
            match effect:
                case SetTimer():
                    self._set_timer(case, effect)
                case CancelTimers(prefix):
                    pending = TIMERS.c.at.is_not(None) & TIMERS.c.key.startswith(prefix, autoescape=True)
                    self.connection.execute(
                        update(TIMERS).where((TIMERS.c.case_id == case.id) & pending).values(at=None)
                    )
                case Send():
                    self._queue(case, effect)
                case Notify():
                    self._brief(case, effect)
                case StartChild():
                    child = self._child(case, effect)
                    self._leave(child.case_id, child, case, number)
                case TellParent(parent, child_name, outcome):
                    self._leave(parent, ChildEnded(child_name, case.id, outcome), case, number)

    def _set_timer(self, case: Case, timer: SetTimer) -> None:
        row = {"case_id": case.id, "key": timer.key, "at": timer.at, "attempts": 0}
        insert_new(self.connection, TIMERS, [row])

    def _queue(self, case: Case, send: Send) -> None:
        lane = URGENT if send.not_before is None else BULK
        row = {
            **new_mail(send.mail, send.step, send.occurrence, send.recipient, lane, self.now),
            "case_id": case.id,
            "task_id": send.task_id,
            "at": send.not_before or self.now,
        }
        insert_new(self.connection, OUTBOX, [row])

    def _brief(self, case: Case, line: Notify) -> None:
        outbox_id = self._brief_row(line.recipient)
        table, place = BRIEF_LINES, f"brief_lines/{outbox_id}/{case.id}/{line.subject}"
        row = {
            "outbox_id": outbox_id,
            "case_id": case.id,
            "kind": line.kind,
            "subject": line.subject,
            "strength": line.strength,
            "date": line.date,
            "legal": line.legal,
            "task_id": line.task_id,
            "sealed": self.ring.seal(line.text.encode(), place),
        }
        key = ["outbox_id", "case_id", "subject"]
        statement = insert_for(self.connection, table).values(**row)
        news = {name: value for name, value in row.items() if name not in key}
        stronger = table.c.strength < line.strength
        self.connection.execute(statement.on_conflict_do_update(index_elements=key, set_=news, where=stronger))

    def _brief_row(self, recipient: str) -> int:
        """The reader's next brief that nobody has begun to write; locked, so that nobody begins before we commit."""
        moment = self.now
        while True:
            day, leaves = self.brief_at(moment)
            row = {**new_mail("brief", "brief", day.isoformat(), recipient, BULK, self.now), "at": leaves}
            insert_new(self.connection, OUTBOX, [row])
            key = (OUTBOX.c.recipient == recipient) & (OUTBOX.c.occurrence == day.isoformat())
            found = self.connection.execute(
                select(OUTBOX.c.id, OUTBOX.c.state, OUTBOX.c.sealed)
                .where(key & (OUTBOX.c.mail == "brief") & OUTBOX.c.case_id.is_(None))
                .with_for_update()
            ).one()
            if found.state == "queued" and found.sealed is None:
                return int(found.id)
            moment = leaves + dt.timedelta(minutes=1)

    def _child(self, case: Case, child: StartChild) -> StartCase:
        number = new_case_id(self.connection, self.today)
        return StartCase(number, SYSTEM, child.facts, child.parties, case.id, child.child, child.process)

    def _leave(self, to: str, command: Command, case: Case, number: int) -> None:
        leave_message(self.connection, self.ring, to, command, f"{case.id}/{case.revision}/{number}", self.now)


def leave_message(connection: Connection, ring: Ring, to: str, command: Command, source: str, now: dt.datetime) -> None:
    """Leaves a message for a case, at most once for each source."""
    row = {
        "case_id": to,
        "source": source,
        "created_at": now,
        "attempts": 0,
        "stopped": False,
        "sealed": ring.seal_json(pack_command(command), message_place(source)),
    }
    insert_new(connection, MESSAGES, [row])


def new_case_id(connection: Connection, today: dt.date) -> str:
    """The next number of the year, such as `2026-0001`; given back when the transaction does not commit."""
    statement = insert_for(connection, CASE_NUMBERS).values(year=today.year, last=1)
    counted = statement.on_conflict_do_update(index_elements=["year"], set_={"last": CASE_NUMBERS.c.last + 1})
    number = connection.execute(counted.returning(CASE_NUMBERS.c.last)).scalar_one()
    return f"{today.year}-{number:04d}"


def case_place(case_id: str) -> str:
    return f"cases/{case_id}"


def fact_place(case_id: str, revision: int, name: str) -> str:
    """Where a superseded value lies."""
    return f"fact_past/{case_id}/{revision}/{name}"


def message_place(source: str) -> str:
    return f"messages/{source}"


def _generation(case_id: str, clock: Clock) -> ColumnElement[bool]:
    return (CLOCKS.c.case_id == case_id) & (CLOCKS.c.name == clock.name) & (CLOCKS.c.generation == clock.generation)


def new_mail(mail: str, step: str, occurrence: str, recipient: str, lane: int, now: dt.datetime) -> dict[str, object]:
    """The columns of a queued outbox row that every kind of mail has."""
    return {
        "mail": mail, "step": step, "occurrence": occurrence, "recipient": recipient, "state": "queued", "lane": lane,
        "created_at": now, "attempts": 0, "failures": 0, "fence": 0, "reply": "",
    }  # fmt: skip
