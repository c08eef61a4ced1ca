"""`soppa clock`: believes the machine's clock again."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import click

from cli.home import Home
from cli.options import Commands, as_option, home_option, json_option
from cli.printing import print_json, say, table
from cli.serving.clockwatch import stamp, trouble
from cli.wiring import House, open_house
from engine.errors import NotAllowed, UsageError

if TYPE_CHECKING:
    from engine.model.case import Actor

ACCEPTED = "clock_accepted"
"""The mark of the database that keeps each acceptance."""

MAY = frozenset({"privacy", "itsec", "superintendent"})


@click.group(cls=Commands, epilog="Example: soppa clock accept --reason 'battery replaced, checked twice'")
def command() -> None:
    """Accept the machine's clock after it ran wrong."""


@command.command(epilog="Example: soppa clock accept --reason 'battery replaced, two servers agree'")
@click.option("--reason", required=True, help="How you know that the clock is right; it is kept in the database.")
@as_option
@home_option
@json_option
def accept(reason: str, as_login: str | None, home: Home, as_json: bool) -> None:
    """Let deadline work go on at the time the clock says now."""
    if not reason.strip():
        raise UsageError("--reason is empty: say how you know that the clock is right")
    with open_house(home) as house:
        actor, now = house.actor(as_login), house.clock()
        if not actor.roles & MAY:
            raise NotAllowed(f"{actor.name} may not accept the clock: it is for {', '.join(sorted(MAY))}")
        found = trouble(now, house.store.high_water())
        if found is not None:
            house.store.set_mark(ACCEPTED, json.dumps([*_accepted(house), _record(found, reason, actor, now)]))
            house.store.set_high_water(now)
        past = _accepted(house)
    if as_json:
        print_json({"trouble": None, "accepted": past})
        return
    say(f"accepted: it is {stamp(now)}" if found else "the clock was believed already; nothing changed")


@command.command(epilog="Example: soppa clock show")
@home_option
@json_option
def show(home: Home, as_json: bool) -> None:
    """Say whether the clock is believed. Also who accepted it before, and why."""
    with open_house(home) as house:
        found, past = trouble(house.clock(), house.store.high_water()), _accepted(house)
    if as_json:
        print_json({"trouble": found, "accepted": past})
        return
    say(found or "the clock is believed")
    if past:
        columns = ("at", "by", "reason", "was")
        table(["when", "who", "why", "what was wrong"], [[one[name] for name in columns] for one in past])


def _accepted(house: House) -> list[dict[str, str]]:
    """What was accepted so far, the oldest first."""
    kept: list[dict[str, str]] = json.loads(house.store.mark(ACCEPTED) or "[]")
    return kept


def _record(was: str, reason: str, actor: Actor, now: dt.datetime) -> dict[str, str]:
    return {"at": stamp(now), "by": actor.name, "reason": reason.strip(), "was": was}
