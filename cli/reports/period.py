"""The days that a report is about."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from cli.options import read_date
from engine.errors import UsageError
from engine.law.calendar import ONE_DAY
from engine.law.days import day_name


@dataclass(frozen=True, slots=True)
class Period:
    """From `first` to `last`, both included, looked at on the local date `today`."""

    first: dt.date
    last: dt.date
    today: dt.date
    zone: ZoneInfo

    @property
    def begins(self) -> dt.datetime:
        return self._midnight(self.first)

    @property
    def ends(self) -> dt.datetime:
        """The first instant that is not in it any more."""
        return self._midnight(self.last + ONE_DAY)

    def __str__(self) -> str:
        still = f"; {(self.last - self.today).days} days of it are still to come" if self.last > self.today else ""
        return f"{day_name(self.first)} to {day_name(self.last)}, as of {day_name(self.today)}{still}"

    def _midnight(self, day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(), self.zone).astimezone(dt.UTC)


def read_period(first: str | None, last: str | None, today: dt.date, fiscal: str, zone: ZoneInfo) -> Period:
    """The period of two typed dates; without the first the fiscal year of today, without the last a year from the
    first. Raises `UsageError`."""
    begins = read_date(first, "--from") if first else _fiscal_year(today, fiscal)
    ends = read_date(last, "--to") if last else _year_after(begins) - ONE_DAY
    if ends < begins:
        raise UsageError(f"--to: {ends} is before {begins}: name a later day")
    return Period(begins, ends, today, zone)


def _fiscal_year(today: dt.date, starts: str) -> dt.date:
    month, day = int(starts[:2]), int(starts[3:])
    begins = dt.date(today.year, month, day)
    return begins if begins <= today else dt.date(today.year - 1, month, day)


def _year_after(day: dt.date) -> dt.date:
    leap_day = (day.month, day.day) == (2, 29)
    return dt.date(day.year + 1, 3, 1) if leap_day else day.replace(year=day.year + 1)
