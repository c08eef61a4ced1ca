"""Dates that cannot be: of what has happened and lies in the future, or before something that comes first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from engine.deciding.turn import Turn
from engine.errors import UsageError, WrongDate
from engine.law.clocks import Rule
from engine.model.case import Clock, FactValue
from engine.model.definition import CYCLE_ON, Definition, Source, Words
from engine.model.office import Office


def check_dates(turn: Turn, values: Mapping[str, FactValue]) -> None:
    """Raises `WrongDate` for the first date that cannot be, with everything on file in view."""
    _check_past(turn, values)
    _check_law(turn, values)
    _check_meetings(turn, values)
    facts = {**turn.case.facts, **values}
    wrong = next(out_of_order(turn.definition, facts, values, turn.case.happened, turn.case.clocks, turn.office), None)
    if wrong is not None:
        raise wrong


def _check_past(turn: Turn, values: Mapping[str, FactValue]) -> None:
    """A date that starts a clock, or says what has happened, cannot lie in the future; that of a cycle can."""
    past = {name for name, fact in turn.definition.facts.items() if fact.past} | {"posted_on"}
    anchors = {fact for clock in turn.definition.clocks.values() for fact in clock.anchor.names("fact")} - {CYCLE_ON}
    for name in sorted(values.keys() & (anchors | past)):
        day = day_of(values[name], turn.office)
        if day is not None and day > turn.today:
            raise WrongDate(name, day, "future", turn.today, {"en": "today", "es": "hoy"})


def _check_law(turn: Turn, values: Mapping[str, FactValue]) -> None:
    """What starts a legal clock did not happen before its law was in force."""
    for name, value in values.items():
        day = day_of(value, turn.office)
        rule = before_its_law(turn.definition, name, day) if day is not None else None
        if day is not None and rule is not None and rule.in_force is not None:
            raise WrongDate(name, day, "law", rule.in_force, {"en": rule.citation, "es": rule.citation})


def before_its_law(definition: Definition, name: str, day: dt.date) -> Rule | None:
    """The rule of a clock that this fact would start, where it was not in force on that day yet."""
    rules = (clock.rule for clock in definition.clocks.values() if name in clock.anchor.names("fact"))
    return next((rule for rule in rules if rule.in_force is not None and day < rule.in_force), None)


def _check_meetings(turn: Turn, values: Mapping[str, FactValue]) -> None:
    """A new date of the Board is one of those that the district entered, with its packet open still. Where it has
    entered none that is to come, any date will do."""
    for name in sorted(values):
        fact, day = turn.definition.facts.get(name), values[name]
        if fact is None or not fact.board_meeting or day == turn.case.facts.get(name):
            continue
        meetings, still_open = turn.office.board_meetings, turn.office.open_meetings(turn.today)
        if not still_open or day in still_open:
            continue
        why = "the packet of that meeting is closed" if day in meetings else "the Board does not meet on that day"
        raise UsageError(f"{name}: {day}: {why}; next: {', '.join(map(str, still_open[:3]))} (another one is entered "
                         "under board in district.yaml)")


def out_of_order(
    definition: Definition,
    facts: Mapping[str, FactValue],
    changed: Mapping[str, object],
    happened: Mapping[str, dt.date],
    clocks: Mapping[str, Clock],
    office: Office,
) -> Iterator[WrongDate]:
    """Each pair of dates in the wrong order of which one was `changed`, told of the field that was changed. What has no
    date yet says nothing."""
    for name, fact in definition.facts.items():
        day = day_of(facts.get(name), office)
        for first in fact.not_before if day is not None else ():
            bound = _day_of(first, facts, happened, clocks, office)
            if day is None or bound is None or day >= bound:
                continue
            if name in changed:
                yield WrongDate(name, day, "before", bound, label_of(definition, first))
            elif first.kind == "fact" and first.name in changed:
                yield WrongDate(first.name, bound, "after", day, fact.label)


def day_of(value: FactValue | None, office: Office) -> dt.date | None:
    """The local day of a date or an instant; None for anything else."""
    if isinstance(value, dt.datetime):
        return office.today(value)
    return value if isinstance(value, dt.date) else None


def _day_of(
    source: Source,
    facts: Mapping[str, FactValue],
    happened: Mapping[str, dt.date],
    clocks: Mapping[str, Clock],
    office: Office,
) -> dt.date | None:
    if source.kind == "fact":
        return day_of(facts.get(source.name), office)
    if source.kind == "event":
        return happened.get(source.name)
    clock = clocks.get(source.name)
    return clock.legal if clock is not None else None


def label_of(definition: Definition, source: Source) -> Words:
    """What people call a date: a fact's label, a clock's title, or what is asked in the task that was answered."""
    if source.kind == "fact":
        return definition.facts[source.name].label
    if source.kind == "clock":
        return definition.clocks[source.name].title
    kind, _, name = source.name.partition(".")
    if kind == "told":
        return {"en": "the day on which it was told", "es": "el día en que se comunicó"}
    if kind == "entered":
        return definition.states[name].title
    tasks = (task.title for state in definition.states.values() for task in state.tasks if task.name == kind)
    return next(tasks, {"en": source.name})
