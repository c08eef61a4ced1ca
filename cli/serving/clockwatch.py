"""Whether the machine's clock can be believed. Instants are aware UTC; the high-water mark is the latest worked at."""

from __future__ import annotations

import datetime as dt

SLACK = dt.timedelta(minutes=5)
"""A step back this small is waited out; a larger one pauses deadline work."""

TOO_FAR = dt.timedelta(days=400)
GAP = dt.timedelta(hours=1)
"""A silence longer than this is told to the officer once."""


def trouble(now: dt.datetime, high_water: dt.datetime | None) -> str | None:
    """One sentence when deadline work must pause, else None. A gap forward of up to 400 days never pauses anything."""
    if high_water is None:
        return None
    if now < high_water - SLACK:
        return (f"the clock says {stamp(now)}, but work was done at {stamp(high_water)} already: deadline work is "
                f"paused until the clock is right, or soppa clock accept --reason")
    if now > high_water + TOO_FAR:
        return (f"the clock says {stamp(now)}, more than 400 days after {stamp(high_water)}: deadline work is paused "
                f"until soppa clock accept --reason")
    return None


def gap(now: dt.datetime, high_water: dt.datetime | None) -> str | None:
    """`was off from … to …`, when the daemon was silent for longer than an hour."""
    if high_water is None or now - high_water <= GAP:
        return None
    return f"was off from {stamp(high_water)} to {stamp(now)}; what was due in between is done now"


def stamp(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
