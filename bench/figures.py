"""How a figure is taken and told."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from cli.home import Home

ROUNDS = 3
PROCESSES = 7
SOPPA = os.path.join(os.path.dirname(sys.executable), "soppa")


def told(kind: str, what: str, figure: float, unit: str, limit: float | None = None) -> None:
    """One line: on which database, what, the figure, the limit of the same run and how many times the limit's time."""
    beside = "" if limit is None else f"   limit {limit:10.3f}   {_times(figure, limit, unit):5.1f} x its time"
    print(f"{kind:10}  {what:42} {figure:10.3f} {unit:6}{beside}", flush=True)


def _times(figure: float, limit: float, unit: str) -> float:
    return limit / figure if unit == "per s" else figure / limit


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def median(work: Callable[[], object], rounds: int) -> float:
    """Of one thing done so often, the middle of its seconds."""
    return statistics.median(seconds(work) for _ in range(rounds))


def medians(rounds: Sequence[Sequence[float]]) -> list[float]:
    """The middle of each of several figures that every round took."""
    return [statistics.median(figures) for figures in zip(*rounds, strict=True)]


def environment(home: Home) -> dict[str, str]:
    """That of a command on this home; its byte code is kept as in a real installation."""
    found = {**os.environ, "SOPPA_HOME": str(home.root)}
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    return found


def whole_process(home: Home, *words: str) -> float:
    """Seconds from the start of a command to its exit."""

    def run() -> None:
        subprocess.run([SOPPA, *words], env=environment(home), stdout=subprocess.DEVNULL, check=True)  # noqa: S603 - ours

    run()
    return median(run, PROCESSES)
