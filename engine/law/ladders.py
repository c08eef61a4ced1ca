"""Ladders: on which days whom to remind of a date, and whom to tell that it has passed.

A ladder is data (`workflows/ladders.yaml`). Reminders count back from the target, late rungs forward from the legal
date (for business-day rules, whose count is a reading, from the strict date, which is the target). All days are local;
a rung fires at 07:00, before the daily brief.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from engine.law.calendar import ONE_DAY
from engine.law.clocks import Calendars, Derived

LADDER_PLACES = (r"\d+/[1-9]\d*", r"day \d+", r"-\d+ (bus|cal)", r"target", r"legal", r"\+\d+ bus")
DAILY_REPEATS = 5
"""A daily repetition turns weekly after so many business days."""

_UPWARD = {"supervisor", "superintendent", "legal", "board_attorney"}

RungKind = Literal["reminder", "target", "legal", "repeat"]


@dataclass(frozen=True, slots=True)
class Rung:
    """`at`: a fraction of the way to the target, `day N`, `-N bus`, `-N cal`, `target`, `legal` (the day after the
    legal date) or `+N bus`. `every` repeats it from there on, at most `times` times."""

    id: str
    at: str
    to: tuple[str, ...]
    every: str | None = None
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Ladder:
    id: str
    version: str
    rungs: tuple[Rung, ...]

    def __hash__(self) -> int:
        return hash((self.id, self.version))


@dataclass(frozen=True, slots=True)
class PlannedRung:
    """A rung on its day. Of two rungs on one day the stronger one (`strength`) stands for both."""

    rung: str
    on: dt.date
    kind: RungKind
    to: tuple[str, ...]
    strength: int
    every: str | None = None
    left: int | None = None


def plan(ladder: Ladder, derived: Derived, calendars: Calendars) -> tuple[PlannedRung, ...]:
    """The rungs of a clock in the order of their days; none while it has no date."""
    late_from = derived.target if derived.rule.unit == "business_days" else derived.legal
    if derived.target is None or late_from is None:
        return ()
    climbed = chasing(ladder) if derived.rule.duty_of == "operator" else ladder
    return _plan(climbed, derived.trigger, derived.target, late_from, calendars, derived.rule.keeps_day)


def plan_target(
    ladder: Ladder, start: dt.date, target: dt.date | None, calendars: Calendars
) -> tuple[PlannedRung, ...]:
    """The rungs of a district's target: what is called `legal` in the ladder is here the passing of the target."""
    return () if target is None else _plan(ladder, start, target, target, calendars, keeps_day=False)


def split(
    planned: Iterable[PlannedRung], today: dt.date
) -> tuple[tuple[PlannedRung, ...], tuple[PlannedRung, ...], tuple[PlannedRung, ...]]:
    """What to do with rungs when their clock starts or moves: reminders whose day has passed are not due, later rungs
    already passed fire now, the others on their day."""
    rungs = tuple(planned)
    past = [rung for rung in rungs if rung.on < today]
    return (
        tuple(rung for rung in past if rung.kind == "reminder"),
        tuple(rung for rung in past if rung.kind != "reminder"),
        tuple(rung for rung in rungs if rung.on >= today),
    )


def following(planned: PlannedRung, calendars: Calendars, fired: int) -> dt.date | None:
    """The next day of a repeating rung that has fired `fired` times in all; None when it ends."""
    if planned.every is None or (planned.left is not None and fired >= planned.left):
        return None
    if planned.every == "business_day" and fired < DAILY_REPEATS:
        return calendars.strict.nth_after(planned.on, 1)[0]
    return calendars.strict.on_or_after(planned.on + 7 * ONE_DAY)


@lru_cache(maxsize=512)
def _plan(
    ladder: Ladder, start: dt.date, target: dt.date, late_from: dt.date, calendars: Calendars, keeps_day: bool
) -> tuple[PlannedRung, ...]:
    days: dict[dt.date, PlannedRung] = {}
    repeats: list[PlannedRung] = []
    for strength, rung in enumerate(ladder.rungs):
        kind = _kind(rung)
        on = _on(rung, kind, start, target, late_from, calendars, keeps_day)
        planned = PlannedRung(rung.id, on, kind, rung.to, strength, rung.every, rung.times)
        if kind == "repeat":
            repeats.append(planned)
        elif kind != "reminder" or start < on < target:
            days[on] = _merge(days.get(on), planned)
    begun = [_begins_alone(repeat, days, calendars) for repeat in repeats]
    return tuple(sorted([*days.values(), *begun], key=lambda p: (p.on, p.strength)))


def _begins_alone(repeat: PlannedRung, days: Mapping[dt.date, PlannedRung], calendars: Calendars) -> PlannedRung:
    """A repetition that would begin on the day of another rung begins with its next occurrence."""
    later = following(repeat, calendars, fired=0) if repeat.on in days else None
    return repeat if later is None else replace(repeat, on=later)


def _kind(rung: Rung) -> RungKind:
    if rung.every is not None:
        return "repeat"
    if rung.at == "target":
        return "target"
    return "legal" if rung.at == "legal" or rung.at.startswith("+") else "reminder"


def _on(
    rung: Rung,
    kind: RungKind,
    start: dt.date,
    target: dt.date,
    late_from: dt.date,
    calendars: Calendars,
    keeps_day: bool,
) -> dt.date:
    day = _place(rung, start, target, late_from, calendars)
    if keeps_day or kind == "target":
        return day
    return calendars.strict.on_or_before(day) if kind == "reminder" else calendars.strict.on_or_after(day)


def _place(rung: Rung, start: dt.date, target: dt.date, late_from: dt.date, calendars: Calendars) -> dt.date:
    at = rung.at
    if "/" in at:
        part, whole = map(int, at.split("/"))
        return start + ((target - start).days * part // whole) * ONE_DAY
    if at.startswith("day "):
        return start + int(at[4:]) * ONE_DAY
    if at == "target":
        return target
    if at == "legal":
        return late_from + ONE_DAY
    count, unit = at[1:].split()
    if at.startswith("+"):
        return calendars.strict.nth_after(late_from, int(count))[0]
    if unit == "bus":
        return calendars.strict.nth_before(target, int(count))
    return target - int(count) * ONE_DAY


def _merge(old: PlannedRung | None, new: PlannedRung) -> PlannedRung:
    if old is None:
        return new
    strong, weak = (new, old) if new.strength > old.strength else (old, new)
    return replace(strong, to=tuple(dict.fromkeys([*strong.to, *weak.to])))


@lru_cache(maxsize=64)
def chasing(ladder: Ladder) -> Ladder:
    """An operator's duty never escalates upward: the operator is chased, then procurement, weekly."""
    kept = (rung for rung in ladder.rungs if rung.every is not None or not rung.at.startswith("+"))
    return replace(ladder, rungs=tuple(map(_chase, kept)))


def _chase(rung: Rung) -> Rung:
    late = ("procurement",) if rung.every is not None or rung.at == "legal" else ()
    own = (role for role in rung.to if role not in _UPWARD)
    to = tuple(dict.fromkeys(("operator", *late, *own)))
    return replace(rung, to=to) if rung.every is None else replace(rung, to=to, at="+5 bus", every="week")
