"""Keeping a decision: every row that it changes, written on one connection, in one transaction.

The case's row is written first, under its revision: whoever lost the race writes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from sqlalchemy import Connection, delete, select, update

from engine.errors import LostRace
from engine.law.calendar import ONE_DAY
from engine.model.case import SYSTEM, Actor, Case, Clock, Task
from engine.model.handed import BriefLine
from engine.model.messages import (
    CancelTimers,
    ChildEnded,
    Command,
    Decision,
    Effect,
    FixAudience,
    FreeAudience,
    HideTask,
    LettersPosted,
    Notify,
    Pace,
    PauseLetters,
    Send,
    SendToAll,
    SetTimer,
    StartCase,
    StartChild,
    TellParent,
    WriteRegister,
)
from storage import direct, prepared
from storage.chains import history
from storage.found import Found
from storage.mailing.audience import Audiences
from storage.mailing.briefs import add_line, contact_key, next_brief, slot_of
from storage.mailing.window import MailWindow
from storage.messages import leave_message
from storage.register import RegisterWriter, begin_writing, holding_of
from storage.rows import BULK, URGENT, case_row, clock_row, new_mail, pack_fact, pack_secrets, task_row
from storage.sealing import Ring
from storage.statements import insert_new, only_one, put
from storage.tables import OUTBOX, SNOOZES
from storage.timers import Timers

LATELY = dt.timedelta(days=10)
"""No mail waits for longer than that before it leaves."""

MOST_DAYS: Mapping[Pace, int] = {"now": 0, "soon": 2, "free": 5}
"""How many business days a mail waits at most for one on which its address gets no other; one that is `free` then
becomes a line of its reader's next brief, or waits on."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """Writes one decision. `today` is the local date of `now`; `answer` the revision after an answer that may be taken
    back; until it `leaves` its mails wait, and what it tells other cases, where they wait."""

    connection: Connection
    ring: Ring
    window: MailWindow
    actor: Actor
    now: dt.datetime
    today: dt.date
    found: Found
    answer: int | None = None
    leaves: dt.datetime | None = None

    def keep(self, before: Case | None, decision: Decision) -> None:
        """Raises `LostRace` when the case's revision is not `before.revision` any more; nothing may be written then."""
        case = decision.case
        last_line = self._case(before, case)
        if before is not None:
            self._past_facts(before, case)
        self._tasks(before.tasks if before else (), case)
        self._clocks(before, case)
        self._revoke(before.tasks if before else (), case)
        begins = before is None
        self._effects(case, decision.effects, begins=begins)
        history.append(self.connection, self.ring, case.id, decision.events, self.actor, self.now, last_line)

    def _case(self, before: Case | None, case: Case) -> history.Last:
        """Gives the last line of its history."""
        row = {**case_row(case), "sealed": self.ring.seal_json(pack_secrets(case), case_place(case.id))}
        if before is None:
            direct.write(self.connection, prepared.NEW_CASE, row)
            return history.NONE
        del row["id"]  # SQLite would look for all that names it, as if it had changed
        mine = {"its_id": case.id, "its_revision": before.revision}
        changed = direct.first(self.connection, prepared.CHANGE_CASE, {**row, **mine})
        if changed is None:
            raise LostRace(f"case {case.id} has changed since it was read: nothing was written, look again")
        return history.last_in(changed)

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
        direct.write_all(self.connection, prepared.NEW_FACT_PAST, rows)

    def _tasks(self, before: Sequence[Task], case: Case) -> None:
        known = {task.id: (position, task) for position, task in enumerate(before)}
        news = [(position, task) for position, task in enumerate(case.tasks) if task.id not in known]
        rows = [task_row(case.id, task, place) for place, task in news]
        direct.write_all(self.connection, prepared.NEW_TASKS, rows)
        self._assign([task for _, task in news])
        for position, task in enumerate(case.tasks):
            if known.get(task.id, (position, task)) == (position, task):
                continue
            row = task_row(case.id, task, position)
            direct.write(self.connection, prepared.CHANGE_TASK, {**row, "its_id": task.id})
            if known[task.id][1].assignees != task.assignees:
                direct.write(self.connection, prepared.DROP_ASSIGNEES, {"its_task": task.id})
                self._assign([task])
        gone = sorted(known.keys() - {task.id for task in case.tasks})
        direct.write_all(self.connection, prepared.LEAVE_TASK, [{"its_id": task_id} for task_id in gone])

    def _assign(self, tasks: Sequence[Task]) -> None:
        rows = [
            {"task_id": task.id, "person_id": person, "position": position}
            for task in tasks
            for position, person in enumerate(task.assignees)
        ]
        direct.write_all(self.connection, prepared.NEW_ASSIGNEES, rows)

    def _clocks(self, before: Case | None, case: Case) -> None:
        known = before.clocks if before else {}
        for name, clock in case.clocks.items():
            old = known.get(name)
            if old == clock:
                continue
            if old is not None and old.generation == clock.generation:
                mine = _generation(case.id, clock)
                direct.write(self.connection, prepared.CHANGE_CLOCK, {**clock_row(case.id, clock), **mine})
                continue
            if old is not None:
                ended = {"status": "superseded", "superseded_because": clock.reason, "ended_on": self.today}
                direct.write(self.connection, prepared.CHANGE_CLOCK, {**ended, **_generation(case.id, old)})
            direct.write(self.connection, prepared.NEW_CLOCK, clock_row(case.id, clock))

    def _revoke(self, before: Sequence[Task], case: Case) -> None:
        """Links of a task that closed, or that went to another person or form, are dead from this commit on; a mail
        that would carry such a link is not sent any more."""
        gone = [old.id for old in before if old.is_open and not _is_same(old, case.task(old.id))]
        revoked = [{"its_task": task, "now": self.now} for task in gone]
        direct.write_all(self.connection, prepared.REVOKE_LINKS, revoked)
        direct.write_all(self.connection, prepared.CANCEL_TASK_MAILS, [{"its_task": task} for task in gone])

    def _effects(self, case: Case, effects: Iterable[Effect], *, begins: bool) -> None:
        timers = Timers(self.connection, case.id, begins)
        for number, effect in enumerate(effects):
            match effect:
                case SetTimer():
                    timers.set(effect.key, effect.at, again=effect.again)
                case CancelTimers(prefix):
                    timers.cancel(prefix)
                case Send() | Notify():
                    self._tell(case, effect)
                case HideTask():
                    self._hide(effect)
                case StartChild() | TellParent():
                    self._pass_on(case, effect, number)
                case WriteRegister():
                    self._register(case, effect)
                case FixAudience() | FreeAudience() | PauseLetters() | SendToAll() | LettersPosted():
                    self._audience(case, effect)
        timers.flush()

    def _audience(
        self, case: Case, effect: FixAudience | FreeAudience | PauseLetters | SendToAll | LettersPosted
    ) -> None:
        audiences = Audiences(self.connection, self.ring, self.now, self.today)
        match effect:
            case FixAudience(name):
                audiences.fix(case.id, name)
            case FreeAudience(name):
                audiences.free(case.id, name)
            case PauseLetters(paused):
                audiences.pause(case.id, paused=paused)
            case SendToAll():
                audiences.send_to_all(case.id, effect)
            case LettersPosted(mail, on):
                audiences.posted(case.id, mail, on, zone=self.window.zone)

    def _pass_on(self, case: Case, effect: StartChild | TellParent, number: int) -> None:
        if isinstance(effect, TellParent):
            self._leave(effect.parent, ChildEnded(effect.child, case.id, effect.outcome), case, number)
        else:
            child = self._child(case, effect)
            self._leave(child.case_id, child, case, number)

    def _tell(self, case: Case, effect: Send | Notify) -> None:
        if isinstance(effect, Send):
            self._queue(case, effect)
        else:
            self._brief(case, effect)

    def _queue(self, case: Case, send: Send) -> None:
        to_party = send.recipient.startswith("party:")
        if send.line is not None and not to_party and self._asked_today(send.recipient):
            self._brief(case, send.line)
            return
        if send.pace and to_party:
            self._pace(case, send)
        elif send.pace and self._asked_today(send.recipient):
            tomorrow = self.window.starts(self.today + ONE_DAY)
            self._at_once(case, replace(send, not_before=self.window.next_brief(send.recipient, tomorrow)[1]))
        else:
            self._at_once(case, send)
        if send.words:
            self._seal_words(case, send)

    def _at_once(self, case: Case, send: Send) -> None:
        lane = URGENT if send.not_before is None else BULK
        row = {
            **new_mail(send.mail, send.step, send.occurrence, send.recipient, lane, self.now),
            "case_id": case.id,
            "task_id": send.task_id,
            "at": send.not_before or self.leaves or self.now,
            "answer": self.answer,
        }
        insert_new(self.connection, OUTBOX, [row])

    def _pace(self, case: Case, send: Send) -> None:
        """Queues a mail for the first day on which its address gets no other, which may be today. Whoever else takes
        that day first leaves us the next: a place is a unique key, so that two workers cannot both take it."""
        row = {**new_mail(send.mail, send.step, send.occurrence, send.recipient, URGENT, self.now), "case_id": case.id,
               "task_id": send.task_id, "answer": self.answer}
        at_once = self.leaves or self.now
        contact = contact_key(self.ring, _address(case, send.recipient.removeprefix("party:")))
        mine = {"its_case": case.id, "its_step": send.step, "its_occurrence": send.occurrence,
                "its_recipient": send.recipient, "its_mail": send.mail}  # fmt: skip
        since = send.not_before or self.window.starts(self.today + ONE_DAY)
        waits_on = send.pace == "free" and send.line is None
        later = islice(self.window.days(contact, since), None if waits_on else MOST_DAYS[send.pace])
        for day, at in later if send.not_before else chain([(self.today, at_once)], later):
            insert_new(self.connection, OUTBOX, [{**row, "at": at, "slot": slot_of(contact, day)}])
            if direct.scalar(self.connection, prepared.MAIL_OF_STEP, mine) is not None:
                return
        if send.line is not None:
            self._brief(case, send.line)
        else:
            insert_new(self.connection, OUTBOX, [{**row, "at": send.not_before or at_once}])

    def _asked_today(self, recipient: str) -> bool:
        """Whether a mail of its own, but for what they had just asked for, was made or left for this person today, or
        another worker is about to make one."""
        if not only_one(self.connection, recipient):
            return True
        since = self.window.starts(self.today)
        wanted = {"its_recipient": recipient, "since": since, "lately": since - LATELY}
        found = direct.scalar(self.connection, prepared.ASKED_SINCE, wanted)
        return found is not None

    def _seal_words(self, case: Case, send: Send) -> None:
        """What only this mail knows, sealed under the number of its row."""
        mine = (OUTBOX.c.case_id == case.id) & (OUTBOX.c.step == send.step) & (OUTBOX.c.occurrence == send.occurrence)
        mine &= (OUTBOX.c.recipient == send.recipient) & (OUTBOX.c.mail == send.mail)
        outbox_id = int(self.connection.execute(select(OUTBOX.c.id).where(mine)).scalar_one())
        sealed = self.ring.seal_json(dict(send.words), words_place(outbox_id))
        self.connection.execute(update(OUTBOX).where(OUTBOX.c.id == outbox_id).values(sealed_words=sealed))

    def _brief(self, case: Case, line: Notify) -> None:
        recipient, party = line.recipient, None
        if recipient.startswith("party:"):
            party = recipient.removeprefix("party:")
            recipient = contact_key(self.ring, _address(case, party))
        weekly = self._reads_weekly(line)
        if weekly and line.kind in ("reminder", "target") and self._named_this_week(case, line):
            return
        waits = weekly and self._comes_in_time(line)
        outbox_id = self.found.brief(
            (recipient, waits, self.now),
            lambda: next_brief(self.connection, self.window, recipient, self.now, weekly=waits),
        )
        kept = BriefLine(
            case.id, line.kind, line.subject, line.text, line.strength, line.date, line.legal, line.task_id, party
        )
        add_line(self.connection, self.ring, outbox_id, kept, self.answer)

    def _reads_weekly(self, line: Notify) -> bool:
        """Whether a line belongs into a brief a week: its reader gets one, and no legal date is near. The target of a
        task is the district's own; that of a duty stands before a legal date."""
        soft = ("task", "reminder", "legal", "repeat", *(("target",) if line.task_id else ()))
        if line.kind not in soft or line.legal or not line.recipient.startswith("person:"):
            return False
        roles = self.found.roles(line.recipient.removeprefix("person:"))
        return bool(roles & self.window.weekly) and "privacy" not in roles

    def _named_this_week(self, case: Case, line: Notify) -> bool:
        """Whether a brief of this week has named the same thing to the same reader already."""
        monday = self.today - ONE_DAY * self.today.weekday()
        same = {"its_recipient": line.recipient, "its_case": case.id, "its_task": line.task_id}
        found = direct.scalar(self.connection, prepared.LINE_SINCE, same | {"since": monday.isoformat()})
        return line.task_id is not None and found is not None

    def _comes_in_time(self, line: Notify) -> bool:
        day, _ = self.window.next_brief(line.recipient, self.now, weekly=True)
        return line.date is None or day <= line.date or line.kind in ("legal", "repeat")

    def _hide(self, effect: HideTask) -> None:
        mine = {"task_id": effect.task_id, "person_id": effect.person}
        if effect.until is None:
            self.connection.execute(delete(SNOOZES).filter_by(**mine))
            return
        rest = {"generation": effect.generation, "until": effect.until, "past_date": effect.past_date}
        put(self.connection, SNOOZES, {**mine, **rest})

    def _register(self, case: Case, effect: WriteRegister) -> None:
        begin_writing(self.connection)
        cause = f"case {case.id}"
        writer = RegisterWriter(self.connection, self.ring, self.actor, self.now, self.today, cause)
        if effect.is_new or not effect.agreement:
            writer.enter(effect.values, agreement=effect.agreement or None)
        else:
            writer.enter(effect.values, holding_of(self.connection, self.ring, effect.agreement))
        writer.flush()

    def _child(self, case: Case, child: StartChild) -> StartCase:
        number = new_case_id(self.connection, self.today)
        return StartCase(number, SYSTEM, child.facts, child.parties, case.id, child.child, child.process)

    def _leave(self, to: str, command: Command, case: Case, number: int) -> None:
        source = f"{source_of(case.id, case.revision)}{number}"
        leave_message(self.connection, self.ring, to, command, source, self.now, self.leaves)


