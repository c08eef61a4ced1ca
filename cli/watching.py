"""The queue kept on a screen: looked at again every two seconds, what has come in the last minute marked."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from cli.printing import rich_table
from storage.looking.queue import QueueRow, View

EVERY, NEW_FOR = 2.0, 60.0
"""Seconds between two looks, and for which a row is marked as new."""

Look = Callable[[], tuple[View, Sequence[QueueRow], str]]
"""What is wanted today, what was found, and a line for below."""


def watch_queue(look: Look, cells: Callable[[QueueRow, dt.date], list[str]], headers: Sequence[str]) -> None:
    """Ends with Ctrl-C."""
    console = Console()
    since: dict[tuple[str, str | None], float] | None = None
    with suppress(KeyboardInterrupt), Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            view, rows, below = look()
            now = time.monotonic()
            names = [(row.case_id, row.task_id) for row in rows]
            since = {name: now - NEW_FOR if since is None else since.get(name, now) for name in names}
            marked = [["new" if now - since[name] < NEW_FOR else "", *cells(row, view.today)]
                      for name, row in zip(names, rows, strict=True)]  # fmt: skip
            live.update(_screen(console, marked, headers, below), refresh=True)
            time.sleep(EVERY)


def _screen(console: Console, rows: Sequence[Sequence[str]], headers: Sequence[str], below: str) -> Group:
    """As many rows as the screen holds, and how many more there are."""
    at = dt.datetime.now().astimezone()
    head = Text(f"Queue at {at:%H:%M:%S}, looked at every {EVERY:.0f} s; Ctrl-C ends it", style="bold")
    room, shown = console.height - 2, list(rows)
    while shown and _height(console, headers, shown) > room - (len(shown) < len(rows)) - bool(below):
        shown.pop()
    more = [Text(f"and {len(rows) - len(shown)} more: soppa queue")] if len(shown) < len(rows) else []
    found = rich_table(("", *headers), shown) if rows else Text("nothing waits")
    return Group(head, found, *more, *([Text(below)] if below else []))


def _height(console: Console, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    return len(console.render_lines(rich_table(("", *headers), rows)))
