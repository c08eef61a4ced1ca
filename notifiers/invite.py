"""A task's date as a calendar file (RFC 5545): an all-day entry that blocks nobody's time.

Written by hand: a calendar library costs a third of a second to import, and this is one component of nine lines.
"""

from __future__ import annotations

import datetime as dt

_SPECIAL = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": None})
_OCTETS = 73


def invite(*, uid: str, sequence: int, title: str, due: dt.date, stamp: dt.datetime, note: str = "") -> bytes:
    """An all-day entry on the local date `due`. The same `uid` with a higher `sequence` replaces the entry before;
    `stamp` is an aware instant. No link: a calendar is often shared, and the link is the reader's own."""
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//soppa//due dates//EN", "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{_text(uid)}",
        f"SEQUENCE:{sequence}",
        f"DTSTAMP:{stamp.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{due:%Y%m%d}",
        f"DTEND;VALUE=DATE:{due + dt.timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_text(title)}",
        f"DESCRIPTION:{_text(note)}",
        "TRANSP:TRANSPARENT",
        "BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-P1D", f"DESCRIPTION:{_text(title)}", "END:VALARM",
        "END:VEVENT", "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines).encode()


def _text(value: str) -> str:
    return value.translate(_SPECIAL)


def _folded(line: str) -> str:
    """At most 75 octets a line; a character is never cut in two."""
    parts, part = [], ""
    for char in line:
        if len((part + char).encode()) > _OCTETS:
            parts.append(part)
            part = ""
        part += char
    return "\r\n ".join([*parts, part])
