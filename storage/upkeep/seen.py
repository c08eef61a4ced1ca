"""How far a database has come, as a count that only grows: whoever keeps the count elsewhere can tell a database that
was set back to an earlier moment. Besides, the mark of one that was restored and is not in service yet."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, select

from storage.base import Base
from storage.dialects import insert_into
from storage.statements import put
from storage.tables import META

RESTORED = "restored"
"""The mark of a database that came out of a backup: when that was made."""

MOVING = "moving"
"""The mark of a database that a move has filled and not yet put into service: the token of that move."""

_SEEN = "seen"
_ACCEPTED = "rollbacks_accepted"


@dataclass(frozen=True, slots=True)
class Seen:
    """`token` is drawn anew with each count, so that two databases that went apart do not stand at the same one."""

    count: int
    token: str
    at: str

    def is_behind(self, other: Seen) -> bool:
        """Whether a database that stands here has not come to where `other` was seen."""
        return self.count < other.count or (self.count == other.count and self.token != other.token)


NEVER = Seen(0, "", "")


def seen_in(base: Base) -> Seen:
    with base.reading() as connection:
        return _seen(connection.scalar(select(META.c.value).where(META.c.name == _SEEN)))


def go_on(base: Base, now: dt.datetime) -> Seen:
    """Counts one further."""
    return base.write(lambda connection: _go_on(connection, now, 0))


def accept(base: Base, now: dt.datetime, beyond: int, record: dict[str, str]) -> Seen:
    """Takes a database that was set back into service, counts it beyond what somebody has seen, and writes down who did
    that and why, all at once."""

    def work(connection: Connection) -> Seen:
        known = connection.scalar(select(META.c.value).where(META.c.name == _ACCEPTED)) or "[]"
        put(connection, META, {"name": _ACCEPTED, "value": json.dumps([*json.loads(known), record])})
        connection.execute(delete(META).where(META.c.name == RESTORED))
        return _go_on(connection, now, beyond)

    return base.write(work)


def accepted(base: Base) -> list[dict[str, str]]:
    """Each time that was done, the oldest first."""
    with base.reading() as connection:
        known = connection.scalar(select(META.c.value).where(META.c.name == _ACCEPTED)) or "[]"
    found: list[dict[str, str]] = json.loads(known)
    return found


def read_seen(text: str) -> Seen:
    """What somebody has kept. Raises `ValueError`."""
    said = json.loads(text)
    if not isinstance(said, dict) or set(said) != {"count", "token", "at"} or not isinstance(said["count"], int):
        raise ValueError("this is no mark of a database")
    return Seen(said["count"], str(said["token"]), str(said["at"]))


def write_seen(seen: Seen) -> str:
    return json.dumps(asdict(seen))


def _go_on(connection: Connection, now: dt.datetime, beyond: int) -> Seen:
    first = insert_into(connection.dialect.name, META).values(name=_SEEN, value=write_seen(NEVER))
    connection.execute(first.on_conflict_do_nothing())
    mine = select(META.c.value).where(META.c.name == _SEEN).with_for_update()
    count = max(_seen(connection.scalar(mine)).count, beyond) + 1
    further = Seen(count, secrets.token_hex(8), now.astimezone(dt.UTC).isoformat(timespec="seconds"))
    put(connection, META, {"name": _SEEN, "value": write_seen(further)})
    return further


def _seen(value: str | None) -> Seen:
    return NEVER if value is None else read_seen(value)
