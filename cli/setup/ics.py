"""The iCalendar kind of a school calendar (RFC 5545): events, recurring ones too, as days."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from icalendar import Calendar, Event

from cli.setup.schooldays import Entry, Kind
from engine.errors import UsageError
from engine.faults import Mark
from engine.law.calendar import ONE_DAY

_CLOSED = re.compile(
    r"\bno (school|students?|class(es)?|attendance)\b|\bschools? closed\b|\bnon-?attendance\b|\bholidays?$|"
    r"\b(winter|spring|fall|autumn|summer|thanksgiving|christmas|holiday) (break|recess|vacation)\b|"
    r"\binstitute day\b", re.IGNORECASE)
_OTHER = re.compile(r"\b(before|after|dismissal|resumes?|begins|starts|ends|camp|concert|party|registration)\b",
                    re.IGNORECASE)
_FIRST = re.compile(r"\bfirst (student|day (of|for) (school|class(es)?|students?))\b|\bschool (begins|starts)\b",
                    re.IGNORECASE)
_LAST = re.compile(r"\blast (student|day (of|for) (school|class(es)?|students?))\b|\bschool ends\b", re.IGNORECASE)
"""What the name of an event says of its day. Whatever is not plain is left for a person to say."""

MAX_EVENTS, MAX_TIMES = 5_000, 1_000
LONGEST = dt.timedelta(days=800)
"""How long an event recurs that never ends: longer than any school year."""

_DAILY_OR_LONGER = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_MIDNIGHT = dt.time()


def read_events(text: str, file: str, zone: ZoneInfo, closed: Sequence[str], not_closed: Sequence[str]
                ) -> Sequence[Entry]:
    """Every event as an entry, each time of a recurring one. `closed` and `not_closed` are the district's own words.

    Raises `UsageError` for no iCalendar, or with every event that can't be read.
    """
    try:
        events = Calendar.from_ical(text).events
    except (ValueError, KeyError) as error:
        raise UsageError(f"{file} is no whole iCalendar ({' '.join(str(error).split())[:80]}): save it anew") from error
    if len(events) > MAX_EVENTS:
        raise UsageError(f"{file} has more than {MAX_EVENTS:,} events: export the school calendar of one year alone")
    wrong: list[str] = []
    moved = _moved(events)
    entries: list[Entry] = []
    for number, event in enumerate(events, 1):
        try:
            entries += _entries(event, Mark(file, number, 1), zone, moved, (closed, not_closed))
        except (ValueError, TypeError, AttributeError) as error:
            wrong.append(f"{file}: event {number} ({_summary(event) or 'without a name'}) cannot be read: "
                         f"{' '.join(str(error).split())[:100]}")
    if wrong:
        raise UsageError("\n".join(wrong))
    return entries


def kind_of(summary: str, closed: Sequence[str] = (), not_closed: Sequence[str] = ()) -> Kind:
    """What an event is taken for, by the words of its name; the district's own words come first."""
    said = summary.lower()
    if any(word.lower() in said for word in not_closed):
        return "other"
    if any(word.lower() in said for word in closed):
        return "closed"
    if _FIRST.search(said) or _LAST.search(said):
        return "first" if _FIRST.search(said) else "last"
    return "closed" if _CLOSED.search(said) and not _OTHER.search(said) else "other"


def _entries(event: Event, mark: Mark, zone: ZoneInfo, moved: Mapping[str, set[dt.date]],
             words: tuple[Sequence[str], Sequence[str]]) -> Iterator[Entry]:
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return
    first, last = _span(event, zone)
    kind, name = kind_of(_summary(event), *words), _summary(event)
    gone = moved.get(str(event.get("UID")), set()) if event.get("RECURRENCE-ID") is None else set()
    for begins in _times(event, first, zone):
        if begins not in gone:
            yield Entry(begins, begins + (last - first), kind, name, mark)


def _span(event: Event, zone: ZoneInfo) -> tuple[dt.date, dt.date]:
    """The first and the last local day; an end at midnight belongs to the day before."""
    start, end = event.start, event.end
    first = _day(start, zone)
    ends_before = not isinstance(end, dt.datetime) or _local(end, zone).time() == _MIDNIGHT
    last = _day(end, zone) - ONE_DAY if ends_before else _day(end, zone)
    return first, max(first, last)


def _times(event: Event, first: dt.date, zone: ZoneInfo) -> Iterator[dt.date]:
    """The days on which a recurring event begins; the one day of any other."""
    left_out = {_day(day, zone) for day in event.exdates}
    found = {first, *(_day(begins, zone) for begins, _ in event.rdates)}
    for rule in event.rrules:
        found |= set(_ruled(rule, first, zone))
    yield from sorted(found - left_out)


def _ruled(rule: Mapping[str, Any], first: dt.date, zone: ZoneInfo) -> Iterator[dt.date]:
    """Counted in local days, so that neither zone nor summer time moves one. Raises `ValueError`."""
    often = str(rule["FREQ"][0]).upper()
    if often not in _DAILY_OR_LONGER:
        raise ValueError(f"it recurs {often}, which no school day does")
    until = min(_until(end, zone) for end in (*rule.get("UNTIL", ()), first + LONGEST))
    most = min((*rule.get("COUNT", ()), MAX_TIMES))
    kept = {key: values for key, values in rule.items() if key not in ("UNTIL", "COUNT")}
    parts = [f"{key}={','.join(_word(value) for value in values)}" for key, values in kept.items()]
    times = rrulestr(";".join([*parts, f"UNTIL={until:%Y%m%d}"]), dtstart=dt.datetime.combine(first, _MIDNIGHT))
    return (found.date() for found in islice(times, most))


def _until(until: dt.date, zone: ZoneInfo) -> dt.date:
    """The last day meant. Midnight in UTC is how programs write a day: it is not moved to the evening before."""
    if not isinstance(until, dt.datetime):
        return until
    return until.date() if until.time() == _MIDNIGHT else _day(until, zone)


def _word(value: object) -> str:
    made = getattr(value, "to_ical", None)
    return made().decode() if made else str(value)


def _moved(events: Sequence[Event]) -> dict[str, set[dt.date]]:
    """The days of recurring events that stand elsewhere in the file by themselves, by UID."""
    found: dict[str, set[dt.date]] = {}
    for event in events:
        instead_of = event.get("RECURRENCE-ID")
        if instead_of is not None and hasattr(instead_of, "dt"):
            at = instead_of.dt
            found.setdefault(str(event.get("UID")), set()).add(at.date() if isinstance(at, dt.datetime) else at)
    return found


def _day(at: dt.date, zone: ZoneInfo) -> dt.date:
    return _local(at, zone).date() if isinstance(at, dt.datetime) else at


def _local(at: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    return at.astimezone(zone) if at.tzinfo is not None else at


def _summary(event: Event) -> str:
    return " ".join(str(event.get("SUMMARY", "")).split())
