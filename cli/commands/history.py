"""`soppa history`: what happened in a case."""

from __future__ import annotations

import click

from cli.home import Home
from cli.options import home_option, json_option
from cli.printing import print_json, table
from cli.wiring import open_house


@click.command(epilog="Example: soppa history 2026-0001")
@click.argument("case")
@home_option
@json_option
def command(case: str, home: Home, as_json: bool) -> None:
    """Tell what happened in CASE, line by line. Values about a child are left out."""
    with open_house(home) as house:
        with house.store.read() as unit:
            found = unit.case(case)
        lines = house.store.views.history(found.id)
        zone = house.settings.zone
    if as_json:
        print_json([{"seq": line.seq, "at": line.at, "actor": line.actor, "kind": line.kind, "detail": line.detail}
                    for line in lines])
        return
    table(["", "when", "who", "what", ""], [
        [str(line.seq), f"{line.at.astimezone(zone):%Y-%m-%d %H:%M}", line.actor, line.kind.replace("_", " "),
         ", ".join(f"{key} {value}" for key, value in line.detail.items() if value)] for line in lines])
