"""One, two and four workers on one PostgreSQL database: what they get done together."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.copies import copy_id, fill, reseal
from bench.figures import SOPPA, environment, part, told
from bench.grounds import Ground, raw, start_one
from bench.timers import Waiting, first_case
from cli.home import Home
from cli.serving.crew import workers_at_work
from cli.wiring import open_house

WORKERS = (1, 2, 4)
DUE = part(2_000)
MAILS = part(500)
ACTS = part(1_000)
PATIENCE = 900.0


def measure(ground: Ground) -> None:
    if ground.server is None:
        return
    for count in WORKERS:
        measure_some(ground, count)


def measure_some(ground: Ground, count: int) -> None:
    with ground.district(f"workers-{count}") as home, raw(home) as connection:
        waiting = first_case(home)
        copied(home, connection, waiting, range(1, DUE + ACTS + 1))
        mails_wait(home, connection)
        with crew(home, connection, count) as processes:
            dates, cpu = timed(processes, lambda: due(connection, waiting))
            told(ground.kind, f"{count} at work: {DUE:,} due timers", DUE / dates, "per s", cpu=cpu / DUE)
            mails, cpu = timed(processes, lambda: mailed(connection))
            told(ground.kind, f"{count} at work: {MAILS:,} mails", MAILS / mails, "per s", cpu=cpu / MAILS)
        acts = acting(home, range(DUE + 1, DUE + ACTS + 1), count)
        told(ground.kind, f"{count} at work: {ACTS:,} answers", ACTS / acts, "per s")


def timed(processes: Sequence[int], work: Callable[[], float]) -> tuple[float, float]:
    """Seconds that the work took, and those in which these processes computed for it."""
    before = sum(map(computed, processes))
    took = work()
    return took, sum(map(computed, processes)) - before


def computed(process: int) -> float:
    words = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def copied(home: Home, connection: Any, waiting: Waiting, numbers: range) -> None:
    fill(connection, waiting.case_id, numbers, asleep=True)
    with open_house(home) as house:
        reseal(connection, house.store.base.ring, waiting.case_id, numbers)


def mails_wait(home: Home, connection: Any) -> None:
    """Receipts and tasks of new cases, as far as they are wanted; they have no time to leave at yet."""
    with open_house(home) as house:
        queued = "SELECT count(*) FROM outbox WHERE settled_at IS NULL AND lane = 0"
        while connection.execute(queued).fetchone()[0] < MAILS:
            start_one(house)
    connection.execute("UPDATE outbox SET at = NULL WHERE settled_at IS NULL")


@contextmanager
def crew(home: Home, connection: Any, count: int) -> Iterator[Sequence[int]]:
    """So many workers, each of which has begun, by the numbers of their processes."""
    processes: list[int] = []
    settings = home.settings.read_text("utf-8")
    home.settings.write_text(f"{settings}workers: {count}\n", "utf-8")
    with ExitStack() as stack, open_house(home) as house:
        for _ in range(count):
            one = stack.enter_context(subprocess.Popen([SOPPA, "worker"], env=environment(home),  # noqa: S603 - ours
                                                       stderr=subprocess.DEVNULL))
            stack.callback(one.terminate)
            processes.append(one.pid)
        if count > 1:
            until(lambda: workers_at_work(house.store.base) == count)
        until(lambda: connection.execute("SELECT count(*) FROM meta WHERE name = 'seen'").fetchone()[0])
        time.sleep(3.0)  # the start of one more costs the others time
        yield processes
    home.settings.write_text(settings, "utf-8")


def due(connection: Any, waiting: Waiting) -> float:
    """Seconds until the timers have fired."""
    mine = f"{waiting.mine} AND case_id BETWEEN '{copy_id(1)}' AND '{copy_id(DUE)}'"
    begun = time.perf_counter()
    connection.execute(f"UPDATE timers SET at = now() WHERE {mine}")  # noqa: S608 - our own words
    until(lambda: connection.execute(f"SELECT count(fired_at) FROM timers WHERE {mine}").fetchone()[0] == DUE)  # noqa: S608
    return time.perf_counter() - begun


def mailed(connection: Any) -> float:
    """Seconds until so many mails are accepted."""
    accepted = "SELECT count(*) FROM outbox WHERE state = 'accepted'"
    before = connection.execute(accepted).fetchone()[0]
    begun = time.perf_counter()
    wanted = "SELECT id FROM outbox WHERE state = 'queued' AND at IS NULL AND lane = 0 ORDER BY id LIMIT %s"
    connection.execute(f"UPDATE outbox SET at = now() WHERE id IN ({wanted})", (MAILS,))  # noqa: S608 - our own words
    until(lambda: connection.execute(accepted).fetchone()[0] - before >= MAILS)
    return time.perf_counter() - begun


def acting(home: Home, numbers: range, count: int) -> float:
    """Seconds in which so many processes answer the tasks of these copies, each its part."""
    with ExitStack() as stack:
        crew = [stack.enter_context(subprocess.Popen(  # noqa: S603 - ours
            [sys.executable, "-m", "bench.acting", *(copy_id(number) for number in numbers[at::count])],
            env=environment(home), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)) for at in range(count)]
        lines = [(one.stdin, one.stdout) for one in crew]
        for _, out in lines:
            assert out is not None and out.readline() == "ready\n"
        begun = time.perf_counter()
        for into, _ in lines:
            assert into is not None
            into.write("go\n")
            into.flush()
        for _, out in lines:
            assert out is not None and out.readline() == "done\n"
        return time.perf_counter() - begun


def until(look: Callable[[], object]) -> None:
    ends = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < ends, "the workers did not come so far"
        time.sleep(0.02)
