"""School calendars from files: what days are taken for what, recurring events, and files that are something else."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cli.setup.calendar_file import read_calendar_file, read_table
from cli.setup.ics import kind_of
from cli.setup.schooldays import doubts, ranges, school_year
from engine.errors import FaultyInput, UsageError
from engine.law.calendar import SchoolDays, SchoolYear, school_year_name, years_to_load
from workflows import lawbook

D = dt.date
CHICAGO = ZoneInfo("America/Chicago")
TERM = "2026-08-17,2027-05-28,attendance,Term\n"
HEAD = "date,to,kind,name\n"


def year_of(rows: str) -> SchoolYear:
    return school_year(read_table(HEAD + rows, "days.csv"), "days.csv")


def events(tmp_path: Path, *bodies: str) -> list[tuple[D, D, str]]:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    for number, body in enumerate(bodies):
        uid = [] if "UID:" in body else [f"UID:{number}"]
        lines += ["BEGIN:VEVENT", *uid, *body.split(" | "), "END:VEVENT"]
    path = tmp_path / "days.ics"
    path.write_text("\r\n".join([*lines, "END:VCALENDAR", ""]), "utf-8", newline="")
    return [(one.first, one.last, one.kind) for one in read_calendar_file(path, CHICAGO, (), ())]


def test_a_term_less_its_closures() -> None:
    year = year_of(TERM + "2026-09-07,,closed,Labor Day\n2026-12-21,2027-01-04,closed,Winter break\n")
    assert (year.first, year.last) == (D(2026, 8, 17), D(2027, 5, 28))
    assert list(ranges(year)) == [(D(2026, 9, 7), D(2026, 9, 7)), (D(2026, 12, 21), D(2027, 1, 4))]
    assert year.days == 205 - 1 - 11


def test_days_listed_one_by_one_leave_the_others_closed() -> None:
    year = year_of("".join(f"2026-09-{n:02},,attendance,\n" for n in (1, 2, 3, 4, 8, 9)))
    assert (year.first, year.last, year.days) == (D(2026, 9, 1), D(2026, 9, 9), 6)
    assert year.closed == {D(2026, 9, 7)}


def test_a_table_without_kinds_is_of_closures() -> None:
    entries = read_table("Date,Name\n2026-09-07,Labor Day\n", "days.csv")
    year = school_year(entries, "days.csv", D(2026, 8, 17), D(2027, 5, 28))
    assert year.closed == {D(2026, 9, 7)}


@pytest.mark.parametrize(("rows", "sentence"), [
    ("9/7/2026,,closed,Labor Day\n", "days.csv:2:1: date: '9/7/2026' is not a date: write it as 2026-09-07"),
    ("2026-02-30,,closed,\n", "'2026-02-30' is not a date"),
    ("2026-12-21,2026-01-04,closed,\n", "to: 2026-01-04 lies before 2026-12-21"),
    ("2026-12-21,,closd,\n", "kind: 'closd' is unknown (did you mean 'closed'?)"),
    ("2026-09-07\n", "more or fewer cells than the header"),
    ('2026-09-07,,closed,"open\n', "one may not be closed"),
    ("", "the table has no rows"),
    (TERM + "2026-09-08,,attendance,\n2026-09-07,2026-09-09,closed,\n", "2026-09-08 is attended here, and closed on"),
    (TERM + "2026-10-03,,attendance,Open day\n", "2026-10-03 is a Saturday, and no weekend is counted"),
    ("2026-09-07,,closed,\n", "does not say on which day school begins and ends: add --first and --last"),
    (TERM + "2027-08-16,2028-05-26,attendance,\n", "from 2026-08-17 to 2028-05-26 is no school year"),
    ("2026-08-17,,first,K\n2026-08-19,,first,PreK\n2027-05-28,,last,\n",
     "several first days of school (2026-08-17, 2026-08-19): say which one counts with --first"),
])  # fmt: skip
def test_a_table_with_faults_is_refused(rows: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        year_of(rows)
    assert sentence in str(caught.value)


def test_all_faults_of_a_table_come_at_once() -> None:
    with pytest.raises(FaultyInput) as caught:
        read_table(HEAD + "x,,closed,\n2026-09-07,y,closed,\n2026-09-08,,z,\n", "days.csv")
    assert [fault.mark.line for fault in caught.value.faults] == [2, 3, 4]


def test_a_month_that_was_left_out_and_a_holiday_that_is_attended_are_doubted() -> None:
    holidays = lawbook().calendars["il-school"].days_off
    year = year_of(TERM + "2026-10-01,2026-10-30,closed,\n2026-09-07,,closed,\n")
    found = list(doubts(year, holidays))
    assert found[0] == "nobody attends from 2026-10-01 to 2026-10-30, 22 weekdays in a row: is a part missing?"
    assert "2026-11-26 (Thanksgiving)" in found[1] and "Labor Day" not in found[1]
    short = year_of("2026-08-17,2026-09-04,attendance,\n")
    assert list(doubts(short, {})) == ["15 days of attendance; 176 to 200 are usual"]


@pytest.mark.parametrize(("body", "days"), [
    ("SUMMARY:No School | DTSTART;VALUE=DATE:20260907", [D(2026, 9, 7)]),
    ("SUMMARY:No School | DTSTART:20260908T033000Z | DTEND:20260908T040000Z", [D(2026, 9, 7)]),
    ("SUMMARY:No School | DTSTART;VALUE=DATE:20260907 | RRULE:FREQ=WEEKLY;COUNT=3",
     [D(2026, 9, 7), D(2026, 9, 14), D(2026, 9, 21)]),
    ("SUMMARY:No School | DTSTART;VALUE=DATE:20260907 | RRULE:FREQ=WEEKLY;UNTIL=20260921T000000Z | "
     "EXDATE;VALUE=DATE:20260914", [D(2026, 9, 7), D(2026, 9, 21)]),
    ("SUMMARY:No School | DTSTART;TZID=America/Chicago:20261026T080000 | RRULE:FREQ=WEEKLY;COUNT=2",
     [D(2026, 10, 26), D(2026, 11, 2)]),
    ("SUMMARY:No School | DTSTART;VALUE=DATE:20260907 | RDATE;VALUE=DATE:20261012", [D(2026, 9, 7), D(2026, 10, 12)]),
    ("SUMMARY:No School | STATUS:CANCELLED | DTSTART;VALUE=DATE:20260907", []),
])  # fmt: skip
def test_events_are_local_days_each_time_they_recur(tmp_path: Path, body: str, days: list[D]) -> None:
    assert [(first, kind) for first, _, kind in events(tmp_path, body)] == [(day, "closed") for day in days]


def test_an_event_of_several_days_ends_before_its_end(tmp_path: Path) -> None:
    whole = "SUMMARY:Winter Break | DTSTART;VALUE=DATE:20261221 | DTEND;VALUE=DATE:20270105"
    timed = ("SUMMARY:No School | DTSTART;TZID=America/Chicago:20261125T000000 | "
             "DTEND;TZID=America/Chicago:20261128T000000")
    assert events(tmp_path, whole, timed) == [(D(2026, 12, 21), D(2027, 1, 4), "closed"),
                                              (D(2026, 11, 25), D(2026, 11, 27), "closed")]


def test_one_time_of_a_recurring_event_that_was_moved_counts_where_it_went(tmp_path: Path) -> None:
    series = "UID:a | SUMMARY:No School | DTSTART;VALUE=DATE:20260911 | RRULE:FREQ=WEEKLY;COUNT=2"
    moved = "UID:a | SUMMARY:No School | RECURRENCE-ID;VALUE=DATE:20260918 | DTSTART;VALUE=DATE:20260921"
    assert [first for first, _, _ in events(tmp_path, series, moved)] == [D(2026, 9, 11), D(2026, 9, 21)]


def test_an_event_that_recurs_for_ever_ends_somewhere(tmp_path: Path) -> None:
    assert len(events(tmp_path, "SUMMARY:No School | DTSTART;VALUE=DATE:20260907 | RRULE:FREQ=DAILY")) == 801
    never = "SUMMARY:No School | DTSTART;VALUE=DATE:20260907 | RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"
    assert [first for first, _, _ in events(tmp_path, never)] == [D(2026, 9, 7)]


@pytest.mark.parametrize(("body", "sentence"), [
    ("SUMMARY:Bell | DTSTART:20260907T080000 | RRULE:FREQ=SECONDLY", "(Bell) cannot be read: it recurs SECONDLY"),
    ("SUMMARY:Bell | DTSTART:soon", "event 1 (Bell) cannot be read"),
    ("SUMMARY:Bell", "event 1 (Bell) cannot be read"),
])  # fmt: skip
def test_an_event_that_cannot_be_read_is_named(tmp_path: Path, body: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        events(tmp_path, body)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(("summary", "kind"), [
    ("Labor Day - No School", "closed"), ("Thanksgiving Break", "closed"), ("School Holiday", "closed"),
    ("Teacher Institute Day", "closed"), ("No student attendance", "closed"), ("First Day of School", "first"),
    ("Last day for students", "last"), ("Holiday Concert", "other"), ("Senior Breakfast", "other"),
    ("Spring Break Camp", "other"), ("Early dismissal before Winter Break", "other"), ("Classes resume", "other"),
    ("Board meeting", "other"),
])  # fmt: skip
def test_what_an_event_is_taken_for(summary: str, kind: str) -> None:
    assert kind_of(summary) == kind


def test_the_districts_own_words_come_first() -> None:
    assert kind_of("Bridge day", closed=["bridge"]) == "closed"
    assert kind_of("No School for staff children", not_closed=["staff"]) == "other"


@pytest.mark.parametrize(("name", "content", "sentence"), [
    ("days.csv", b"%PDF-1.7 ...", "is a PDF: ask whoever made it"),
    ("days.csv", b"PK\x03\x04....", "is a workbook or another zip: save it as CSV"),
    ("days.ics", b"<!DOCTYPE html><title>Sign in</title>", "is a web page: save the calendar that it links to"),
    ("days.ics", HEAD.encode(), "is named .ics, but holds no iCalendar"),
    ("days.csv", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "is named .csv, but holds an iCalendar: name it .ics"),
    ("days.ics", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "is no whole iCalendar"),
    ("days.csv", b"date\n\xff\xfe\n", "not UTF-8 at byte 5"),
    ("days.csv", b"date\0", "is no text"),
    ("days.csv", b"x" * 2_000_001, "has more than 2,000,000 bytes"),
    ("days.csv", b"day,name\n2026-09-07,x\n", "the column 'date' is missing"),
    ("days.csv", b"date,kinds\n2026-09-07,x\n", "unknown column 'kinds' (did you mean 'kind'?)"),
])  # fmt: skip
def test_a_file_that_is_not_what_its_name_says(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_calendar_file(tmp_path / name, CHICAGO, (), ())
    assert sentence in str(caught.value)


@pytest.mark.parametrize(("today", "wanted"), [
    (D(2027, 3, 31), ()), (D(2027, 4, 1), (2027,)), (D(2027, 6, 30), (2027,)), (D(2027, 7, 1), (2027,)),
    (D(2028, 5, 1), (2027, 2028)), (D(2026, 7, 1), ()),
])  # fmt: skip
def test_the_next_school_year_is_wanted_from_april(today: D, wanted: tuple[int, ...]) -> None:
    school = SchoolDays("2026", first=D(2026, 8, 17), last=D(2027, 5, 28))
    assert years_to_load(school, today) == wanted
    assert [school_year_name(year) for year in (2027, 2099)] == ["2027-28", "2099-00"]
