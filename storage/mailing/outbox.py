"""The outbox: who may send which mail now, and how it went. Each method is one transaction of its own.

A row's `fence` grows with every claim; whoever holds an older one changes nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, insert, select, update

from engine.errors import SoppaError
from engine.model.handed import CONTACT, RECIPIENT, BriefLine, DayCount, Made, OutboxRow, OutboxState, Went
from storage import direct, incidents, prepared
from storage.base import Base
from storage.chains import seals
from storage.entrance.links import link_row
from storage.keeping import words_place
from storage.mailing import briefs
from storage.mailing.audience import Audiences
from storage.mailing.settling import Outcome, mail_place, read_words, settle, without_secrets
from storage.mailing.window import MailWindow
from storage.rows import LANES, LETTERS, URGENT, Row, new_mail
from storage.sealing import Ring
from storage.tables import OUTBOX

LEASE = dt.timedelta(minutes=10)
HANDING_OVER = dt.timedelta(minutes=15)
"""Longer than the ten minutes that a relay may take to answer the final dot."""

_MANY = 500
_TOLD = ("id", "case_id", "mail", "step", "occurrence", "recipient", "fence")
"""What `settle` wants to know of a mail whose text is at hand."""


class SqlOutbox:
    """Implements `engine.ports.Outbox`."""

    def __init__(self, base: Base) -> None:
        self.base = base

    def notify(
        self, recipient: str, mail: str, case_id: str | None, words: Mapping[str, str], now: dt.datetime
    ) -> None:
        self.base.write(
            lambda connection: add_notice(connection, self.base.ring, recipient, mail, case_id, words, now)
        )

    def claim(self, now: dt.datetime, limit: int, letters: int | None = None) -> Sequence[OutboxRow]:
        with self.base.reading() as connection:
            idle = limit == 0 or not direct.scalar(connection, prepared.IS_MAIL_DUE, {"now": now})
        while not idle:
            rows, missed = self.base.write(lambda connection: self._claim(connection, now, limit, letters))
            if rows or not missed:
                return rows
        return ()

    def prepare(self, mails: Sequence[Made], now: dt.datetime) -> Collection[int]:
        ring = self.base.ring.now()
        changes = [
            {
                "sealed_address": ring.seal(each.address.encode(), address_place(each.row.id)),
                "sealed": ring.seal(each.raw, mail_place(each.row.id)),
                "message_id": each.message_id,
                "digest": hashlib.sha256(each.raw).hexdigest(),
                "lease_until": now + LEASE,
            }
            for each in mails
        ]

        def work(connection: Connection) -> Collection[int]:
            held = _change_claimed(connection, [each.row for each in mails], changes, "claimed")
            links = [link_row(link, each.row.id) for each in mails if each.row.id in held for link in each.links]
            if links:
                direct.write_all(connection, prepared.NEW_LINKS, links)
            return held

        return self.base.write(work) if mails else ()

    def brief_lines(self, row: OutboxRow) -> Sequence[BriefLine]:
        with self.base.reading() as connection:
            return briefs.lines_of(connection, self.base.ring, row.id)

    def contact_key(self, address: str) -> str:
        return briefs.contact_key(self.base.ring, address)

    def pass_on(self, row: OutboxRow, line: BriefLine, recipients: Collection[str], now: dt.datetime) -> None:
        def work(connection: Connection) -> None:
            found = direct.first(connection, prepared.HELD_MAIL, _its(row))
            if found is None or found["state"] != "claimed":
                return
            briefs.drop_line(connection, row.id, line)
            for recipient in sorted(recipients):
                target = briefs.next_brief(connection, self.base.window, recipient, now, late=True)
                theirs = line if recipient.startswith(CONTACT) else replace(line, party=None)
                briefs.add_line(connection, self.base.ring, target, theirs)

        self.base.write(work)

    def open_week(self, recipients: Collection[str], now: dt.datetime) -> None:
        window = self.base.window
        for recipient in recipients:
            day, _ = window.next_brief(recipient, now, weekly=True)
            there = briefs.of_reader(recipient) & (OUTBOX.c.occurrence == day.isoformat())
            with self.base.reading() as connection:
                found = connection.scalar(select(OUTBOX.c.id).where(there))
            if found is None:
                self.base.write(partial(_open_week, window=window, recipient=recipient, now=now))

    def opens_week(self, row: OutboxRow) -> bool:
        day = dt.date.fromisoformat(row.occurrence)
        monday = day - dt.timedelta(days=day.weekday())
        earlier = (OUTBOX.c.occurrence >= monday.isoformat()) & (OUTBOX.c.occurrence < row.occurrence)
        came = OUTBOX.c.state.in_(("handing_over", "accepted", "uncertain"))
        with self.base.reading() as connection:
            found = select(OUTBOX.c.id).where(briefs.of_reader(row.recipient) & earlier & came)
            return connection.scalar(found.limit(1)) is None

    def seal(self, now: dt.datetime) -> str | None:
        with self.base.reading() as connection:
            heads = seals.grown(connection)
        latest = self.base.write(lambda connection: seals.seal(connection, heads, now))
        return f"{latest.number}, {latest.at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC, {latest.hash}" if latest else None

    def record(self, handing_over: Sequence[OutboxRow], went: Sequence[Went], now: dt.datetime) -> Collection[int]:
        kept = {each.row.id: _kept(each) for each in went}

        def work(connection: Connection) -> Collection[int]:
            self._write(connection, went, kept, now)
            leaves = {"state": "handing_over", "lease_until": now + HANDING_OVER}
            return _change_claimed(connection, handing_over, [leaves] * len(handing_over), "handing_over")

        return self.base.write(work) if handing_over or went else ()

    def settle(
        self, row: OutboxRow, state: OutboxState, reply: str, now: dt.datetime, retry_at: dt.datetime | None = None
    ) -> None:
        """Records how one mail went."""
        self.record((), [Went(row, state, reply, retry_at)], now)

    def _write(
        self, connection: Connection, went: Sequence[Went], kept: Mapping[int, bytes | None], now: dt.datetime
    ) -> None:
        """What was lost to another meanwhile is left as it is. A mail that was not made just now is read anew."""
        mine = _still_held(connection, went)
        for each in mine:
            if each.state == "deferred":
                later = {**self._put_off(connection, each, now), "reply": each.reply, "lease_until": None}
                direct.write(connection, prepared.CHANGE_MAIL, {**later, "its_id": each.row.id})
        ended = [each for each in mine if each.state != "deferred"]
        rows = _rows(connection, [each.row for each in ended], kept)
        outcomes = [Outcome(row, each.state, each.reply, kept[each.row.id])
                    for row, each in zip(rows, ended, strict=True)]  # fmt: skip
        settle(connection, self.base.ring, outcomes, now, self.base.today(now))

    def _put_off(self, connection: Connection, went: Went, now: dt.datetime) -> dict[str, object]:
        """A mail whose case was put on hold meanwhile waits for the end of that."""
        case_id = went.row.case_id
        to_many = case_id is not None and went.row.recipient.startswith(RECIPIENT)
        audiences = Audiences(connection, self.base.ring, now, self.base.today(now))
        paused = to_many and audiences.is_paused(str(case_id))
        return {"state": "queued", "at": None} if paused else {"state": "deferred", "at": went.retry_at}

    def rescue(self, now: dt.datetime) -> Mapping[str, int]:
        late = OUTBOX.c.lease_until <= now
        with self.base.reading() as connection:
            if connection.scalar(select(OUTBOX.c.id).where(late).limit(1)) is None:
                return {"queued": 0, "uncertain": 0}
        return self.base.write(lambda connection: self._rescue(connection, late, now))

    def resolve(self, outbox_id: int, state: OutboxState, by: str, now: dt.datetime) -> bool:
        """A person's word on an uncertain mail; False when it is not uncertain (any more)."""
        its = (OUTBOX.c.id == outbox_id) & (OUTBOX.c.state == "uncertain")
        doubtful = select(OUTBOX).where(its).with_for_update(key_share=True)

        def work(connection: Connection) -> bool:
            found = connection.execute(doubtful).mappings().first()
            if found is not None:
                self._settle(connection, [found], state, f"decided by {by}", now)
            return found is not None

        return self.base.write(work)

    def doubt(self, now: dt.datetime, why: str) -> Sequence[int]:
        """Puts in doubt, after the database was set back to an earlier moment, each mail that may have been sent since:
        those that are not settled and whose time has come. Gives their numbers."""
        unsettled = OUTBOX.c.state.in_(("queued", "claimed", "handing_over", "deferred"))
        come = unsettled & (OUTBOX.c.at.is_(None) | (OUTBOX.c.at <= now))
        some = select(OUTBOX).where(come).order_by(OUTBOX.c.id).limit(_MANY)
        doubtful: list[int] = []
        while ids := self.base.write(lambda connection: self._doubt(connection, some, why, now)):
            doubtful += ids
        return doubtful

    def _doubt(self, connection: Connection, some: Select[Any], why: str, now: dt.datetime) -> Sequence[int]:
        rows = connection.execute(some.with_for_update(key_share=True)).mappings().all()
        self._settle(connection, rows, "uncertain", why, now)
        return [row["id"] for row in rows]

    def day_count(self, now: dt.datetime) -> DayCount:
        since = self.base.window.starts(self.base.today(now))
        with self.base.reading() as connection:
            taken = direct.scalar(connection, prepared.TAKEN_SINCE, {"since": since}) or 0
            in_hand = direct.scalar(connection, prepared.HANDING_OVER, {}) or 0
            waiting = direct.scalar(connection, prepared.HOW_MANY_DUE, {"now": now}) or 0
        return DayCount(taken + in_hand, waiting)

    def _claim(
        self, connection: Connection, now: dt.datetime, limit: int, letters: int | None
    ) -> tuple[Sequence[OutboxRow], bool]:
        """The claimed rows, and whether briefs were held over: then more of them may wait."""
        found, missed = self._due(connection, now, limit, letters)
        rows = _alone_if_sick(found)
        if rows:
            claims = [{"its_id": row["id"], "lease_until": now + LEASE} for row in rows]
            direct.write_all(connection, prepared.CLAIM_MAIL, claims)
        return tuple(_claimed(row, self.base.ring) for row in rows), missed

    def _due(
        self, connection: Connection, now: dt.datetime, limit: int, letters: int | None
    ) -> tuple[Sequence[Row], bool]:
        """The rows whose time has come. Briefs that have missed their window are held over first, and it says so."""
        rows = _by_lane(connection, now, limit, letters)
        missed = self._missed(rows, now)
        for row in missed:
            briefs.hold_over(connection, self.base.ring, self.base.window, row, now)
        if not missed:
            return rows, False
        rows = _by_lane(connection, now, limit, letters)
        others = self._missed(rows, now)
        return [row for row in rows if row not in others], True

    def _missed(self, rows: Sequence[Row], now: dt.datetime) -> Sequence[Row]:
        """The briefs that may not leave now: it is not their day, or not the hour."""
        found = [row for row in rows if row["mail"] == briefs.BRIEF]
        if not found:
            return ()
        try:
            today = self.base.window.today(now)
        except SoppaError:  # a calendar that cannot be read keeps no code or link waiting: composing says what is wrong
            return ()
        own_day = str(today)
        return [row for row in found
                if row["occurrence"] != own_day or not self.base.window.is_hour(row["recipient"], now)]

    def _settle(
        self, connection: Connection, rows: Sequence[Row], state: OutboxState, reply: str, now: dt.datetime
    ) -> None:
        outcomes = [Outcome(row, state, reply) for row in rows]
        settle(connection, self.base.ring, outcomes, now, self.base.today(now))

    def _rescue(self, connection: Connection, late: ColumnElement[bool], now: dt.datetime) -> Mapping[str, int]:
        held = select(OUTBOX).where(late).with_for_update(skip_locked=True, key_share=True)
        rows = connection.execute(held).mappings().all()
        back = [row for row in rows if row["state"] == "claimed"]
        doubtful = [row for row in rows if row["state"] == "handing_over"]
        for row in back:
            self._give_back(connection, row, now)
        self._settle(connection, doubtful, "uncertain", "the process ended while handing over", now)
        return {"queued": len(back), "uncertain": len(doubtful)}

    def _give_back(self, connection: Connection, row: Row, now: dt.datetime) -> None:
        """A claim that ran out is a failure like any other: the fifth is an incident, and the case hears of it."""
        why = "the process ended while it made this mail"
        if incidents.failed(connection, "mail", row["id"], why, now) >= incidents.TRIES:
            self._settle(connection, [row], "failed", why, now)


