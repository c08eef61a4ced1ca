"""`soppa migrate-to-postgres`: from the file in the home to a PostgreSQL database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.home import Home
from cli.options import example, home_option, json_option
from cli.printing import bar, count, numbered, print_json, say, table
from cli.wiring import House, database_url, machine_clock, open_house

if TYPE_CHECKING:
    from storage.upkeep.moving import Contents


@click.command(epilog=example("soppa migrate-to-postgres --apply \\", "--to postgresql://soppa@db.example.org/soppa"))
@click.option("--to", "url", required=True, metavar="URL",
              help="An empty PostgreSQL database; its password stands in a .pgpass.")
@click.option("--apply", "apply_", is_flag=True, help="Do it; without it nothing changes.")
@home_option
@json_option
def command(url: str, apply_: bool, home: Home, as_json: bool) -> None:
    """Move a home from its SQLite file to PostgreSQL. Shows what would move; with --apply it moves everything at once,
    compares both sides row by row, and puts the file aside. The daemon must be stopped.
    """
    from cli.upkeep.moving import is_half_moved

    with open_house(home) as house:
        if is_half_moved(house):
            _end(house, as_json, apply_)
        elif apply_:
            _move(house, url, as_json)
        else:
            _look(house, url, as_json)


def _look(house: House, url: str, as_json: bool) -> None:
    from cli.upkeep.moving import look

    found = look(house, url)
    if as_json:
        print_json(_keys(found.contents, applied=False, to=url, aside=None))
        return
    say(f"would move {_what(found.contents)}")
    say(f"from {found.file}")
    say(f"to   {url} (PostgreSQL {found.target.version})")
    say("Nothing is changed. Stop soppa, make a backup, then the same with --apply.")


def _move(house: House, url: str, as_json: bool) -> None:
    from cli.upkeep.moving import move

    with bar("moving") as progress:
        moved = move(house, url, machine_clock(), progress)
    if as_json:
        print_json(_keys(moved.after, applied=True, to=url, aside=str(moved.aside)))
        return
    table(["", "SQLite", "PostgreSQL"], _compared(moved.before, moved.after))
    say()
    say(f"moved {_what(moved.after)}")
    _next(str(moved.aside))


def _end(house: House, as_json: bool, apply_: bool) -> None:
    from cli.upkeep.moving import end
    from storage.upkeep.moving import contents_of

    with house.store.base.reading() as connection:
        contents = contents_of(connection)
    aside = str(end(house)) if apply_ else None
    if as_json:
        print_json(_keys(contents, applied=apply_, to=database_url(house.home, house.settings), aside=aside))
    elif aside is None:
        say("a move was cut off before its last step; all rows have arrived: --apply ends it")
    else:
        say(f"the move that was cut off has come to its end: {_what(contents)}")
        _next(aside)


def _next(aside: str) -> None:
    say("the file as it was stands aside; take it away once you need no way back:")
    say(f"  {aside}")
    say("Next:")
    numbered(["soppa verify", "start soppa again; with workers: 4 in district.yaml several share the work"])


def _what(contents: Contents) -> str:
    return (f"{count(contents.rows['cases'], 'case')} with {count(contents.rows['history'], 'line')} of history, "
            f"{count(contents.total, 'row')} in all")


def _compared(before: Contents, after: Contents) -> list[list[str]]:
    def column(of: Contents) -> list[str]:
        return [f"{of.rows['cases']:,}", f"{of.rows['history']:,}", f"{of.rows['outbox']:,}", f"{of.total:,}",
                of.heads[:16], f"{of.seal[0]}, {of.seal[1][:16]}" if of.seal else "none", of.sum[:16]]

    names = ["cases", "lines of history", "mails", "rows in all", "heads of the histories", "latest seal",
             "digest of all rows"]
    return [list(row) for row in zip(names, column(before), column(after), strict=True)]


def _keys(contents: Contents, *, applied: bool, to: str, aside: str | None) -> dict[str, object]:
    return {"applied": applied, "to": to, "cases": contents.rows["cases"], "lines": contents.rows["history"],
            "rows": contents.total, "heads": contents.heads, "seal": contents.seal[1] if contents.seal else None,
            "digest": contents.sum, "aside": aside}
