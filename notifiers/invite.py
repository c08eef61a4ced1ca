"""A date as a calendar file (RFC 5545): an all-day entry blocks nobody's time, an appointment does.

All our files have one shape, so they are written by hand: the library, which the tests hold them against, takes four
megabytes and a third of a millisecond.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from notifiers.blocks import clean

_FOLD = 74
"""Octets of a line, besides its end and the blank that goes on with it (RFC 5545 3.1)."""


def invite(*, uid: str, sequence: int, title: str, due: dt.date, stamp: dt.datetime, note: str = "") -> bytes:
    """An all-day entry on the local date `due`, or an entry at that instant, of which nobody knows the end. The same
    `uid` with a higher `sequence` replaces the entry before; `stamp` is an aware instant. No link: a calendar is often
    shared, and the link is the reader's own."""
    what = _text(title)
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//soppa//due dates//EN", "METHOD:PUBLISH",
        "BEGIN:VEVENT", f"SUMMARY:{what}", *_when(due), f"DTSTAMP:{_instant(stamp)}", f"UID:{_text(uid)}",
        f"SEQUENCE:{sequence}", *([f"DESCRIPTION:{_text(note)}"] if note else []),
        f"TRANSP:{'OPAQUE' if isinstance(due, dt.datetime) else 'TRANSPARENT'}",
        "BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{what}", "TRIGGER:-P1D", "END:VALARM",
        "END:VEVENT", "END:VCALENDAR",
    ]  # fmt: skip
    return b"".join(b"%b\r\n" % b"\r\n ".join(_folded(line.encode())) for line in lines)


def _when(due: dt.date) -> Iterator[str]:
    if isinstance(due, dt.datetime):
        yield f"DTSTART:{_instant(due)}"
        return
    yield f"DTSTART;VALUE=DATE:{due:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{due + dt.timedelta(days=1):%Y%m%d}"


def _instant(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"


def _text(said: str) -> str:
    """As a value of the file; a backslash goes first, since the others are written with one."""
    said = clean(said)
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        said = said.replace(plain, escaped)
    return said


def _folded(line: bytes) -> Iterator[bytes]:
    start = 0
    while len(line) - start > _FOLD:
        end = start + _FOLD
        while line[end] & 0xC0 == 0x80:  # inside a character of UTF-8
            end -= 1
        yield line[start:end]
        start = end
    yield line[start:]
