"""`soppa explain`: how each date of a case was counted, derived again from what is stored."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.commands.deadline import as_mapping, print_derived
from cli.home import Home
from cli.options import as_option, home_option, json_option
from cli.printing import WIDTH, print_json, say
from cli.wiring import open_house
from engine.errors import Refused, UsageError
from engine.law.clocks import Derived, derive
from engine.nodes import nearest
from engine.words import say as in_words

if TYPE_CHECKING:
    from engine.model.case import Case, Clock
    from engine.model.definition import ClockDef, Definition
    from engine.model.office import Office


@click.command(epilog="Example: soppa explain 2026-0001 district_fix")
@click.argument("case", shell_complete=completion.cases)
@click.argument("clock", required=False, shell_complete=completion.clocks)
@as_option
@home_option
@json_option
def command(case: str, clock: str | None, as_login: str | None, home: Home, as_json: bool) -> None:
    """Explain the dates of CASE, or of one CLOCK: the rule, day 0, every roll and hold."""
    with open_house(home) as house:
        found = house.case(case, house.reader(as_login))
        office = house.make_office(house.store.people())
        definition = house.definitions.pinned(found.process, found.version, found.hash)
    explained = {name: derived(found.clocks[name], definition.clocks[name], office)
                 for name in _wanted(found, clock, definition)}
    if as_json:
        print_json([{"clock": name, "status": found.clocks[name].status,
                     "kind": definition.clocks[name].rule.kind_of_date,
                     "trigger_from": day_0_from(found, definition, name, office), **as_mapping(value)}
                    for name, value in explained.items()])
    else:
        _print(found, definition, explained, office)


def derived(clock: Clock, definition: ClockDef, office: Office) -> Derived:
    """The dates again, from what the clock is, the hold policy of its time included; the same as those stored unless a
    calendar has changed since."""
    rule = replace(definition.rule, length=clock.length)
    return derive(rule, clock.anchor, office.calendars, clock.holds, clock.policy, clock.grace, clock.agreed)


def day_0_from(case: Case, definition: Definition, name: str, office: Office) -> str | None:
    """What gives day 0 of a clock in this case, in words: the one of its sources that has this very date."""
    anchor = case.clocks[name].anchor
    for source in definition.clocks[name].anchor.sources:
        value = case.facts.get(source.name) if source.kind == "fact" else None
        if (office.today(value) if isinstance(value, dt.datetime) else value) == anchor:
            return f"\"{in_words(definition.facts[source.name].label, 'en')}\" ({source.name})"
        if source.kind == "event" and case.happened.get(source.name) == anchor:
            return f"what happened that day: {source.name}"
        other = case.clocks.get(source.name) if source.kind == "clock" else None
        if other is not None and other.legal == anchor:
            return f"the date of clock {source.name}: {in_words(definition.clocks[source.name].title, 'en')}"
    return None


def _wanted(case: Case, name: str | None, definition: Definition) -> list[str]:
    """Raises `Refused` for a clock that has not begun, `UsageError` for one that there is not."""
    if name is not None and name not in case.clocks:
        if name in definition.clocks:
            raise Refused(f"clock '{name}' of case {case.id} has not begun: its day 0 is not known yet")
        raise UsageError(f"case {case.id} has no clock '{name}'{nearest(name, definition.clocks)}")
    return list(case.clocks) if name is None else [name]


def _print(case: Case, definition: Definition, explained: Mapping[str, Derived], office: Office) -> None:
    if not explained:
        say(f"case {case.id} has no legal deadline yet: none of its clocks has a day 0")
    for name, value in explained.items():
        clock = case.clocks[name]
        title = f"{name}: {in_words(definition.clocks[name].title, 'en')} ({clock.status})"
        say(textwrap.fill(title, WIDTH, subsequent_indent="  "))
        print_derived(value)
        origin = day_0_from(case, definition, name, office)
        if origin is not None:
            say()
            say(textwrap.fill(f"Day 0 comes from {origin}", WIDTH))
        if clock.generation > 1:
            say(f"\n  Generation {clock.generation}: {clock.reason}")
        if (clock.legal, clock.target) != (value.legal, value.target):
            say(f"\n  Told before: {clock.legal} (target {clock.target}), by {', '.join(clock.calendars)}")
        say()
