"""Every day off of 2021 to 2040 in the three shipped calendars, worked out a second time and by another library."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from dateutil.easter import easter
from dateutil.relativedelta import MO, TH, relativedelta

import workflows

ONE = dt.timedelta(days=1)


def nth(year: int, month: int, weekday: Any) -> dt.date:
    """`MO(2)`: the second Monday; counted from the end for `MO(-1)`."""
    day: dt.date = dt.date(year, month, 1) + relativedelta(day=31 if weekday.n < 0 else 1, weekday=weekday)
    return day


def strict(year: int) -> set[dt.date]:
    fixed = {dt.date(year, month, day) for month, day in ((1, 1), (2, 12), (7, 4), (11, 11), (12, 25))}
    if year >= 2022:
        fixed.add(dt.date(year, 6, 19))
    moving = ((1, MO(3)), (5, MO(-1)), (9, MO(1)), (10, MO(2)), (11, TH(4)))
    return fixed | {nth(year, month, weekday) for month, weekday in moving}


def school(year: int) -> set[dt.date]:
    return strict(year) | {nth(year, 3, MO(1)), easter(year) - 2 * ONE}


def statutory(year: int) -> set[dt.date]:
    election = {nth(year, 11, MO(1)) + ONE} if year % 2 == 0 else set()
    return school(year) | {nth(year, 2, MO(3))} | election


@pytest.mark.parametrize(("name", "named"), [("il-strict", strict), ("il-school", school), ("il-statutory", statutory)])
@pytest.mark.parametrize("year", range(2021, 2041))
def test_the_days_off_of_a_year(name: str, named: Callable[[int], set[dt.date]], year: int) -> None:
    days = named(year)
    days |= {day + ONE for day in days if day.weekday() == 6}
    found = {day for day in workflows.lawbook().calendars[name].days_off if day.year == year}
    assert found == days
