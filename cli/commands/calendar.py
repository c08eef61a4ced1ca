"""`soppa calendar`: the district's days of student attendance, in which school days are counted."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.home import Home
from cli.options import Commands, as_option, home_option, json_option, read_date
from cli.printing import WIDTH, count, day, print_json, say, table
from engine.errors import NotAllowed, Refused

if TYPE_CHECKING:
    from cli.setup.attendance import Change
    from cli.setup.schooldays import Entry
    from cli.wiring import House
    from engine.law.calendar import SchoolYear

MAY = frozenset({"privacy", "custodian", "superintendent"})


@click.group(cls=Commands, epilog="Example: soppa calendar import 2027-28.ics")
def command() -> None:
    """Days of school attendance: import, show."""


@command.command("import", epilog="Example: soppa calendar import 2027-28.csv --apply")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--first", metavar="DATE", help="First day of attendance, where the file does not say so.")
@click.option("--last", metavar="DATE", help="Last day of attendance.")
@click.option("--closed", multiple=True, metavar="WORDS", help="iCalendar: an event with these words closes school.")
@click.option("--not-closed", multiple=True, metavar="WORDS", help="iCalendar: one with these does not.")
@click.option("--apply", "apply_", is_flag=True, help="Do it; without this it is only shown.")
@click.option("--yes", is_flag=True, help="It is right, though it looks unusual.")
@as_option
@home_option
@json_option
def import_(file: Path, first: str | None, last: str | None, closed: tuple[str, ...], not_closed: tuple[str, ...],
            apply_: bool, yes: bool, as_login: str | None, home: Home, as_json: bool) -> None:
    """Take a school year from a CSV or iCalendar FILE into district.yaml.

    CSV columns: date; to, kind (attendance, closed, first, last, other), name. Without a kind a day is closed.
    """
    from cli.setup.attendance import known_years, with_year, write_years
    from cli.setup.calendar_file import read_calendar_file
    from cli.setup.schooldays import doubts, school_year
    from cli.wiring import open_house
    from workflows import lawbook

    with open_house(home) as house:
        _check_right(house, as_login)
        entries = read_calendar_file(file, house.settings.zone, closed, not_closed)
        year = school_year(entries, str(file), *(read_date(word, what) if word else None
                                                 for word, what in ((first, "--first"), (last, "--last"))))
        change = with_year(known_years(home.settings), year)
        doubtful = tuple(doubts(year, lawbook().calendars["il-school"].days_off))
        if not as_json:
            _show(entries, year, change, doubtful)
        done = apply_ and (yes or not doubtful)
        if done:
            write_years(home.settings, change.years)
    if as_json:
        print_json({**_mapping(year), "replaces": [_mapping(old) for old in change.replaced], "doubts": doubtful,
                    "applied": done})
    if apply_ and not done:
        raise Refused("nothing is changed, since this looks unusual: correct the file, or add --yes if it is right")
    if not as_json:
        say("written; restart soppa serve, so that open cases are counted anew" if done
            else "nothing is changed yet: add --apply")


@command.command(epilog="Example: soppa calendar show")
@home_option
@json_option
def show(home: Home, as_json: bool) -> None:
    """The school years that are known, and which one is wanted."""
    from cli.setup.attendance import known_years
    from cli.wiring import machine_clock, open_house
    from engine.law.calendar import school_year_name, years_to_load

    with open_house(home) as house:
        today = machine_clock().astimezone(house.settings.zone).date()
        wanted = years_to_load(house.settings.attendance, today)
    years = known_years(home.settings)
    if as_json:
        print_json({"years": [_mapping(year) for year in years], "wanted": [school_year_name(year) for year in wanted]})
        return
    if years:
        table(["school year", "from", "to", "days", "closed"],
              [[_name(year), day(year.first), day(year.last), str(year.days), str(len(year.closed))] for year in years])
    else:
        say("no school year is known")
    for begins in wanted:
        say(f"wanted: {school_year_name(begins)} (soppa calendar import FILE)")


def _check_right(house: House, as_login: str | None) -> None:
    """While there are no people, whoever sets the office up may."""
    if house.store.people():
        actor = house.actor(as_login)
        if not actor.roles & MAY:
            raise NotAllowed(f"{actor.name} may not change the calendar: it is for {', '.join(sorted(MAY))}")


def _show(entries: Sequence[Entry], year: SchoolYear, change: Change, doubtful: Sequence[str]) -> None:
    taken = {"closed": "closed", "first": "first day", "last": "last day", "attendance": "attended", "other": "–"}
    named = (entry for entry in entries if entry.kind != "attendance" or entry.first != entry.last)
    lines = sorted(named, key=lambda entry: (entry.first, entry.last))
    if lines:
        table(["days", "taken for", "name"],
              [[_text(entry.first, entry.last), taken[entry.kind], entry.name] for entry in lines])
    without = count(len(year.closed), "weekday")
    _say(f"{_name(year)}: {day(year.first)} to {day(year.last)}, {year.days} days of attendance, {without} without")
    for old in change.replaced:
        moved = sorted(map(str, old.closed ^ year.closed))
        what = f"; other on {', '.join(moved[:5])}{' …' if len(moved) > 5 else ''}" if moved else ""
        _say(f"in the place of {day(old.first)} to {day(old.last)}, {old.days} days{what}")
    for sentence in doubtful:
        _say(f"unusual: {sentence}")


def _say(text: str) -> None:
    say(textwrap.fill(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False))


def _mapping(year: SchoolYear) -> dict[str, object]:
    return {"school_year": _name(year), "from": year.first, "to": year.last, "days": year.days,
            "closed": [_text(first, last) for first, last in _ranges(year)]}


def _ranges(year: SchoolYear) -> list[tuple[dt.date, dt.date]]:
    from cli.setup.schooldays import ranges

    return list(ranges(year))


def _text(first: dt.date, last: dt.date) -> str:
    return first.isoformat() if first == last else f"{first}..{last}"


def _name(year: SchoolYear) -> str:
    from engine.law.calendar import school_year_name, school_year_of

    return school_year_name(school_year_of(year.first))
