"""What commands print: tables for people, JSON for programs. `rich` is loaded only when a person is looking."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from engine.law.days import day_name

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

WIDTH = 80
ROOMY = 110
"""Columns from which on there is room for whole dates beside long texts."""
NEAR = 330
"""Days within which a date without its year can be only one."""

_WHOLE = re.compile(
    r"–?|((legal|agreement|target) )?(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} \d+( \d{4})?"
    r"(, (\d+ days?( late)?|today))?"
    r"|\d{4}-\d{4}(-\d+)?|\d{4}-\d\d-\d\d( \d\d:\d\d( UTC)?)?|[\d,.]+%?|\d+ days?( late)?|today|new|may be done"
)
"""A line with a date, a case's number, a count: what is never broken in two."""
_LEAST = 12
"""Columns of a text that are kept for it, or for its longest word."""

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def print_json(value: object) -> None:
    """One JSON document on stdout; dates in ISO form, sets sorted."""
    click.echo(json.dumps(value, default=plain, ensure_ascii=False, indent=2))


def say(text: str = "") -> None:
    """A line for a person; control characters that somebody typed into a value never reach the terminal."""
    click.echo(clean(text))


def clean(text: str) -> str:
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def day(value: dt.date | None) -> str:
    """`Wed Jun 3 2026`, or a dash."""
    return "–" if value is None else day_name(value)


def near_day(value: dt.date | None, today: dt.date) -> str:
    """The same for a narrow screen: `Wed Jun 3`, with the year where it is not plain which one is meant."""
    far = value is not None and abs((value - today).days) > NEAR
    return day(value) if value is None or far else f"{value:%a %b} {value.day}"


def columns() -> int:
    """How wide the terminal of whoever looks is; wide where nobody looks."""
    return shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() else ROOMY


def left(value: dt.date | None, today: dt.date) -> str:
    """`12 days`, `today`, `3 days late`."""
    if value is None:
        return ""
    days = (value - today).days
    if days == 0:
        return "today"
    count = f"{abs(days)} day{'s' if abs(days) != 1 else ''}"
    return count if days > 0 else f"{count} late"


def count(number: int, thing: str) -> str:
    """`1 file`, `1,234 files`."""
    return f"{number:,} {thing}{'s' if number != 1 else ''}"


def numbered(lines: Sequence[str]) -> None:
    """A numbered list, wrapped to 80 columns."""
    for number, line in enumerate(lines, 1):
        say(textwrap.fill(line, WIDTH, initial_indent=f"  {number:>2}. ", subsequent_indent=" " * 6))


def pairs(rows: Mapping[str, str], indent: str = "  ") -> None:
    width = max((len(key) for key in rows), default=0)
    for key, value in rows.items():
        say(f"{indent}{key:<{width}}  {value}".rstrip())


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on the terminal of whoever waits; it is told how many of how many are done."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns for a person at a terminal (wrapped to its width), plain aligned text when piped."""
    if sys.stdout.isatty():
        from rich.console import Console

        Console().print(rich_table(headers, rows))
        return
    cells = [[clean(cell).replace("\n", " ") for cell in row] for row in [headers, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headers))]
    for row in cells:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def rich_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A line that says what is late stands in red. Without headers there is no rule either."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    shown = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_header=any(headers))
    for number, header in enumerate(headers):
        lines = [line for row in rows for line in clean(row[number]).split("\n")]
        longest = max((len(word) for line in lines for word in line.split()), default=0)
        whole, widest = all(map(_WHOLE.fullmatch, lines)), max(map(len, lines), default=0)
        shown.add_column(header, overflow="fold", min_width=widest if whole else min(longest, _LEAST),
                         no_wrap=whole and len(header) <= widest)
    for row in rows:
        shown.add_row(*map(_lines, row))
    return shown


def _lines(cell: str) -> Text:
    from rich.text import Text

    lines = clean(cell).split("\n")
    return Text("\n").join(Text(line, style="bold red" if line.endswith(" late") else "") for line in lines)


def plain(value: object) -> object:
    """A value that JSON does not know, in a form that it knows."""
    match value:
        case dt.datetime() | dt.date():
            return value.isoformat()
        case frozenset() | set():
            return sorted(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON form")
