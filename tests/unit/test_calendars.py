"""The shipped calendars against the dates that the statutes fix."""

import datetime as dt

import pytest

import workflows
from engine.errors import OutsideCalendar

D = dt.date
STATUTORY = {
    2026: "01-01 01-19 02-12 02-16 03-02 04-03 05-25 06-19 09-07 10-12 11-03 11-11 11-26 12-25",
    2027: "01-01 01-18 02-12 02-15 03-01 03-26 05-31 07-05 09-06 10-11 11-11 11-25",
    2028: "01-17 02-21 03-06 04-14 05-29 06-19 07-04 09-04 10-09 11-07 11-23 12-25",
}


@pytest.mark.parametrize("year", STATUTORY)
def test_weekdays_off_under_205_ilcs_630_17(year: int) -> None:
    calendar = workflows.calendar("il-statutory")
    off = [day for day in calendar.days_off if day.year == year and day.weekday() < 5]
    assert " ".join(f"{day:%m-%d}" for day in off) == STATUTORY[year]


def test_nothing_moves_from_a_saturday() -> None:
    calendar = workflows.calendar("il-statutory")
    assert all(calendar.is_business_day(day) for day in (D(2026, 7, 3), D(2027, 6, 18), D(2027, 12, 24), D(2028, 2, 11)))


def test_strict_leaves_out_what_is_disputed() -> None:
    strict = workflows.calendar("il-strict")
    disputed = [D(2026, 2, 16), D(2026, 3, 2), D(2026, 4, 3), D(2026, 11, 3), D(2026, 11, 27)]
    assert all(strict.is_business_day(day) for day in disputed)
    assert set(strict.days_off) < set(workflows.calendar("il-statutory").days_off)


def test_juneteenth_begins_in_2022() -> None:
    calendar = workflows.calendar("il-statutory")
    assert [D(year, 6, 19) in calendar.days_off for year in (2021, 2022)] == [False, True]


@pytest.mark.parametrize("day", [D(2020, 12, 31), D(2041, 1, 1)])
def test_a_date_beyond_the_table_is_an_error_not_a_guess(day: dt.date) -> None:
    with pytest.raises(OutsideCalendar, match="extend its table"):
        workflows.calendar("il-statutory").is_business_day(day)
