"""Reports count honestly: how a date stands, what is told of few and of many, where the dots lie."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from cli.reports.counting import Counted, by_stand, counted, half_by, on_time
from cli.reports.drawing import HEIGHT, WIDTH, draw
from cli.reports.period import Period, read_period
from cli.reports.report import Report
from cli.reports.sheet import sheet_of
from engine.errors import UsageError

D = dt.date
TODAY = D(2026, 11, 29)
CHICAGO = ZoneInfo("America/Chicago")


BEGINS, LEGAL = D(2026, 9, 1), D(2026, 11, 30)


def of(stand: str, begins: D = BEGINS, legal: D | None = LEGAL, ended: D | None = None) -> Counted:
    status = {"met": "satisfied", "late": "satisfied", "overdue": "running", "undated": "running"}.get(stand, stand)
    return counted("2026-0001", begins, legal, status, ended, TODAY)


@pytest.mark.parametrize(("status", "legal", "ended", "stand"), [
    ("satisfied", D(2026, 11, 20), D(2026, 11, 20), "met"),       # the last day counts to its end
    ("satisfied", D(2026, 11, 20), D(2026, 11, 21), "late"),
    ("satisfied", None, D(2026, 11, 21), "undated"),              # nobody can say that this was in time
    ("running", D(2026, 11, 29), None, "running"),                # today is the last day
    ("running", D(2026, 11, 28), None, "overdue"),
    ("running", None, None, "undated"),                           # held
    ("void", D(2026, 11, 20), D(2026, 11, 10), "void"),
    ("expired", D(2026, 11, 20), D(2026, 11, 21), "void"),
])  # fmt: skip
def test_a_date_is_met_only_when_it_was_done_in_time(status: str, legal: D, ended: D, stand: str) -> None:
    assert counted("c", D(2026, 9, 1), legal, status, ended, TODAY).stand == stand


def test_the_days_of_a_date_run_until_it_ended_and_no_longer() -> None:
    done = of("met", D(2026, 9, 1), D(2026, 9, 11), D(2026, 9, 6))
    assert (done.days, done.used, done.share) == (10, 5, 0.5)
    assert of("overdue", D(2026, 11, 9), D(2026, 11, 19)).used == 20
    assert of("void", ended=D(2026, 9, 3)).share is None
    assert of("met", D(2026, 9, 1), D(2026, 9, 1), D(2026, 9, 1)).share is None  # due with the event: no period to use


def test_few_are_told_as_counts_and_many_as_a_share_that_is_never_rounded_up() -> None:
    met = of("met", ended=D(2026, 10, 1))
    late = of("late", ended=D(2026, 12, 1))
    assert on_time([]) == "none decided"
    assert on_time([of("running", legal=D(2027, 1, 1)), of("void", ended=D(2026, 9, 2))]) == "none decided"
    assert on_time([met] * 7 + [late]) == "7 of 8"
    assert on_time([met] * 19) == "19 of 19"
    assert on_time([met] * 20) == "100% (20 of 20)"
    assert on_time([met] * 199 + [late]) == "99% (199 of 200)"
    running, void = of("running", legal=D(2027, 1, 1)), of("void", ended=D(2026, 9, 2))
    assert on_time([met] * 7 + [late, running, void]) == "7 of 8"
    assert by_stand([met, late, void, running]) == {"met": 1, "late": 1, "overdue": 0, "running": 1, "void": 1,
                                                   "undated": 0}  # fmt: skip


def test_half_of_them_is_told_of_enough_only() -> None:
    met = [of("met", D(2026, 9, 1), D(2026, 9, 11), D(2026, 9, 1 + n % 9)) for n in range(27)]
    assert half_by(met[:19]) == ""
    assert half_by(met) == "half of those done were done within 40% of the period"
    assert half_by([of("overdue", D(2026, 11, 9), D(2026, 11, 19))] * 40) == ""


def test_every_dot_is_a_case_and_none_lies_on_another() -> None:
    dates = [of("met", D(2026, 9, 1), D(2026, 9, 11), D(2026, 9, 1 + n % 9)) for n in range(60)]
    dates += [of("late", D(2026, 9, 1), D(2026, 9, 11), D(2026, 9, 14)),
              of("overdue", D(2026, 11, 9), D(2026, 11, 19))]  # fmt: skip
    drawing = draw([*dates, of("void", ended=D(2026, 9, 2))])
    assert drawing is not None and not drawing.bars
    assert len(drawing.marks) == 62
    assert len({(x, y) for _, x, y in drawing.marks}) == 62
    columns: dict[float, list[float]] = {}
    for _, x, y in drawing.marks:
        columns.setdefault(x, []).append(y)
    assert all(b - a >= drawing.size - 1e-9 for ys in columns.values() for a, b in pairwise(sorted(ys)))
    assert all(x < drawing.legal for stand, x, _ in drawing.marks if stand == "met")
    assert all(x > drawing.legal for stand, x, _ in drawing.marks if stand in ("late", "overdue"))
    assert drawing.height <= HEIGHT


def test_too_many_for_dots_become_bars_from_zero() -> None:
    dates = [of("met", D(2026, 9, 1), D(2026, 9, 11), D(2026, 9, 3)) for _ in range(300)]
    dates += [of("met", D(2026, 9, 1), D(2026, 9, 11), D(2026, 9, 8)) for _ in range(150)]
    drawing = draw(dates)
    assert drawing is not None and not drawing.marks
    assert [(low, tall) for _, _, _, low, tall in drawing.bars] == [(0.0, HEIGHT), (0.0, HEIGHT / 2)]
    assert drawing.most == 300


def test_what_took_far_too_long_stands_at_the_end_and_is_told() -> None:
    quick, forgotten = of("met", BEGINS, D(2026, 9, 11), D(2026, 9, 5)), of("overdue", D(2025, 1, 1), D(2025, 1, 11))
    drawing = draw([quick, forgotten])
    assert drawing is not None
    assert drawing.beyond == 1
    assert max(x for _, x, _ in drawing.marks) == WIDTH
    assert drawing.legal == WIDTH / 2.5
    assert draw([of("void", ended=D(2026, 9, 2))]) is None


def test_a_period_is_the_fiscal_year_of_today_unless_it_is_named() -> None:
    def read(first: str | None = None, last: str | None = None) -> tuple[D, D]:
        period = read_period(first, last, TODAY, "07-01", CHICAGO)
        return period.first, period.last

    assert read() == (D(2026, 7, 1), D(2027, 6, 30))
    assert read("2026-01-01") == (D(2026, 1, 1), D(2026, 12, 31))
    assert read("2024-02-29") == (D(2024, 2, 29), D(2025, 2, 28))
    assert read(last="2026-09-30") == (D(2026, 7, 1), D(2026, 9, 30))
    with pytest.raises(UsageError, match="2026-06-30 is before 2026-07-01"):
        read(last="2026-06-30")
    period = read_period("2026-11-01", "2026-11-01", TODAY, "07-01", CHICAGO)
    hours = (period.begins.isoformat(), period.ends.isoformat())
    assert hours == ("2026-11-01T05:00:00+00:00", "2026-11-02T06:00:00+00:00")  # the clocks go back on that day


def test_no_cell_is_computed_by_a_spreadsheet() -> None:
    period = Period(D(2026, 7, 1), D(2027, 6, 30), TODAY, CHICAGO)
    row = ("=1+1", "-2", "@x", "+3", '"q"', None, 4, D(2026, 9, 1))
    report = Report("r", "R", period, [], [], [], [], [], ["a", "b", "c", "d", "e", "f", "g", "h"], [row], {})
    _, cells = sheet_of(report).splitlines()
    assert cells == '"\'=1+1","\'-2","\'@x","\'+3","""q""","","4","2026-09-01"'