def new_case_id(connection: Connection, today: dt.date) -> str:
    """The next number of the year, such as `2026-0001`; given back when the transaction does not commit."""
    counted = prepared.next_case_number(connection.dialect.name)
    number = direct.scalar(connection, counted, {"year": today.year, "last": 1})
    return f"{today.year}-{number:04d}"


def _is_same(old: Task, new: Task | None) -> bool:
    """Whether links to the task of before still lead to it."""
    return new is not None and new.is_open and new.generation == old.generation


def case_place(case_id: str) -> str:
    return f"cases/{case_id}"


def source_of(case_id: str, revision: int) -> str:
    """How the sources of the messages begin that a case has left for others at a revision."""
    return f"{case_id}/{revision}/"


def fact_place(case_id: str, revision: int, name: str) -> str:
    """Where a superseded value lies."""
    return f"fact_past/{case_id}/{revision}/{name}"


def words_place(outbox_id: int) -> str:
    return f"outbox/{outbox_id}/words"


def _address(case: Case, party: str) -> str:
    contact = case.parties.get(party)
    email = contact.email if contact is not None and contact.reads_mail else None
    if email is None:
        raise ValueError(f"party '{party}' of case {case.id} reads no mail: the line belongs to somebody else")
    return email


def _generation(case_id: str, clock: Clock) -> dict[str, object]:
    return {"its_case": case_id, "its_name": clock.name, "its_generation": clock.generation}
