"""`soppa status`: whether all is well, for monitors and for people."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from cli.home import Home
from cli.options import home_option, json_option
from cli.printing import print_json, say, table
from cli.wiring import open_house
from engine.errors import SoppaError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.status.look import Look


@click.command(epilog="Example: soppa status")
@home_option
@json_option
def command(home: Home, as_json: bool) -> None:
    """Say in one line whether all is well, as monitors read it: exit code 0 ok, 1 warning, 2 critical, 3 unknown.

    Nothing is changed but the answer about the certificate, which is asked for where the pages are served.
    """
    from cli.status.look import WORDS, line, worst

    looks = _looks(home)
    level = worst(looks)
    if as_json:
        print_json({"level": level, "status": WORDS[level].lower(), "line": line(looks),
                    "looks": [{"what": look.what, "level": look.level, "says": look.says, "figure": look.figure,
                               "unit": look.unit} for look in looks]})
    else:
        say(line(looks))
        if sys.stdout.isatty():
            table(["", "", ""], [[WORDS[look.level].lower(), look.what, look.says] for look in looks])
    if level:
        click.get_current_context().exit(level)


def _looks(home: Home) -> Sequence[Look]:
    """What cannot be opened is critical; a home that nobody can find says nothing about one."""
    from cli.status.certificate import ask
    from cli.status.look import CRITICAL, UNKNOWN, Look
    from cli.status.looks import looks_at

    if not home.root.exists():
        return [Look("home", UNKNOWN, f"there is none at {home.root}: name yours with --home or SOPPA_HOME")]
    try:
        with open_house(home) as house:
            now = house.clock()
            return looks_at(house, now, ask(house, now))
    except UsageError as error:
        return [Look("home", UNKNOWN, " ".join(str(error).split()))]
    except SoppaError as error:
        return [Look("home", CRITICAL, " ".join(str(error).split()))]
