"""A date as a calendar file (RFC 5545): an all-day entry blocks nobody's time, an appointment does."""

from __future__ import annotations

import datetime as dt


def invite(*, uid: str, sequence: int, title: str, due: dt.date, stamp: dt.datetime, note: str = "") -> bytes:
    """An all-day entry on the local date `due`, or an entry at that instant, of which nobody knows the end. The same
    `uid` with a higher `sequence` replaces the entry before; `stamp` is an aware instant. No link: a calendar is often
    shared, and the link is the reader's own."""
    # Imported with the first mail that carries a date: the library takes up to 0.3 s to load.
    from icalendar import TRANSP, Alarm, Calendar, Event

    alarm = Alarm.new(description=title)
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", -dt.timedelta(days=1))
    all_day = not isinstance(due, dt.datetime)
    entry = Event.new(uid=uid, sequence=sequence, stamp=stamp.astimezone(dt.UTC), start=due,
                      end=due + dt.timedelta(days=1) if all_day else None, summary=title, description=note or None,
                      transparency=TRANSP.TRANSPARENT if all_day else TRANSP.OPAQUE, subcomponents=[alarm])
    # Not Calendar.new: it gives the file a UID by chance, and the same mail must always come out the same.
    calendar = Calendar()
    for name, value in (("version", "2.0"), ("prodid", "-//soppa//due dates//EN"), ("method", "PUBLISH")):
        calendar.add(name, value)
    calendar.add_component(entry)
    return bytes(calendar.to_ical())
