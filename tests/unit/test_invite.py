"""Calendar files as other programs read them, held against the library's own writing."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import TRANSP, Alarm, Calendar, Event

from notifiers.invite import invite

STAMP = dt.datetime(2026, 11, 30, 1, 2, 3, 456, tzinfo=dt.UTC)
DAY = dt.date(2026, 12, 31)
APPOINTMENT = dt.datetime(2027, 3, 14, 9, 30, tzinfo=ZoneInfo("America/Chicago"))
WORDS = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" ,;:\\"), min_size=1).filter(
    lambda text: text.strip() == text)


def by_library(title: str, due: dt.date, note: str) -> bytes:
    alarm = Alarm.new(description=title)
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", -dt.timedelta(days=1))
    all_day = not isinstance(due, dt.datetime)
    start = due.astimezone(dt.UTC) if isinstance(due, dt.datetime) else due
    entry = Event.new(uid="1@d.example", sequence=2, stamp=STAMP, start=start, summary=title, description=note or None,
                      end=due + dt.timedelta(days=1) if all_day else None, subcomponents=[alarm],
                      transparency=TRANSP.TRANSPARENT if all_day else TRANSP.OPAQUE)
    calendar = Calendar()
    for name, value in (("version", "2.0"), ("prodid", "-//soppa//due dates//EN"), ("method", "PUBLISH")):
        calendar.add(name, value)
    calendar.add_component(entry)
    return bytes(calendar.to_ical())


@pytest.mark.parametrize("due", [DAY, APPOINTMENT])
@pytest.mark.parametrize("title", ["2026-0001: Corrección; con, comas \\ y barras", "ñ" * 200, "x" * 74, "x" * 300])
@pytest.mark.parametrize("note", ["", "plazo legal, Distrito 12"])
def test_it_is_what_the_library_writes(title: str, due: dt.date, note: str) -> None:
    assert invite(uid="1@d.example", sequence=2, title=title, due=due, stamp=STAMP, note=note) == by_library(
        title, due, note)


@given(WORDS, WORDS)
@example("\\n\\N\\;", ",")
def test_the_library_reads_the_words_that_were_written(title: str, note: str) -> None:
    raw = invite(uid="1@d.example", sequence=2, title=title, due=DAY, stamp=STAMP, note=note)
    assert max(map(len, raw.split(b"\r\n"))) <= 75
    (entry,) = Calendar.from_ical(raw).walk("VEVENT")
    (alarm,) = Calendar.from_ical(raw).walk("VALARM")
    assert (entry["SUMMARY"], entry["DESCRIPTION"], alarm["DESCRIPTION"]) == (title, note, title)
    assert (entry.decoded("DTSTART"), entry.decoded("DTEND")) == (DAY, DAY + dt.timedelta(days=1))


def test_a_line_break_in_a_title_begins_no_line_of_the_file() -> None:
    raw = invite(uid="1@d.example", sequence=2, title="Look\r\nATTACH:x\u2028y\x07", due=DAY, stamp=STAMP)
    assert b"SUMMARY:Look\\nATTACH:x\\ny\r\n" in raw
