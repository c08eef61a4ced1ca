"""The attendance calendars in `district.yaml`: one block a school year, put into the document that a person keeps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.settings import check_text
from cli.settings_school import school_years
from cli.setup.document import Plain, other_keys, with_key
from cli.setup.making import put_file
from cli.setup.schooldays import ranges
from engine.errors import FaultyInput, Refused
from engine.law.calendar import SchoolYear
from engine.nodes import MapNode
from workflows.reader import read_file

KEY = "attendance"


@dataclass(frozen=True, slots=True)
class Change:
    """The calendars with a new one in the place of those that it overlaps."""

    years: tuple[SchoolYear, ...]
    replaced: tuple[SchoolYear, ...]


def known_years(path: Path) -> tuple[SchoolYear, ...]:
    node = read_file(path)
    return school_years(node.get(KEY)) if isinstance(node, MapNode) else ()


def with_year(years: Sequence[SchoolYear], year: SchoolYear) -> Change:
    """Raises `Refused` where a calendar that it overlaps goes on for longer than the new one."""
    replaced = tuple(old for old in years if old.first <= year.last and year.first <= old.last)
    for old in replaced:
        if (old.last - old.first).days > 366:
            raise Refused(f"the calendar from {old.first} to {old.last} in district.yaml covers more than this year: "
                          f"divide it into one block a school year there")
    kept = [old for old in years if old not in replaced]
    return Change(tuple(sorted([*kept, year], key=lambda one: one.first)), replaced)


def write_years(path: Path, years: Iterable[SchoolYear]) -> None:
    """Changes this one key of the document and nothing else. Raises `Refused` where the years leave a gap."""
    text = path.read_text("utf-8-sig")
    wanted = [_block(year) for year in years]
    fresh = with_key(text, KEY, list(wanted), str(path))
    try:
        check_text(fresh, path)
    except FaultyInput as error:
        raise Refused("\n".join(fault.message for fault in error.faults)) from error
    if other_keys(fresh, KEY, str(path)) != other_keys(text, KEY, str(path)):
        raise Refused(f"{path} is not written one key a line: put the calendar into it by hand")
    put_file(path, fresh)


def _block(year: SchoolYear) -> dict[str, Plain]:
    closed: list[Plain] = [_range(first, last) for first, last in ranges(year)]
    return {"from": year.first.isoformat(), "to": year.last.isoformat(), **({"closed": closed} if closed else {})}


def _range(first: dt.date, last: dt.date) -> str:
    return first.isoformat() if first == last else f"{first}..{last}"
