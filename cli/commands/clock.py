"""`soppa clock`: believes the machine's clock again."""

from __future__ import annotations

import click

from cli.clockwatch import stamp, trouble
from cli.home import Home
from cli.options import as_option, home_option
from cli.printing import say
from cli.wiring import open_house
from engine.errors import NotAllowed, UsageError

MAY = frozenset({"privacy", "itsec", "superintendent"})


@click.group(epilog="Example: soppa clock accept --reason 'battery replaced, checked against two servers'")
def command() -> None:
    """Accept the machine's clock after it ran wrong."""


@command.command(epilog="Example: soppa clock accept --reason 'battery replaced, checked against two servers'")
@click.option("--reason", required=True, help="How you know that the clock is right; it stands in the log.")
@as_option
@home_option
def accept(reason: str, as_login: str | None, home: Home) -> None:
    """Let deadline work go on at the time the clock says now."""
    if not reason.strip():
        raise UsageError("--reason is empty: say how you know that the clock is right")
    with open_house(home) as house:
        actor, now = house.actor(as_login), house.clock()
        if not actor.roles & MAY:
            raise NotAllowed(f"{actor.name} may not accept the clock: it is for {', '.join(sorted(MAY))}")
        with house.store.begin() as unit:
            found = trouble(now, unit.high_water())
            if found is not None:
                unit.set_high_water(now)
    say(f"accepted: it is {stamp(now)}" if found else "the clock was believed already; nothing changed")
