"""`soppa references`: facts of the world that letters must give, and when somebody looked them up."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

import workflows
from cli.home import Home, write_private
from cli.office import references_of
from cli.options import as_option, home_option, json_option, read_date
from cli.printing import day, print_json, say, table
from cli.wiring import House, open_house
from engine.errors import NotAllowed, UsageError
from engine.language.lawbook import read_reference
from engine.model.office import Reference
from engine.nodes import nearest
from workflows.reader import read_file


@click.group(name="references", epilog="Example: soppa references list")
def command() -> None:
    """Reference data: list, confirm. Such as the agencies that a breach letter must name."""


@command.command(name="list", epilog="Example: soppa references list")
@home_option
@json_option
def list_(home: Home, as_json: bool) -> None:
    """What there is, and on which day it was looked up."""
    found = references_of(home)
    if as_json:
        print_json([_mapping(reference) for reference in found.values()])
        return
    for reference in found.values():
        say(f"{reference.name}, looked up on {day(reference.as_of)}")
        table(["text", "in English"], [[name, texts["en"]] for name, texts in reference.texts.items()])


@command.command(epilog="Example: soppa references confirm agencies --on 2026-11-27")
@click.argument("name")
@click.option("--on", required=True, metavar="DATE", help="The day on which each text was looked up and found right.")
@click.option("--from", "file", type=click.Path(path_type=Path, dir_okay=False), default=None,
              help="A corrected file; without it the texts stay as they are.")
@as_option
@home_option
@json_option
def confirm(name: str, on: str, file: Path | None, as_login: str | None, home: Home, as_json: bool) -> None:
    """Say that NAME was looked up. The district's copy in references/ of the home counts from then on."""
    as_of = read_date(on, "--on")
    with open_house(home) as house:
        _check(house, as_login, as_of)
        keep_confirmed(house.home, name, as_of, file)
        kept = references_of(house.home)[name]
    if as_json:
        print_json(_mapping(kept))
    else:
        say(f"{name}: looked up on {day(kept.as_of)}")


def _check(house: House, as_login: str | None, as_of: dt.date) -> None:
    actor = house.actor(as_login)
    if not actor.roles & {"privacy", "superintendent", "legal"}:
        raise NotAllowed(f"{actor.name} may not confirm reference data: ask the privacy officer")
    today = house.clock().astimezone(house.settings.zone).date()
    if as_of > today:
        raise UsageError(f"--on: {as_of} is in the future; today is {today}")


def keep_confirmed(home: Home, name: str, as_of: dt.date, file: Path | None = None) -> None:
    """Writes the district's copy, looked up on that day; from a corrected `file` if given. Raises `UsageError`."""
    source = file or _present(home, name)
    read = read_reference(read_file(source))
    if read.name != name:
        raise UsageError(f"{source} is reference data '{read.name}', not '{name}': name the right file")
    _write(home, name, _dated(source.read_text("utf-8"), as_of))


def _present(home: Home, name: str) -> Path:
    own, shipped = home.references / f"{name}.yaml", workflows.SHIPPED / "references" / f"{name}.yaml"
    if not own.is_file() and not shipped.is_file():
        known = references_of(home)
        raise UsageError(f"there is no reference data '{name}'{nearest(name, known)}")
    return own if own.is_file() else shipped


def _dated(text: str, as_of: dt.date) -> str:
    """The same document, looked up on another day."""
    lines = [f"as_of: {as_of}" if line.startswith("as_of:") else line for line in text.splitlines()]
    return "\n".join(lines) + "\n"


def _write(home: Home, name: str, text: str) -> None:
    """Puts the new file in the place of the old one at once: there is never half of one."""
    home.references.mkdir(mode=0o700, exist_ok=True)
    fresh = home.references / f".{name}.new"
    fresh.unlink(missing_ok=True)
    write_private(fresh, text.encode())
    fresh.replace(home.references / f"{name}.yaml")


def _mapping(reference: Reference) -> dict[str, object]:
    """The documented JSON keys."""
    return {"name": reference.name, "as_of": reference.as_of,
            "texts": {name: dict(texts) for name, texts in reference.texts.items()}}
