"""The queue's rows as cells of the screen: the text of a task takes what room the terminal has."""

from __future__ import annotations

import datetime as dt

from rich.text import Text

from cli.printing import clean, left, near_day
from cli.work.reading import LATE, SOON, is_near
from storage.looking.queue import QueueRow

TASK = "what to do"
COLUMNS = {"case": 9, "legal": 11, "left": 20, TASK: 16, "who": 12}
"""Titles with their widths; that of a task is the least."""

_BETWEEN = 2
_SCROLL_BAR = 2


def widths(screen: int) -> dict[str, int]:
    """Of the columns, on a screen of so many; both sides of each cell are padded."""
    others = sum(width for title, width in COLUMNS.items() if title != TASK)
    room = screen - others - _BETWEEN * len(COLUMNS) - _SCROLL_BAR
    return {**COLUMNS, TASK: max(COLUMNS[TASK], room)}


def cells(row: QueueRow, today: dt.date) -> list[Text]:
    who = ", ".join(name for _, name in row.assignees) or row.party or row.role or "nobody"
    legal = Text(_legal(row.legal, today))
    shown = (Text(row.case_id), legal, _left(row, today), _cut(row.task_title or "(nobody is asked)"), _cut(who))
    return list(shown)


def _legal(legal: dt.date | None, today: dt.date) -> str:
    """A date whose year must be told goes without its day of the week, so that the year is not what is cut."""
    if legal is None or len(near := near_day(legal, today)) <= COLUMNS["legal"]:
        return near_day(legal, today)
    return near.partition(" ")[2]


def _left(row: QueueRow, today: dt.date) -> Text:
    """What presses most: a legal date that has passed, then a target that has, then the days to the legal date."""
    target = row.due or row.target
    if row.legal is not None and row.legal < today:
        return Text(left(row.legal, today), LATE)
    if target is not None and target < today:
        return _cut(f"target {left(target, today)}", LATE)
    if row.legal is not None:
        return Text(left(row.legal, today), SOON if is_near(row.legal, today) else "")
    return Text(f"target {left(target, today)}" if target is not None else "")


def _cut(text: str, style: str = "") -> Text:
    return Text(clean(text), style, no_wrap=True, overflow="ellipsis")
