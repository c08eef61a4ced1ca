"""A district's own targets: days counted forward and back, on business days of the strict calendar."""

from __future__ import annotations

import datetime as dt

from engine.errors import UsageError
from engine.law.clocks import Calendars


def due_in(day: dt.date, amount: int, unit: str, calendars: Calendars) -> dt.date:
    """A district's target: so many days after `day`. Business days are those of `il-strict`; calendar days are taken
    back to the last business day on or before."""
    if unit == "business_days":
        return calendars.strict.nth_after(day, amount)[0]
    if unit == "school_days":
        return calendars.school.nth_after(day, amount)[0]
    return max(day, calendars.strict.on_or_before(day + dt.timedelta(days=amount)))


def count_back(day: dt.date, amount: int, unit: str, calendars: Calendars) -> dt.date:
    """A district's target: so many days before `day`, on a business day of `il-strict`. Raises `UsageError` for school
    days, which no process counts back."""
    if unit == "school_days":
        raise UsageError("school days cannot be counted back from a date: use business_days or calendar_days")
    if unit == "business_days":
        return calendars.strict.nth_before(day, amount)
    return calendars.strict.on_or_before(day - dt.timedelta(days=amount))
