"""`soppa note`: words for the history of a case, such as what was said on the telephone."""

from __future__ import annotations

import sys

import click

from cli import completion
from cli.home import Home
from cli.options import as_option, example, home_option, json_option
from cli.printing import print_json, say
from cli.wiring import open_house


@click.command(epilog=example("soppa note 2026-0001 < call.txt",
                              "   or: soppa note 2026-0001, then type it and end with an empty line"))
@click.argument("case", shell_complete=completion.cases)
@as_option
@home_option
@json_option
def command(case: str, as_login: str | None, home: Home, as_json: bool) -> None:
    """Add a note to the history of CASE. It is read from standard input, so that it stands in no list of processes."""
    from engine.model.messages import AddNote

    with open_house(home) as house:
        actor, now = house.actor(as_login), house.clock()
        house.case(case, actor)
        after = house.service.tend(case, AddNote(_typed(), actor), now)
    if as_json:
        print_json({"case": after.id, "at": now, "by": actor.name})
    else:
        say(f"case {after.id}: noted")


def _typed() -> str:
    """All of standard input; of a person at a terminal the lines up to an empty one."""
    if not sys.stdin.isatty():
        return sys.stdin.read()
    click.echo("Note (end with an empty line):", err=True)
    lines = []
    for line in sys.stdin:
        if not line.strip():
            break
        lines.append(line)
    return "".join(lines)
