"""What a home has seen of its database: a mark outside of it, so that one that was set back is known for what it is.

A snapshot of the machine's disk that sets both back is told by neither; the seals in the mails of the office are.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cli.home import Home, write_private
from cli.serving.clockwatch import stamp
from cli.wiring import House
from engine.errors import WrongEnvironment
from storage.upkeep.seen import MOVING, NEVER, RESTORED, Seen, go_on, read_seen, seen_in, write_seen

log = logging.getLogger("soppa")
EVERY = 20.0
"""Seconds between two marks at least, so that a played clock does not write one each beat."""


def setback(house: House) -> str | None:
    """What is wrong, as half a sentence, when the database was restored or is older than this home has seen."""
    restored = house.store.mark(RESTORED)
    if restored is not None:
        return f"this database was restored from the backup of {_when(restored)} and is not in service yet"
    if house.store.mark(MOVING) is not None:
        return ("soppa migrate-to-postgres has filled this database and did not come to its end: run it again from the "
                "home that it moves")
    seen, now = kept(house.home), seen_in(house.store.base)
    if now.is_behind(seen):
        stands = f"stands where it stood at {_when(now.at)}" if now.at else "has never been in service"
        return f"this database {stands}, but this home has seen it at {_when(seen.at)} already"
    return None


def is_behind(house: House) -> bool:
    """Whether the database has come less far than this home has seen."""
    seen = kept(house.home)  # before the database, which another worker counts on meanwhile
    return seen_in(house.store.base).is_behind(seen)


def check_not_set_back(house: House) -> None:
    """Raises `WrongEnvironment`: mails that were sent meanwhile would be sent again."""
    found = setback(house)
    if found is not None:
        raise WrongEnvironment(f"{found}: see that no other soppa works on these cases, then soppa backup accept "
                               f"--reason")


def why_doubted(since: dt.datetime) -> str:
    return f"set back to {stamp(since)}: it may have been sent since"


def kept(home: Home) -> Seen:
    """The mark of this home. Raises `WrongEnvironment` for one that cannot be read."""
    try:
        return read_seen(home.seen.read_text("utf-8"))
    except FileNotFoundError:
        return NEVER
    except (OSError, ValueError):
        raise WrongEnvironment(f"{home.seen} cannot be read: see with soppa verify that the database is whole, then "
                               f"take that file away") from None


def keep(home: Home, seen: Seen) -> None:
    """Puts the mark in the place of the one before, at once or not at all."""
    new = home.seen.with_name(f".seen-{secrets.token_hex(4)}")
    write_private(new, write_seen(seen).encode() + b"\n")
    os.replace(new, home.seen)


@dataclass(slots=True)
class Marker:
    """Marks how far the database has come: first in it, then in the home, so that the home is never ahead of a database
    that was not set back. One that was set back under a daemon at work stops it; its next start is refused."""

    house: House
    stop: threading.Event
    marked: float = 0.0

    def mark(self, now: dt.datetime) -> None:
        if is_behind(self.house):
            log.error("%s: the daemon stops", setback(self.house))
            self.stop.set()
            return
        keep(self.house.home, go_on(self.house.store.base, now))
        self.marked = time.monotonic()

    def mark_now_and_then(self, now: dt.datetime) -> None:
        if time.monotonic() - self.marked >= EVERY:
            self.mark(now)


@contextmanager
def marking(house: House, stop: threading.Event) -> Iterator[Marker]:
    """Marks at the beginning and at the end of a daemon's life, and in between when it is told to."""
    marker = Marker(house, stop)
    marker.mark(house.clock())
    yield marker
    marker.mark(house.clock())


def _when(at: str) -> str:
    return stamp(dt.datetime.fromisoformat(at)) if at else "no time"
