"""State fiscal quarters, in which requests are counted."""

from __future__ import annotations

import datetime as dt


def fiscal_quarter(day: dt.date) -> tuple[int, int]:
    """The State fiscal year (it begins Jul 1 of the year before) and quarter 1-4 (23 Ill. Adm. Code 380.20(d))."""
    return day.year + (day.month >= 7), (day.month - 7) % 12 // 3 + 1


def quarter_days(day: dt.date) -> tuple[dt.date, dt.date]:
    """The first day of the State fiscal quarter in which a day lies, and the first day after it."""
    first = dt.date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    return first, (first + dt.timedelta(days=95)).replace(day=1)
