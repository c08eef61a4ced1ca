"""When a schedule starts a case: pure arithmetic with local dates.

A cycle is one occurrence of a schedule. Its date is a day of the year, the first day of attendance, the anniversary of
an agreement (or the first of the district's attestation month in its place) or a date of the register; its case starts
at 07:00 local time so many days before. A February 29 comes back on February 28.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.law.calendar import ONE_DAY, months_after
from engine.law.clocks import FISCAL_YEAR
from engine.law.days import FIRE_HOUR
from engine.model.case import FactValue
from engine.model.definition import ANNIVERSARY, FIRST_DAY, Definition, ScheduleDef
from engine.model.office import Office
from engine.model.register import SIGNED

HALF_A_YEAR = dt.timedelta(days=182)
"""Two anniversaries are never nearer than this: a day of signing that is corrected starts no second cycle."""

NEW = dt.timedelta(days=90)
"""An agreement that was signed so shortly before the district's attestation month is asked in that of the next year."""

_YEARS = 200


@dataclass(frozen=True, slots=True)
class Cycle:
    """`on` is the local date of the occurrence, `at` the UTC instant at which its case starts."""

    on: dt.date
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Planned:
    """What stands in the rows of one process and subject: the cycle that waits, whether an incident holds it back, the
    date of the latest one that has started, and whether a case that one of them started is still open."""

    waits: Cycle | None = None
    stopped: bool = False
    last: dt.date | None = None
    open: bool = False


NOTHING = Planned()
_MOVING = (ANNIVERSARY, FIRST_DAY)
"""Dates that come once a year and may move."""
Dates = Mapping[str, FactValue]


def next_cycle(
    schedule: ScheduleDef, dates: Dates, planned: Planned, now: dt.datetime, office: Office
) -> Cycle | None:
    """The cycle that should wait now; None where the register has no date for it.

    One that waits moves with its date: where that has passed meanwhile it is due at once; one that is caught up goes on
    waiting for its morning. What should have started
    before anything was planned does not start any more, or, where the schedule catches up, on the next morning if its
    date is later than that. A date of the register that is corrected while its case is open is that case's matter.
    Raises `OutsideCalendar`.
    """
    if planned.open and _is_date(schedule):
        return None
    if planned.waits is not None and planned.waits.at <= now:
        return planned.waits
    if planned.waits is not None and not schedule.days and not _month(schedule, office):
        near = planned.waits.on
        found = min(_cycles(schedule, dates, office, near - HALF_A_YEAR, near + HALF_A_YEAR * 2),
                    key=lambda cycle: abs(cycle.on - near), default=_only(schedule, dates, office))
        waits_for_morning = schedule.catches_up and found is not None and found.on == near and found.at <= now
        return planned.waits if waits_for_morning else found
    yesterday = office.today(now) - ONE_DAY
    coming = _cycles(schedule, dates, office, yesterday, dt.date(yesterday.year + _YEARS, 1, 1))
    if schedule.catches_up:
        moved = (_not_before_morning(cycle, now, office) for cycle in coming)
        coming = (cycle for cycle in moved if office.today(cycle.at) < cycle.on)
    return next((cycle for cycle in coming if cycle.at > now and _is_another(schedule, cycle, planned.last)), None)


def latest(
    schedule: ScheduleDef, dates: Dates, due: Cycle, now: dt.datetime, office: Office
) -> tuple[Cycle, int]:
    """Of all cycles that are due the last one, at the instant that was planned for it, and how many came before it and
    never started."""
    ahead = dt.timedelta(days=2 * schedule.before + 366)
    since = _cycles(schedule, dates, office, due.on, office.today(now) + ahead)
    planned = office.at_local(_start(schedule, due.on, office), FIRE_HOUR)
    first = Cycle(due.on, max(due.at, planned) if schedule.catches_up else min(planned, now))
    passed = [first, *(cycle for cycle in since if cycle.at <= now and _is_another(schedule, cycle, due.on))]
    return passed[-1], len(passed) - 1


