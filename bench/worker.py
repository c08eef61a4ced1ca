"""The daemon from its start to the first timer it fires, and what it holds in memory."""

from __future__ import annotations

import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from bench.copies import copy_id, fill, reseal
from bench.figures import SOPPA, environment, part, told
from bench.grounds import Ground, raw, start_one
from bench.timers import Waiting, first_case
from cli.home import Home
from cli.wiring import open_house

STARTS = 7
CALM = 3.0
"""Seconds after which it has beaten a few times."""

MAILS = part(300)


def measure(ground: Ground) -> None:
    with ground.district("worker") as home, raw(home) as connection:
        waiting = first_case(home)
        numbers = range(1, STARTS + 2)
        fill(connection, waiting.case_id, numbers, asleep=True)
        with open_house(home) as house:
            reseal(connection, house.store.base.ring, waiting.case_id, numbers)
        cold_start(home, connection, waiting, numbers[0])  # not counted: writes byte code
        found = [cold_start(home, connection, waiting, number) for number in numbers[1:]]
        told(ground.kind, "soppa worker, cold start to first timer", statistics.median(took for took, _ in found), "s")
        told(ground.kind, "  its memory a few beats later", statistics.median(held for _, held in found), "MB")
        told(ground.kind, f"  its peak after {MAILS} mails", after_mails(home, connection), "MB")


def cold_start(home: Home, connection: Any, waiting: Waiting, number: int) -> tuple[float, float]:
    """Seconds until the first timer has fired, and MB in memory a few beats later."""
    mine = f"{waiting.mine} AND case_id = '{copy_id(number)}'"
    connection.execute(f"UPDATE timers SET at = '2026-01-01 00:00:00.000000' WHERE {mine}")  # noqa: S608 - our words
    begun = time.perf_counter()
    with subprocess.Popen([SOPPA, "worker"], env=environment(home), stderr=subprocess.DEVNULL) as process:  # noqa: S603
        until(connection, f"SELECT count(fired_at) FROM timers WHERE {mine}", 1)  # noqa: S608
        took = time.perf_counter() - begun
        time.sleep(CALM)
        held = memory(process.pid, "VmRSS")
        process.terminate()
    return took, held


def after_mails(home: Home, connection: Any) -> float:
    with open_house(home) as house:
        for _ in range(MAILS):
            start_one(house)
    with subprocess.Popen([SOPPA, "worker"], env=environment(home), stderr=subprocess.DEVNULL) as process:  # noqa: S603
        until(connection, "SELECT count(*) FROM outbox WHERE lane = 0 AND settled_at IS NULL", 0)
        time.sleep(CALM)
        peak = memory(process.pid, "VmHWM")
        process.terminate()
    return peak


def until(connection: Any, question: str, answer: int, seconds: float = 60.0) -> None:
    ends = time.monotonic() + seconds
    while connection.execute(question).fetchone()[0] != answer:
        assert time.monotonic() < ends, f"the worker did not come so far: {question}"
        time.sleep(0.005)


def memory(process: int, what: str) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1024
