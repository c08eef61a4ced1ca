"""One transaction of the store: what is read and kept within it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, delete, func, insert, select, update

from engine.errors import Refused, UsageError
from engine.model.case import Actor, Case, Contact
from engine.model.cycles import Cycle, Planned
from engine.model.definition import Definition, say
from engine.model.handed import RECIPIENT, Answer, DueCycle, DueTimer, Message, Taken
from engine.model.messages import Command, Decision, Event
from engine.model.office import Person
from engine.model.register import Entry
from engine.model.undoable import Kept
from engine.nodes import nearest
from registry.values import Holding
from storage import cycles, direct, prepared, undoing
from storage.base import Base
from storage.chains import history
from storage.entrance import acts, people
from storage.entrance.acts import Act
from storage.entrance.people import Staff
from storage.found import Found
from storage.keeping import Keeper, case_place, new_case_id
from storage.looking import outlook
from storage.mailing.audience import Audiences
from storage.mailing.recipients import people_of_audience
from storage.messages import leave_message, message_place
from storage.register import (
    RegisterWriter,
    begin_writing,
    entries,
    holdings,
    holdings_of_rows,
    next_number,
    readable_entries,
)
from storage.rows import Row, labels, read_case, read_clock, read_task, unpack_command
from storage.statements import insert_new, put
from storage.tables import ADOPTIONS, CASES, CLOCKS, DEFINITIONS, MESSAGES, META, OUTBOX, TASKS, TIMERS

SOME = 500


CAME_BACK = "came back"
"""The reply of a mail that was accepted and bounced."""


@dataclass(frozen=True, slots=True)
class SqlUnit:
    """Implements `engine.ports.Unit` on one connection. In a writing unit a case is locked when it is read."""

    connection: Connection
    base: Base
    found: Found
    writes: bool

    def people(self) -> Sequence[Person]:
        return self.found.people()

    def new_case_id(self, today: dt.date) -> str:
        return new_case_id(self.connection, today)

    def case(self, case_id: str) -> Case:
        wanted = prepared.CASE_LOCKED if self.writes else prepared.CASE
        row = direct.first(self.connection, wanted, {"its_id": case_id})
        if row is None:
            raise UsageError(f"unknown case '{case_id}'{self._nearest_case(case_id)}")
        its = {"its_case": case_id}
        tasks = direct.read(self.connection, prepared.PRESENT_TASKS, its)
        people = _assignees(direct.read(self.connection, prepared.PRESENT_ASSIGNEES, its)) if tasks else {}
        return self._read(row, tasks, people, direct.read(self.connection, prepared.PRESENT_CLOCKS, its))

    def cases(self, case_ids: Iterable[str]) -> Mapping[str, Case]:
        found: dict[str, Case] = {}
        wanted = sorted(set(case_ids))
        for start in range(0, len(wanted), SOME):
            its = {"its_cases": wanted[start : start + SOME]}
            tasks = _by(direct.read(self.connection, prepared.TASKS_OF_SOME, its), "case_id")
            people = _assignees(direct.read(self.connection, prepared.ASSIGNEES_OF_SOME, its)) if tasks else {}
            clocks = _by(direct.read(self.connection, prepared.CLOCKS_OF_SOME, its), "case_id")
            for row in direct.read(self.connection, prepared.SOME_CASES, its):
                with suppress(Exception):  # whoever needs this one is told what is wrong with it
                    found[row["id"]] = self._read(row, tasks.get(row["id"], ()), people, clocks.get(row["id"], ()))
        return found

    def _read(
        self, row: Row, tasks: Iterable[Row], people: Mapping[str, Sequence[str]], clocks: Iterable[Row]
    ) -> Case:
        secrets = self.base.ring.open_json(row["sealed"], case_place(row["id"]))
        found = [read_task(task, people.get(task["id"], ())) for task in tasks]
        return read_case(row, secrets, found, [read_clock(clock) for clock in clocks])

    def adopted_as(self, key: str) -> Taken | None:
        row = self.connection.execute(select(ADOPTIONS).where(ADOPTIONS.c.key == key)).first()
        return Taken(row.case_id, row.digest) if row else None

    def keep_adopted(self, key: str, taken: Taken, by: str, now: dt.datetime) -> None:
        row = {"key": key, "case_id": taken.case_id, "digest": taken.digest, "by": by, "at": now}
        self.connection.execute(insert(ADOPTIONS).values(**row))

    def last_mail(self) -> int:
        """The number of the outbox row that was queued last."""
        return self.connection.scalar(select(func.max(OUTBOX.c.id))) or 0

    def mails_after(self, mail_id: int) -> Sequence[tuple[str, str, dt.datetime]]:
        """The mails queued after that row, as (mail, recipient, when it leaves)."""
        wanted = (OUTBOX.c.id > mail_id) & (OUTBOX.c.state == "queued")
        rows = self.connection.execute(select(OUTBOX.c.mail, OUTBOX.c.recipient, OUTBOX.c.at).where(wanted))
        return [(row.mail, row.recipient, row.at) for row in rows]

    def timers_until(self, case_id: str, until: dt.datetime) -> Sequence[tuple[str, dt.datetime]]:
        """The timers of a case that wait up to an instant, the earliest first."""
        mine = (TIMERS.c.case_id == case_id) & (TIMERS.c.at <= until)
        rows = self.connection.execute(select(TIMERS.c.key, TIMERS.c.at).where(mine).order_by(TIMERS.c.at, TIMERS.c.id))
        return [(row.key, row.at) for row in rows]

    def open_cases(self, process: str) -> Sequence[str]:
        open_ones = (CASES.c.process == process) & CASES.c.ended_at.is_(None)
        return self.connection.scalars(select(CASES.c.id).where(open_ones).order_by(CASES.c.id)).all()

    def cases_since(self, process: str, since: dt.datetime) -> Sequence[Case]:
        started = (CASES.c.process == process) & (CASES.c.started_at >= since)
        found = self.cases(self.connection.scalars(select(CASES.c.id).where(started)))
        return [found[name] for name in sorted(found)]

    def case_of_task(self, task_id: str) -> str:
        found = direct.scalar(self.connection, prepared.CASE_OF_TASK, {"its_id": task_id})
        if found is None:
            open_ones = select(TASKS.c.id).where(TASKS.c.present & TASKS.c.outcome.is_(None)).limit(1000)
            raise UsageError(f"unknown task '{task_id}'{nearest(task_id, self.connection.scalars(open_ones).all())}")
        return str(found)

    def entries(self, agreements: Iterable[str]) -> Mapping[str, Entry]:
        return entries(self.connection, self.base.ring, agreements)

    def readable_entries(self, agreements: Iterable[str]) -> Mapping[str, Entry]:
        return readable_entries(self.connection, self.base.ring, agreements)

    def next_agreement(self) -> int:
        if self.writes:
            begin_writing(self.connection)
        return next_number(self.connection)

    def answer_of(self, case_id: str, task_id: str) -> Answer | None:
        return history.answer_of(self.connection, self.base.ring, case_id, task_id)

    def answered(self, case_id: str) -> Kept | None:
        return undoing.answered(self.connection, self.base.ring, case_id)

    def note(self, case_id: str, event: Event, actor: Actor, now: dt.datetime, *, again: bool = False) -> None:
        if again:
            history.append(self.connection, self.base.ring, case_id, [event], actor, now)
        else:
            history.append_once(self.connection, self.base.ring, case_id, event, actor, now)

    def adopt(self, definition: Definition, source: Callable[[Definition], str]) -> None:
        if definition in self.found.adopted:
            return
        its = {"its_process": definition.process, "its_version": definition.version}
        known = direct.scalar(self.connection, prepared.ADOPTED, its)
        if known is None:
            row = {
                "process": definition.process,
                "version": definition.version,
                "hash": definition.hash,
                "title": say(definition.title, "en"),
                "labels": labels(definition),
                "source": source(definition),
            }
            insert_new(self.connection, DEFINITIONS, [row])
            known = direct.scalar(self.connection, prepared.ADOPTED, its)  # another worker may have been first
        if known != definition.hash:
            raise Refused(self._has_changed(definition))
        self.found.adopted.add(definition)

    def changed_in_use(self, definition: Definition) -> str | None:
        """What to do about a definition that is in use under its number in another form; None where it is not."""
        adopted = self.adopted(definition.process, definition.version)
        return self._has_changed(definition) if adopted and adopted[0] != definition.hash else None

    def _has_changed(self, definition: Definition) -> str:
        versions = select(func.max(DEFINITIONS.c.version)).where(DEFINITIONS.c.process == definition.process)
        latest = self.connection.scalar(versions) or definition.version
        return (f"{definition.process} version {definition.version} is in use and has changed since: give the changed "
                f"one version {latest + 1}")

    def adopted(self, process: str, version: int) -> tuple[str, str] | None:
        """The hash and source of a definition in use."""
        key = (DEFINITIONS.c.process == process) & (DEFINITIONS.c.version == version)
        row = self.connection.execute(select(DEFINITIONS.c.hash, DEFINITIONS.c.source).where(key)).first()
        return (row.hash, row.source) if row else None

    def keep(self, before: Case | None, decision: Decision, actor: Actor, now: dt.datetime) -> None:
        base, ring = self.base, self.base.ring.now()
        keeper = Keeper(self.connection, ring, base.window, actor, now, base.today(now), self.found)
        undoing.keep(keeper, before, decision)

    def due_timers(self, now: dt.datetime, limit: int) -> Sequence[DueTimer]:
        """As promised by `Unit`; the case of each timer is locked too, so that workers never wait for one another."""
        due = direct.read(self.connection, prepared.DUE_TIMERS, {"now": now, "most": limit})
        return tuple(DueTimer(row["id"], row["case_id"], row["key"], row["at"]) for row in due)

    def timers_fired(self, timers: Collection[DueTimer], now: dt.datetime) -> None:
        if timers:
            fired = {"its_ids": [timer.id for timer in timers], "now": now}
            direct.write(self.connection, prepared.TIMERS_FIRED, fired)

    def cycles(self, process: str, subjects: Collection[str]) -> Mapping[str, Planned]:
        return cycles.planned(self.connection, process, subjects)

    def plan_cycles(self, process: str, wanted: Mapping[str, Cycle | None]) -> None:
        cycles.plan(self.connection, process, wanted)

    def drop_cycles(self, scheduled: Collection[str]) -> None:
        cycles.drop(self.connection, scheduled)

    def due_cycles(self, now: dt.datetime, limit: int) -> Sequence[DueCycle]:
        return cycles.due(self.connection, now, limit)

    def cycle_done(
        self, due: DueCycle, on: dt.date, case_id: str, missed: int, now: dt.datetime, then: Cycle | None
    ) -> None:
        cycles.done(self.connection, due, on, case_id, missed, now, then)

    def active_agreements(self, beyond: str, limit: int) -> Sequence[str]:
        return cycles.active_agreements(self.connection, beyond, limit)

    def last_ended(self, process: str, subjects: Collection[str]) -> Sequence[str]:
        return cycles.last_ended(self.connection, process, subjects)

    def subjects_ended(self, process: str, subjects: Collection[str]) -> Collection[str]:
        return cycles.subjects_ended(self.connection, process, subjects)

    def recorded_at(self, case_id: str) -> Mapping[str, dt.datetime]:
        return history.recorded_at(self.connection, case_id)

    def planned_for(self) -> str:
        return read_mark(self.connection, "planned_for") or ""

    def set_planned_for(self, schedules: str) -> None:
        write_mark(self.connection, "planned_for", schedules)

    def messages(self, limit: int, now: dt.datetime) -> Sequence[Message]:
        first = select(func.min(MESSAGES.c.id)).where(prepared.may_be_delivered(now)).group_by(MESSAGES.c.case_id)
        waiting = (
            select(MESSAGES)
            .where(MESSAGES.c.id.in_(first))
            .order_by(MESSAGES.c.attempts, MESSAGES.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        rows = self.connection.execute(waiting).all()
        return tuple(Message(row.id, row.case_id, partial(self._command, row.sealed, row.source)) for row in rows)

    def message_done(self, message: Message) -> None:
        self.connection.execute(delete(MESSAGES).where(MESSAGES.c.id == message.id))

    def leave(self, case_id: str, command: Command, source: str, now: dt.datetime) -> None:
        leave_message(self.connection, self.base.ring, case_id, command, source, now)

    def counted_otherwise(self, calendars: Collection[str], limit: int, beyond: str = "") -> Sequence[str]:
        running = CLOCKS.c.status == "running"
        kinds = self.connection.scalars(select(CLOCKS.c.calendars).where(running).distinct())
        old = [kind for kind in kinds if not set(json.loads(kind)) <= set(calendars)]
        there = running & CLOCKS.c.calendars.in_(old) & (CLOCKS.c.case_id > beyond)
        wanted = select(CLOCKS.c.case_id).where(there).distinct().limit(limit)
        return tuple(self.connection.scalars(wanted.order_by(CLOCKS.c.case_id))) if old else ()

    def running_until(self, day: dt.date) -> Sequence[tuple[str, str]]:
        return outlook.running_until(self.connection, day)

    def waiting(self, but_for: str, limit: int) -> Sequence[tuple[str, str]]:
        return outlook.waiting(self.connection, but_for, limit)

    def chased(self, limit: int) -> Sequence[tuple[str, str]]:
        return outlook.chased(self.connection, limit)

    def in_use(self) -> Sequence[tuple[str, int, str]]:
        still_open = select(CASES.c.process, CASES.c.version, CASES.c.hash).where(CASES.c.ended_at.is_(None)).distinct()
        rows = self.connection.execute(still_open.order_by(CASES.c.process, CASES.c.version))
        return tuple((row.process, row.version, row.hash) for row in rows)

    def begin_act(self, act: Act, token: str | None) -> None:
        """Keeps an act of two persons and, with a token, queues the mail to its second person."""
        acts.begin(self.connection, self.base.ring, act, token)

    def confirm_act(self, act_id: str, by: str, now: dt.datetime) -> None:
        acts.confirm(self.connection, self.base.ring, act_id, by, now)

    def holdings_of_rows(self, keys: Collection[str]) -> Sequence[Holding]:
        """The products that these rows of an inventory may be about."""
        return holdings_of_rows(self.connection, self.base.ring, keys)

    def holdings(self) -> Sequence[Holding]:
        """Every product with each of its agreements."""
        return holdings(self.connection, self.base.ring)

    def register_writer(self, actor: Actor, now: dt.datetime, cause: str) -> RegisterWriter:
        """Writes into the register in this transaction, once it is flushed. Get it before you read what it changes."""
        begin_writing(self.connection)
        return RegisterWriter(self.connection, self.base.ring, actor, now, self.base.today(now), cause)

    def came_back(self, outbox_id: int, now: dt.datetime) -> None:
        mine = (OUTBOX.c.id == outbox_id) & (OUTBOX.c.state == "accepted") & (OUTBOX.c.reply != CAME_BACK)
        row = self.connection.execute(select(OUTBOX).where(mine).with_for_update(key_share=True)).mappings().first()
        if row is None:
            raise Refused(f"mail {outbox_id} was not accepted, or came back already: nothing was changed")
        self.connection.execute(update(OUTBOX).where(OUTBOX.c.id == outbox_id).values(reply=CAME_BACK))
        if row["recipient"].startswith(RECIPIENT):
            self.audiences(now).bounced(row)

    def one_of_audience(self, recipient: str) -> Contact | None:
        never = dt.datetime.min.replace(tzinfo=dt.UTC)
        audiences = Audiences(self.connection, self.base.ring, never, never.date())
        found = audiences.recipient(int(recipient.removeprefix(RECIPIENT)))
        return found.member.contact if found else None

    def some_of_audience(self, recipients: Iterable[str]) -> Mapping[str, Contact]:
        return people_of_audience(self.connection, self.base.ring, recipients)

    def audiences(self, now: dt.datetime) -> Audiences:
        return Audiences(self.connection, self.base.ring, now, self.base.today(now))

    def save_person(self, person: Person) -> None:
        """Adds or changes a person. Raises `UsageError` for a login that another has."""
        people.save(self.connection, person)

    def staff(self, now: dt.datetime) -> Staff:
        return Staff(self.connection, self.base.ring, self.base.window, now)

    def savepoint(self) -> AbstractContextManager[None]:
        return self.found.savepoint()

    def high_water(self) -> dt.datetime | None:
        found = read_mark(self.connection, "high_water")
        return dt.datetime.fromisoformat(found) if found else None

    def set_high_water(self, now: dt.datetime) -> None:
        write_mark(self.connection, "high_water", now.astimezone(dt.UTC).isoformat())

    def _command(self, sealed: bytes, source: str) -> Command:
        return unpack_command(self.base.ring.open_json(sealed, message_place(source)))

    def _nearest_case(self, case_id: str) -> str:
        latest = select(CASES.c.id).order_by(CASES.c.started_at.desc()).limit(1000)
        return nearest(case_id, self.connection.scalars(latest).all())


def _assignees(rows: Iterable[Row]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["task_id"], []).append(row["person_id"])
    return found


def _by(rows: Iterable[Row], column: str) -> Mapping[str, Sequence[Row]]:
    """Rows in groups, each in the order that they came in."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return found


def read_mark(connection: Connection, name: str) -> str | None:
    return connection.scalar(select(META.c.value).where(META.c.name == name))


def write_mark(connection: Connection, name: str, value: str) -> None:
    put(connection, META, {"name": name, "value": value})
