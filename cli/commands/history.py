"""`soppa history`: what happened in a case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.commands.show import note_text
from cli.home import Home
from cli.options import as_option, home_option, json_option
from cli.printing import print_json, say, table
from cli.wiring import House, open_house
from engine.errors import Refused

if TYPE_CHECKING:
    from cli.evidence.words import Words
    from engine.model.case import Case
    from storage.chains.history import HistoryLine

NOTE, PURGED = "note_added", "case_purged"


@click.command(epilog="Example: soppa history 2026-0001")
@click.argument("case", shell_complete=completion.cases)
@click.option("--verify", is_flag=True, help="Only say whether the chain of the history, and the seals, are whole.")
@as_option
@home_option
@json_option
def command(case: str, verify: bool, as_login: str | None, home: Home, as_json: bool) -> None:
    """Tell what happened in CASE, line by line, notes in full. Values of personal facts are left out."""
    with open_house(home) as house:
        found = house.case(case, house.reader(as_login))
        views = house.store.views
        wrong = [*views.verify_history(found.id), *views.verify_seals()] if verify else []
        lines = house.store.views.history(found.id)
        zone, words = house.settings.zone, None if verify or as_json else words_of(house, found)
    if verify:
        _tell_verified(found.id, len(lines), wrong, as_json)
        return
    if as_json:
        print_json([{"seq": line.seq, "at": line.at, "actor": line.actor, "kind": line.kind, "detail": dict(line.told),
                     "text": line.personal.get("text") if line.kind == NOTE else None}
                    for line in lines])
        return
    assert words is not None  # noqa: S101 - made for whoever reads
    table(["", "when", "who", "what"], [
        [str(line.seq), f"{line.at.astimezone(zone):%Y-%m-%d %H:%M}", words.lens.who(line.actor), _what(line, words)]
        for line in lines])


def words_of(house: House, case: Case) -> Words:
    """What the lines of a case mean, with the names of whoever took part."""
    from cli.evidence.lens import Lens
    from cli.evidence.words import Words

    definition = house.definitions.pinned(case.process, case.version, case.hash)
    names = {person.id: person.name for person in house.store.people()}
    parties = {name: party.name for name, party in case.parties.items()}
    began = case.started_at.astimezone(house.settings.zone).date()
    tasks = {task.id: task.name for task in (*house.store.views.left_behind(case.id), *case.tasks)}
    return Words(Lens(definition, names, {}, parties, began, redacted=False), tasks)


def _what(line: HistoryLine, words: Words) -> str:
    """A sentence; the words of a note as they were said."""
    if line.kind == PURGED:
        return f"Purged: {line.detail['lines']} lines above were cut, act {line.detail['act']}"
    return f"Note: {note_text(line)}" if line.kind == NOTE else words.of(line.kind, line.told)


def _tell_verified(case_id: str, lines: int, wrong: Sequence[str], as_json: bool) -> None:
    """Raises `Refused` when something was changed."""
    if as_json:
        print_json({"case": case_id, "lines": lines, "whole": not wrong, "wrong": wrong})
    elif not wrong:
        say(f"case {case_id}: {lines} lines, the chain is whole, and so are the seals")
    if wrong:
        raise Refused("\n".join(wrong))
