"""`soppa undo`: takes one's last answer in a case back, while no mail of it has left."""

from __future__ import annotations

import click

from cli import completion
from cli.home import Home
from cli.options import as_option, home_option, json_option
from cli.printing import print_json, say
from cli.wiring import open_house
from engine.words import say as in_words


@click.command(epilog="Example: soppa undo 2026-0001 --reason 'the wrong child'")
@click.argument("case", shell_complete=completion.cases)
@click.option("--reason", default="", help="Why; it stands in the history.")
@as_option
@home_option
@json_option
def command(case: str, reason: str, as_login: str | None, home: Home, as_json: bool) -> None:
    """Take your last answer in CASE back, within the minutes that your office allows for it (at most ten).

    Its mails do not leave then. Nothing is taken back once one has left or anything else has happened in the case.
    """
    from cli.takingback import take_back

    with open_house(home) as house:
        actor = house.actor(as_login)
        found = take_back(house, house.case(case, actor), actor, reason)
        title = in_words(house.definition(found.case).states[found.case.state].title, "en")
    if as_json:
        print_json({"case": found.case.id, "tasks": found.tasks, "state": found.case.state, "mails": found.mails})
    else:
        say(f"{found.sentence}; now at: {title}")
