"""The attendance calendars in `district.yaml`: one block a school year, put into the document that a person keeps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.settings import check_text, school_years
from cli.setup.document import Plain, lines, plain
from cli.setup.making import put_file
from cli.setup.schooldays import ranges
from engine.calendar import SchoolYear
from engine.errors import FaultyInput, Refused
from engine.nodes import MapNode
from workflows.reader import read_file, read_yaml

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
    fresh = _with_key(text, wanted, str(path))
    try:
        check_text(fresh, path)
    except FaultyInput as error:
        raise Refused("\n".join(fault.message for fault in error.faults)) from error
    if _others(fresh, path) != _others(text, path):
        raise Refused(f"{path} is not written one key a line: put the calendar into it by hand")
    put_file(path, fresh)


def _block(year: SchoolYear) -> dict[str, Plain]:
    closed: list[Plain] = [_range(first, last) for first, last in ranges(year)]
    return {"from": year.first.isoformat(), "to": year.last.isoformat(), **({"closed": closed} if closed else {})}


def _range(first: dt.date, last: dt.date) -> str:
    return first.isoformat() if first == last else f"{first}..{last}"


def _with_key(text: str, value: list[dict[str, Plain]], file: str) -> str:
    """The block of the key is replaced; comments behind it belong to the next key and stay."""
    node, body = read_yaml(text, file), list(lines({KEY: list(value)}))
    before = text.splitlines()
    if not isinstance(node, MapNode) or node.get(KEY) is None:
        return "\n".join([*before, "", *body]) + "\n"
    marks = [key.mark.line - 1 for key, _ in node.entries] + [len(before)]
    start = next(key.mark.line - 1 for key, _ in node.entries if key.text == KEY)
    end = min(mark for mark in marks if mark > start)
    while end > start + 1 and (not before[end - 1].strip() or before[end - 1].startswith("#")):
        end -= 1
    return "\n".join([*before[:start], *body, *before[end:]]) + "\n"


def _others(text: str, path: Path) -> Plain:
    found = plain(read_yaml(text, str(path)))
    return {key: value for key, value in found.items() if key != KEY} if isinstance(found, dict) else found
