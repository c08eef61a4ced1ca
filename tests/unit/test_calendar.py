"""Which days count: 205 ILCS 630/17, the strict and the school calendar, and a district's attendance days."""

from __future__ import annotations

import datetime as dt

import pytest

import workflows
from engine.errors import OutsideCalendar
from engine.law.calendar import Calendar, SchoolDays, easter, nth_weekday

STATUTORY = workflows.lawbook().calendars["il-statutory"]
STRICT = workflows.lawbook().calendars["il-strict"]
SCHOOL = workflows.lawbook().calendars["il-school"]

WEEKDAYS_OFF = {
    2026: "01-01 01-19 02-12 02-16 03-02 04-03 05-25 06-19 09-07 10-12 11-03 11-11 11-26 12-25",
    2027: "01-01 01-18 02-12 02-15 03-01 03-26 05-31 07-05 09-06 10-11 11-11 11-25",
    2028: "01-17 02-21 03-06 04-14 05-29 06-19 07-04 09-04 10-09 11-07 11-23 12-25",
}


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def weekdays_off(calendar: Calendar, year: int) -> str:
    return " ".join(f"{off:%m-%d}" for off in calendar.days_off if off.year == year and off.weekday() < 5)


@pytest.mark.parametrize("year", WEEKDAYS_OFF)
def test_the_statutory_table_of_a_year(year: int) -> None:
    assert weekdays_off(STATUTORY, year) == WEEKDAYS_OFF[year]


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("2026-07-03", "Jul 4 is a Saturday: nothing moves to the Friday"),
        ("2027-06-18", "Juneteenth is a Saturday (P.A. 102-14)"),
        ("2027-12-24", "Christmas is a Saturday"),
        ("2027-12-31", "New Year's Day 2028 is a Saturday"),
        ("2028-02-11", "Lincoln's Birthday is a Saturday"),
        ("2028-11-10", "Veterans Day is a Saturday"),
        ("2026-11-27", "the Friday after Thanksgiving is in no statute"),
        ("2021-06-21", "Juneteenth became a holiday with 2022"),
        ("2027-11-02", "there is no general election in an odd year"),
    ],
)
def test_days_that_count_although_a_library_would_leave_them_out(when: str, why: str) -> None:
    assert STATUTORY.is_business_day(day(when)), why


def test_a_sunday_holiday_takes_the_monday_too() -> None:
    assert STATUTORY.why_off(day("2027-07-04")) == "Independence Day"
    assert STATUTORY.why_off(day("2027-07-05")) == "Independence Day, Monday after Sunday"
    assert STATUTORY.why_off(day("2022-06-20")) == "Juneteenth, Monday after Sunday"


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ("2026-11-28", "Saturday"),
        ("2026-11-29", "Sunday"),
        ("2027-03-26", "Good Friday"),
        ("2026-11-03", "General election day"),
        ("2026-11-30", None),
    ],
)
def test_why_a_day_is_off(when: str, reason: str | None) -> None:
    assert STATUTORY.why_off(day(when)) == reason


@pytest.mark.parametrize("when", ["2027-02-15", "2027-03-01", "2027-03-26", "2026-11-03"])
def test_the_strict_calendar_works_on_days_that_one_of_the_three_lists_lacks(when: str) -> None:
    assert STRICT.is_business_day(day(when))
    assert not STATUTORY.is_business_day(day(when))


def test_the_school_list_lacks_presidents_day_and_election_day() -> None:
    assert STATUTORY.days_off.keys() - SCHOOL.days_off.keys() == {
        off for off, name in STATUTORY.days_off.items() if name in ("Presidents' Day", "General election day")
    }


def test_whatever_is_off_in_the_strict_calendar_is_off_by_statute() -> None:
    assert STRICT.days_off.keys() <= STATUTORY.days_off.keys()


def test_rolling_forward_tells_every_day_passed_over() -> None:
    assert STATUTORY.roll_forward(day("2027-07-03")) == (
        day("2027-07-06"),
        (
            (day("2027-07-03"), "Saturday"),
            (day("2027-07-04"), "Independence Day"),
            (day("2027-07-05"), "Independence Day, Monday after Sunday"),
        ),
    )
    assert STATUTORY.roll_forward(day("2027-07-06")) == (day("2027-07-06"), ())


def test_the_nearest_business_day_on_either_side() -> None:
    assert STATUTORY.on_or_after(day("2026-12-25")) == day("2026-12-28")
    assert STATUTORY.on_or_before(day("2026-12-27")) == day("2026-12-24")
    assert STATUTORY.nth_before(day("2026-11-30"), 2) == day("2026-11-25")


@pytest.mark.parametrize("when", ["2020-12-31", "2041-01-01"])
def test_a_date_beyond_the_table_is_an_error_that_names_the_table(when: str) -> None:
    with pytest.raises(
        OutsideCalendar, match=rf"^{when} is outside calendar 'il-statutory' \(2021-01-01 to 2040-12-31\)"
    ):
        STATUTORY.why_off(day(when))


def test_counting_over_the_end_of_the_table_is_an_error() -> None:
    with pytest.raises(OutsideCalendar):
        STATUTORY.nth_after(day("2040-12-28"), 10)


@pytest.mark.parametrize(
    ("year", "sunday"),
    [
        (2021, "04-04"),
        (2024, "03-31"),
        (2026, "04-05"),
        (2027, "03-28"),
        (2028, "04-16"),
        (2035, "03-25"),
        (2038, "04-25"),
    ],
)
def test_easter(year: int, sunday: str) -> None:
    assert easter(year) == day(f"{year}-{sunday}")


def test_the_nth_and_the_last_weekday_of_a_month() -> None:
    assert nth_weekday(2026, 11, 3, 4) == day("2026-11-26")
    assert nth_weekday(2027, 5, 0, -1) == day("2027-05-31")
    assert nth_weekday(2027, 12, 4, -1) == day("2027-12-31")


ATTENDANCE = SchoolDays(
    "2026-27",
    frozenset(map(day, ("2026-11-25", "2026-11-26", "2026-11-27", "2026-11-28"))),
    first=day("2026-08-17"),
    last=day("2026-12-18"),
)


def test_school_days_pass_over_weekends_and_closed_days() -> None:
    assert ATTENDANCE.nth_after(day("2026-11-23"), 2) == (
        day("2026-11-30"),
        tuple(map(day, ("2026-11-25", "2026-11-26", "2026-11-27"))),
        False,
    )


def test_beyond_the_entered_calendar_a_count_is_provisional() -> None:
    assert ATTENDANCE.nth_after(day("2026-12-17"), 1) == (day("2026-12-18"), (), False)
    assert ATTENDANCE.nth_after(day("2026-12-18"), 1) == (day("2026-12-21"), (), True)


def test_an_attendance_calendar_that_was_never_entered_knows_no_day() -> None:
    assert SchoolDays("none").nth_after(day("2026-11-20"), 1) == (day("2026-11-23"), (), True)
