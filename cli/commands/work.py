"""`soppa work`: the queue on the whole screen."""

from __future__ import annotations

import sys

import click

from cli import completion
from cli.home import Home
from cli.options import as_option, home_option, json_option
from cli.printing import print_json, say
from cli.wiring import open_house
from engine.errors import UsageError


@click.command(epilog="Example: soppa work --mine")
@click.option("--mine", is_flag=True, help="Only what waits for you.")
@click.option("--role", shell_complete=completion.roles, help="Only tasks of this role.")
@click.option("--process", shell_complete=completion.processes, help="Only cases of this process.")
@as_option
@home_option
@json_option
def command(mine: bool, role: str | None, process: str | None, as_login: str | None, home: Home, as_json: bool) -> None:
    """Work through the queue on the whole screen, by keyboard. With --json it says afterwards what was done."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):  # the screen is drawn on stderr
        raise UsageError("soppa work is for a person at a terminal: use soppa queue and soppa do")
    from cli.work.app import WorkApp
    from cli.work.desk import Desk
    from storage.looking.queue import View

    with open_house(home) as house:
        actor = house.actor(as_login)
        today = house.clock().astimezone(house.settings.zone).date()
        login = next(person.login for person in house.store.people() if person.id == actor.id)
        app = WorkApp(Desk(house, actor, View(today, login, role=role, process=process, mine=mine, limit=1000)))
        app.run()
        if app._exception is not None:  # Textual keeps it to itself
            raise app._exception
    if as_json:
        print_json({"done": [{"case": case, "what": what} for case, what in app.done]})
    elif app.done:
        say("\n".join(f"case {case}: {what}" for case, what in app.done))
