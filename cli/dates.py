"""The dates of a clock in words, each said to be what it is: never a right of others as a legal deadline."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING

from cli.printing import day
from engine.model.kinds import kind_of_date

if TYPE_CHECKING:
    from engine.model.case import Case, Clock
    from engine.model.definition import ClockDef

AGREEMENT = "day set by our agreement"
WINDOW = "A window: others have a right, or a step to take, until then. It closes after that day; nobody is chased."


def dates_in_words(clock: Clock, clocks: Mapping[str, ClockDef]) -> str:
    """`legal deadline Wed Apr 10 2028, district target Mon Apr 8 2028`, or `last day …`."""
    kind = kind_of(clock, clocks)
    first = f"{kind} {day(clock.legal)}"
    return f"{first}, district target {day(clock.target)}" if kind in ("legal deadline", AGREEMENT) else first


def kind_of(clock: Clock, clocks: Mapping[str, ClockDef]) -> str:
    """What a clock's date is, by its definition; a clock that this one has not is known by itself."""
    if clock.is_window:
        return "last day"
    wanted = clocks.get(clock.name)
    if wanted is not None and kind_of_date(wanted, clock) == "contract":
        return AGREEMENT
    return wanted.rule.kind_of_date if wanted is not None else "legal deadline"


def legal_and_target(clock: Clock, clocks: Mapping[str, ClockDef]) -> tuple[str, str]:
    """The cells of a table with a column for legal deadlines and one for district targets; a window has neither. A day
    that an agreement sets stands beside the target, with its name."""
    kind = kind_of(clock, clocks)
    if kind == "last day":
        return "–", "–"
    if kind == AGREEMENT:
        return "–", f"{day(clock.target)}\nagreement {day(clock.legal)}"
    return day(clock.legal if kind == "legal deadline" else None), day(clock.target)


def windows_of(cases: Iterable[Case]) -> frozenset[str]:
    return frozenset(clock.name for case in cases for clock in case.clocks.values() if clock.is_window)


def dates_told(detail: Mapping[str, str], windows: Container[str]) -> str:
    """The dates of a line of history, each named; of a window its last day alone."""
    if detail.get("clock") in windows:
        return f"last day {detail['legal']}" if "legal" in detail else ""
    return ", ".join(f"{key} {detail[key]}" for key in ("legal", "target", "due") if key in detail)
