"""`soppa keys`: which key seals what; another key, put to use while everything works; an old one taken out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.home import Home, check_home
from cli.options import Commands, example, home_option, json_option
from cli.printing import bar, count, print_json, say, table
from cli.wiring import open_house
from engine.errors import Refused, UsageError

if TYPE_CHECKING:
    from cli.upkeep.rotating import Keys

_STATES = {"seals": "seals what is new", "next": "waits to be used", "older": "opens what it sealed",
           "gone": "is gone; checks digests"}  # fmt: skip


@click.group(cls=Commands, epilog="Example: soppa keys list")
def command() -> None:
    """Keys of the ring: list, new, rotate, retire."""


@command.command("list", epilog="Example: soppa keys list")
@home_option
@json_option
def list_(home: Home, as_json: bool) -> None:
    """List the keys of the ring by their ids, with how much each has sealed and how many lines of history it proves."""
    from cli.upkeep.rotating import changes, keys_of_ring

    with open_house(home) as house:
        found, done = keys_of_ring(house), changes(house)
    if as_json:
        print_json({**_as_json(found), "changes": done})
        return
    _print(found)
    if done:
        say()
        table(["when", "who", "what", "key", "why"], [
            [one["at"], one["by"], one["what"], one["key"], one["reason"]] for one in done])


@command.command(epilog="Example: soppa keys new --copy /media/stick/ring-2026")
@click.option("--copy", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE",
              help="Where the whole ring is copied to first, apart from the home: the copy for the worst day.")
@home_option
@json_option
def new(copy: Path, home: Home, as_json: bool) -> None:
    """Make another key. It seals nothing before soppa keys rotate."""
    from cli.upkeep.rotating import make_next

    check_home(home)
    copy = copy.expanduser().absolute()
    made = make_next(home, copy)
    if as_json:
        print_json({"key": made, "copy": str(copy)})
        return
    say(f"made the key {made}; the ring with it is copied to {copy}")
    say("Put that copy where the copy before lay, apart from the home and its backups.")
    say("Where several machines work on one database, give each of them the ring now.")
    say("Then: soppa keys rotate")


@command.command(epilog="Example: soppa keys rotate --apply --reason 'the yearly change'")
@click.option("--apply", is_flag=True, help="Do it; without it, only say what would be sealed anew.")
@click.option("--reason", default="", help="Why; it is kept in the database.")
@home_option
@json_option
def rotate(apply: bool, reason: str, home: Home, as_json: bool) -> None:
    """Seal everything anew with the key that soppa keys new has made, while soppa works. After a break, the same
    command goes on.
    """
    from cli.upkeep import rotating

    if apply and not reason.strip():
        raise UsageError("a change of keys needs a reason: add --reason")
    with open_house(home) as house, bar("sealing anew") as progress:
        found = (rotating.rotate(house, reason.strip(), house.clock(), progress) if apply else
                 rotating.keys_of_ring(house))
    if as_json:
        print_json({**_as_json(found), "applied": apply})
    elif not apply:
        _print(found)
        say(f"\n{_what_next(found)}")
    else:
        say(f"everything that opens is sealed with the key {found.to} now")
        _print(found)
    if apply and found.left:
        raise Refused(f"{count(found.left, 'value')} did not open and stayed as before: soppa verify names them")


@command.command(epilog=example("soppa keys retire k1a2b3c --apply \\",
                                "--reason 'nothing is sealed with it any more'"))
@click.argument("key")
@click.option("--apply", is_flag=True, help="Do it; it cannot be taken back.")
@click.option("--reason", default="", help="Why; it is kept in the database.")
@home_option
@json_option
def retire(key: str, apply: bool, reason: str, home: Home, as_json: bool) -> None:
    """Take KEY, which seals nothing any more, out of the ring. What stays of it checks the digests of old lines."""
    from cli.upkeep.rotating import check_may_go
    from cli.upkeep.rotating import retire as take_out

    if apply and not reason.strip():
        raise UsageError("a change of keys needs a reason: add --reason")
    with open_house(home) as house:
        check_may_go(house, key, house.clock())
        if apply:
            take_out(house, key, reason.strip(), house.clock())
    if as_json:
        print_json({"key": key, "applied": apply})
        return
    say(f"the key {key} {'is' if apply else 'would be'} out of the ring, for good")
    say("Backups that were made while it sealed open with a ring that holds it: keep that")
    say("copy of the ring for as long as you keep them, apart from them.")
    if not apply:
        say("Nothing was changed: add --apply --reason")


def _what_next(found: Keys) -> str:
    if found.left or any(one.state == "next" for one in found.keys):
        return f"{count(found.left, 'value')} would be sealed anew with the key {found.to}: add --apply --reason"
    return f"everything is sealed with the key {found.to}: soppa keys new makes another"


def _as_json(found: Keys) -> dict[str, object]:
    return {"keys": [{"key": one.key, "state": one.state, "values": one.values, "documents": one.documents,
                      "proofs": one.proofs} for one in found.keys],
            "to": found.to, "left": found.left, "strangers": found.strangers}


def _print(found: Keys) -> None:
    table(["key", "", "values", "documents", "lines proved"], [
        [one.key, _STATES[one.state], f"{one.values:,}", f"{one.documents:,}", f"{one.proofs:,}"]
        for one in found.keys])
    if found.strangers:
        say(f"{count(found.strangers, 'value')} were sealed with a key that the ring does not hold: soppa verify")
