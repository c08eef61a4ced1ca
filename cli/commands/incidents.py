"""`soppa incidents`: what failed five times and waits for a person."""

from __future__ import annotations

import click

from cli import completion
from cli.home import Home
from cli.options import Commands, as_option, home_option, json_option
from cli.printing import print_json, say, table
from cli.wiring import open_house


@click.group(cls=Commands, epilog="Example: soppa incidents list")
def command() -> None:
    """What failed five times: list, retry."""


@command.command("list", epilog="Example: soppa incidents list --json")
@home_option
@json_option
def list_(home: Home, as_json: bool) -> None:
    """List the open incidents."""
    with open_house(home) as house:
        found = house.store.views.incidents()
    if as_json:
        print_json([{"id": one.id, "kind": one.kind, "case": one.case_id, "error": one.error, "tries": one.tries,
                     "opened_at": one.opened_at} for one in found])
    elif not found:
        say("no incidents")
    else:
        table(["id", "kind", "case", "since", "error"], [
            [str(one.id), one.kind, one.case_id or "", f"{one.opened_at:%Y-%m-%d %H:%M} UTC", one.error]
            for one in found])


@command.command(epilog="Example: soppa incidents retry 3")
@click.argument("incident", type=int, shell_complete=completion.incidents)
@as_option
@home_option
@json_option
def retry(incident: int, as_login: str | None, home: Home, as_json: bool) -> None:
    """Put INCIDENT back to work, with its tries counted from zero."""
    with open_house(home) as house:
        house.actor(as_login)
        house.store.retry_incident(incident, house.clock())
    if as_json:
        print_json({"id": incident, "closed": True})
    else:
        say(f"incident {incident} is tried again at the next heartbeat")
