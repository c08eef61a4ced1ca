"""The rows of the full-screen queue: what presses most stands beside the legal date."""

from __future__ import annotations

import datetime as dt

import pytest

from cli.work.listing import COLUMNS, TASK, cells, widths
from storage.looking.queue import QueueRow

TODAY = dt.date(2026, 10, 23)
LATER, PAST = dt.date(2026, 11, 9), dt.date(2026, 10, 15)


def row(legal: dt.date | None, due: dt.date | None) -> QueueRow:
    return QueueRow("2026-0001", "correction_request", "Correction", "fixing", "1", "fix",
                    "Correct the fact in every system of the district", "custodian", None,
                    (("carla", "Carla Mendez"),), due, False, (), legal, None)


@pytest.mark.parametrize(("legal", "due", "says", "style"), [
    (LATER, None, "17 days", ""),
    (LATER, PAST, "target 8 days late", "bold red"),
    (PAST, PAST, "8 days late", "bold red"),
    (TODAY, LATER, "today", "yellow"),
    (None, LATER, "target 17 days", ""),
    (None, None, "", ""),
])  # fmt: skip
def test_what_presses_most_is_told(legal: dt.date | None, due: dt.date | None, says: str, style: str) -> None:
    left = cells(row(legal, due), TODAY)[2]
    assert (left.plain, left.style) == (says, style)


def test_the_text_of_a_task_takes_the_room_that_is_left() -> None:
    assert widths(80) == COLUMNS
    assert widths(120)[TASK] == COLUMNS[TASK] + 40
    assert sum(widths(100).values()) + 2 * len(COLUMNS) + 2 == 100


def test_no_year_and_no_word_is_cut_off() -> None:
    """Of a legal date two years ago the year matters more than its day of the week."""
    shown = cells(row(dt.date(2024, 9, 30), None), TODAY)
    assert shown[1].plain == "Sep 30 2024" and len(shown[1].plain) <= COLUMNS["legal"]
    late = cells(row(None, TODAY - dt.timedelta(days=999)), TODAY)[2]
    assert late.plain == "target 999 days late" and len(late.plain) <= COLUMNS["left"]
