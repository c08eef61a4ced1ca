"""How long a mail to many takes at the relay's quota, and on which day to begin."""

from __future__ import annotations

import datetime as dt

import pytest

from cli.mailing.forecast import Forecast

TODAY = dt.date(2026, 11, 2)
LEGAL = dt.date(2026, 11, 20)


@pytest.mark.parametrize(("mails", "others", "days", "start_by"), [
    (1, 0, 1, dt.date(2026, 11, 20)),
    (900, 0, 1, dt.date(2026, 11, 20)),
    (901, 0, 2, dt.date(2026, 11, 19)),
    (10_000, 0, 12, dt.date(2026, 11, 9)),
    (900, 1, 2, dt.date(2026, 11, 19)),          # whatever else leaves takes its part
    (3, 5_000, 3, dt.date(2026, 11, 18)),        # and there is no dividing by nothing
])  # fmt: skip
def test_before_the_release_it_says_the_last_day_to_begin(
    mails: int, others: int, days: int, start_by: dt.date
) -> None:
    found = Forecast(mails, 1000, 900, others, LEGAL, TODAY)
    assert (found.days, found.start_by, found.done_on) == (days, start_by, None)


@pytest.mark.parametrize(("mails", "room", "done_on"), [
    (100, 100, TODAY),
    (101, 100, dt.date(2026, 11, 3)),
    (900, 0, dt.date(2026, 11, 3)),
    (1_900, 100, dt.date(2026, 11, 4)),
])  # fmt: skip
def test_once_they_go_out_it_says_when_they_are_through(mails: int, room: int, done_on: dt.date) -> None:
    found = Forecast(mails, 1000, 900, 0, LEGAL, TODAY, room)
    assert (found.done_on, found.start_by) == (done_on, None)


def test_the_sentences() -> None:
    assert Forecast(1_800, 1000, 900, 12, LEGAL, TODAY).sentence() == (
        "at your relay's daily quota of 1,000 (900 for letters, about 12 other mails a day) this takes 3 days; "
        "start by Wed Nov 18 2026 (legal deadline Fri Nov 20 2026)")
    late = Forecast(1_800, 5, 5, 0, LEGAL, TODAY, 0).sentence()
    assert "the 1,800 mails that wait have left on " in late
    assert late.endswith("TOO LATE, post the rest or ask for a higher quota")
    assert Forecast(1, 5, 5, 0, None, TODAY).sentence() == "at your relay's daily quota of 5 this takes 1 day"
