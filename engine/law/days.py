"""Local days, as they are named and as they begin. Light: what only prints a date loads no calendar."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

FIRE_HOUR = 7
"""The local hour at which the reminders of a day fire."""


@lru_cache(maxsize=1024)
def day_name(day: dt.date) -> str:
    """`Wed Jun 3 2026`."""
    return f"{day:%a %b} {day.day} {day.year}"
