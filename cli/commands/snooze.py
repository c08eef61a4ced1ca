"""`soppa snooze`: keeps a task out of one's own queue until a day."""

from __future__ import annotations

import click

from cli import completion
from cli.commands.do import find_task
from cli.home import Home
from cli.options import as_option, home_option, json_option, read_date
from cli.printing import day, print_json, say
from cli.wiring import open_house
from engine.errors import UsageError


@click.command(epilog="Example: soppa snooze 2026-0001 verify --until 2026-12-07")
@click.argument("case", shell_complete=completion.cases)
@click.argument("task", shell_complete=completion.tasks)
@click.option("--until", metavar="DATE", default=None, help="The day on which it is back in your queue.")
@click.option("--end", is_flag=True, help="Bring it back now.")
@click.option("--past-date", is_flag=True, help="Though its target or a legal date comes before; needs --reason.")
@click.option("--reason", default="", help="Why; it stands in the history.")
@as_option
@home_option
@json_option
def command(case: str, task: str, until: str | None, end: bool, past_date: bool, reason: str, as_login: str | None,
            home: Home, as_json: bool) -> None:
    """Hide TASK of CASE from your own queue for a while. Everybody else sees it, and every clock runs on."""
    from engine.model.messages import Snooze

    if end == (until is not None):
        raise UsageError("say until when, with --until DATE, or --end it")
    back = None if until is None else read_date(until, "--until")
    with open_house(home) as house:
        actor = house.actor(as_login)
        found = house.case(case, actor)
        wanted = find_task(found, task, house.definition(found))
        command = Snooze(wanted.id, back, actor, past_date, reason)
        after = house.service.tend(case, command, house.clock())
    if as_json:
        print_json({"case": after.id, "task": wanted.id, "until": back})
    elif back is None:
        say(f"case {after.id}: {wanted.name} is back in your queue")
    else:
        say(f"case {after.id}: {wanted.name} is out of your queue until {day(back)}; its dates stand")