def _by_lane(connection: Connection, now: dt.datetime, limit: int, letters: int | None) -> Sequence[Row]:
    found: list[Row] = []
    for lane in LANES:
        most = limit - len(found)
        if lane == LETTERS and letters is not None:
            most = min(most, letters)
        if most > 0:
            found += direct.read(connection, prepared.DUE_MAILS, {"now": now, "most": most, "its_lane": lane})
    return found


def _open_week(connection: Connection, *, window: MailWindow, recipient: str, now: dt.datetime) -> None:
    briefs.next_brief(connection, window, recipient, now, weekly=True)


def add_notice(
    connection: Connection,
    ring: Ring,
    recipient: str,
    mail: str,
    case_id: str | None,
    words: Mapping[str, str],
    now: dt.datetime,
) -> None:
    """Queues a mail in the urgent lane whose words nobody else knows; they are sealed until it is accepted."""
    row = {
        **new_mail(mail, secrets.token_hex(8), "1", recipient, URGENT, now),
        "case_id": case_id,
        "task_id": words.get("task_id"),
        "at": now,
    }
    outbox_id = connection.scalar(insert(OUTBOX).values(**row).returning(OUTBOX.c.id)) or 0
    sealed = ring.seal_json(dict(words), words_place(outbox_id))
    connection.execute(update(OUTBOX).where(OUTBOX.c.id == outbox_id).values(sealed_words=sealed))


