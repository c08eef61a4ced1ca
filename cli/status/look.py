"""What a look at one thing found, and how monitors read it: an exit code, one line, figures behind a bar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Level = Literal[0, 1, 2, 3]
OK: Final = 0
WARNING: Final = 1
CRITICAL: Final = 2
UNKNOWN: Final = 3
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_WORST: Sequence[Level] = (CRITICAL, UNKNOWN, WARNING, OK)


@dataclass(frozen=True, slots=True)
class Look:
    """`says` is half a sentence; `figure` with its unit and thresholds is what a monitor draws: the thresholds in its
    own words, such as `10:` for "below ten". `es` is the half sentence in Spanish, of what is mailed."""

    what: str
    level: Level
    says: str
    figure: int | None = None
    unit: str = ""
    warn: str = ""
    critical: str = ""
    es: str = ""


def worst(looks: Iterable[Look]) -> Level:
    """Unknown is worse than a warning and better than what is known to be bad."""
    found = {look.level for look in looks}
    return next((level for level in _WORST if level in found), OK)


def line(looks: Sequence[Look]) -> str:
    """`soppa WARNING - disk: 9 % is free | disk_free=9%;10:;5:`. What is wrong stands first, the worst before all."""
    wrong = sorted((look for look in looks if look.level), key=lambda look: _WORST.index(look.level))
    said = "; ".join(f"{look.what}: {look.says}" for look in wrong) or "all is well"
    figures = " ".join(_figure(look) for look in looks if look.figure is not None)
    return f"soppa {WORDS[worst(looks)]} - {said.replace('|', '/')}" + (f" | {figures}" if figures else "")


def prometheus(looks: Sequence[Look], version: str) -> str:
    """The same in the text format of Prometheus: numbers and our own words only."""
    lines = ["# HELP soppa_level 0 ok, 1 warning, 2 critical, 3 unknown, of each thing that is looked at.",
             "# TYPE soppa_level gauge"]  # fmt: skip
    lines += [f'soppa_level{{look="{look.what}"}} {look.level}' for look in looks]
    for look in looks:
        if look.figure is not None:
            name = f"soppa_{look.what}" + (f"_{_UNITS[look.unit]}" if look.unit else "")
            lines += [f"# TYPE {name} gauge", f"{name} {look.figure}"]
    lines += ["# TYPE soppa_info gauge", f'soppa_info{{version="{version}"}} 1']
    return "\n".join(lines) + "\n"


_UNITS = {"s": "seconds", "%": "percent", "d": "days"}


def _figure(look: Look) -> str:
    said = f"{look.what}={look.figure}{look.unit if look.unit in ('s', '%') else ''}"
    return f"{said};{look.warn};{look.critical}".rstrip(";")
