"""`soppa incidents`: what failed five times and waits for a person."""

from __future__ import annotations

import textwrap

import click

from cli import completion
from cli.failures import what_failed, what_to_do
from cli.home import Home
from cli.options import Commands, as_option, home_option, json_option
from cli.printing import WIDTH, print_json, say
from cli.wiring import open_house


@click.group(cls=Commands, epilog="Example: soppa incidents list")
def command() -> None:
    """What failed five times: list, retry."""


@command.command("list", epilog="Example: soppa incidents list --json")
@as_option
@home_option
@json_option
def list_(as_login: str | None, home: Home, as_json: bool) -> None:
    """List the open incidents: what failed, in which case, and what to do."""
    with open_house(home) as house:
        house.reader(as_login)
        found, zone = house.store.views.incidents(), house.settings.zone
    if as_json:
        print_json([{"id": one.id, "kind": one.kind, "case": one.case_id, "error": one.error, "tries": one.tries,
                     "opened_at": one.opened_at, "says": what_failed(one), "do": what_to_do(one)} for one in found])
    elif not found:
        say("no incidents")
    for one in found if not as_json else ():
        say(f"incident {one.id}, since {one.opened_at.astimezone(zone):%Y-%m-%d %H:%M}, tried {one.tries} times")
        for sentence in (what_failed(one), what_to_do(one)):
            say(textwrap.fill(sentence, WIDTH, initial_indent="  ", subsequent_indent="  "))


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
