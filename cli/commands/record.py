"""`soppa record`: a fact that no form asked for, or a correction of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli import completion
from cli.commands.acts import as_mapping as act_mapping
from cli.commands.acts import print_changes, tell_begun
from cli.commands.show import as_mapping
from cli.dates import kind_of
from cli.home import Home
from cli.options import as_option, example, home_option, json_option, read_given
from cli.printing import day, print_json, say
from cli.staff.acts import begin, plan_record
from cli.sure import check_sure, sure_option
from cli.wiring import House, open_house
from engine.errors import NeedsSecond, Refused

if TYPE_CHECKING:
    from engine.model.case import Actor, Case
    from engine.model.definition import Definition


@click.command(epilog=example("soppa record 2026-0001 received_on=2026-11-18 \\", "--reason 'stamp on the envelope'"))
@click.argument("case", shell_complete=completion.cases)
@click.argument("given", nargs=-1, required=True, metavar="FACT=VALUE...")
@click.option("--reason", required=True, help="Why; it stands in the history.")
@click.option("--begin", "begin_", is_flag=True,
              help="Where a legal date moves later: ask the second person; without this it is only shown.")
@sure_option
@as_option
@home_option
@json_option
def command(case: str, given: tuple[str, ...], reason: str, begin_: bool, sure: bool, as_login: str | None,
            home: Home, as_json: bool) -> None:
    """Record facts of CASE. Nothing is overwritten: the old value stays in the history."""
    from cli.documents import handing_in
    from cli.values import fact_values

    typed = read_given(given)
    with open_house(home) as house:
        actor = house.actor(as_login)
        before = house.case(case, actor)
        definition = house.definitions.pinned(before.process, before.version, before.hash)
        with handing_in(house.documents, definition, typed) as words:
            values = fact_values(definition, words, house.active())
            check_sure(house, definition, values, before.facts, sure=sure)
            try:
                after = house.service.record(case, values, actor, house.clock(), reason)
            except NeedsSecond:
                _ask_second(house, case, words, actor, reason, begin_, as_json)
                return
    if as_json:
        print_json(as_mapping(after))
        return
    say(f"case {after.id}: recorded {', '.join(sorted(values))}")
    _tell_dates(before, after, definition)


def _ask_second(house: House, case: str, given: dict[str, str], actor: Actor, reason: str, begin_: bool,
                as_json: bool) -> None:
    """Shows both dates, then asks the second person. Raises `Refused` where the asking was not asked for."""
    planned = plan_record(house, case, given, actor, reason)
    if not as_json:
        print_changes(planned.shown)
    if not begin_:
        raise Refused(f"a legal date would move later, which needs a second person; nothing is recorded: add --begin "
                      f"to ask {planned.second.name}")
    act = begin(house, planned)
    if as_json:
        print_json(act_mapping(act))
    else:
        tell_begun(house, act)


def _tell_dates(before: Case, after: Case, definition: Definition) -> None:
    for name, clock in after.clocks.items():
        was = before.clocks.get(name)
        if was is None or was.legal != clock.legal:
            kind = kind_of(clock, definition.clocks)
            say(f"  {name}: {kind} {day(was.legal) if was else 'none'} → {day(clock.legal)}")
