"""How a figure is taken and told."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from cli.home import Home

SHARE = float(os.environ.get("SOPPA_BENCH_SHARE", "1"))
"""How much of each size is measured: on a busy machine a tenth says nearly as much, sooner."""

ROUNDS = 3
PROCESSES = 7
SOPPA = os.path.join(os.path.dirname(sys.executable), "soppa")


def part(size: int) -> int:
    """As much of a size as this run measures."""
    return max(1, round(size * SHARE))


def told(
    kind: str, what: str, figure: float, unit: str, *, limit: float | None = None, cpu: float | None = None
) -> None:
    """One line: on which database, what, the figure, the limit of the same run and how many times the limit's time, and
    how many milliseconds the processor worked on one of them, which others on the machine disturb least."""
    beside = "" if limit is None else f"   limit {limit:10.3f}   {_times(figure, limit, unit):5.1f} x its time"
    worked = "" if cpu is None else f"   cpu {cpu * 1000:8.2f} ms"
    print(f"{kind:10}  {what:48} {figure:10.3f} {unit:6}{beside}{worked}", flush=True)


def _times(figure: float, limit: float, unit: str) -> float:
    return limit / figure if unit == "per s" else figure / limit


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def seconds_and_cpu(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that passed, and those in which this process was at work."""
    begun, worked = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begun, time.process_time() - worked


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


def tell_process(kind: str, what: str, home: Home, *words: str) -> None:
    """Tells how long a command takes from its start to its exit."""
    one_process(home, *words)  # not counted: writes byte code
    took, cpu = medians([one_process(home, *words) for _ in range(PROCESSES)])
    told(kind, what, took, "s", cpu=cpu)


def one_process(home: Home, *words: str) -> tuple[float, float]:
    """Seconds that passed, and those in which the processor worked for it."""
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([SOPPA, *words], env=environment(home), stdout=subprocess.DEVNULL, check=True)  # noqa: S603 - ours
    took, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
