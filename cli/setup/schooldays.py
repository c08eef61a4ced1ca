"""From what a file says of days to a school year: who attends when, and what in it can hardly be right."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from engine.errors import FaultyInput, UsageError
from engine.faults import Fault, Mark
from engine.law.calendar import ONE_DAY, SATURDAY, SchoolYear

Kind = Literal["attendance", "closed", "first", "last", "other"]
LONGEST = 366
FEWEST_DAYS, MOST_DAYS = 176, 200
"""Illinois wants 176 days of pupils' attendance (105 ILCS 5/10-19); nobody has much more."""

LONGEST_BREAK = 15
"""Weekdays in a row without attendance; more look like a month that was left out."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line or an event of a file: days from `first` to `last`, and what they are taken for."""

    first: dt.date
    last: dt.date
    kind: Kind
    name: str
    mark: Mark


def school_year(entries: Sequence[Entry], file: str, first: dt.date | None = None, last: dt.date | None = None
                ) -> SchoolYear:
    """The year from its first to its last day of attendance, or between the days given.

    Raises `UsageError` or `FaultyInput` where the entries make no year.
    """
    attended = [entry for entry in entries if entry.kind == "attendance"]
    first = first or _only(entries, "first", file) or min((entry.first for entry in attended), default=None)
    last = last or _only(entries, "last", file) or max((entry.last for entry in attended), default=None)
    if first is None or last is None:
        raise UsageError(f"{file}: it does not say on which day school begins and ends: add --first and --last")
    if not 0 <= (last - first).days <= LONGEST:
        raise UsageError(f"{file}: from {first} to {last} is no school year: import one at a time, with --first and "
                         f"--last")
    _refuse_contradictions(entries)
    weekdays = [day for day in _days(first, last) if day.weekday() < SATURDAY]
    there = frozenset(day for entry in attended for day in _days(entry.first, entry.last)) if attended else None
    closed = frozenset(day for entry in entries if entry.kind == "closed" for day in _days(entry.first, entry.last))
    return SchoolYear(first, last, frozenset(day for day in weekdays
                                             if day in closed or (there is not None and day not in there)))


def doubts(year: SchoolYear, holidays: Mapping[dt.date, str]) -> Iterator[str]:
    """What a person should look at before it counts; `holidays` are those of schools by statute."""
    if not FEWEST_DAYS <= year.days <= MOST_DAYS:
        yield f"{year.days} days of attendance; {FEWEST_DAYS} to {MOST_DAYS} are usual"
    weekdays = [day for day in _days(year.first, year.last) if day.weekday() < SATURDAY]
    for is_closed, group in groupby(weekdays, key=lambda day: day in year.closed):
        days = list(group)
        if is_closed and len(days) > LONGEST_BREAK:
            yield f"nobody attends from {days[0]} to {days[-1]}, {len(days)} weekdays in a row: is a part missing?"
    open_on = [f"{day} ({holidays[day]})" for day in weekdays if day in holidays and day not in year.closed]
    if open_on:
        yield f"attended on holidays of schools by statute, unless they were waived: {', '.join(open_on)}"


def ranges(year: SchoolYear) -> Iterator[tuple[dt.date, dt.date]]:
    """The closed days as closed ranges; a weekend between two of them is within."""
    begun: dt.date | None = None
    end = year.first
    for day in sorted(year.closed):
        if begun is not None and all(one.weekday() >= SATURDAY for one in _days(end + ONE_DAY, day - ONE_DAY)):
            end = day
            continue
        if begun is not None:
            yield begun, end
        begun = end = day
    if begun is not None:
        yield begun, end


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    return (first + n * ONE_DAY for n in range((last - first).days + 1))


def _only(entries: Sequence[Entry], kind: Kind, file: str) -> dt.date | None:
    """The day that all entries of a kind agree on."""
    found = sorted({entry.first if kind == "first" else entry.last for entry in entries if entry.kind == kind})
    if len(found) > 1:
        raise UsageError(f"{file}: several {kind} days of school ({', '.join(map(str, found))}): say which one counts "
                         f"with --{kind}")
    return found[0] if found else None


def _refuse_contradictions(entries: Sequence[Entry]) -> None:
    """A day that is named by itself as attended can't be closed, nor lie on a weekend."""
    named = [entry for entry in entries if entry.kind == "attendance" and entry.first == entry.last]
    closed = [entry for entry in entries if entry.kind == "closed"]
    faults = [Fault(entry.mark, f"{entry.first} is attended here, and closed on line {other.mark.line}: keep one")
              for entry in named for other in closed if other.first <= entry.first <= other.last]
    faults += [Fault(entry.mark, f"{entry.first} is a {entry.first:%A}, and no weekend is counted: take the row out")
               for entry in named if entry.first.weekday() >= SATURDAY]
    if faults:
        raise FaultyInput(faults)
