"""What is due among many that sleep, and a beat with nothing due."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.cases import replayed, until_done
from bench.copies import copy_id, fill, reseal
from bench.figures import ROUNDS, median, medians, part, told
from bench.figures import seconds_and_cpu as timed
from bench.grounds import Ground, mark, raw, settled, start_one, ticking
from bench.limit import Written, recording
from cli.home import Home
from cli.serving.daemon import heart_of
from cli.wiring import House, open_house

DUE = part(2_000)
SLEEPING = (part(10_000), part(100_000))
BEATS = 200
AT_ONCE = 500
PART = part(500)
"""The driver writes a part of them, and its time is counted up."""

EACH_ROUND = DUE + 2 * PART


def measure(ground: Ground) -> None:
    for size in SLEEPING:
        with ground.district(f"timers-{size}") as home, raw(home) as connection:
            waiting = first_case(home)
            fill(connection, waiting.case_id, range(1, size), asleep=True)
            took, cpu = idle_beat(home)
            told(ground.kind, f"idle beat, {size:,} cases asleep", took * 1000, "ms", cpu=cpu)
            with open_house(home, partial(_same, waiting.at)) as house, ticking(house) as tick:
                work = Work(house, connection, waiting, tick)
                written = work.one_fired(size)
                rounds = [work.round(written, size + 2 + number * EACH_ROUND) for number in range(ROUNDS)]
            ours, cpu, each, shared = medians(rounds)
            told(ground.kind, f"{DUE:,} due of {size:,} asleep, beside one commit each", ours, "s", limit=each,
                 cpu=cpu / DUE)
            told(ground.kind, f"  the same, beside {AT_ONCE} a commit", ours, "s", limit=shared)


def _same(now: dt.datetime) -> dt.datetime:
    return now


@dataclass(frozen=True, slots=True)
class Waiting:
    """The case that all are copies of, put to sleep for good, and its timer that would be due next: at `at`, which the
    database keeps as `kept`."""

    case_id: str
    timer: int
    key: str
    at: dt.datetime
    kept: object

    @property
    def mine(self) -> str:
        """Picks the same timer of each copy: the name of a task, and so of its timer, begins with that of its case."""
        return f"key = replace('{self.key}', '{self.case_id}', case_id)"


def first_case(home: Home) -> Waiting:
    with open_house(home) as house:
        case = start_one(house)
    settled(home)
    with raw(home) as connection:
        wanted = "SELECT id, key, at FROM timers WHERE at IS NOT NULL ORDER BY at LIMIT 1"
        timer, key, kept = connection.execute(wanted).fetchone()
        connection.execute(f"UPDATE timers SET at = NULL WHERE id = {timer}")  # noqa: S608 - a number
    at = dt.datetime.fromisoformat(kept) if isinstance(kept, str) else kept
    return Waiting(case.id, timer, key, at.replace(tzinfo=at.tzinfo or dt.UTC), kept)


def idle_beat(home: Home) -> tuple[float, float]:
    """Seconds of the middle one of many beats; those that the processor works for one of them."""
    with open_house(home) as house, heart_of(house) as heart:
        heart.beat()
        took: list[float] = []
        _, cpu = timed(lambda: took.append(median(heart.beat, BEATS)))
        return took[0], cpu / BEATS


@dataclass(frozen=True, slots=True)
class Work:
    """The daemon's tick at the instant at which the first case and all that are awake are due."""

    house: House
    connection: Any
    waiting: Waiting
    tick: Callable[[dt.datetime, int], int]

    def one_fired(self, first: int) -> list[Written]:
        """What is written when the timer of a copy fires, in words of the first case. It is the second one to fire,
        since the first one opens the brief of the day."""
        for number in (first, first + 1):
            self.awake(range(number, number + 1))
            with recording(self.house.store.base.engine) as written:
                self._until_done()
        name = copy_id(number)
        timer = self.timers(range(number, number + 1))[name]
        return [each.swapped(_swap((name, timer), (self.waiting.case_id, self.waiting.timer))) for each in written]

    def round(self, written: Sequence[Written], first: int) -> tuple[float, float, float, float]:
        """Seconds in which the daemon fires what is due; in which the driver writes the same, one commit each, and with
        a shared commit for so many."""
        mine = range(first, first + DUE)
        self.awake(mine)
        ours, cpu = timed(self._until_done)
        assert self.fired(mine) == DUE, "not all that was due has fired"
        each = self._replayed(written, range(mine.stop, mine.stop + PART), 1)
        shared = self._replayed(written, range(mine.stop + PART, mine.stop + 2 * PART), AT_ONCE)
        return ours, cpu, each * DUE / PART, shared * DUE / PART

    def _until_done(self) -> None:
        until_done(self.tick, self.waiting.at)

    def _replayed(self, written: Sequence[Written], numbers: range, at_once: int) -> float:
        self.awake(numbers)
        first = (self.waiting.case_id, self.waiting.timer)
        swaps = [_swap(first, its) for its in self.timers(numbers).items()]
        pieces = [[each.swapped(swap) for each in written] for swap in swaps]
        took = replayed(self.connection, pieces, at_once)
        assert self.fired(numbers) == PART, "the driver wrote something else"
        return took

    def awake(self, numbers: range) -> None:
        """Copies that are due when the first case would be."""
        fill(self.connection, self.waiting.case_id, numbers, asleep=False)
        reseal(self.connection, self.house.store.base.ring, self.waiting.case_id, numbers)
        due = f"UPDATE timers SET at = {mark(self.connection)} WHERE {self._its(numbers)}"  # noqa: S608 - our own words
        self.connection.execute(due, (self.waiting.kept,))

    def timers(self, numbers: range) -> dict[str, int]:
        """The timer of each copy that is due with the first case."""
        rows = self.connection.execute(f"SELECT case_id, id FROM timers WHERE {self._its(numbers)}").fetchall()  # noqa: S608
        return dict(rows)

    def fired(self, numbers: range) -> int:
        found = self.connection.execute(f"SELECT count(fired_at) FROM timers WHERE {self._its(numbers)}")  # noqa: S608
        return int(found.fetchone()[0])

    def _its(self, numbers: range) -> str:
        return f"case_id BETWEEN '{copy_id(numbers.start)}' AND '{copy_id(numbers.stop - 1)}' AND {self.waiting.mine}"


def _swap(one: tuple[str, int], other: tuple[str, int]) -> dict[object, object]:
    """A case and its timer for others; SQLite is given a list of timers as JSON."""
    return {**dict(zip(one, other, strict=True)), f"[{one[1]}]": f"[{other[1]}]"}
