"""Rungs that no date of their clock leaves room for: a ladder is shared by clocks of different lengths."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import OutsideCalendar
from engine.law.calendar import ONE_DAY
from engine.law.clocks import Calendars, derive
from engine.law.ladders import plan
from engine.model.definition import ClockDef, Definition
from engine.proof.configurations import Flaw

ONE_YEAR = 366
"""Days 0 that are tried: a year has each weekday beside each holiday that a table moves by weekdays."""


def rungs_without_a_day(definition: Definition, calendars: Calendars) -> Iterator[Flaw]:
    """Each rung that never fires, unless the author has said why in `unnoticed`, by the name of the mutant that drops
    it."""
    for clock in definition.clocks.values():
        wanted = {rung.id for rung in clock.ladder.rungs} if clock.ladder and clock.rule.kind != "no_number" else set()
        wanted -= {rung for rung in wanted if f"{clock.name}.rung.{rung}" in definition.unnoticed}
        for rung in sorted(wanted - _fire(clock, wanted, calendars)):
            message = (f"clock '{clock.name}': rung '{rung}' never fires, whatever day 0 is: give it another ladder, "
                       f"or say in 'unnoticed' why {clock.name}.rung.{rung} may be missing")
            yield Flaw(message, definition.place("clocks", clock.name))


def _fire(clock: ClockDef, wanted: set[str], calendars: Calendars) -> set[str]:
    """Those of the rungs that fire for some day 0 of a year."""
    found: set[str] = set()
    day = max(calendars.statutory.first, calendars.strict.first) + ONE_YEAR * ONE_DAY
    for _ in range(ONE_YEAR):
        if wanted <= found or clock.ladder is None:
            break
        try:
            found.update(planned.rung for planned in plan(clock.ladder, derive(clock.rule, day, calendars), calendars))
        except OutsideCalendar:
            break
        day += ONE_DAY
    return found
