"""Mails to many: who is told, each copy by mail or on paper, and when all are told.

A recipient is told by the first copy that was accepted by the relay or posted, or when a person decides so by name; the
case hears of it through messages.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, insert, literal, or_, select, update
from sqlalchemy import cast as cast_to

from engine.case import Contact
from engine.definition import CHANNELS
from engine.errors import Refused, UsageError
from engine.messages import AudienceTold, SendToAll
from engine.ports import RECIPIENT
from storage import prepared
from storage.messages import leave_message
from storage.rows import LETTERS, Row
from storage.sealing import Ring
from storage.statements import insert_for, insert_new, put
from storage.tables import AUDIENCES, COPIES, META, OUTBOX, PRINT_RUNS, RECIPIENTS

Channel = Literal["mail", "paper"]
What = Literal["began", "told", "complete", "on_paper", "back"]


@dataclass(frozen=True, slots=True)
class Member:
    """One of an audience, as it is imported. `students` are keys, never names; `address` has a line a line."""

    name: str
    email: str | None
    address: str
    language: str = "en"
    paper: bool = False
    consent: bool = False
    leaked: bool = False
    students: tuple[str, ...] = ()
    schools: tuple[str, ...] = ()

    @property
    def by_mail(self) -> bool:
        return self.email is not None and not self.paper

    @property
    def contact(self) -> Contact:
        return Contact(self.name, self.email, self.language, self.address, self.paper)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A member with its number in the audience of its case."""

    id: int
    number: int
    member: Member