def address_place(outbox_id: int) -> str:
    return f"outbox/{outbox_id}/address"


def read_mail(row: Row, ring: Ring) -> OutboxRow:
    """An outbox row with its address and bytes opened."""
    address, raw = row["sealed_address"], row["sealed"]
    return OutboxRow(
        id=row["id"],
        case_id=row["case_id"],
        mail=row["mail"],
        step=row["step"],
        occurrence=row["occurrence"],
        recipient=row["recipient"],
        task_id=row["task_id"],
        state=row["state"],
        attempts=row["attempts"],
        fence=row["fence"],
        address=ring.open(address, address_place(row["id"])).decode() if address else None,
        message_id=row["message_id"],
        raw=ring.open(raw, mail_place(row["id"])) if raw else None,
        words=read_words(row, ring),
    )


def _claimed(row: Row, ring: Ring) -> OutboxRow:
    """The row as the claim leaves it."""
    return read_mail({**row, "state": "claimed", "attempts": row["attempts"] + 1, "fence": row["fence"] + 1}, ring)


def _still_held(connection: Connection, went: Sequence[Went]) -> Sequence[Went]:
    """Those whose claim nobody has taken over, locked, by their numbers."""
    by_number = {each.row.id: each for each in went}
    its = {"its_ids": list(by_number)}
    found = direct.read(connection, prepared.MAILS_LOCKED, its) if went else ()
    pairs = [(row, by_number[row["id"]]) for row in found if row["state"] in ("claimed", "handing_over")]
    return [each for row, each in pairs if row["fence"] == each.row.fence]


