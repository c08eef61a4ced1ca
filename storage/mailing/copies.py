"""The copies of a mail to many, and when all are told.

A recipient is told by the first copy that was accepted by the relay or posted, or when a person decides so by name; the
case hears of it through messages.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, literal, or_, select, update
from sqlalchemy import cast as cast_to

from engine.errors import Refused, UsageError
from engine.model.definition import CHANNELS
from engine.model.handed import RECIPIENT
from engine.model.messages import AudienceTold, SendToAll
from storage import prepared
from storage.mailing.recipients import AtOnce, Recipient, read_recipient
from storage.messages import leave_message
from storage.rows import LETTERS, Row
from storage.statements import insert_new, put
from storage.tables import AUDIENCES, COPIES, META, OUTBOX, RECIPIENTS

Channel = Literal["mail", "paper"]
What = Literal["began", "told", "complete", "on_paper", "back", "after_all"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a mail to many has come; `copies` are counted by channel and state."""

    mail: str
    step: str
    recipients: int
    told: int
    copies: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def of(self, channel: Channel, *states: str) -> int:
        return sum(count for (of, state), count in self.copies.items() if of == channel and state in states)


@dataclass(frozen=True, slots=True)
class Decided:
    """A copy of which a person has decided by name; `note` says who and why, `mail` how its mail went if it has one."""

    recipient: Recipient
    channel: Channel
    on: dt.date
    note: str
    mail: str | None


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to many of one case, sent on one entry of a state."""

    case_id: str
    mail: str
    step: str

    @property
    def copies(self) -> ColumnElement[bool]:
        return and_(COPIES.c.case_id == self.case_id, COPIES.c.mail == self.mail, COPIES.c.step == self.step)

    @property
    def its(self) -> dict[str, Any]:
        """The same, as values of a prepared statement."""
        return {"its_case": self.case_id, "its_mail": self.mail, "its_step": self.step}

    def told(self, what: What, on: dt.date, count: int = 0) -> AudienceTold:
        return AudienceTold(self.mail, what, on, count)


@dataclass(frozen=True, slots=True)
class Copies(AtOnce):
    """Each copy on its way: waiting, accepted, on paper instead, decided by name."""

    def send_to_all(self, case_id: str, send: SendToAll) -> None:
        """Makes every copy of a mail to many, once: those by mail stand in the outbox afterwards, those on paper wait
        to be printed. Nothing is opened or rendered here, so that ten thousand copies are one short transaction."""
        mail = Mail(case_id, send.mail, send.step)
        mine = (RECIPIENTS.c.case_id == case_id) & (RECIPIENTS.c.audience == send.audience)
        columns = ["case_id", "mail", "step", "recipient_id", "channel", "state"]
        for channel, wanted in (("mail", _gets_mail(send.channel)), ("paper", _gets_paper(send.channel))):
            fixed = [literal(word) for word in (case_id, send.mail, send.step)]
            chosen = select(*fixed, RECIPIENTS.c.id, literal(channel), literal("waiting")).where(mine & wanted)
            self.connection.execute(insert(COPIES).from_select(columns, chosen.order_by(RECIPIENTS.c.number)))
        self._queue(mail)
        on_paper = self._count(mail.copies & (COPIES.c.channel == "paper"))
        if on_paper:
            self._tell(mail, mail.told("on_paper", self.today, on_paper))
        if not self._count(mail.copies):
            for what in ("began", "told", "complete"):
                self._tell(mail, AudienceTold(mail.mail, what, self.today))

    def pause(self, case_id: str, *, paused: bool) -> None:
        """Keeps the copies by mail that are not being handed over where they are, or lets them go on. Whoever has
        claimed one loses it by the fence."""
        mine = (OUTBOX.c.case_id == case_id) & OUTBOX.c.recipient.startswith(RECIPIENT, autoescape=True)
        if paused:
            put(self.connection, META, {"name": _paused(case_id), "value": "hold"})
            waiting = mine & OUTBOX.c.state.in_(("queued", "deferred", "claimed"))
            stays = {"state": "queued", "at": None, "lease_until": None, "fence": OUTBOX.c.fence + 1}
            self.connection.execute(update(OUTBOX).where(waiting).values(stays))
        else:
            self.connection.execute(delete(META).where(META.c.name == _paused(case_id)))
            kept = mine & (OUTBOX.c.state == "queued") & OUTBOX.c.at.is_(None)
            self.connection.execute(update(OUTBOX).where(kept).values(at=self.now))

    def is_paused(self, case_id: str) -> bool:
        return self.connection.scalar(select(META.c.name).where(META.c.name == _paused(case_id))) is not None

    def settled(self, rows: Sequence[Row], state: str) -> None:
        """How copies of one mail went, as their outbox rows say. One that failed goes by post; one in doubt waits for a
        person; one that a person has decided about meanwhile stays decided, however it went."""
        self._in_turn(rows[0]["case_id"])
        if state != "accepted":
            for row in rows:
                self._not_accepted(row, state)
            return
        mail = Mail(rows[0]["case_id"], rows[0]["mail"], rows[0]["step"])
        copies = [{**mail.its, "its_recipient": _id_of(row), "on": self.today} for row in rows]
        changed = self.connection.execute(prepared.COPY_ACCEPTED, copies).rowcount
        if changed < len(copies):
            self._tell_after_all(mail, rows)
        begins = self._one(prepared.A_TOLD_COPY, mail) is None
        new = self.connection.execute(prepared.TELL_COPY, copies).rowcount
        self._tell_how_far(mail, self.today, begins=begins, new=new)
        self._tell_when_complete(mail, self.today)

    def _tell_after_all(self, mail: Mail, rows: Sequence[Row]) -> None:
        """The decision stands, and so does that the mail went."""
        wanted = mail.copies & (COPIES.c.channel == "mail") & (COPIES.c.state == "decided")
        wanted &= COPIES.c.recipient_id.in_([_id_of(row) for row in rows])
        for recipient in self.connection.scalars(select(COPIES.c.recipient_id).where(wanted)).all():
            self._tell(mail, mail.told("after_all", self.today, 1), f"/{recipient}")

    def _not_accepted(self, row: Row, state: str) -> None:
        mail, whose = Mail(row["case_id"], row["mail"], row["step"]), _whose(row)
        by_mail = mail.copies & whose & (COPIES.c.channel == "mail") & (COPIES.c.state != "decided")
        done = None if state == "uncertain" else self.today
        changed = self.connection.execute(update(COPIES).where(by_mail).values(state=state, done_on=done)).rowcount
        if state == "failed" and changed:
            self._to_paper(mail, row, "on_paper")
        self._tell_when_complete(mail, self.today)

    def bounced(self, row: Row) -> None:
        """A copy that was accepted came back: it goes by post, unless a person has decided about it by name. Who was
        told stays told."""
        mail = Mail(row["case_id"], row["mail"], row["step"])
        decided = mail.copies & _whose(row) & (COPIES.c.state == "decided")
        if self.connection.scalar(select(COPIES.c.id).where(decided).limit(1)) is None:
            self._to_paper(mail, row, "back")

    def decide(self, case_id: str, number: int, by: str, reason: str) -> None:
        """A person decides by name that nothing more is done about one recipient, such as one whose letter came back
        twice. Raises `UsageError` for a number that the case does not have, `Refused` where nothing is open."""
        self._in_turn(case_id)
        wanted = (RECIPIENTS.c.case_id == case_id) & (RECIPIENTS.c.number == number)
        found = self.connection.scalar(select(RECIPIENTS.c.id).where(wanted))
        if found is None:
            raise UsageError(f"case {case_id} tells nobody with the number {number}: soppa audience show {case_id}")
        theirs = (COPIES.c.recipient_id == found) & COPIES.c.done_on.is_(None)
        open_ones = self.connection.execute(select(COPIES.c.id, COPIES.c.mail, COPIES.c.step).where(theirs)).all()
        if not open_ones:
            raise Refused(f"nothing is open for number {number} of case {case_id}: nothing was changed")
        waiting = (OUTBOX.c.recipient == f"{RECIPIENT}{found}") & OUTBOX.c.at.is_not(None)
        self.connection.execute(update(OUTBOX).where(waiting).values(state="cancelled", at=None))
        for copy in open_ones:
            note = self.ring.seal(f"{by}: {reason}".encode(), note_place(copy.id))
            values = {"state": "decided", "done_on": self.today, "sealed_note": note}
            self.connection.execute(update(COPIES).where(COPIES.c.id == copy.id).values(values))
            mail = Mail(case_id, copy.mail, copy.step)
            self._told(mail, COPIES.c.recipient_id == found, self.today)
            self._tell_when_complete(mail, self.today)

    def progress(self, case_id: str) -> list[Progress]:
        """How far each mail to many of a case has come, in the order in which they were sent."""
        kind = (COPIES.c.mail, COPIES.c.step, COPIES.c.channel, COPIES.c.state)
        counts = select(*kind, func.count()).where(COPIES.c.case_id == case_id).group_by(*kind)
        found: dict[Mail, dict[tuple[str, str], int]] = {}
        for mail, step, channel, state, count in self.connection.execute(counts):
            found.setdefault(Mail(case_id, mail, step), {})[channel, state] = count
        return [
            Progress(
                mail.mail,
                mail.step,
                self._people(mail.copies),
                self._people(mail.copies & COPIES.c.told_on.is_not(None)),
                copies,
            )
            for mail, copies in sorted(found.items(), key=lambda item: int(item[0].step))
        ]

    def unfinished(self, case_id: str, limit: int) -> list[tuple[Recipient, str, str]]:
        """Who is not done, by their numbers, with the channel and the state of the copy."""
        found = (
            with_recipients(COPIES.c.channel, COPIES.c.state)
            .where((COPIES.c.case_id == case_id) & COPIES.c.done_on.is_(None))
            .order_by(RECIPIENTS.c.number)
            .limit(limit)
        )
        return [
            (read_recipient(row, self.ring), row["channel"], row["state"])
            for row in self.connection.execute(found).mappings()
        ]

    def decided(self, case_id: str) -> list[Decided]:
        """Of whom a person has decided by name, by their numbers."""
        went = select(OUTBOX.c.state).where(
            (OUTBOX.c.recipient == literal(RECIPIENT) + cast_to(RECIPIENTS.c.id, OUTBOX.c.recipient.type))
            & (OUTBOX.c.mail == COPIES.c.mail) & (OUTBOX.c.step == COPIES.c.step) & (COPIES.c.channel == "mail"))
        columns = (COPIES.c.id.label("copy"), COPIES.c.channel, COPIES.c.done_on, COPIES.c.sealed_note,
                   went.limit(1).scalar_subquery().label("went"))
        mine = (COPIES.c.case_id == case_id) & (COPIES.c.state == "decided")
        found = with_recipients(*columns).where(mine).order_by(RECIPIENTS.c.number, COPIES.c.id)
        return [
            Decided(read_recipient(row, self.ring), row["channel"], row["done_on"], self._note(row), row["went"])
            for row in self.connection.execute(found).mappings()
        ]

    def others_a_day(self) -> int:
        """How many mails that are no letters to many the relay took on a day of the last seven, rounded up."""
        week = dt.timedelta(days=7)
        lately = (OUTBOX.c.settled_at >= self.now - week) & OUTBOX.c.state.in_(("accepted", "uncertain"))
        found = select(func.count()).select_from(OUTBOX).where(lately & (OUTBOX.c.lane != LETTERS))
        return -(-(self.connection.scalar(found) or 0) // week.days)

    # --- for those who tell of them ---

    def _note(self, row: Row) -> str:
        sealed = row["sealed_note"]
        return self.ring.open(sealed, note_place(row["copy"])).decode() if sealed else ""

    def _queue(self, mail: Mail) -> None:
        """A row in the outbox for each copy by mail."""
        made: dict[str, Any] = {
            "case_id": literal(mail.case_id),
            "mail": literal(mail.mail),
            "step": literal(mail.step),
            "occurrence": literal("1"),
            "state": literal("queued"),
            "lane": literal(LETTERS),
            "attempts": literal(0),
            "failures": literal(0),
            "fence": literal(0),
            "reply": literal(""),
            "created_at": literal(self.now, OUTBOX.c.created_at.type),
            "at": literal(self.now, OUTBOX.c.at.type),
            "recipient": literal(RECIPIENT) + cast_to(COPIES.c.recipient_id, OUTBOX.c.recipient.type),
        }
        rows = select(*made.values()).where(mail.copies & (COPIES.c.channel == "mail")).order_by(COPIES.c.id)
        self.connection.execute(insert(OUTBOX).from_select(list(made), rows))

    def _to_paper(self, mail: Mail, row: Row, what: What) -> None:
        whose = _whose(row)
        told_on = self.connection.scalar(select(func.max(COPIES.c.told_on)).where(mail.copies & whose))
        copy = {
            "case_id": mail.case_id,
            "mail": mail.mail,
            "step": mail.step,
            "channel": "paper",
            "state": "waiting",
            "recipient_id": _id_of(row),
            "told_on": told_on,
        }
        insert_new(self.connection, COPIES, [copy])
        self._tell(mail, mail.told(what, self.today, 1), f"/{_id_of(row)}")

    def _in_turn(self, case_id: str) -> None:
        """Two workers that settle the last two copies at once would each see the other's as open, and nobody would say
        that all are told."""
        mine = select(AUDIENCES.c.audience).where(AUDIENCES.c.case_id == case_id).order_by(AUDIENCES.c.audience)
        self.connection.execute(mine.with_for_update()).all()

    def _told(self, mail: Mail, whose: ColumnElement[bool], on: dt.date) -> None:
        """Marks as told, and leaves word with the first one and with the last one."""
        begins = self._one(prepared.A_TOLD_COPY, mail) is None
        untold = mail.copies & COPIES.c.told_on.is_(None)
        new = self.connection.execute(update(COPIES).where(untold & whose).values(told_on=on)).rowcount
        self._tell_how_far(mail, on, begins=begins, new=new)

    def _tell_how_far(self, mail: Mail, on: dt.date, *, begins: bool, new: int) -> None:
        if begins and new:
            self._tell(mail, mail.told("began", on))
        if new and self._one(prepared.AN_UNTOLD_COPY, mail) is None:
            last = self.connection.scalar(select(func.max(COPIES.c.told_on)).where(mail.copies))
            self._tell(mail, mail.told("told", last or on))

    def _tell_when_complete(self, mail: Mail, on: dt.date) -> None:
        if self._one(prepared.AN_UNDONE_COPY, mail) is None:
            self._tell(mail, mail.told("complete", on))

    def _one(self, wanted: Select[Any], mail: Mail) -> int | None:
        found: int | None = self.connection.scalar(wanted, mail.its)
        return found

    def _tell(self, mail: Mail, told: AudienceTold, of: str = "") -> None:
        source = f"audience/{mail.case_id}/{mail.mail}/{mail.step}{of}/{told.what}"
        leave_message(self.connection, self.ring, mail.case_id, told, source, self.now)

    def _count(self, where: ColumnElement[bool]) -> int:
        return self.connection.scalar(select(func.count()).select_from(COPIES).where(where)) or 0

    def _people(self, where: ColumnElement[bool]) -> int:
        return self.connection.scalar(select(func.count(COPIES.c.recipient_id.distinct())).where(where)) or 0


def _paused(case_id: str) -> str:
    return f"letters_paused/{case_id}"


def _gets_mail(channel: str) -> ColumnElement[bool]:
    """Who has an address and no wish for paper; not one whose own address may be in other hands, where that counts."""
    return RECIPIENTS.c.by_mail & ~RECIPIENTS.c.leaked if channel == CHANNELS[2] else RECIPIENTS.c.by_mail.is_(True)


def _gets_paper(channel: str) -> ColumnElement[bool]:
    """Who gets no mail; and besides, where it is asked for, who has not consented to electronic notice."""
    no_mail = ~_gets_mail(channel)
    return no_mail if channel == CHANNELS[0] else or_(no_mail, ~RECIPIENTS.c.consent)


def _whose(row: Row) -> ColumnElement[bool]:
    return COPIES.c.recipient_id == _id_of(row)


def _id_of(row: Row) -> int:
    return int(row["recipient"].removeprefix(RECIPIENT))


def with_recipients(*columns: ColumnElement[Any]) -> Any:
    return select(*columns, RECIPIENTS).join(RECIPIENTS, RECIPIENTS.c.id == COPIES.c.recipient_id)


def note_place(copy_id: int) -> str:
    return f"copies/{copy_id}"