@dataclass(frozen=True, slots=True)
class Letter:
    """A copy on paper and whom it is for."""

    copy_id: int
    mail: str
    recipient: Recipient


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
class _Mail:
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
class Audiences:
    """The mails to many in one transaction, at one moment; `today` is the local date."""

    connection: Connection
    ring: Ring
    now: dt.datetime
    today: dt.date

    # --- who belongs to it -------------------------------------------------------------------------------------------

    def enter(self, case_id: str, audience: str, members: Sequence[Member]) -> None:
        """Puts an audience in the place of the one imported before. Raises `Refused` once it is fixed."""
        mine = (AUDIENCES.c.case_id == case_id) & (AUDIENCES.c.audience == audience)
        if self.connection.scalar(select(AUDIENCES.c.fixed_at).where(mine).with_for_update()) is not None:
            raise Refused(
                f"audience '{audience}' of case {case_id} was fixed when its letters were released: nobody changes it "
                "now; decide about single ones by name"
            )
        theirs = (RECIPIENTS.c.case_id == case_id) & (RECIPIENTS.c.audience == audience)
        self.connection.execute(delete(RECIPIENTS).where(theirs))
        students = sum(len(member.students) for member in members)
        put(
            self.connection,
            AUDIENCES,
            {
                "case_id": case_id,
                "audience": audience,
                "counted": len(members),
                "students": students,
                "imported_at": self.now,
                "fixed_at": None,
            },
        )
        if members:
            self.connection.execute(insert(RECIPIENTS), list(_rows(self.ring, case_id, audience, members)))

    def fix(self, case_id: str, audience: str) -> None:
        mine = (AUDIENCES.c.case_id == case_id) & (AUDIENCES.c.audience == audience) & AUDIENCES.c.fixed_at.is_(None)
        self.connection.execute(update(AUDIENCES).where(mine).values(fixed_at=self.now))

    def free(self, case_id: str, audience: str) -> None:
        """Opens an audience for another import; one that a mail was sent to stays as it is."""
        mine = (AUDIENCES.c.case_id == case_id) & (AUDIENCES.c.audience == audience)
        theirs = select(RECIPIENTS.c.id).where((RECIPIENTS.c.case_id == case_id) & (RECIPIENTS.c.audience == audience))
        if self.connection.scalar(select(COPIES.c.id).where(COPIES.c.recipient_id.in_(theirs)).limit(1)) is None:
            self.connection.execute(update(AUDIENCES).where(mine).values(fixed_at=None))

    def counted(self, case_id: str) -> Sequence[Row]:
        """The audiences of a case: `audience`, `counted`, `students`, `imported_at`, `fixed_at`."""
        return self.connection.execute(select(AUDIENCES).where(AUDIENCES.c.case_id == case_id)).mappings().all()

    def recipient(self, recipient_id: int) -> Recipient | None:
        row = self.connection.execute(select(RECIPIENTS).where(RECIPIENTS.c.id == recipient_id)).mappings().first()
        return None if row is None else read_recipient(row, self.ring)

    def give_address(self, case_id: str, number: int, address: str, name: str | None = None) -> None:
        """Enters where the letter of one recipient goes by post, and if given the name on it. Raises `UsageError` for a
        number that the case has not."""
        mine = (RECIPIENTS.c.case_id == case_id) & (RECIPIENTS.c.number == number)
        rows = self.connection.execute(select(RECIPIENTS).where(mine).with_for_update()).mappings().all()
        if not rows:
            raise UsageError(f"case {case_id} tells nobody with the number {number}: soppa audience show {case_id}")
        for row in rows:
            known = read_recipient(row, self.ring).member
            member = replace(known, address=address, name=name or known.name)
            sealed = self.ring.seal_json(asdict(member), member_place(case_id, row["audience"], number))
            self.connection.execute(update(RECIPIENTS).where(RECIPIENTS.c.id == row["id"]).values(sealed=sealed))

    # --- telling them ------------------------------------------------------------------------------------------------

    def send_to_all(self, case_id: str, send: SendToAll) -> None:
        """Makes every copy of a mail to many, once: those by mail stand in the outbox afterwards, those on paper wait
        to be printed. Nothing is opened or rendered here, so that ten thousand copies are one short transaction."""
        mail = _Mail(case_id, send.mail, send.step)
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
        mail = _Mail(rows[0]["case_id"], rows[0]["mail"], rows[0]["step"])
        copies = [{**mail.its, "its_recipient": _id_of(row), "on": self.today} for row in rows]
        self.connection.execute(prepared.COPY_ACCEPTED, copies)
        begins = self._one(prepared.A_TOLD_COPY, mail) is None
        new = self.connection.execute(prepared.TELL_COPY, copies).rowcount
        self._tell_how_far(mail, self.today, begins=begins, new=new)
        self._tell_when_complete(mail, self.today)

    def _not_accepted(self, row: Row, state: str) -> None:
        mail, whose = _Mail(row["case_id"], row["mail"], row["step"]), _whose(row)
        by_mail = mail.copies & whose & (COPIES.c.channel == "mail") & (COPIES.c.state != "decided")
        done = None if state == "uncertain" else self.today
        changed = self.connection.execute(update(COPIES).where(by_mail).values(state=state, done_on=done)).rowcount
        if state == "failed" and changed:
            self._to_paper(mail, row, "on_paper")
        self._tell_when_complete(mail, self.today)

    def bounced(self, row: Row) -> None:
        """A copy that was accepted came back: it goes by post, unless a person has decided about it by name. Who was
        told stays told."""
        mail = _Mail(row["case_id"], row["mail"], row["step"])
        decided = mail.copies & _whose(row) & (COPIES.c.state == "decided")
        if self.connection.scalar(select(COPIES.c.id).where(decided).limit(1)) is None:
            self._to_paper(mail, row, "back")

    # --- on paper ----------------------------------------------------------------------------------------------------

    def letters(self, case_id: str, run: int | None = None) -> list[Letter]:
        """The copies that wait to be printed, or those of a print run, by language and number."""
        mine = (COPIES.c.case_id == case_id) & (COPIES.c.channel == "paper")
        mine &= (COPIES.c.state == "waiting") if run is None else (COPIES.c.run == run)
        found = _with_recipients(COPIES.c.id.label("copy_id"), COPIES.c.mail.label("of_mail")).where(mine)
        rows = self.connection.execute(found.order_by(RECIPIENTS.c.language, RECIPIENTS.c.number)).mappings()
        return [Letter(row["copy_id"], row["of_mail"], read_recipient(row, self.ring)) for row in rows]

    def next_run(self, case_id: str) -> int:
        latest = select(func.max(PRINT_RUNS.c.number)).where(PRINT_RUNS.c.case_id == case_id)
        return (self.connection.scalar(latest) or 0) + 1

    def printed(self, case_id: str, run: int, letters: Sequence[Letter], by: str, files: Mapping[str, str]) -> None:
        """Puts letters into the next print run, with its files by name. Raises `Refused` where somebody else has
        printed meanwhile."""
        row = {
            "case_id": case_id,
            "number": run,
            "mail": letters[0].mail,
            "letters": len(letters),
            "at": self.now,
            "by": by,
            "files": json.dumps(list(files.items())),
        }
        new = insert_for(self.connection, PRINT_RUNS).values(**row).on_conflict_do_nothing()
        taken = 0 if self.connection.execute(new).rowcount else -1
        for some in _some([letter.copy_id for letter in letters]):
            mine = (COPIES.c.state == "waiting") & COPIES.c.id.in_(some)
            taken += self.connection.execute(update(COPIES).where(mine).values(state="printed", run=run)).rowcount
        if taken != len(letters):
            raise Refused(f"somebody else has just printed letters of case {case_id}: print again")

    def runs(self, case_id: str) -> Sequence[Row]:
        """The print runs of a case: `number`, `mail`, `letters`, `at`, `by`, `files`, and `printed`, how many are not
        posted."""
        waiting = (
            select(func.count())
            .select_from(COPIES)
            .where(
                (COPIES.c.case_id == PRINT_RUNS.c.case_id)
                & (COPIES.c.run == PRINT_RUNS.c.number)
                & (COPIES.c.state == "printed")
            )
            .scalar_subquery()
        )
        found = select(PRINT_RUNS, waiting.label("printed")).where(PRINT_RUNS.c.case_id == case_id)
        return self.connection.execute(found.order_by(PRINT_RUNS.c.number)).mappings().all()

    def posted(
        self, case_id: str, mail: str, on: dt.date, *, run: int | None = None, keep_back: Collection[int] = ()
    ) -> int:
        """The printed copies of a mail, or of one run of it, are in the post since `on`, but for the numbers in
        `keep_back`; says how many. Raises `Refused` while some are unprinted and no run is named."""
        self._in_turn(case_id)
        paper = (COPIES.c.case_id == case_id) & (COPIES.c.mail == mail) & (COPIES.c.channel == "paper")
        unprinted = self._count(paper & (COPIES.c.state == "waiting"))
        if run is None and unprinted:
            raise Refused(f"{unprinted} letters of case {case_id} are not printed: soppa letters print {case_id}")
        mine = paper & (COPIES.c.state == "printed")
        mine &= (COPIES.c.run == run) if run is not None else literal(True)
        theirs = (RECIPIENTS.c.case_id == case_id) & RECIPIENTS.c.number.in_(sorted(keep_back))
        mine &= COPIES.c.recipient_id.not_in(select(RECIPIENTS.c.id).where(theirs)) if keep_back else literal(True)
        found = self.connection.execute(select(COPIES.c.id, COPIES.c.recipient_id, COPIES.c.step).where(mine)).all()
        for some in _some([row.id for row in found]):
            self.connection.execute(update(COPIES).where(COPIES.c.id.in_(some)).values(state="posted", done_on=on))
        for step in sorted({row.step for row in found}):
            for some in _some([row.recipient_id for row in found if row.step == step]):
                self._told(_Mail(case_id, mail, step), COPIES.c.recipient_id.in_(some), on)
            self._tell_when_complete(_Mail(case_id, mail, step), on)
        return len(found)

    # --- by name -----------------------------------------------------------------------------------------------------

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
            mail = _Mail(case_id, copy.mail, copy.step)
            self._told(mail, COPIES.c.recipient_id == found, self.today)
            self._tell_when_complete(mail, self.today)

    def progress(self, case_id: str) -> list[Progress]:
        """How far each mail to many of a case has come, in the order in which they were sent."""
        kind = (COPIES.c.mail, COPIES.c.step, COPIES.c.channel, COPIES.c.state)
        counts = select(*kind, func.count()).where(COPIES.c.case_id == case_id).group_by(*kind)
        found: dict[_Mail, dict[tuple[str, str], int]] = {}
        for mail, step, channel, state, count in self.connection.execute(counts):
            found.setdefault(_Mail(case_id, mail, step), {})[channel, state] = count
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
            _with_recipients(COPIES.c.channel, COPIES.c.state)
            .where((COPIES.c.case_id == case_id) & COPIES.c.done_on.is_(None))
            .order_by(RECIPIENTS.c.number)
            .limit(limit)
        )
        return [
            (read_recipient(row, self.ring), row["channel"], row["state"])
            for row in self.connection.execute(found).mappings()
        ]

    # --- by hand -----------------------------------------------------------------------------------------------------

    def _queue(self, mail: _Mail) -> None:
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

    def _to_paper(self, mail: _Mail, row: Row, what: What) -> None:
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

    def _told(self, mail: _Mail, whose: ColumnElement[bool], on: dt.date) -> None:
        """Marks as told, and leaves word with the first one and with the last one."""
        begins = self._one(prepared.A_TOLD_COPY, mail) is None
        untold = mail.copies & COPIES.c.told_on.is_(None)
        new = self.connection.execute(update(COPIES).where(untold & whose).values(told_on=on)).rowcount
        self._tell_how_far(mail, on, begins=begins, new=new)

    def _tell_how_far(self, mail: _Mail, on: dt.date, *, begins: bool, new: int) -> None:
        if begins and new:
            self._tell(mail, mail.told("began", on))
        if new and self._one(prepared.AN_UNTOLD_COPY, mail) is None:
            last = self.connection.scalar(select(func.max(COPIES.c.told_on)).where(mail.copies))
            self._tell(mail, mail.told("told", last or on))

    def _tell_when_complete(self, mail: _Mail, on: dt.date) -> None:
        if self._one(prepared.AN_UNDONE_COPY, mail) is None:
            self._tell(mail, mail.told("complete", on))

    def _one(self, wanted: Select[Any], mail: _Mail) -> int | None:
        found: int | None = self.connection.scalar(wanted, mail.its)
        return found

    def _tell(self, mail: _Mail, told: AudienceTold, of: str = "") -> None:
        source = f"audience/{mail.case_id}/{mail.mail}/{mail.step}{of}/{told.what}"
        leave_message(self.connection, self.ring, mail.case_id, told, source, self.now)

    def _count(self, where: ColumnElement[bool]) -> int:
        return self.connection.scalar(select(func.count()).select_from(COPIES).where(where)) or 0

    def _people(self, where: ColumnElement[bool]) -> int:
        return self.connection.scalar(select(func.count(COPIES.c.recipient_id.distinct())).where(where)) or 0


