"""Attendance days in `district.yaml`: the school years and their days off."""

from __future__ import annotations

import datetime as dt
import hashlib
from itertools import pairwise

from engine import nodes
from engine.law.calendar import ONE_DAY, SATURDAY, SchoolDays, SchoolYear
from engine.nodes import Faults, ListNode, Node

LONGEST_SUMMER = 120
"""Days between two school years; where more are missing, so is a year."""


def school_years(node: Node | None) -> tuple[SchoolYear, ...]:
    """The calendars of the key `attendance`, in their order. Raises `FaultyInput`."""
    faults = Faults()
    found = _school_years(node, faults)
    faults.raise_if_any()
    return found


def _school_years(node: Node | None, faults: Faults) -> tuple[SchoolYear, ...]:
    listed = () if node is None else node.items if isinstance(node, ListNode) else (node,)
    years = (year for item in listed if (year := _school_year(item, faults)))
    return tuple(sorted(years, key=lambda year: year.first))


def attendance_days(node: Node | None, faults: Faults) -> SchoolDays | None:
    """One calendar or a list of them; between two school years nobody attends."""
    if node is None:
        return None
    years = _school_years(node, faults)
    summers = [day for before, after in pairwise(years) for day in _summer(before, after, node, faults)]
    if not years:
        return None
    first, last = years[0].first, years[-1].last
    closed = frozenset(summers).union(*(year.closed for year in years))
    digest = hashlib.sha256(",".join(sorted(day.isoformat() for day in closed)).encode()).hexdigest()[:8]
    return SchoolDays(f"{first.isoformat()}..{last.isoformat()}-{digest}", closed, first, last,
                      begins=tuple(year.first for year in years))  # fmt: skip


def _school_year(node: Node, faults: Faults) -> SchoolYear | None:
    top = nodes.fields(node, faults, required=("from", "to"), optional=("closed",), what="attendance")
    first, last = nodes.date(top.get("from"), faults, "from"), nodes.date(top.get("to"), faults, "to")
    closed = {day for item in nodes.items(top.get("closed"), faults, "closed") for day in _days(item, faults)}
    if first is None or last is None:
        return None
    if last < first:
        faults.add(node, "attendance: 'to' lies before 'from'")
        return None
    return SchoolYear(first, last, frozenset(closed))


def _summer(before: SchoolYear, after: SchoolYear, node: Node, faults: Faults) -> frozenset[dt.date]:
    """The weekdays between two school years."""
    days = (after.first - before.last).days - 1
    if days < 0:
        faults.add(node, f"attendance: the calendar from {after.first} begins before the one from {before.first} has "
                         f"ended: correct one of the two")
    elif days > LONGEST_SUMMER:
        faults.add(node, f"attendance: there is no calendar between {before.last} and {after.first}: a school year is "
                         f"missing, import it first")
    else:
        between = (before.last + n * ONE_DAY for n in range(1, days + 1))
        return frozenset(day for day in between if day.weekday() < SATURDAY)
    return frozenset()


def _days(node: Node, faults: Faults) -> frozenset[dt.date]:
    """One day, or a closed range `2026-12-21..2027-01-04`."""
    word = nodes.text(node, faults, "closed") or ""
    first_word, dots, last_word = word.partition("..")
    try:
        first = dt.date.fromisoformat(first_word)
        last = dt.date.fromisoformat(last_word) if dots else first
    except ValueError:
        faults.add(node, f"closed: '{word}' is no day and no range: write 2026-11-26 or 2026-12-21..2027-01-04")
        return frozenset()
    if not 0 <= (last - first).days <= 366:
        faults.add(node, f"closed: '{word}' is no range of days within a year")
        return frozenset()
    return frozenset(first + n * ONE_DAY for n in range((last - first).days + 1))
