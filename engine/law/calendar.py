"""Calendars: which local dates count, as expanded tables of days off. No clock and no time zone in here.

A statutory calendar is data (`workflows/calendars`); no holiday library is right for a statute. A date outside the
table of a calendar is an error, never a guess.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.errors import OutsideCalendar

ONE_DAY = dt.timedelta(days=1)
SATURDAY = 5
_WEEKEND = {5: "Saturday", 6: "Sunday"}
_SCHOOL_YEAR_BEGINS = 7
_ASKS_FOR_NEXT = (4, 5, 6)
_USUALLY_BEGINS = dt.date(2000, 8, 15)


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """Business days between `first` and `last`: every day but Saturdays, Sundays and `days_off`. A calendar is equal to
    itself alone, so that what was counted in it can be kept."""

    id: str
    version: str
    days_off: Mapping[dt.date, str]
    first: dt.date
    last: dt.date

    def why_off(self, day: dt.date) -> str | None:
        """`Saturday`, `Sunday` or the holiday's name; None on a business day. Raises `OutsideCalendar`."""
        if not self.first <= day <= self.last:
            raise OutsideCalendar(
                f"{day.isoformat()} is outside calendar '{self.id}' ({self.first.isoformat()} to "
                f"{self.last.isoformat()}): extend its table before you count on that date"
            )
        return self.days_off.get(day) or _WEEKEND.get(day.weekday())

    def is_business_day(self, day: dt.date) -> bool:
        return self.why_off(day) is None

    def roll_forward(self, day: dt.date) -> tuple[dt.date, tuple[tuple[dt.date, str], ...]]:
        """The first business day on or after `day`, and each day passed over with the reason."""
        return self._walk(day, ONE_DAY)

    def on_or_after(self, day: dt.date) -> dt.date:
        return self._walk(day, ONE_DAY)[0]

    def on_or_before(self, day: dt.date) -> dt.date:
        return self._walk(day, -ONE_DAY)[0]

    def nth_after(self, day: dt.date, count: int) -> tuple[dt.date, tuple[tuple[dt.date, str], ...]]:
        """The `count`-th business day after `day` (which is day 0), and the holidays passed over on the way."""
        return self._count(day, count, ONE_DAY)

    def nth_before(self, day: dt.date, count: int) -> dt.date:
        """The `count`-th business day before `day`."""
        return self._count(day, count, -ONE_DAY)[0]

    def _walk(self, day: dt.date, step: dt.timedelta) -> tuple[dt.date, tuple[tuple[dt.date, str], ...]]:
        passed: list[tuple[dt.date, str]] = []
        while (reason := self.why_off(day)) is not None:
            passed.append((day, reason))
            day += step
        return day, tuple(passed)

    def _count(self, day: dt.date, count: int, step: dt.timedelta) -> tuple[dt.date, tuple[tuple[dt.date, str], ...]]:
        holidays: list[tuple[dt.date, str]] = []
        left = count
        while left > 0:
            day += step
            reason = self.why_off(day)
            left -= reason is None
            if reason is not None and day.weekday() < SATURDAY:
                holidays.append((day, reason))
        return day, tuple(holidays)


@dataclass(frozen=True, slots=True)
class SchoolDays:
    """A district's days of student attendance, entered from `first` to `last`; `begins` are the first days of its
    school years.

    `closed` are weekdays without attendance. Beyond `last` weekdays but the statutory `holidays` are taken for school
    days, and a result is *provisional* until the next year's calendar is entered.
    """

    version: str
    closed: frozenset[dt.date] = field(default_factory=frozenset)
    first: dt.date | None = None
    last: dt.date | None = None
    holidays: frozenset[dt.date] = frozenset()
    begins: tuple[dt.date, ...] = ()

    def first_day(self, year: int) -> dt.date:
        """On which day of a year attendance begins: as entered, else on that of the last year that was, else on the
        usual day of August, until somebody enters it."""
        entered = [day for day in self.begins if day.year == year]
        known = entered or [day for day in self.begins if day.year < year] or self.begins[:1]
        usual = known[-1] if known else _USUALLY_BEGINS
        return usual if entered else months_after(usual, 12 * (year - usual.year))

    def is_school_day(self, day: dt.date) -> bool:
        return day.weekday() < SATURDAY and day not in (self.closed if self.knows(day) else self.holidays)

    def knows(self, day: dt.date) -> bool:
        return self.first is not None and self.last is not None and self.first <= day <= self.last

    def nth_after(self, day: dt.date, count: int) -> tuple[dt.date, tuple[dt.date, ...], bool]:
        """The `count`-th school day after `day`, the closed weekdays passed over, and whether it is provisional."""
        passed: list[dt.date] = []
        left, provisional = count, False
        while left > 0:
            day += ONE_DAY
            provisional = provisional or not self.knows(day)
            left -= self.is_school_day(day)
            if day.weekday() < SATURDAY and not self.is_school_day(day):
                passed.append(day)
        return day, tuple(passed), provisional


@dataclass(frozen=True, slots=True)
class SchoolYear:
    """Days of student attendance from the first to the last; `closed` are those between on which nobody attends."""

    first: dt.date
    last: dt.date
    closed: frozenset[dt.date] = frozenset()

    @property
    def days(self) -> int:
        """How many days students attend."""
        span = (self.first + n * ONE_DAY for n in range((self.last - self.first).days + 1))
        return sum(day.weekday() < SATURDAY and day not in self.closed for day in span)


def school_year_of(day: dt.date) -> int:
    """The year in which the school year of a day began; school years run from July to June."""
    return day.year if day.month >= _SCHOOL_YEAR_BEGINS else day.year - 1


def school_year_end(school: SchoolDays, day: dt.date) -> dt.date:
    """The last day of attendance of the school year of a day, or June 30 where that has passed or is not entered."""
    june = dt.date(school_year_of(day) + 1, _SCHOOL_YEAR_BEGINS, 1) - ONE_DAY
    left = (june - n * ONE_DAY for n in range((june - day).days + 1))
    return next((one for one in left if school.knows(one) and school.is_school_day(one)), june)


def years_to_load(school: SchoolDays | None, today: dt.date) -> tuple[int, ...]:
    """The years in which school years begin whose days of attendance are wanted and not known: this one's and, from
    April on, the next one's. A winter's day tells, since school is in session around it everywhere."""
    begun = school_year_of(today)
    wanted = (begun, begun + 1) if today.month in _ASKS_FOR_NEXT else (begun,)
    return tuple(year for year in wanted if school is None or not school.knows(dt.date(year, 12, 1)))


def school_year_name(begins: int) -> str:
    """`2027-28`."""
    return f"{begins}-{(begins + 1) % 100:02}"


def easter(year: int) -> dt.date:
    """Easter Sunday in the Gregorian calendar (the anonymous computus, valid for every year from 1583)."""
    century, rest = divmod(year, 100)
    golden = year % 19
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return dt.date(year, month, day + 1)


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> dt.date:
    """The nth given weekday (Monday is 0) of a month; `nth` -1 is the last one."""
    if nth > 0:
        first = dt.date(year, month, 1)
        return first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))
    end = dt.date(year + month // 12, month % 12 + 1, 1) - ONE_DAY
    return end - dt.timedelta(days=(end.weekday() - weekday) % 7)


def months_after(day: dt.date, months: int) -> dt.date:
    """The same day of a later month, or its last day where that month is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    last = calendar.monthrange(day.year + years, month + 1)[1]
    return dt.date(day.year + years, month + 1, min(day.day, last))
