"""The law as data: rule packs, calendars and ladders, from document nodes to values."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import get_args

from engine import nodes
from engine.law.calendar import ONE_DAY, Calendar, easter, nth_weekday
from engine.law.clocks import FISCAL_YEAR, HoldPolicy, Rule
from engine.law.ladders import LADDER_PLACES, Ladder, Rung
from engine.law.rules import RuleKind, UnitName
from engine.model.office import Reference
from engine.model.roles import ROLES
from engine.nodes import Faults, ListNode, MapNode, Node, Scalar

RUNG_READERS = (*ROLES, "owner", "supervisor", "operator")
"""Whom a rung may tell: a role, or who answers for the clock, their supervisor, the operator of the case."""

CERTAINTIES = ("T", "P", "S", "M", "D", "S/M", "T/S")
ORDINARY_YEAR = 2001
"""A year without a leap day: a date that comes every year must exist in it."""

_SUNDAY = 6
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ORDINALS = {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "last": -1}


def read_rules(node: Node) -> Mapping[str, Rule]:
    """A rule pack by rule id. Raises `FaultyInput` with all its faults."""
    faults = Faults()
    top = nodes.fields(
        node, faults, required=("pack", "version", "effective", "rules"), optional=("source",), what="a rule pack"
    )
    version = nodes.text(top.get("version"), faults, "version") or ""
    effective = nodes.date(top.get("effective"), faults, "effective")
    rules = {
        key.text: replace(_rule(key.text, version, value, faults), in_force=effective)
        for key, value in nodes.named(top.get("rules"), faults, "rules")
    }
    faults.raise_if_any()
    return rules


def read_calendar(node: Node) -> Calendar:
    """A calendar, its rules expanded for every year of its table. Raises `FaultyInput`."""
    faults = Faults()
    top = nodes.fields(
        node,
        faults,
        required=("calendar", "version", "from", "to", "sunday", "holidays"),
        optional=("proclaimed", "source"),
        what="a calendar",
    )
    first, last = _table_ends(top, faults)
    monday_after = nodes.choice(top.get("sunday"), faults, ("monday", "stays"), "sunday") == "monday"
    off: dict[dt.date, str] = {}
    for item in nodes.items(top.get("holidays"), faults, "holidays"):
        for day, name in _holiday(item, first.year, last.year, faults):
            off[day] = name
            if monday_after and day.weekday() == _SUNDAY:
                off.setdefault(day + ONE_DAY, f"{name}, Monday after Sunday")
    for item in nodes.items(top.get("proclaimed"), faults, "proclaimed"):
        off.update(_proclaimed(item, faults))
    faults.raise_if_any()
    known = {day: name for day, name in sorted(off.items()) if first <= day <= last}
    return Calendar(_word(top, "calendar", faults), _word(top, "version", faults), known, first, last)


def _table_ends(top: Mapping[str, Node], faults: Faults) -> tuple[dt.date, dt.date]:
    """The first and the last day of a calendar's table. Raises `FaultyInput` at once when there is none: without its
    years no holiday can be read."""
    first, last = (nodes.date(top.get(key), faults, key) for key in ("from", "to"))
    if first is not None and last is not None and last < first:
        faults.add(top["to"], f"'to' is before 'from', {first.isoformat()}: turn them round")
    faults.raise_if_any()
    return first or dt.date.max, last or dt.date.max


def read_ladders(node: Node) -> Mapping[str, Ladder]:
    """The ladders by name. Raises `FaultyInput`."""
    faults = Faults()
    top = nodes.fields(node, faults, required=("version", "ladders"), what="ladders")
    version = _word(top, "version", faults)
    found = {
        key.text: _ladder(key.text, version, value, faults)
        for key, value in nodes.named(top.get("ladders"), faults, "ladders")
    }
    faults.raise_if_any()
    return found


def read_reference(node: Node) -> Reference:
    """Reference data with the day on which it was looked up. Raises `FaultyInput`."""
    faults = Faults()
    top = nodes.fields(
        node, faults, required=("reference", "as_of", "texts"), optional=("source",), what="reference data"
    )
    as_of = nodes.date(top.get("as_of"), faults, "as_of")
    texts = {
        key.text: _translated(value, key.text, faults)
        for key, value in nodes.named(top.get("texts"), faults, "texts")
    }
    faults.raise_if_any()
    return Reference(_word(top, "reference", faults), as_of or dt.date.min, texts)


def _translated(node: Node, name: str, faults: Faults) -> Mapping[str, str]:
    found = {key.text: nodes.text(value, faults, name) or "" for key, value in nodes.named(node, faults, name)}
    if "en" not in found:
        faults.add(node, f"{name} has no English text: add en")
    return found


def _rule(rule_id: str, version: str, node: Node, faults: Faults) -> Rule:
    top = nodes.fields(
        node,
        faults,
        required=("title", "kind", "citation", "certainty", "anchor"),
        optional=(
            "length",
            "unit",
            "roll",
            "hold",
            "duty_of",
            "on",
            "tied_to",
            "reading",
            "keeps_day",
            "agreement",
            "note",
            "calendar",
            "source",
        ),
        what=rule_id,
    )
    rule = Rule(
        id=rule_id,
        version=version,
        title=_word(top, "title", faults),
        kind=nodes.choice(top.get("kind"), faults, get_args(RuleKind), "kind") or "period",  # type: ignore[arg-type]
        citation=_word(top, "citation", faults),
        certainty=nodes.choice(top.get("certainty"), faults, CERTAINTIES, "certainty") or "",
        anchor=_word(top, "anchor", faults),
        length=nodes.integer(top.get("length"), faults, "length"),
        unit=nodes.choice(top.get("unit"), faults, get_args(UnitName), "unit"),  # type: ignore[arg-type]
        rolls=nodes.choice(top.get("roll"), faults, ("forward", "none"), "roll") != "none",
        holds=nodes.each(top.get("hold"), faults, _policy, "hold"),
        duty_of=nodes.choice(
            top.get("duty_of"),
            faults,
            ("district", "operator", "other"),  # type: ignore[arg-type]
            "duty_of",
        )
        or "district",
        on=nodes.each(top.get("on"), faults, _month_day, "on"),
        tied_to=nodes.text(top.get("tied_to"), faults, "tied_to"),
        reading=nodes.text(top.get("reading"), faults, "reading"),
        keeps_day=nodes.boolean(top.get("keeps_day"), faults, "keeps_day") or False,
        agreement=nodes.boolean(top.get("agreement"), faults, "agreement") or False,
        note=nodes.text(top.get("note"), faults, "note") or "",
        calendar=nodes.text(top.get("calendar"), faults, "calendar"),
        source=nodes.text(top.get("source"), faults, "source") or "",
    )
    _check_length(rule, node, faults)
    _check_kind(rule, node, faults)
    return rule


def _check_length(rule: Rule, node: Node, faults: Faults) -> None:
    if rule.kind in ("period", "window", "cycle") and (rule.length is None or rule.unit is None):
        faults.add(node, f"{rule.id} is a {rule.kind}: it needs a length and a unit")
    if rule.length is not None and rule.length < 1:
        faults.add(node, f"{rule.id}: the length must be 1 or more")
    if rule.kind in ("on_date", "tied", "no_number") and rule.length is not None:
        faults.add(node, f"{rule.id} is '{rule.kind}' and counts nothing: leave 'length' out, or make it a period")


def _check_kind(rule: Rule, node: Node, faults: Faults) -> None:
    if rule.kind in ("on_date", "cycle") and not rule.on:
        faults.add(node, f"{rule.id} falls on dates: it needs 'on: [MM-DD]'")
    if rule.kind == "cycle" and rule.unit != "calendar_days":
        faults.add(node, f"{rule.id} is a cycle: it is due so many calendar_days after each of its dates")
    if rule.kind != "cycle" and FISCAL_YEAR in rule.on:
        faults.add(node, f"{rule.id}: only a cycle may begin with the district's {FISCAL_YEAR}")
    if rule.kind == "tied" and rule.tied_to is None:
        faults.add(node, f"{rule.id} is tied to another date: say which in 'tied_to'")
    counts = rule.unit in ("business_days", "calendar_days") or (rule.kind == "on_date" and rule.rolls)
    if counts and rule.calendar is None:
        faults.add(node, f"{rule.id} needs the calendar that its days are counted in, such as il-statutory")
    if not counts and rule.calendar is not None:
        faults.add(node, f"{rule.id} uses no day of calendar '{rule.calendar}': leave 'calendar' out")


def _policy(node: Node, faults: Faults) -> HoldPolicy | None:
    return nodes.choice(node, faults, get_args(HoldPolicy), "hold")  # type: ignore[return-value]


def _month_day(node: Node, faults: Faults) -> str | None:
    value = nodes.text(node, faults, "on")
    if value is not None and value != FISCAL_YEAR and _in_year(value, ORDINARY_YEAR) is None:
        faults.add(node, f"'{value}' is not a day of the year: write MM-DD, such as 07-01")
        return None
    return value


def _holiday(node: Node, first: int, last: int, faults: Faults) -> Iterator[tuple[dt.date, str]]:
    top = nodes.fields(node, faults, required=("name", "on"), optional=("since", "years"), what="a holiday")
    name, on = _word(top, "name", faults), _word(top, "on", faults)
    since = nodes.integer(top.get("since"), faults, "since") or first
    even = nodes.choice(top.get("years"), faults, ("even", "all"), "years") == "even"
    for year in range(max(first, since), last + 1):
        day = _day_of(on, year)
        if day is None:
            faults.add(
                top.get("on") or node,
                f"'{on}' is no day: write MM-DD, '3rd monday of 01', 'last monday of 05', "
                "'good friday' or 'tuesday after 1st monday of 11'",
            )
            return
        if not even or year % 2 == 0:
            yield day, name


def _day_of(on: str, year: int) -> dt.date | None:
    if re.fullmatch(r"\d\d-\d\d", on):
        return _in_year(on, year)
    if on == "good friday":
        return easter(year) - 2 * ONE_DAY
    after = on.removeprefix("tuesday after ")
    match = re.fullmatch(rf"({'|'.join(_ORDINALS)}) ({'|'.join(_WEEKDAYS)}) of (0[1-9]|1[0-2])", after)
    if match is None or (after != on and match[2] != "monday"):
        return None
    day = nth_weekday(year, int(match[3]), _WEEKDAYS.index(match[2]), _ORDINALS[match[1]])
    return day if after == on else day + ONE_DAY


def _in_year(month_day: str, year: int) -> dt.date | None:
    """`MM-DD` in that year; None when it is written otherwise or there is no such day."""
    if not re.fullmatch(r"\d\d-\d\d", month_day):
        return None
    try:
        return dt.date(year, int(month_day[:2]), int(month_day[3:]))
    except ValueError:
        return None


def _proclaimed(node: Node, faults: Faults) -> Mapping[dt.date, str]:
    top = nodes.fields(node, faults, required=("date", "name"), what="a proclaimed day")
    day = nodes.date(top.get("date"), faults, "date")
    return {} if day is None else {day: _word(top, "name", faults)}


def _ladder(name: str, version: str, node: Node, faults: Faults) -> Ladder:
    rungs = nodes.each(node, faults, _rung, name)
    if isinstance(node, ListNode):
        if not node.items:
            faults.add(node, f"ladder '{name}' has no rung: it would tell nobody")
        _check_ids(name, node, faults)
    return Ladder(name, version, rungs)


def _check_ids(name: str, node: ListNode, faults: Faults) -> None:
    """An id names one rung: what has fired is known by it."""
    first: dict[str, Scalar] = {}
    for rung in node.items:
        named = rung.get("id") if isinstance(rung, MapNode) else None
        if isinstance(named, Scalar) and first.setdefault(named.text, named) is not named:
            line = first[named.text].mark.line
            faults.add(named, f"ladder '{name}' has a rung '{named.text}' on line {line} already: give this another id")


def _rung(node: Node, faults: Faults) -> Rung | None:
    top = nodes.fields(node, faults, required=("id", "at", "to"), optional=("every", "times"), what="a rung")
    at = nodes.text(top.get("at"), faults, "at") or ""
    if not any(re.fullmatch(place, at) for place in LADDER_PLACES):
        faults.add(
            top.get("at") or node,
            f"'{at}' is no place on a ladder: write 1/2, 'day 10', '-2 bus', '-14 cal', 'target', 'legal' or '+5 bus'",
        )
    every = nodes.choice(top.get("every"), faults, ("business_day", "week"), "every")
    times = _times(top, faults)
    return Rung(_word(top, "id", faults), at, _readers(top, faults), every, times)


def _readers(top: Mapping[str, Node], faults: Faults) -> tuple[str, ...]:
    to = top.get("to")
    if (isinstance(to, ListNode) and not to.items) or (isinstance(to, Scalar) and to.is_null):
        faults.add(to, "to names nobody: write whom this rung tells, such as [owner]")
    return nodes.each(to, faults, lambda item, found: nodes.choice(item, found, RUNG_READERS, "to"), "to")


def _times(top: Mapping[str, Node], faults: Faults) -> int | None:
    node, times = top.get("times"), nodes.integer(top.get("times"), faults, "times")
    if node is not None and "every" not in top:
        faults.add(node, "times counts repetitions and this rung has none: add 'every', or leave 'times' out")
    if node is not None and times is not None and times < 1:
        faults.add(node, f"times must be 1 or more, not {times}: leave it out where the rung has no last time")
    return times


def _word(top: Mapping[str, Node], key: str, faults: Faults) -> str:
    return nodes.text(top.get(key), faults, key) or ""
