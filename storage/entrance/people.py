"""The people of the office, their authenticators' secrets, and what goes with them when they leave."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select, update

from engine.errors import UsageError
from engine.model.office import Person
from engine.nodes import nearest
from storage.mailing.briefs import add_line, lines_of, next_brief, of_reader
from storage.mailing.window import MailWindow
from storage.rows import person_row
from storage.sealing import Ring
from storage.statements import insert_new, put
from storage.tables import ASSIGNEES, BRIEF_LINES, CODES, LINKS, OUTBOX, PEOPLE, SESSIONS, TASKS


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task that somebody is asked to do."""

    case_id: str
    id: str
    title: str
    due: dt.date | None


@dataclass(frozen=True, slots=True)
class Access:
    """What lets somebody in without another code: devices that are signed in, and links that were mailed."""

    sessions: int
    links: int


def save(connection: Connection, person: Person) -> None:
    taken = select(PEOPLE.c.id).where((PEOPLE.c.login == person.login) & (PEOPLE.c.id != person.id))
    other = connection.scalar(taken) if person.login else None
    if other is not None:
        raise UsageError(f"the login '{person.login}' belongs to {other} already: give {person.id} another one")
    put(connection, PEOPLE, person_row(person))


def set_totp(connection: Connection, ring: Ring, person_id: str, secret: str | None) -> None:
    sealed = ring.seal(secret.encode(), totp_place(person_id)) if secret else None
    changed = update(PEOPLE).where(PEOPLE.c.id == person_id).values(totp=sealed, totp_counter=None)
    if connection.execute(changed).rowcount != 1:
        raise UsageError(
            f"unknown person '{person_id}'{nearest(person_id, connection.scalars(select(PEOPLE.c.id)).all())}"
        )


def totp_place(person_id: str) -> str:
    return f"people/{person_id}/totp"


@dataclass(frozen=True, slots=True)
class Staff:
    """What belongs to the people of the office besides their row, in the transaction at hand."""

    connection: Connection
    ring: Ring
    window: MailWindow
    now: dt.datetime

    def open_tasks(self, person_id: str) -> Sequence[OpenTask]:
        """The open tasks that a person is asked to do, in the order of their cases."""
        asked = TASKS.join(ASSIGNEES, ASSIGNEES.c.task_id == TASKS.c.id)
        mine = (ASSIGNEES.c.person_id == person_id) & TASKS.c.outcome.is_(None) & TASKS.c.present
        columns = (TASKS.c.case_id, TASKS.c.id, TASKS.c.title, TASKS.c.due)
        wanted = select(*columns).select_from(asked).where(mine).order_by(TASKS.c.case_id, TASKS.c.id)
        return tuple(OpenTask(row.case_id, row.id, row.title, row.due) for row in self.connection.execute(wanted))

    def access(self, person_id: str) -> Access:
        recipient = f"person:{person_id}"
        open_ones = SESSIONS.c.closed.is_(False) & (SESSIONS.c.expires_at > self.now)
        live = LINKS.c.revoked_at.is_(None) & (LINKS.c.expires_at > self.now)
        sessions = select(func.count()).select_from(SESSIONS).where((SESSIONS.c.recipient == recipient) & open_ones)
        links = select(func.count()).select_from(LINKS).where((LINKS.c.recipient == recipient) & live)
        return Access(self.connection.scalar(sessions) or 0, self.connection.scalar(links) or 0)

    def lock_out(self, person_id: str) -> None:
        """Closes every way in: sessions, links, codes under way, the secret of the authenticator. From today on the
        term counts after which it goes who they were."""
        recipient = f"person:{person_id}"
        live = (LINKS.c.recipient == recipient) & LINKS.c.revoked_at.is_(None)
        for statement in (
            update(SESSIONS).where(SESSIONS.c.recipient == recipient).values(closed=True),
            update(LINKS).where(live).values(revoked_at=self.now),
            delete(CODES).where(CODES.c.recipient == recipient),
            update(PEOPLE).where(PEOPLE.c.id == person_id).values(totp=None, totp_counter=None, left_on=self._today),
        ):
            self.connection.execute(statement)

    def pass_mail_on(self, person_id: str, to: str) -> None:
        """What waits to be mailed to a person goes to another: the lines of briefs, and mails of cases. Task links and
        notices are not passed on: they were for this person alone."""
        waiting = OUTBOX.c.state.in_(("queued", "deferred"))
        briefs = select(OUTBOX.c.id).where(of_reader(f"person:{person_id}") & waiting)
        for brief in self.connection.scalars(briefs).all():
            self._pass_lines_on(brief, to)
        mine = (OUTBOX.c.recipient == f"person:{person_id}") & waiting
        of_cases = mine & OUTBOX.c.case_id.is_not(None) & (OUTBOX.c.mail != "task") & OUTBOX.c.sealed_words.is_(None)
        columns = [OUTBOX.c[name] for name in ("case_id", "mail", "step", "occurrence", "task_id", "lane")]
        rows = [dict(row) for row in self.connection.execute(select(*columns).where(of_cases)).mappings()]
        insert_new(self.connection, OUTBOX, [row | _unsent(to, self.now) for row in rows])
        gone = {"state": "cancelled", "reply": f"passed on to {to}", "at": None, "settled_at": self.now}
        self.connection.execute(update(OUTBOX).where(mine).values(**gone))

    @property
    def _today(self) -> dt.date:
        return self.now.astimezone(self.window.zone).date()

    def _pass_lines_on(self, brief: int, to: str) -> None:
        lines = lines_of(self.connection, self.ring, brief)
        target = next_brief(self.connection, self.window, f"person:{to}", self.now) if lines else 0
        for line in lines:
            add_line(self.connection, self.ring, target, line)
        self.connection.execute(delete(BRIEF_LINES).where(BRIEF_LINES.c.outbox_id == brief))


def _unsent(to: str, now: dt.datetime) -> dict[str, object]:
    return {"recipient": f"person:{to}", "state": "queued", "created_at": now, "at": now, "attempts": 0, "failures": 0,
            "fence": 0, "reply": ""}
