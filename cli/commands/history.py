"""`soppa history`: what happened in a case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.commands.show import note_text
from cli.home import Home
from cli.options import home_option, json_option
from cli.printing import print_json, say, table
from cli.wiring import open_house
from engine.errors import Refused

if TYPE_CHECKING:
    from storage.history import HistoryLine

NOTE, PURGED = "note_added", "case_purged"


@click.command(epilog="Example: soppa history 2026-0001")
@click.argument("case", shell_complete=completion.cases)
@click.option("--verify", is_flag=True, help="Only say whether the chain of the history, and the seals, are whole.")
@home_option
@json_option
def command(case: str, verify: bool, home: Home, as_json: bool) -> None:
    """Tell what happened in CASE, line by line, notes in full. Values of personal facts are left out."""
    with open_house(home) as house:
        with house.store.read() as unit:
            found = unit.case(case)
        views = house.store.views
        wrong = [*views.verify_history(found.id), *views.verify_seals()] if verify else []
        lines = house.store.views.history(found.id)
        zone = house.settings.zone
    if verify:
        _tell_verified(found.id, len(lines), wrong, as_json)
        return
    if as_json:
        print_json([{"seq": line.seq, "at": line.at, "actor": line.actor, "kind": line.kind, "detail": line.detail,
                     "text": line.personal.get("text") if line.kind == NOTE else None}
                    for line in lines])
        return
    table(["", "when", "who", "what", ""], [
        [str(line.seq), f"{line.at.astimezone(zone):%Y-%m-%d %H:%M}", line.actor, line.kind.replace("_", " "),
         _what(line)] for line in lines])


def _what(line: HistoryLine) -> str:
    """The words of a note; of every other line what is not personal."""
    if line.kind == NOTE:
        return note_text(line)
    if line.kind == PURGED:
        return f"{line.detail['lines']} lines above were cut, act {line.detail['act']}"
    return ", ".join(f"{key} {value}" for key, value in line.detail.items() if value)


def _tell_verified(case_id: str, lines: int, wrong: Sequence[str], as_json: bool) -> None:
    """Raises `Refused` when something was changed."""
    if as_json:
        print_json({"case": case_id, "lines": lines, "whole": not wrong, "wrong": wrong})
    elif not wrong:
        say(f"case {case_id}: {lines} lines, the chain is whole, and so are the seals")
    if wrong:
        raise Refused("\n".join(wrong))
