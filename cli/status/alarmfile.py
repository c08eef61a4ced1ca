"""The alarms of a home in a file beside its database: written by the daemon each minute, and by whoever sees it fail.

It needs neither database nor mail to be read. Who is told of it at the terminal is the privacy officer and whoever is
nobody in the office, which is the people who look after the server.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cli.home import Home, write_private
from cli.identity import login
from cli.serving.clockwatch import stamp
from cli.status.disk import disk_of
from cli.status.look import Look

SILENT = dt.timedelta(minutes=15)
"""A file that nobody has written for so long says that nobody watches."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One with `until` is kept as long by whoever writes the file anew."""

    what: str
    level: int
    says: str
    until: str = ""


@dataclass(frozen=True, slots=True)
class Alarms:
    """`not_told` are the logins of people who have other things to do."""

    at: str
    alarms: tuple[Alarm, ...]
    not_told: tuple[str, ...] = ()


def write_alarms(home: Home, now: dt.datetime, alarms: Sequence[Alarm], not_told: Collection[str]) -> None:
    """In the place of those before, at once or not at all."""
    said = asdict(Alarms(now.isoformat(timespec="seconds"), tuple(alarms), tuple(sorted(not_told))))
    new = home.alarms.with_name(f".alarms-{secrets.token_hex(4)}")
    write_private(new, json.dumps(said).encode() + b"\n")
    os.replace(new, home.alarms)


def read_alarms(home: Home) -> Alarms | None:
    """None where there is none, or none that can be read."""
    try:
        said = json.loads(home.alarms.read_text("utf-8"))
        alarms = tuple(Alarm(str(one["what"]), int(one["level"]), str(one["says"]), str(one.get("until", "")))
                       for one in said["alarms"])  # fmt: skip
        return Alarms(str(said["at"]), alarms, tuple(map(str, said["not_told"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def banner(home: Home, now: dt.datetime, disk: Callable[[Path], Look] = disk_of) -> str | None:
    """One line for whoever is at the terminal, when something is wrong and it is theirs to know. The disk is looked at
    now: on a full one no file is written."""
    found = read_alarms(home)
    if found is None or login() in found.not_told:
        return None
    at = dt.datetime.fromisoformat(found.at)
    room = disk(home.root)
    alarms = tuple(one for one in found.alarms if one.what != room.what)
    alarms += (Alarm(room.what, room.level, room.says),) if room.level else ()
    if now - at > SILENT:
        silent = Alarm("daemon", 2, f"nothing is watched since {stamp(at)}")
        alarms = (silent, *(one for one in alarms if one.what != "daemon"))
    if not alarms:
        return None
    first = max(alarms, key=lambda one: one.level)
    more = f" (and {len(alarms) - 1} more)" if len(alarms) > 1 else ""
    return f"{first.what}: {first.says}{more} – soppa status"
