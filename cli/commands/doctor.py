"""`soppa doctor`: what is missing before go-live, one line and one command each."""

from __future__ import annotations

import textwrap

import click

from cli.home import Home
from cli.options import home_option, json_option
from cli.printing import WIDTH, clean, print_json, say
from engine.errors import Refused


@click.command(epilog="Example: soppa doctor --home /var/lib/soppa")
@home_option
@json_option
def command(home: Home, as_json: bool) -> None:
    """Look at all that an office needs before it goes live. Exit code 0: ready, 1: something is missing.

    Connects to the relay and asks the public address; nothing is sent and nothing is changed.
    """
    from cli.setup.finding import Finding
    from cli.setup.readiness import findings

    found: list[Finding] = []
    for one in findings(home):
        found.append(one)
        if not as_json:
            _print(one.weight, one.what, one.says, one.do)
    if as_json:
        print_json([{"what": one.what, "weight": one.weight, "says": one.says, "command": one.do} for one in found])
    count = sum(one.weight == "missing" for one in found)
    if count:
        raise Refused(f"{count} {'thing is' if count == 1 else 'things are'} missing before you go live: see above")
    if not as_json:
        say("ready to go live")


def _print(weight: str, what: str, says: str, do: str) -> None:
    head = f"{weight:<8} {what:<11} "
    say(textwrap.fill(clean(says), WIDTH, initial_indent=head, subsequent_indent=" " * len(head),
                      break_long_words=False, break_on_hyphens=False))
    if do:
        say(f"{' ' * len(head)}→ {do}")
