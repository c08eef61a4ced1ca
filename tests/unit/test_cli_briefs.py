"""When briefs leave: 07:30 local time on the office's business days."""

from __future__ import annotations

import datetime as dt

import pytest

from cli.wiring import business_briefs
from tests.office import CHICAGO
from workflows import lawbook


@pytest.mark.parametrize(("now", "day", "leaves"), [
    ("2026-11-24T07:00-06:00", "2026-11-24", "2026-11-24T13:30+00:00"),
    ("2026-11-25T07:31-06:00", "2026-11-27", "2026-11-27T13:30+00:00"),
    ("2027-05-28T12:00-05:00", "2027-06-01", "2027-06-01T12:30+00:00"),
])
def test_no_brief_leaves_on_a_holiday(now: str, day: str, leaves: str) -> None:
    strict = lawbook().calendars["il-strict"]
    found = business_briefs(CHICAGO, lambda: strict)(dt.datetime.fromisoformat(now))
    assert found == (dt.date.fromisoformat(day), dt.datetime.fromisoformat(leaves))
