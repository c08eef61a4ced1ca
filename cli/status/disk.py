"""How much room the disk of a home has. Needs neither database nor settings, nor any room."""

from __future__ import annotations

import shutil
from pathlib import Path

from cli.status.look import CRITICAL, OK, WARNING, Level, Look

WARN_BELOW, CRITICAL_BELOW = 10, 5
"""Percent that are free."""


def disk_of(root: Path) -> Look:
    room = shutil.disk_usage(root)
    free = 100 * room.free // room.total
    level: Level = CRITICAL if free < CRITICAL_BELOW else WARNING if free < WARN_BELOW else OK
    return Look("disk", level, f"{free} % is free where {root} lies", free, "%", f"{WARN_BELOW}:", f"{CRITICAL_BELOW}:",
                es=f"queda libre un {free} % donde está {root}")  # fmt: skip
