"""The queue's rows as cells of the screen: the text of a task takes what room the terminal has."""

from __future__ import annotations

import datetime as dt
import re

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
    """What presses most: of the legal date, an agreement's and the target the first that has passed, else the first
    that there is. A date that is not the law's has its name."""
    dates = {"": row.legal, "agreement": row.agreement, "target": row.due or row.target}
    known = [(name, when) for name, when in dates.items() if when is not None]
    for name, when in known:
        if when < today:
            return Text(_named(name, when, today), LATE)
    return next((Text(_named(name, when, today), _style(name, when, today)) for name, when in known), Text())


def _style(name: str, when: dt.date, today: dt.date) -> str:
    return SOON if name != "target" and is_near(when, today) else ""


def _named(name: str, when: dt.date, today: dt.date) -> str:
    """Such as `target 8 days late`; where that is too wide, without the word for days."""
    words = f"{name} {left(when, today)}".strip()
    return words if len(words) <= COLUMNS["left"] else re.sub(" days?", "", words)


def _cut(text: str, style: str = "") -> Text:
    return Text(clean(text), style, no_wrap=True, overflow="ellipsis")
