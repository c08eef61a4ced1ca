"""What people look at: cases, history, mails, incidents. Reads, and the few words a person says about a mail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Select, func, select, update

from engine.errors import Refused, UsageError, WrongEnvironment
from engine.model.case import Clock, Task
from engine.model.handed import CONTACT, OutboxRow, OutboxState
from engine.nodes import nearest
from storage.base import Base
from storage.chains import history, seals
from storage.chains.history import HistoryLine
from storage.entrance.acts import act_place
from storage.keeping import case_place, fact_place
from storage.looking.state import IS_IN_DOUBT
from storage.mailing.outbox import SqlOutbox, read_mail
from storage.messages import message_place
from storage.removal import preservations
from storage.removal.preservations import Preservation
from storage.rows import read_clock, read_task
from storage.tables import (
    ASSIGNEES,
    BRIEF_LINES,
    CASES,
    CLOCKS,
    CYCLES,
    DEFINITIONS,
    FACT_PAST,
    INCIDENTS,
    MESSAGES,
    OUTBOX,
    PENDING_ACTS,
    PRINT_RUNS,
    TASKS,
    TIMERS,
)


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case in a list."""

    id: str
    process: str
    version: int
    title: str
    state: str
    started_at: dt.datetime
    ended_at: dt.datetime | None
    outcome: str | None
    parent: str | None


@dataclass(frozen=True, slots=True)
class Keeping:
    """What keeps a case from being purged, and when it last was."""

    preservation: Preservation | None
    purged_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class MailLine:
    """One mail in a list; `at` is when it is tried next, and its address is not here. `about` names the parties that a
    contact's mail is for, such as `operator of 2026-0001`. `answer` as in the outbox."""

    id: int
    case_id: str | None
    mail: str
    step: str
    occurrence: str
    recipient: str
    state: OutboxState
    attempts: int
    created_at: dt.datetime
    at: dt.datetime | None
    settled_at: dt.datetime | None
    message_id: str | None
    reply: str
    about: tuple[str, ...] = ()
    answer: int | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """What failed five times. `kind` is timer, cycle, message or mail, `ref` the id of the row that waits, `about` what
    it is: a timer's key, the process of a cycle, the source of a message, the name of a mail."""

    id: int
    kind: str
    ref: int
    case_id: str | None
    error: str
    tries: int
    opened_at: dt.datetime
    closed_at: dt.datetime | None
    about: str = ""


@dataclass(frozen=True, slots=True)
class CycleLine:
    """One cycle in a list. `subject` is an agreement or empty; `at` is when its case starts, None once it has
    (`case_id`) and while an incident holds it back."""

    process: str
    subject: str
    on: dt.date
    at: dt.datetime | None
    started_at: dt.datetime | None
    case_id: str | None
    missed: int

    @property
    def state(self) -> Literal["waits", "started", "held_back"]:
        if self.case_id is not None:
            return "started"
        return "waits" if self.at is not None else "held_back"


_ABOUT = {"timer": TIMERS.c.key, "cycle": CYCLES.c.process, "message": MESSAGES.c.source, "mail": OUTBOX.c.mail}
"""The column that says what a row is, by the kind of its incident."""


