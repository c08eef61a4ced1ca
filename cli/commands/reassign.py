"""`soppa reassign`: gives a task to another person."""

from __future__ import annotations

import click

from cli.commands.do import find_task
from cli.home import Home
from cli.options import as_option, home_option
from cli.printing import say
from cli.wiring import open_house


@click.command(epilog="Example: soppa reassign 2026-0001 verify priya --reason 'Carla is away'")
@click.argument("case")
@click.argument("task")
@click.argument("person")
@click.option("--reason", required=True, help="Why; it stands in the history.")
@as_option
@home_option
def command(case: str, task: str, person: str, reason: str, as_login: str | None, home: Home) -> None:
    """Give TASK of CASE to PERSON (an id). Links mailed before are dead."""
    with open_house(home) as house:
        with house.store.read() as unit:
            wanted = find_task(unit.case(case), task)
        house.service.reassign(wanted.id, person, house.actor(as_login), house.clock(), reason)
    say(f"case {case}: {wanted.name} is now for {person}")
