"""Dates that a reader is told before the program's own event has made them certain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from engine.deciding.obligations import rule_of
from engine.law.clocks import derive
from engine.law.targets import due_in
from engine.model.case import Case
from engine.model.definition import ClockDef, Definition, told
from engine.model.guards import evaluate
from engine.model.office import Office


@dataclass(frozen=True, slots=True)
class Expected:
    """`provisional`: counted beyond the entered school calendar. `length` is that of the clock, so many days."""

    day: dt.date
    provisional: bool
    length: int | None = None


def started_by(mail: str, definition: Definition, case: Case, on: dt.date, office: Office
               ) -> Iterator[tuple[ClockDef, Expected]]:
    """The clocks of which day 0 is the telling of this mail, or of one that leaves with it, with their date if that is
    on this day. Told later, the date is never earlier than that."""
    for clock in _anchored_in(definition, mail):
        begun = clock.name in case.clocks
        if begun or (clock.when is not None and evaluate(clock.when, case.facts, case.at) is not True):
            continue
        derived = derive(rule_of(clock, case.facts), on, office.calendars)
        if derived.legal is not None:
            yield clock, Expected(derived.legal, derived.provisional, derived.rule.length)


@lru_cache(maxsize=256)
def _anchored_in(definition: Definition, mail: str) -> tuple[ClockDef, ...]:
    """The clocks that may begin with the telling of this mail."""
    events = {told(name) for name in (mail, *_together(definition, mail))}
    return tuple(clock for clock in definition.clocks.values() if events & set(clock.anchor.names("event")))


def _together(definition: Definition, mail: str) -> tuple[str, ...]:
    """The mails that an answer sends along with this one."""
    outcomes = (outcome for state in definition.states.values() for task in state.tasks
                for outcome in task.outcomes.values())
    return tuple(sent for outcome in outcomes if mail in outcome.sends for sent in outcome.sends)


def state_until(definition: Definition, case: Case, office: Office) -> Expected | None:
    """The last day of the state in which a case stands, where days end it; the district's own date."""
    after = definition.states[case.state].after
    if not case.is_open or after is None or after.of is not None:
        return None
    if after.since is not None:
        last = after.last_day(case.facts)
        return Expected(last, provisional=False) if last is not None else None
    entered, school = office.today(case.entered_at), after.unit == "school_days"
    provisional = school and office.calendars.school.nth_after(entered, after.amount)[2]
    return Expected(due_in(entered, after.amount, after.unit, office.calendars), provisional)
