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
from typing import Literal, cast

from sqlalchemy import ColumnElement, Connection, insert, select, update

from engine.errors import SoppaError
from engine.messages import MailSettled
from engine.ports import CONTACT, RECIPIENT, BriefLine, NewLink, OutboxRow, OutboxState
from storage import briefs, incidents, seals
from storage.audience import Audiences
from storage.base import Base
from storage.keeping import words_place
from storage.links import link_row
from storage.messages import leave_message
from storage.redact import redact
from storage.rows import URGENT, Row, new_mail
from storage.sealing import Ring
from storage.tables import LINKS, OUTBOX
from storage.window import MailWindow

LEASE = dt.timedelta(minutes=10)
HANDING_OVER = dt.timedelta(minutes=15)
"""Longer than the ten minutes that a relay may take to answer the final dot."""

_SETTLED = ("accepted", "failed", "uncertain")


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
            idle = connection.scalar(select(OUTBOX.c.id).where(OUTBOX.c.at <= now).limit(1)) is None
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
            if not _changed(connection, _held(row, "claimed"), values):
                return False
            if links:
                connection.execute(insert(LINKS), [link_row(link, row.id) for link in links])
            return True

        return self.base.write(work)

    def brief_lines(self, row: OutboxRow) -> Sequence[BriefLine]:
        with self.base.reading() as connection:
            return briefs.lines_of(connection, self.base.ring, row.id)

    def contact_key(self, address: str) -> str:
        return briefs.contact_key(self.base.ring, address)

    def pass_on(self, row: OutboxRow, line: BriefLine, recipients: Collection[str], now: dt.datetime) -> None:
        def work(connection: Connection) -> None:
            mine = select(OUTBOX.c.id).where(_held(row, "claimed")).with_for_update()
            if connection.scalar(mine) is None:
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
        return self.base.write(lambda connection: _changed(connection, _held(row, "claimed"), values))

    def settle(
        self, row: OutboxRow, state: OutboxState, reply: str, now: dt.datetime, retry_at: dt.datetime | None = None
    ) -> None:
        """Raises `ValueError` for a state that settles nothing, and for `deferred` without `retry_at`."""
        if state not in (*_SETTLED, "deferred", "cancelled") or (state == "deferred") != (retry_at is not None):
            raise ValueError(f"a mail is not settled as {state} with retry_at {retry_at}")
        held = _held(row, "claimed", "handing_over")
        if state == "deferred":
            self.base.write(lambda connection: self._defer(connection, row, held, reply, now, retry_at))
        else:
            self.base.write(lambda connection: self._settle(connection, held, state, reply, now))

    def _defer(
        self, connection: Connection, row: OutboxRow, held: ColumnElement[bool], reply: str, now: dt.datetime,
        retry_at: dt.datetime | None
    ) -> bool:
        """Puts a mail off; one whose case was put on hold meanwhile waits for the end of that."""
        to_many = row.case_id is not None and row.recipient.startswith(RECIPIENT)
        audiences = Audiences(connection, self.base.ring, now, self.base.today(now))
        paused = to_many and audiences.is_paused(str(row.case_id))
        values = {"state": "queued" if paused else "deferred", "reply": reply, "at": None if paused else retry_at,
                  "lease_until": None}  # fmt: skip
        return _changed(connection, held, values)

    def rescue(self, now: dt.datetime) -> Mapping[str, int]:
        late = OUTBOX.c.lease_until <= now
        with self.base.reading() as connection:
            if connection.scalar(select(OUTBOX.c.id).where(late).limit(1)) is None:
                return {"queued": 0, "uncertain": 0}
        return self.base.write(lambda connection: self._rescue(connection, late, now))

    def resolve(self, outbox_id: int, state: OutboxState, by: str, now: dt.datetime) -> bool:
        """A person's word on an uncertain mail; False when it is not uncertain (any more)."""
        doubtful = (OUTBOX.c.id == outbox_id) & (OUTBOX.c.state == "uncertain")
        reply = f"decided by {by}"
        return self.base.write(lambda connection: self._settle(connection, doubtful, state, reply, now))

    def _claim(self, connection: Connection, now: dt.datetime, limit: int) -> tuple[Sequence[OutboxRow], bool]:
        """The claimed rows, and whether briefs were held over: then more of them may wait."""
        found, missed = self._due(connection, now, limit)
        rows = _alone_if_sick(found)
        claimed = {
            "state": "claimed",
            "at": None,
            "lease_until": now + LEASE,
            "attempts": OUTBOX.c.attempts + 1,
            "fence": OUTBOX.c.fence + 1,
        }
        if rows:
            connection.execute(update(OUTBOX).where(OUTBOX.c.id.in_([row["id"] for row in rows])).values(claimed))
        return tuple(_claimed(row, self.base.ring) for row in rows), missed

    def _due(self, connection: Connection, now: dt.datetime, limit: int) -> tuple[Sequence[Row], bool]:
        """The rows whose time has come. Briefs that have missed their window are held over first, and it says so."""
        due = select(OUTBOX).where(OUTBOX.c.at <= now).order_by(OUTBOX.c.lane, OUTBOX.c.at, OUTBOX.c.id)
        due = due.limit(limit).with_for_update(skip_locked=True)
        rows = connection.execute(due).mappings().all()
        missed = self._missed(rows, now)
        for row in missed:
            briefs.hold_over(connection, self.base.ring, self.base.window, row, now)
        if not missed:
            return rows, False
        rows = connection.execute(due).mappings().all()
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
        self, connection: Connection, held: ColumnElement[bool], state: OutboxState, reply: str, now: dt.datetime
    ) -> bool:
        row = connection.execute(select(OUTBOX).where(held).with_for_update()).mappings().first()
        if row is None:
            return False
        values: dict[str, object] = {"state": state, "reply": reply, "settled_at": now, "lease_until": None, "at": None}
        if state == "accepted":
            values |= self._without_secrets(connection, row)
        connection.execute(update(OUTBOX).where(OUTBOX.c.id == row["id"]).values(values))
        if row["recipient"].startswith(RECIPIENT):
            if state in _SETTLED:
                Audiences(connection, self.base.ring, now, self.base.today(now)).settled(row, state)
        elif row["case_id"] is not None and state in _SETTLED:
            status = cast('Literal["accepted", "failed", "uncertain"]', state)
            settled = MailSettled(row["mail"], row["occurrence"], status, self.base.today(now))
            source = f"outbox/{row['id']}/{row['fence']}/{state}"
            leave_message(connection, self.base.ring, row["case_id"], settled, source, now)
        return True

    def _without_secrets(self, connection: Connection, row: Row) -> dict[str, object]:
        """After acceptance the text stays, and tokens and codes go; the digest of both forms is kept."""
        if row["sealed"] is None:
            return {}
        hashes = set(connection.scalars(select(LINKS.c.token_hash).where(LINKS.c.outbox_id == row["id"])))
        place = mail_place(row["id"])
        words = read_words(row, self.base.ring)
        secret = [words[name] for name in ("code", "token") if name in words]
        kept = redact(self.base.ring.open(row["sealed"], place), hashes, secret)
        digest = hashlib.sha256(kept).hexdigest()
        return {"sealed": self.base.ring.seal(kept, place), "kept_digest": digest, "sealed_words": None}

    def _rescue(self, connection: Connection, late: ColumnElement[bool], now: dt.datetime) -> Mapping[str, int]:
        rows = connection.execute(
            select(OUTBOX.c.id, OUTBOX.c.state).where(late).with_for_update(skip_locked=True)
        ).all()
        back = [row.id for row in rows if row.state == "claimed"]
        doubtful = [row.id for row in rows if row.state == "handing_over"]
        for outbox_id in back:
            self._give_back(connection, outbox_id, now)
        for outbox_id in doubtful:
            self._settle(connection, OUTBOX.c.id == outbox_id, "uncertain", "the process ended while handing over", now)
        return {"queued": len(back), "uncertain": len(doubtful)}

    def _give_back(self, connection: Connection, outbox_id: int, now: dt.datetime) -> None:
        """A claim that ran out is a failure like any other: the fifth is an incident, and the case hears of it."""
        why = "the process ended while it made this mail"
        if incidents.failed(connection, "mail", outbox_id, why, now) >= incidents.TRIES:
            self._settle(connection, OUTBOX.c.id == outbox_id, "failed", why, now)


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


def _held(row: OutboxRow, *states: str) -> ColumnElement[bool]:
    return (OUTBOX.c.id == row.id) & (OUTBOX.c.fence == row.fence) & OUTBOX.c.state.in_(states)


def _changed(connection: Connection, where: ColumnElement[bool], values: Mapping[str, object]) -> bool:
    return connection.execute(update(OUTBOX).where(where).values(values)).rowcount == 1
