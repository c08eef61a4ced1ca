"""`soppa record`: a fact that no form asked for, or a correction of one."""

from __future__ import annotations

import click

from cli.commands.show import as_mapping
from cli.home import Home
from cli.options import as_option, home_option, json_option, read_given
from cli.printing import day, print_json, say
from cli.values import fact_values
from cli.wiring import open_house


@click.command(epilog="Example: soppa record 2026-0001 received_on=2026-11-18 --reason 'stamp on the envelope'")
@click.argument("case")
@click.argument("given", nargs=-1, required=True, metavar="FACT=VALUE...")
@click.option("--reason", required=True, help="Why; it stands in the history.")
@as_option
@home_option
@json_option
def command(case: str, given: tuple[str, ...], reason: str, as_login: str | None, home: Home,
            as_json: bool) -> None:
    """Record facts of CASE. Nothing is overwritten: the old value stays in the history."""
    with open_house(home) as house:
        with house.store.read() as unit:
            before = unit.case(case)
        definition = house.definitions.pinned(before.process, before.version, before.hash)
        values = fact_values(definition, read_given(given))
        after = house.service.record(case, values, house.actor(as_login), house.clock(), reason)
    if as_json:
        print_json(as_mapping(after))
        return
    say(f"case {after.id}: recorded {', '.join(sorted(values))}")
    for name, clock in after.clocks.items():
        was = before.clocks.get(name)
        if was is None or was.legal != clock.legal:
            say(f"  {name}: legal deadline {day(was.legal) if was else 'none'} → {day(clock.legal)}")