class Views:
    def __init__(self, base: Base) -> None:
        self.base = base

    def case_rows(self, *, prefix: str = "", process: str | None = None, open_only: bool = False) -> Sequence[CaseLine]:
        """Cases whose id begins with `prefix`, oldest first."""
        titled = (DEFINITIONS.c.process == CASES.c.process) & (DEFINITIONS.c.version == CASES.c.version)
        wanted = select(CASES, DEFINITIONS.c.title).join(DEFINITIONS, titled, isouter=True).order_by(CASES.c.id)
        if prefix:
            wanted = wanted.where(CASES.c.id.startswith(prefix, autoescape=True))
        if process is not None:
            wanted = wanted.where(CASES.c.process == process)
        if open_only:
            wanted = wanted.where(CASES.c.ended_at.is_(None))
        with self.base.reading() as connection:
            rows = connection.execute(wanted).all()
        return tuple(
            CaseLine(
                row.id, row.process, row.version, row.title or row.process, row.state, row.started_at, row.ended_at,
                row.outcome, row.parent,
            )
            for row in rows
        )  # fmt: skip

    def cases_of(self, person_id: str) -> Sequence[str]:
        """Cases in which a person is asked something now, the earliest due first."""
        mine = (ASSIGNEES.c.task_id == TASKS.c.id) & (ASSIGNEES.c.person_id == person_id)
        still_open = TASKS.c.outcome.is_(None) & TASKS.c.present.is_(True)
        asked = select(TASKS.c.case_id).join(ASSIGNEES, mine).where(still_open)
        nearest_due = func.min(func.coalesce(TASKS.c.due, dt.date.max))
        with self.base.reading() as connection:
            return tuple(connection.scalars(asked.group_by(TASKS.c.case_id).order_by(nearest_due, TASKS.c.case_id)))

    def left_behind(self, case_id: str) -> Sequence[Task]:
        """The tasks that a case has left behind, oldest first, as they stood when it did."""
        behind = (TASKS.c.case_id == case_id) & TASKS.c.present.is_(False)
        with self.base.reading() as connection:
            rows = connection.execute(select(TASKS).where(behind).order_by(TASKS.c.opened_at)).mappings().all()
        return tuple(read_task(row, ()) for row in rows)

    def keeping_of(self, case_id: str) -> Keeping:
        with self.base.reading() as connection:
            purged = history.read(connection, self.base.ring, case_id, history.PURGED)
            kept = preservations.of(connection, self.base.ring, case_id)
        return Keeping(kept, purged[-1].at if purged else None)

    def named_documents(self, names: Collection[str]) -> Collection[str]:
        """Those of these names that stand in a fact, a former fact, a waiting message, an act of two persons or a print
        run.

        Opens every one of them. One that cannot be opened may name any.
        """
        left, found = set(names), set[str]()
        with self.base.reading() as connection:
            for files in connection.scalars(select(PRINT_RUNS.c.files)):
                found |= {name for name in left - found if name in files}
            for sealed, place in self._sealed(connection):
                try:
                    plain = self.base.ring.open(sealed, place)
                except WrongEnvironment:
                    return names
                found |= {name for name in left - found if name.encode() in plain}
        return found

    def _sealed(self, connection: Connection) -> Iterator[tuple[bytes, str]]:
        """Every sealed value that may name a document, and its place."""
        for row in connection.execute(select(CASES.c.id, CASES.c.sealed)):
            yield row.sealed, case_place(row.id)
        for row in connection.execute(select(FACT_PAST)):
            yield row.sealed, fact_place(row.case_id, row.revision, row.name)
        for row in connection.execute(select(MESSAGES.c.source, MESSAGES.c.sealed)):
            yield row.sealed, message_place(row.source)
        for row in connection.execute(select(PENDING_ACTS.c.id, PENDING_ACTS.c.sealed)):
            yield row.sealed, act_place(row.id)

    def waiting_timers(self, until: dt.datetime) -> Mapping[str, Mapping[str, dt.datetime]]:
        """The timers that wait up to an instant, by case and key."""
        wanted = select(TIMERS.c.case_id, TIMERS.c.key, TIMERS.c.at).where(TIMERS.c.at <= until)
        found: dict[str, dict[str, dt.datetime]] = {}
        with self.base.reading() as connection:
            for row in connection.execute(wanted.order_by(TIMERS.c.case_id)):
                found.setdefault(row.case_id, {})[row.key] = row.at
        return found

    def children(self, case_id: str) -> Sequence[str]:
        with self.base.reading() as connection:
            return connection.scalars(select(CASES.c.id).where(CASES.c.parent == case_id).order_by(CASES.c.id)).all()

    def clocks(self, case_id: str) -> Sequence[tuple[Clock, str | None]]:
        """Every generation of every clock of a case, with the reason for which a later one took its place.

        A superseded generation has the status `void`; its reason beside it tells it from one that was voided.
        """
        wanted = select(CLOCKS).where(CLOCKS.c.case_id == case_id).order_by(CLOCKS.c.name, CLOCKS.c.generation)
        with self.base.reading() as connection:
            rows = connection.execute(wanted).mappings().all()
        return tuple(
            (
                read_clock({**row, "status": "void" if row["status"] == "superseded" else row["status"]}),
                row["superseded_because"],
            )
            for row in rows
        )

    def history(self, case_id: str) -> Sequence[HistoryLine]:
        with self.base.reading() as connection:
            return history.read(connection, self.base.ring, case_id)

    def notes(self, case_id: str) -> Sequence[HistoryLine]:
        """The lines of a case's history that are somebody's note."""
        with self.base.reading() as connection:
            return history.read(connection, self.base.ring, case_id, "note_added")

    def verify_history(self, case_id: str) -> Sequence[str]:
        """What is wrong with the chain of a case; empty when it is whole."""
        with self.base.reading() as connection:
            return history.faults(connection, self.base.ring, case_id)

    def verify_seals(self) -> Sequence[str]:
        """What is wrong with the office-wide chain; empty when it is whole."""
        with self.base.reading() as connection:
            return seals.faults(connection)

    def history_head(self, case_id: str) -> str:
        with self.base.reading() as connection:
            return history.head(connection, case_id)

    def outbox(self, *, case_id: str | None = None, state: OutboxState | None = None) -> Sequence[MailLine]:
        """Mails, newest first; at most 1,000."""
        wanted = select(OUTBOX).order_by(OUTBOX.c.id.desc()).limit(1000)
        if case_id is not None:
            wanted = wanted.where(OUTBOX.c.case_id == case_id)
        if state is not None:
            wanted = wanted.where(OUTBOX.c.state == state)
        return self._mail_lines(wanted)

    def _mail_lines(self, wanted: Select[Any]) -> Sequence[MailLine]:
        with self.base.reading() as connection:
            rows = connection.execute(wanted).all()
            about = _about(connection, [row.id for row in rows if row.recipient.startswith(CONTACT)])
        return tuple(
            MailLine(
                row.id, row.case_id, row.mail, row.step, row.occurrence, row.recipient, row.state, row.attempts,
                row.created_at, row.at, row.settled_at, row.message_id, row.reply, about.get(row.id, ()),
                row.answer,
            )
            for row in rows
        )  # fmt: skip

    def in_doubt(self, most: int, *, case_id: str | None = None, mail: str | None = None) -> Sequence[MailLine]:
        """Mails of which nobody knows whether they were sent, the oldest first."""
        wanted = select(OUTBOX).where(IS_IN_DOUBT).order_by(OUTBOX.c.id).limit(most)
        if case_id is not None:
            wanted = wanted.where(OUTBOX.c.case_id == case_id)
        if mail is not None:
            wanted = wanted.where(OUTBOX.c.mail == mail)
        return self._mail_lines(wanted)

    def mail(self, outbox_id: int) -> OutboxRow:
        """A mail with its address and bytes; once it was accepted, without the tokens of its links."""
        with self.base.reading() as connection:
            row = connection.execute(select(OUTBOX).where(OUTBOX.c.id == outbox_id)).mappings().first()
        if row is None:
            raise UsageError(f"unknown mail {outbox_id}: see soppa mail outbox")
        return read_mail(row, self.base.ring)

    def retry_mail(self, outbox_id: int, now: dt.datetime) -> None:
        """Queues a deferred or failed mail at once. Raises `Refused` for one that is on its way, doubtful or sent."""
        again = {"state": "queued", "at": now, "failures": 0, "settled_at": None}
        mine = (OUTBOX.c.id == outbox_id) & OUTBOX.c.state.in_(("queued", "deferred", "failed"))
        count = self.base.write(
            lambda connection: connection.execute(update(OUTBOX).where(mine).values(again)).rowcount
        )
        if count != 1:
            raise Refused(f"mail {outbox_id} is {self.mail(outbox_id).state}: only a deferred or failed one is retried")

    def resolve_uncertain(self, outbox_id: int, accepted: bool, by: str, now: dt.datetime) -> None:
        """A person's word on a doubtful mail: it arrived, or it did not. Raises `Refused` when it is not in doubt."""
        if not SqlOutbox(self.base).resolve(outbox_id, "accepted" if accepted else "failed", by, now):
            raise Refused(f"mail {outbox_id} is {self.mail(outbox_id).state}, not in doubt: nothing was changed")

    def incidents(self, *, closed: bool = False) -> Sequence[Incident]:
        """What waits for a person, oldest first; with `closed` also what has been dealt with."""
        wanted = select(INCIDENTS).order_by(INCIDENTS.c.id)
        if not closed:
            wanted = wanted.where(INCIDENTS.c.closed_at.is_(None))
        with self.base.reading() as connection:
            rows = connection.execute(wanted).all()
            about = {row.id: connection.scalar(select(_ABOUT[row.kind]).where(_ABOUT[row.kind].table.c.id == row.ref))
                     for row in rows}
        return tuple(
            Incident(row.id, row.kind, row.ref, row.case_id, row.error, row.tries, row.opened_at, row.closed_at,
                     about[row.id] or "")
            for row in rows
        )

    def cycles(self, *, started: bool = False) -> Sequence[CycleLine]:
        """What starts next, the nearest first and what an incident holds back before that; with `started` also what has
        started."""
        wanted = select(CYCLES).order_by(func.coalesce(CYCLES.c.fired_at, CYCLES.c.at).asc().nulls_first(), CYCLES.c.id)
        if not started:
            wanted = wanted.where(CYCLES.c.fired_at.is_(None))
        with self.base.reading() as connection:
            rows = connection.execute(wanted).all()
        return tuple(
            CycleLine(row.process, row.subject, row.occurrence, row.at, row.fired_at, row.case_id, row.missed)
            for row in rows
        )

    def cases_like(self, word: str) -> Sequence[str]:
        """The ids that begin with a word. Raises `UsageError` naming the nearest when there is none."""
        with self.base.reading() as connection:
            known = connection.scalars(select(CASES.c.id).order_by(CASES.c.id)).all()
        found = [case_id for case_id in known if case_id.startswith(word)]
        if not found:
            raise UsageError(f"unknown case '{word}'{nearest(word, known)}")
        return found


def _about(connection: Connection, outbox_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The parties in the lines of each of these mails."""
    wanted = select(BRIEF_LINES.c.outbox_id, BRIEF_LINES.c.case_id, BRIEF_LINES.c.party).distinct()
    mine = wanted.where(BRIEF_LINES.c.outbox_id.in_(outbox_ids)).order_by(BRIEF_LINES.c.case_id, BRIEF_LINES.c.party)
    found: dict[int, tuple[str, ...]] = {}
    for row in connection.execute(mine) if outbox_ids else ():
        found[row.outbox_id] = (*found.get(row.outbox_id, ()), f"{row.party} of {row.case_id}")
    return found
