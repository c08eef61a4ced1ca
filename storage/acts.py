"""Acts that need two persons: one begins, another confirms, and neither can be the same."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection, insert, select, update

from engine.errors import AlreadyDecided, NotAllowed, Refused, UsageError
from storage.base import Base
from storage.rows import Row
from storage.tables import PENDING_ACTS


@dataclass(frozen=True, slots=True)
class Act:
    """An act begun by the person `by`. `payload` is what will be done, as plain JSON values."""

    id: str
    act: str
    case_id: str | None
    payload: Mapping[str, object]
    by: str
    at: dt.datetime
    expires: dt.datetime
    confirmed_by: str | None
    confirmed_at: dt.datetime | None


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
        act_id = secrets.token_hex(8)
        begun = Act(act_id, act, case_id, payload, by, now, now + lasts, None, None)
        row = {
            "id": act_id,
            "act": act,
            "case_id": case_id,
            "by": by,
            "at": now,
            "expires": begun.expires,
            "sealed": self.base.ring.seal_json(dict(payload), _place(act_id)),
        }
        self.base.write(lambda connection: connection.execute(insert(PENDING_ACTS).values(**row)))
        return begun

    def act(self, act_id: str) -> Act:
        """Raises `UsageError` for an unknown act."""
        with self.base.reading() as connection:
            row = connection.execute(select(PENDING_ACTS).where(PENDING_ACTS.c.id == act_id)).mappings().first()
        if row is None:
            raise UsageError(f"unknown act '{act_id}': begin it again")
        return self._act(row)

    def waiting(self, now: dt.datetime) -> Sequence[Act]:
        """What waits for its second person, oldest first."""
        live = PENDING_ACTS.c.confirmed_by.is_(None) & (PENDING_ACTS.c.expires > now)
        with self.base.reading() as connection:
            rows = connection.execute(select(PENDING_ACTS).where(live).order_by(PENDING_ACTS.c.at)).mappings().all()
        return tuple(self._act(row) for row in rows)

    def confirm(self, act_id: str, by: str, now: dt.datetime) -> Act:
        """Gives the act, confirmed; once only. Raises `NotAllowed`, `AlreadyDecided`, `Refused` or `UsageError`."""
        begun = self.act(act_id)
        if begun.by == by:
            raise NotAllowed("you began this yourself: another person must confirm it")
        if begun.confirmed_by is not None:
            raise AlreadyDecided(f"already confirmed by {begun.confirmed_by}")
        if begun.expires <= now:
            raise Refused("this waited too long for its second person: begin it again")
        if not self.base.write(lambda connection: _confirm(connection, act_id, by, now)):
            raise AlreadyDecided("already confirmed by somebody else")
        return self.act(act_id)

    def _act(self, row: Row) -> Act:
        payload = cast("Mapping[str, object]", self.base.ring.open_json(row["sealed"], _place(row["id"])))
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


def _confirm(connection: Connection, act_id: str, by: str, now: dt.datetime) -> bool:
    open_one = (PENDING_ACTS.c.id == act_id) & PENDING_ACTS.c.confirmed_by.is_(None) & (PENDING_ACTS.c.expires > now)
    changed = update(PENDING_ACTS).where(open_one).values(confirmed_by=by, confirmed_at=now)
    return connection.execute(changed).rowcount == 1


def _place(act_id: str) -> str:
    return f"pending_acts/{act_id}"
