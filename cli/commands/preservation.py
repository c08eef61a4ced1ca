"""`soppa preservation`: cases that are kept from every purge, since a lawsuit or a records request may need them."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.home import Home
from cli.needtoknow import VEILED
from cli.options import Commands, as_option, home_option, json_option
from cli.printing import WIDTH, day, print_json, say
from cli.wiring import House, open_house
from engine.errors import NotAllowed

if TYPE_CHECKING:
    from engine.model.case import Actor
    from storage.removal.preservations import Preservation

MAY = frozenset({"privacy", "custodian", "legal", "superintendent"})


@click.group(cls=Commands, epilog="Example: soppa preservation list")
def command() -> None:
    """Keep cases from every purge: place, release, list. It moves no date and stops no mail; that is a hold."""


@command.command(epilog="Example: soppa preservation place 2026-0007 --reason 'Ruiz v. District'")
@click.argument("case", shell_complete=completion.cases)
@click.option("--reason", required=True, help="The lawsuit or the request, in words; they are kept sealed.")
@as_option
@home_option
@json_option
def place(case: str, reason: str, as_login: str | None, home: Home, as_json: bool) -> None:
    """Keep CASE, and the cases that belong to it, from every purge until it is released."""
    from storage.removal import preservations

    with open_house(home) as house:
        actor, now = _actor(house, as_login), house.clock()
        found = house.case(case, actor)
        with house.store.begin() as unit:
            made = preservations.place(unit.connection, house.store.base.ring, found.id, reason, actor, now)
    if as_json:
        print_json(as_mapping(made))
    else:
        say(f"case {made.case_id} is preserved: nothing of it is purged until it is released")


@command.command(epilog="Example: soppa preservation release 2026-0007 --reason 'the suit is settled'")
@click.argument("case", shell_complete=completion.cases)
@click.option("--reason", required=True, help="Why it ends.")
@as_option
@home_option
@json_option
def release(case: str, reason: str, as_login: str | None, home: Home, as_json: bool) -> None:
    """Let CASE be purged again once its term is over."""
    from storage.removal import preservations

    with open_house(home) as house:
        actor, now = _actor(house, as_login), house.clock()
        found = house.case(case, actor)
        with house.store.begin() as unit:
            preservations.release(unit.connection, house.store.base.ring, found.id, reason, actor, now)
    if as_json:
        print_json({"case": found.id, "released_at": now, "by": actor.id, "reason": reason.strip()})
    else:
        say(f"case {found.id} is not preserved any more: its term counts again")


@command.command("list", epilog="Example: soppa preservation list")
@as_option
@home_option
@json_option
def list_(as_login: str | None, home: Home, as_json: bool) -> None:
    """List the preserved cases, the oldest first."""
    from storage.removal import preservations

    with open_house(home) as house:
        reader = house.reader(as_login)
        with house.store.read() as unit:
            found = preservations.every(unit.connection, house.store.base.ring)
            names = {person.id: person.name for person in unit.people()}
        closed = house.closed_of(reader, (one.case_id for one in found))
        found = [replace(one, reason=VEILED) if one.case_id in closed else one for one in found]
        zone = house.settings.zone
    if as_json:
        print_json([as_mapping(one) for one in found])
    elif not found:
        say("no case is preserved")
    for one in () if as_json else found:
        say(f"{one.case_id}  since {day(one.placed_at.astimezone(zone).date())}, by {names.get(one.by, one.by)}")
        say(textwrap.fill(one.reason, WIDTH, initial_indent="  ", subsequent_indent="  "))


def as_mapping(found: Preservation) -> dict[str, object]:
    """The documented JSON keys."""
    return {"case": found.case_id, "placed_at": found.placed_at, "by": found.by, "reason": found.reason}


def _actor(house: House, as_login: str | None) -> Actor:
    actor = house.actor(as_login)
    if not actor.roles & MAY:
        raise NotAllowed(f"{actor.name} may not preserve or release a case: ask the privacy officer, the custodian, "
                         "counsel or the superintendent")
    return actor
