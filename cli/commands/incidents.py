"""`soppa incidents`: what failed five times and waits for a person."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.home import Home
from cli.needtoknow import VEILED
from cli.options import Commands, as_option, home_option, json_option
from cli.printing import WIDTH, print_json, say
from cli.serving.failures import what_failed, what_to_do
from cli.wiring import open_house

if TYPE_CHECKING:
    from storage.looking.views import Incident


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
        reader, zone = house.reader(as_login), house.settings.zone
        found = house.store.views.incidents()
        closed = house.closed_of(reader, (one.case_id for one in found))
    if as_json:
        print_json([_mapping(one, veiled=one.case_id in closed) for one in found])
    elif not found:
        say("no incidents")
    for one in found if not as_json else ():
        say(f"incident {one.id}, since {one.opened_at.astimezone(zone):%Y-%m-%d %H:%M}, tried {one.tries} times")
        for sentence in _sentences(one, veiled=one.case_id in closed):
            say(textwrap.fill(sentence, WIDTH, initial_indent="  ", subsequent_indent="  "))


def _sentences(one: Incident, *, veiled: bool) -> tuple[str, ...]:
    """What failed and what to do; of a case that the reader need not know of, that there is something."""
    return (f"Case {one.case_id}: {VEILED}",) if veiled else (what_failed(one), what_to_do(one))


def _mapping(one: Incident, *, veiled: bool) -> dict[str, object]:
    """The documented JSON keys."""
    says, do = (*_sentences(one, veiled=veiled), None)[:2]
    return {"id": one.id, "kind": None if veiled else one.kind, "case": one.case_id,
            "error": None if veiled else one.error, "tries": one.tries, "opened_at": one.opened_at, "says": says,
            "do": do}


@command.command(epilog="Example: soppa incidents retry 3")
@click.argument("incident", type=int, shell_complete=completion.incidents)
@as_option
@home_option
@json_option
def retry(incident: int, as_login: str | None, home: Home, as_json: bool) -> None:
    """Put INCIDENT back to work, with its tries counted from zero."""
    with open_house(home) as house:
        actor = house.actor(as_login)
        case_id = next((one.case_id for one in house.store.views.incidents() if one.id == incident), None)
        house.check_open(actor, case_id)
        house.store.retry_incident(incident, house.clock())
    if as_json:
        print_json({"id": incident, "closed": True})
    else:
        say(f"incident {incident} is tried again at the next heartbeat")
