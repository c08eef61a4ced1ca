"""What the pages keep: links, mailed codes, sessions, second channels, request counts.

Tokens and codes are known by their hash only.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from sqlalchemy import Connection, delete, insert, select, update

from engine.model.case import Actor
from engine.model.definition import LinkLevel
from engine.model.handed import Link, NewLink, Session
from engine.model.messages import Event
from storage.base import Base
from storage.chains import history
from storage.dialects import insert_into
from storage.entrance.people import totp_place
from storage.rows import Row
from storage.statements import insert_new, put
from storage.tables import CASES, CODES, LINKS, PEOPLE, RATE_COUNTS, SECOND_CHECKS, SESSIONS

CODES_AN_HOUR = 5
WRONG_TRIES = 5
LOCKED_FOR = dt.timedelta(hours=1)
_COUNTS_KEPT = dt.timedelta(days=2)


class SqlLinks:
    """Implements `engine.ports.Links`. Each method is one transaction of its own."""

    def __init__(self, base: Base) -> None:
        self.base = base

    def add_link(self, link: NewLink) -> None:
        self.base.write(lambda connection: connection.execute(insert(LINKS).values(**link_row(link, None))))

    def link(self, token_hash: str) -> Link | None:
        with self.base.reading() as connection:
            row = connection.execute(select(LINKS).where(LINKS.c.token_hash == token_hash)).mappings().first()
        return _link(row) if row else None

    def new_code(
        self, recipient: str, case_id: str | None, code_hash: str, expires_at: dt.datetime, now: dt.datetime
    ) -> bool:
        def work(connection: Connection) -> bool:
            bucket = f"code/{recipient}/{case_id or ''}"
            if not _counted(connection, bucket, CODES_AN_HOUR, dt.timedelta(hours=1), now):
                return False
            insert_new(connection, CODES, [{"recipient": recipient, "case_key": case_id or "", "wrong": 0}])
            mine = (CODES.c.recipient == recipient) & (CODES.c.case_key == (case_id or ""))
            connection.execute(update(CODES).where(mine).values(code_hash=code_hash, expires_at=expires_at))
            return True

        return self.base.write(work)

    def try_code(
        self, recipient: str, case_id: str | None, code_hash: str, now: dt.datetime
    ) -> Literal["right", "wrong", "expired", "locked"]:
        return self.base.write(lambda connection: _try_code(connection, recipient, case_id or "", code_hash, now))

    def open_session(self, token_hash: str, session: Session, now: dt.datetime) -> None:
        row = {
            "token_hash": token_hash,
            "recipient": session.recipient,
            "case_id": session.case_id,
            "level": session.level,
            "opened_at": now,
            "expires_at": session.expires_at,
            "closed": False,
        }

        def work(connection: Connection) -> None:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_at < now))
            connection.execute(insert(SESSIONS).values(**row))

        self.base.write(work)

    def session(self, token_hash: str, now: dt.datetime) -> Session | None:
        wanted = (SESSIONS.c.token_hash == token_hash) & (SESSIONS.c.expires_at > now) & SESSIONS.c.closed.is_(False)
        with self.base.reading() as connection:
            row = connection.execute(select(SESSIONS).where(wanted)).first()
        return Session(row.id, row.recipient, row.case_id, row.level, row.expires_at) if row else None

    def raise_session(self, session: Session, level: LinkLevel) -> None:
        mine = SESSIONS.c.id == session.id
        self.base.write(lambda connection: connection.execute(update(SESSIONS).where(mine).values(level=level)))

    def close_session(self, session: Session) -> None:
        mine = SESSIONS.c.id == session.id
        self.base.write(lambda connection: connection.execute(update(SESSIONS).where(mine).values(closed=True)))

    def second_confirmed(self, case_id: str, recipient: str) -> bool:
        wanted = (SECOND_CHECKS.c.case_id == case_id) & (SECOND_CHECKS.c.recipient == recipient)
        with self.base.reading() as connection:
            return connection.scalar(select(SECOND_CHECKS.c.by).where(wanted)) is not None

    def confirm_second(self, case_id: str, recipient: str, how: str, by: Actor, now: dt.datetime) -> None:
        row = {"case_id": case_id, "recipient": recipient, "how": how, "by": by.id, "at": now}
        ticked = Event("second_confirmed", {"party": recipient.removeprefix("party:"), "how": how})

        def work(connection: Connection) -> None:
            connection.execute(select(CASES.c.id).where(CASES.c.id == case_id).with_for_update(key_share=True))
            put(connection, SECOND_CHECKS, row)
            history.append(connection, self.base.ring, case_id, [ticked], by, now)

        self.base.write(work)

    def totp_secret(self, person_id: str) -> str | None:
        with self.base.reading() as connection:
            sealed = connection.scalar(select(PEOPLE.c.totp).where(PEOPLE.c.id == person_id))
        return self.base.ring.open(sealed, totp_place(person_id)).decode() if sealed else None

    def totp_used(self, person_id: str, counter: int) -> bool:
        fresh = PEOPLE.c.totp_counter.is_(None) | (PEOPLE.c.totp_counter < counter)
        used = update(PEOPLE).where((PEOPLE.c.id == person_id) & fresh).values(totp_counter=counter)
        return self.base.write(lambda connection: connection.execute(used).rowcount == 1)

    def allow(self, bucket: str, limit: int, per: dt.timedelta, now: dt.datetime) -> bool:
        return self.base.write(lambda connection: _counted(connection, bucket, limit, per, now))


def link_row(link: NewLink, outbox_id: int | None) -> dict[str, object]:
    return {
        "token_hash": link.token_hash,
        "purpose": link.purpose,
        "case_id": link.case_id,
        "recipient": link.recipient,
        "level": link.level,
        "expires_at": link.expires_at,
        "task_id": link.task_id,
        "task_generation": link.task_generation,
        "outbox_id": outbox_id,
    }


def _link(row: Row) -> Link:
    return Link(
        id=row["id"],
        purpose=row["purpose"],
        case_id=row["case_id"],
        recipient=row["recipient"],
        level=row["level"],
        expires_at=row["expires_at"],
        task_id=row["task_id"],
        task_generation=row["task_generation"],
        revoked_at=row["revoked_at"],
    )


def _try_code(
    connection: Connection, recipient: str, case_key: str, code_hash: str, now: dt.datetime
) -> Literal["right", "wrong", "expired", "locked"]:
    """A right code is spent; wrong tries are counted over all codes until the lock they lead to has passed."""
    mine = (CODES.c.recipient == recipient) & (CODES.c.case_key == case_key)
    row = connection.execute(select(CODES).where(mine).with_for_update()).first()
    if row is None or row.code_hash is None or row.expires_at is None:
        return "expired"
    if row.locked_until is not None and row.locked_until > now:
        return "locked"
    wrong = 0 if row.locked_until is not None else row.wrong
    if row.expires_at <= now:
        return "expired"
    if row.code_hash == code_hash:
        spent = {"code_hash": None, "wrong": 0, "locked_until": None}
        connection.execute(update(CODES).where(mine).values(spent))
        return "right"
    locked = now + LOCKED_FOR if wrong + 1 >= WRONG_TRIES else None
    connection.execute(update(CODES).where(mine).values(wrong=wrong + 1, locked_until=locked))
    return "wrong" if locked is None else "locked"


def _counted(connection: Connection, bucket: str, limit: int, per: dt.timedelta, now: dt.datetime) -> bool:
    """Counts one in the window that `now` falls into; windows begin at multiples of `per`."""
    seconds = per.total_seconds()
    start = dt.datetime.fromtimestamp(now.timestamp() // seconds * seconds, dt.UTC)
    first = insert_into(connection.dialect.name, RATE_COUNTS).values(bucket=bucket, window_start=start, count=1)
    one_more = first.on_conflict_do_update(
        index_elements=["bucket", "window_start"], set_={"count": RATE_COUNTS.c["count"] + 1}
    )
    count = int(connection.execute(one_more.returning(RATE_COUNTS.c["count"])).scalar_one())
    if count == 1:
        connection.execute(delete(RATE_COUNTS).where(RATE_COUNTS.c.window_start < now - _COUNTS_KEPT))
    return count <= limit
