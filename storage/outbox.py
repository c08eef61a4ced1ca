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
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, Connection, Select, insert, select, update

from engine.errors import SoppaError
from engine.messages import MailSettled
from engine.ports import CONTACT, RECIPIENT, BriefLine, NewLink, OutboxRow, OutboxState
from storage import briefs, incidents, prepared, seals
from storage.audience import Audiences
from storage.base import Base
from storage.keeping import words_place
from storage.links import link_row
from storage.messages import leave_message
from storage.redact import redact
from storage.rows import URGENT, Row, new_mail
from storage.sealing import Ring
from storage.tables import OUTBOX
from storage.window import MailWindow

LEASE = dt.timedelta(minutes=10)
HANDING_OVER = dt.timedelta(minutes=15)
"""Longer than the ten minutes that a relay may take to answer the final dot."""

_SETTLED = ("accepted", "failed", "uncertain")
_MANY = 500


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

    def claim(self, now: dt.datetime, limit: int) -> Sequence[OutboxRow]:
        with self.base.reading() as connection:
            idle = connection.scalar(prepared.IS_MAIL_DUE, {"now": now}) is None
        while not idle:
            rows, missed = self.base.write(lambda connection: self._claim(connection, now, limit))
            if rows or not missed:
                return rows
        return ()

    def prepare(
        self, row: OutboxRow, *, address: str, message_id: str, raw: bytes, links: Sequence[NewLink], now: dt.datetime
    ) -> bool:
        values = {
            "sealed_address": self.base.ring.seal(address.encode(), address_place(row.id)),
            "sealed": self.base.ring.seal(raw, mail_place(row.id)),
            "message_id": message_id,
            "digest": hashlib.sha256(raw).hexdigest(),
            "lease_until": now + LEASE,
        }

        def work(connection: Connection) -> bool:
            if not _change_claimed(connection, row, values):
                return False
            if links:
                connection.execute(prepared.NEW_LINKS, [link_row(link, row.id) for link in links])
            return True

        return self.base.write(work)

    def brief_lines(self, row: OutboxRow) -> Sequence[BriefLine]:
        with self.base.reading() as connection:
            return briefs.lines_of(connection, self.base.ring, row.id)

    def contact_key(self, address: str) -> str:
        return briefs.contact_key(self.base.ring, address)

    def pass_on(self, row: OutboxRow, line: BriefLine, recipients: Collection[str], now: dt.datetime) -> None:
        def work(connection: Connection) -> None:
            found = connection.execute(prepared.HELD_MAIL, _its(row)).mappings().first()
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
        latest = self.base.write(lambda connection: seals.seal(connection, now))
        return f"{latest.number}, {latest.at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC, {latest.hash}" if latest else None

    def handing_over(self, row: OutboxRow, now: dt.datetime) -> bool:
        values = {"state": "handing_over", "lease_until": now + HANDING_OVER}
        return self.base.write(lambda connection: _change_claimed(connection, row, values))

    def settle(
        self, row: OutboxRow, state: OutboxState, reply: str, now: dt.datetime, retry_at: dt.datetime | None = None
    ) -> None:
        """Raises `ValueError` for a state that settles nothing, and for `deferred` without `retry_at`."""
        if state not in (*_SETTLED, "deferred", "cancelled") or (state == "deferred") != (retry_at is not None):
            raise ValueError(f"a mail is not settled as {state} with retry_at {retry_at}")

        def work(connection: Connection) -> None:
            found = connection.execute(prepared.HELD_MAIL, _its(row)).mappings().first()
            if found is not None and state == "deferred":
                later = {**self._put_off(connection, found, now, retry_at), "reply": reply, "lease_until": None}
                connection.execute(prepared.CHANGE_MAIL, {**later, "its_id": row.id})
            elif found is not None:
                self._settle(connection, found, state, reply, now)

        self.base.write(work)

    def _put_off(
        self, connection: Connection, row: Row, now: dt.datetime, retry_at: dt.datetime | None
    ) -> dict[str, object]:
        """A mail whose case was put on hold meanwhile waits for the end of that."""
        to_many = row["case_id"] is not None and row["recipient"].startswith(RECIPIENT)
        audiences = Audiences(connection, self.base.ring, now, self.base.today(now))
        paused = to_many and audiences.is_paused(str(row["case_id"]))
        return {"state": "queued", "at": None} if paused else {"state": "deferred", "at": retry_at}

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
                self._settle(connection, found, state, f"decided by {by}", now)
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
        for row in rows:
            self._settle(connection, row, "uncertain", why, now)
        return [row["id"] for row in rows]

    def _claim(self, connection: Connection, now: dt.datetime, limit: int) -> tuple[Sequence[OutboxRow], bool]:
        """The claimed rows, and whether briefs were held over: then more of them may wait."""
        found, missed = self._due(connection, now, limit)
        rows = _alone_if_sick(found)
        if rows:
            claims = [{"its_id": row["id"], "lease_until": now + LEASE} for row in rows]
            connection.execute(prepared.CLAIM_MAIL, claims)
        return tuple(_claimed(row, self.base.ring) for row in rows), missed

    def _due(self, connection: Connection, now: dt.datetime, limit: int) -> tuple[Sequence[Row], bool]:
        """The rows whose time has come. Briefs that have missed their window are held over first, and it says so."""
        due = {"now": now, "most": limit}
        rows = connection.execute(prepared.DUE_MAILS, due).mappings().all()
        missed = self._missed(rows, now)
        for row in missed:
            briefs.hold_over(connection, self.base.ring, self.base.window, row, now)
        if not missed:
            return rows, False
        rows = connection.execute(prepared.DUE_MAILS, due).mappings().all()
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

    def _settle(self, connection: Connection, row: Row, state: OutboxState, reply: str, now: dt.datetime) -> None:
        """Writes how a locked row went, and leaves word for whoever has to know."""
        values: dict[str, object] = {"state": state, "reply": reply, "settled_at": now, "lease_until": None, "at": None}
        if state == "accepted":
            values |= self._without_secrets(connection, row)
        connection.execute(prepared.CHANGE_MAIL, {**values, "its_id": row["id"]})
        if row["recipient"].startswith(RECIPIENT):
            if state in _SETTLED:
                Audiences(connection, self.base.ring, now, self.base.today(now)).settled(row, state)
        elif row["case_id"] is not None and state in _SETTLED:
            status = cast('Literal["accepted", "failed", "uncertain"]', state)
            settled = MailSettled(row["mail"], row["occurrence"], status, self.base.today(now))
            source = f"outbox/{row['id']}/{row['fence']}/{state}"
            leave_message(connection, self.base.ring, row["case_id"], settled, source, now)

    def _without_secrets(self, connection: Connection, row: Row) -> dict[str, object]:
        """After acceptance the text stays, and tokens and codes go; the digest of both forms is kept."""
        if row["sealed"] is None:
            return {}
        hashes = set(connection.scalars(prepared.TOKENS_OF_MAIL, {"its_id": row["id"]}))
        place = mail_place(row["id"])
        words = read_words(row, self.base.ring)
        secret = [words[name] for name in ("code", "token") if name in words]
        kept = redact(self.base.ring.open(row["sealed"], place), hashes, secret)
        digest = hashlib.sha256(kept).hexdigest()
        return {"sealed": self.base.ring.seal(kept, place), "kept_digest": digest, "sealed_words": None}

    def _rescue(self, connection: Connection, late: ColumnElement[bool], now: dt.datetime) -> Mapping[str, int]:
        held = select(OUTBOX).where(late).with_for_update(skip_locked=True, key_share=True)
        rows = connection.execute(held).mappings().all()
        back = [row for row in rows if row["state"] == "claimed"]
        doubtful = [row for row in rows if row["state"] == "handing_over"]
        for row in back:
            self._give_back(connection, row, now)
        for row in doubtful:
            self._settle(connection, row, "uncertain", "the process ended while handing over", now)
        return {"queued": len(back), "uncertain": len(doubtful)}

    def _give_back(self, connection: Connection, row: Row, now: dt.datetime) -> None:
        """A claim that ran out is a failure like any other: the fifth is an incident, and the case hears of it."""
        why = "the process ended while it made this mail"
        if incidents.failed(connection, "mail", row["id"], why, now) >= incidents.TRIES:
            self._settle(connection, row, "failed", why, now)


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


def mail_place(outbox_id: int) -> str:
    return f"outbox/{outbox_id}/mail"


def read_words(row: Row, ring: Ring) -> Mapping[str, str]:
    sealed = row["sealed_words"]
    found = ring.open_json(sealed, words_place(row["id"])) if sealed else {}
    return cast("Mapping[str, str]", found)


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


def _alone_if_sick(rows: Sequence[Row]) -> Sequence[Row]:
    """A mail that has failed before is claimed alone, so that one which kills the process takes no other with it."""
    sick = next((number for number, row in enumerate(rows) if row["failures"]), len(rows))
    return rows[: max(sick, 1)]


def _its(row: OutboxRow) -> dict[str, object]:
    """Picks the row while nobody has claimed it anew."""
    return {"its_id": row.id, "its_fence": row.fence}


def _change_claimed(connection: Connection, row: OutboxRow, values: Mapping[str, object]) -> bool:
    """False when the claim was lost."""
    return connection.execute(prepared.CHANGE_CLAIMED, {**values, **_its(row)}).rowcount == 1
