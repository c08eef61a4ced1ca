"""The outbox in a terminal: what a line says of a mail that waits."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from cli.mailing.outbox import Found
from engine.model.handed import OutboxState
from storage.looking.views import MailLine

MADE = dt.datetime(2026, 11, 29, 21, 29, tzinfo=dt.UTC)
CHICAGO = ZoneInfo("America/Chicago")


@pytest.mark.parametrize(("state", "leaves", "answer", "says"), [
    ("queued", MADE, None, "queued"),
    ("queued", dt.datetime(2026, 11, 30, 14, tzinfo=dt.UTC), None, "leaves 2026-11-30 08:00"),
    ("queued", MADE + dt.timedelta(minutes=10), 2, "leaves 15:39"),
    ("handing_over", None, None, "handing over"),
])  # fmt: skip
def test_a_mail_that_waits_says_until_when(
    state: OutboxState, leaves: dt.datetime | None, answer: int | None, says: str
) -> None:
    line = MailLine(1, "2026-0001", "task", "s", "1", "person:ada", state, 0, MADE, leaves, None, None, "",
                    answer=answer)
    assert Found(line, "Ada").cells(CHICAGO)[5] == says
