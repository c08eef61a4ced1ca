"""Acts that need two persons: one begins, another confirms, and neither can be the same."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection, insert, select, update

from engine.errors import AlreadyDecided, NotAllowed, Refused, UsageError
from engine.nodes import nearest
from storage.base import Base
from storage.mailing.outbox import add_notice
from storage.rows import Row
from storage.sealing import Ring
from storage.tables import PENDING_ACTS

MAIL = "act"
"""The kind of mail that asks the second person."""


@dataclass(frozen=True, slots=True)
class Act:
    """An act begun by the person `by`. `payload` is what will be done, as plain JSON values; its `second` is the id of
    the person who is asked to confirm."""

    id: str
    act: str
    case_id: str | None
    payload: Mapping[str, object]
    by: str
    at: dt.datetime
    expires: dt.datetime
    confirmed_by: str | None = None
    confirmed_at: dt.datetime | None = None


class Acts:
    def __init__(self, base: Base) -> None:
        self.base = base

    def add(
        self,
        act: str,
        case_id: str | None,
        payload: Mapping[str, object],
        by: str,
        now: dt.datetime,
        lasts: dt.timedelta,
    ) -> Act:
        """An act whose second person is told by other means than mail."""
        begun = Act(secrets.token_hex(8), act, case_id, payload, by, now, now + lasts)
        self.base.write(lambda connection: begin(connection, self.base.ring, begun, None))
        return begun

    def find(self, act_id: str) -> Act | None:
        with self.base.reading() as connection:
            return _find(connection, self.base.ring, act_id)

    def act(self, act_id: str) -> Act:
        """Raises `UsageError` for an unknown act."""
        with self.base.reading() as connection:
            return _act_of(connection, self.base.ring, act_id)

    def waiting(self, now: dt.datetime) -> Sequence[Act]:
        """What waits for its second person, oldest first."""
        live = PENDING_ACTS.c.confirmed_by.is_(None) & (PENDING_ACTS.c.expires > now)
        with self.base.reading() as connection:
            rows = connection.execute(select(PENDING_ACTS).where(live).order_by(PENDING_ACTS.c.at)).mappings().all()
        return tuple(_read(row, self.base.ring) for row in rows)

    def every(self) -> Sequence[Act]:
        """All acts ever begun, oldest first."""
        with self.base.reading() as connection:
            rows = connection.execute(select(PENDING_ACTS).order_by(PENDING_ACTS.c.at)).mappings().all()
        return tuple(_read(row, self.base.ring) for row in rows)

    def confirm(self, act_id: str, by: str, now: dt.datetime) -> Act:
        """Gives the act, confirmed; once only. Raises `NotAllowed`, `AlreadyDecided`, `Refused` or `UsageError`."""
        self.base.write(lambda connection: confirm(connection, self.base.ring, act_id, by, now))
        return self.act(act_id)


def begin(connection: Connection, ring: Ring, act: Act, token: str | None) -> None:
    """Keeps an act and, with a token, queues the mail that leads its second person to it."""
    row = {
        "id": act.id,
        "act": act.act,
        "case_id": act.case_id,
        "by": act.by,
        "at": act.at,
        "expires": act.expires,
        "confirmed_by": act.confirmed_by,
        "confirmed_at": act.confirmed_at,
        "sealed": ring.seal_json(dict(act.payload), act_place(act.id)),
    }
    connection.execute(insert(PENDING_ACTS).values(**row))
    if token is not None:
        words = {"token": token, "act": act.act, "begun_by": act.by, "until": act.expires.isoformat()}
        add_notice(connection, ring, f"person:{act.payload['second']}", MAIL, act.case_id, words, act.at)


def confirm(connection: Connection, ring: Ring, act_id: str, by: str, now: dt.datetime) -> None:
    """Marks an act as confirmed by another person; once only.

    Raises `UsageError`, `NotAllowed`, `AlreadyDecided` or `Refused`.
    """
    begun = _act_of(connection, ring, act_id)
    if begun.by == by:
        raise NotAllowed("you began this yourself: another person must confirm it")
    if begun.confirmed_by is not None:
        raise AlreadyDecided(f"already confirmed by {begun.confirmed_by}")
    if begun.expires <= now:
        raise Refused("this waited too long for its second person: begin it again")
    open_one = (PENDING_ACTS.c.id == act_id) & PENDING_ACTS.c.confirmed_by.is_(None) & (PENDING_ACTS.c.expires > now)
    changed = update(PENDING_ACTS).where(open_one).values(confirmed_by=by, confirmed_at=now)
    if connection.execute(changed).rowcount != 1:
        raise AlreadyDecided("already confirmed by somebody else")


def _find(connection: Connection, ring: Ring, act_id: str) -> Act | None:
    row = connection.execute(select(PENDING_ACTS).where(PENDING_ACTS.c.id == act_id)).mappings().first()
    return _read(row, ring) if row else None


def _act_of(connection: Connection, ring: Ring, act_id: str) -> Act:
    found = _find(connection, ring, act_id)
    if found is None:
        known = connection.scalars(select(PENDING_ACTS.c.id)).all()
        raise UsageError(f"unknown act '{act_id}'{nearest(act_id, known)}: soppa acts list names those that wait")
    return found


def _read(row: Row, ring: Ring) -> Act:
    payload = cast("Mapping[str, object]", ring.open_json(row["sealed"], act_place(row["id"])))
    return Act(
        id=row["id"],
        act=row["act"],
        case_id=row["case_id"],
        payload=payload,
        by=row["by"],
        at=row["at"],
        expires=row["expires"],
        confirmed_by=row["confirmed_by"],
        confirmed_at=row["confirmed_at"],
    )


def act_place(act_id: str) -> str:
    return f"pending_acts/{act_id}"
