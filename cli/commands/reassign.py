"""`soppa reassign`: gives a task to another person."""

from __future__ import annotations

import click

from cli import completion
from cli.commands.do import find_task
from cli.commands.show import as_mapping
from cli.home import Home
from cli.options import as_option, home_option, json_option
from cli.printing import print_json, say
from cli.wiring import open_house


@click.command(epilog="Example: soppa reassign 2026-0001 verify priya --reason 'Carla is away'")
@click.argument("case", shell_complete=completion.cases)
@click.argument("task", shell_complete=completion.tasks)
@click.argument("person", shell_complete=completion.people)
@click.option("--reason", required=True, help="Why; it stands in the history.")
@as_option
@home_option
@json_option
def command(case: str, task: str, person: str, reason: str, as_login: str | None, home: Home, as_json: bool) -> None:
    """Give TASK of CASE to PERSON (an id). Links mailed before are dead."""
    with open_house(home) as house:
        actor = house.actor(as_login)
        found = house.case(case, actor)
        wanted = find_task(found, task, house.definition(found))
        after = house.service.reassign(wanted.id, person, actor, house.clock(), reason)
    if as_json:
        print_json(as_mapping(after))
    else:
        say(f"case {case}: {wanted.name} is now for {person}")