def _kept(went: Went) -> bytes | None:
    """The text without its secrets of a mail that was made just now and has left."""
    row = went.row
    if went.state != "accepted" or row.raw is None or row.hashes is None:
        return None
    return without_secrets(row.raw, row.hashes, row.words)


def _rows(connection: Connection, mails: Sequence[OutboxRow], kept: Mapping[int, bytes | None]) -> Sequence[Row]:
    """The rows of these mails; read anew where the text is not known."""
    its = {"its_ids": [mail.id for mail in mails if kept[mail.id] is None]}
    found = direct.read(connection, prepared.THESE_MAILS, its) if its["its_ids"] else ()
    stored = {row["id"]: row for row in found}
    return [stored.get(mail.id) or {name: getattr(mail, name) for name in _TOLD} for mail in mails]


def _alone_if_sick(rows: Sequence[Row]) -> Sequence[Row]:
    """A mail that has failed before is claimed alone, so that one which kills the process takes no other with it."""
    sick = next((number for number, row in enumerate(rows) if row["failures"]), len(rows))
    return rows[: max(sick, 1)]


def _its(row: OutboxRow) -> dict[str, object]:
    """Picks the row while nobody has claimed it anew."""
    return {"its_id": row.id, "its_fence": row.fence}


def _change_claimed(
    connection: Connection, rows: Sequence[OutboxRow], changes: Sequence[Mapping[str, object]], then: OutboxState
) -> Collection[int]:
    """Changes those that nobody has claimed anew or cancelled meanwhile, and gives their numbers; `then` is their state
    afterwards."""
    if not rows:
        return ()
    values = [{**change, **_its(row)} for row, change in zip(rows, changes, strict=True)]
    if direct.write_all(connection, prepared.CHANGE_CLAIMED, values) == len(rows):
        return [row.id for row in rows]
    its = {"its_ids": [row.id for row in rows], "its_state": then}
    fences = {found["id"]: found["fence"] for found in direct.read(connection, prepared.FENCES, its)}
    return [row.id for row in rows if fences.get(row.id) == row.fence]