def start_date(schedule: ScheduleDef, start_on: dt.date, office: Office) -> dt.date:
    """The date of the cycle whose case starts on a day: for stories."""
    if _month(schedule, office):
        return start_on
    if schedule.unit == "business_days":
        return office.calendars.strict.nth_after(start_on, schedule.before)[0]
    return start_on + dt.timedelta(days=schedule.before)


def which_day(
    definition: Definition, schedule: ScheduleDef, on: dt.date, office: Office
) -> Mapping[str, FactValue]:
    """Which of a schedule's days a cycle is of, as the fact that it names: the first day gives the first option."""
    if schedule.which is None:
        return {}
    days = [office.fiscal_year_start if day == FISCAL_YEAR else day for day in schedule.days]
    found = days.index(f"{on:%m-%d}") if f"{on:%m-%d}" in days else 0
    return {schedule.which: definition.facts[schedule.which].type.options[found]}


def _not_before_morning(cycle: Cycle, now: dt.datetime, office: Office) -> Cycle:
    """A cycle whose start has passed, on the next morning."""
    today = office.today(now)
    mornings = (office.at_local(day, FIRE_HOUR) for day in (today, today + ONE_DAY))
    return cycle if cycle.at > now else Cycle(cycle.on, next(morning for morning in mornings if morning > now))


def _is_another(schedule: ScheduleDef, cycle: Cycle, last: dt.date | None) -> bool:
    """Whether it is not the occurrence that has started, on a date that was corrected since."""
    apart = HALF_A_YEAR if schedule.of in _MOVING else dt.timedelta(0)
    return last is None or cycle.on > last + apart


def _only(schedule: ScheduleDef, dates: Dates, office: Office) -> Cycle | None:
    """The one cycle of a date in the register, however far it has moved."""
    return next(_cycles(schedule, dates, office, dt.date.min, dt.date.max), None) if _is_date(schedule) else None


def _cycles(
    schedule: ScheduleDef, dates: Dates, office: Office, after: dt.date, until: dt.date
) -> Iterator[Cycle]:
    """The cycles with a date after `after`, up to `until`, in order."""
    for day in _days(schedule, dates, office, after.year, until.year):
        if after < day <= until:
            yield Cycle(day, office.at_local(_start(schedule, day, office), FIRE_HOUR))


def _days(schedule: ScheduleDef, dates: Dates, office: Office, first: int, last: int) -> Iterator[dt.date]:
    if schedule.days:
        starts = sorted(office.fiscal_year_start if day == FISCAL_YEAR else day for day in schedule.days)
        yield from (dt.date(year, int(on[:2]), int(on[3:])) for year in range(first, last + 1) for on in starts)
        return
    if schedule.of == FIRST_DAY:
        yield from (office.calendars.school.first_day(year) for year in range(first, last + 1))
        return
    date = dates.get(SIGNED if schedule.of == ANNIVERSARY else schedule.of)
    month = _month(schedule, office)
    if isinstance(date, dt.date) and month:
        firsts = (dt.date(year, month, 1) for year in range(first, last + 1))
        yield from (day for day in firsts if day > date + NEW)
    elif isinstance(date, dt.date) and schedule.of == ANNIVERSARY:
        years = range(max(first - date.year, 1), max(last - date.year, 0) + 1)
        yield from (months_after(date, 12 * years_later) for years_later in years)
    elif isinstance(date, dt.date):
        yield date


def _is_date(schedule: ScheduleDef) -> bool:
    return not schedule.days and schedule.of not in _MOVING


def _month(schedule: ScheduleDef, office: Office) -> int | None:
    """The district's month for cycles that would otherwise come with an anniversary."""
    return office.attestation_month if schedule.in_month else None


def _start(schedule: ScheduleDef, day: dt.date, office: Office) -> dt.date:
    """So many days before: calendar days as they are, business days in `il-strict`; a month begins on its own day."""
    if _month(schedule, office):
        return day
    if schedule.unit == "business_days":
        return office.calendars.strict.nth_before(day, schedule.before)
    return day - dt.timedelta(days=schedule.before)