def _paused(case_id: str) -> str:
    return f"letters_paused/{case_id}"


def key_of(ring: Ring, member: Member) -> str:
    """A keyed digest of who a member is: the mail address, or the name with the postal address."""
    who = member.email or f"{member.name}\n{member.address}"
    return ring.lookup_digest(" ".join(who.lower().split()).encode(), "recipients/key")


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


def _with_recipients(*columns: ColumnElement[Any]) -> Any:
    return select(*columns, RECIPIENTS).join(RECIPIENTS, RECIPIENTS.c.id == COPIES.c.recipient_id)


def _some(ids: Sequence[int], size: int = 500) -> Iterator[Sequence[int]]:
    """In parts that both databases take as parameters of one statement."""
    yield from (ids[start : start + size] for start in range(0, len(ids), size))


def _rows(ring: Ring, case_id: str, audience: str, members: Iterable[Member]) -> Iterator[Mapping[str, object]]:
    for number, member in enumerate(members, 1):
        yield {
            "case_id": case_id,
            "audience": audience,
            "number": number,
            "key": key_of(ring, member),
            "language": member.language,
            "by_mail": member.by_mail,
            "consent": member.consent,
            "leaked": member.leaked,
            "sealed": ring.seal_json(asdict(member), member_place(case_id, audience, number)),
        }


def people_of_audience(connection: Connection, ring: Ring, recipients: Iterable[str]) -> dict[str, Contact]:
    """Whom copies are for, by the recipients of their outbox rows; those who are gone are left out."""
    found: dict[str, Contact] = {}
    for some in _some(sorted(int(recipient.removeprefix(RECIPIENT)) for recipient in recipients)):
        rows = connection.execute(select(RECIPIENTS).where(RECIPIENTS.c.id.in_(some))).mappings()
        found |= {f"{RECIPIENT}{row['id']}": read_recipient(row, ring).member.contact for row in rows}
    return found


def read_recipient(row: Row, ring: Ring) -> Recipient:
    """A row of the recipients, opened."""
    kept = ring.open_json(row["sealed"], row_place(row))
    values = cast("dict[str, Any]", kept)
    lists = {name: tuple(values[name]) for name in ("students", "schools")}
    return Recipient(row["id"], row["number"], Member(**{**values, **lists}))


def member_place(case_id: str, audience: str, number: int) -> str:
    return f"recipients/{case_id}/{audience}/{number}"


def row_place(row: Row) -> str:
    return member_place(row["case_id"], row["audience"], row["number"])


def note_place(copy_id: int) -> str:
    return f"copies/{copy_id}"
