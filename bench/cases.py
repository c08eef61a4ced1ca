"""Starting cases and answering tasks, beside the driver alone doing the same writes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from itertools import chain, count
from typing import Any

from sqlalchemy import select

from bench.figures import ROUNDS, medians, part, told
from bench.figures import seconds_and_cpu as timed
from bench.grounds import Ground, raw, start_one, ticking
from bench.limit import Written, recording, replay
from bench.register import with_agreements
from cli.demo.run import person
from cli.home import Home
from cli.wiring import House, machine_clock, open_house
from engine.model.case import Case, FactValue
from storage.tables import TASKS

TIMES = part(200)
AGREEMENTS = part(500)
BATCH = 50
ANSWER: dict[str, FactValue] = {"requester_kind": "parent", "identity_ok": True, "data_owner": "dana",
                                "right_value": "As on the paper attached", "where_seen": "Student record"}


def measure(ground: Ground) -> None:
    with ground.district("cases") as home, open_house(home) as house, raw(home) as connection:
        for what, work in (("starting a case", starts), ("answering a task", answers)):
            work(house, connection)  # not counted: fills caches
            ours, cpu, limit = medians([work(house, connection) for _ in range(ROUNDS)])
            told(ground.kind, f"{what}, one commit each", TIMES / ours, "per s", limit=TIMES / limit, cpu=cpu / TIMES)
    rounds = []
    for number in range(ROUNDS):
        with ground.district(f"bulk-{number}") as home, raw(home) as connection:
            rounds.append(in_bulk(home, connection))
    ours, cpu, limit = medians(rounds)
    told(ground.kind, "starting in bulk, at most 50 a commit", AGREEMENTS / ours, "per s", limit=AGREEMENTS / limit,
         cpu=cpu / AGREEMENTS)


_numbers = count(1)


def starts(house: House, connection: Any) -> tuple[float, float, float]:
    """Seconds of so many starts by the service, and of the same writes by the driver."""
    start_one(house)  # the first one adopts the definition
    with recording(house.store.base.engine) as written:
        case = start_one(house)
    ours, cpu = timed(lambda: [start_one(house) for _ in range(TIMES)])
    names = [f"raw-{next(_numbers)}" for _ in range(TIMES)]
    return ours, cpu, replayed(connection, [[each.swapped({case.id: name}) for each in written] for name in names])


def answers(house: House, connection: Any) -> tuple[float, float, float]:
    """Seconds of so many first answers; half of the cases are answered by the driver."""
    cases = [start_one(house) for _ in range(2 * TIMES + 1)]
    with recording(house.store.base.engine) as written:
        answer(house, cases[0])
    mine, its = cases[1 : TIMES + 1], cases[TIMES + 1 :]
    ours, cpu = timed(lambda: [answer(house, case) for case in mine])
    limit = replayed(connection, [[each.swapped({cases[0].id: case.id}) for each in written] for case in its])
    check_alike(house, mine[-1], its[-1])
    return ours, cpu, limit


def answer(house: House, case: Case) -> None:
    house.service.complete_task(case.tasks[0].id, "complete", ANSWER, person(house, "carla"), machine_clock())


def check_alike(house: House, ours: Case, its: Case) -> None:
    """The driver has done the same work."""
    with house.store.base.reading() as connection:
        found = [connection.execute(select(TASKS.c.name, TASKS.c.outcome).where(TASKS.c.case_id == case.id)
                                    .order_by(TASKS.c.id)).all() for case in (ours, its)]
    assert found[0] == found[1] and len(found[0]) > 1, "the driver wrote something else"


def in_bulk(home: Home, connection: Any) -> tuple[float, float, float]:
    """Seconds in which the daemon starts the cases of a schedule for so many agreements; those of the same writes."""
    due = with_agreements(home, AGREEMENTS + 2)
    with open_house(home, lambda: due) as house, ticking(house) as tick:
        tick(due, 1)  # the first one adopts the definition
        with recording(house.store.base.engine) as written:
            tick(due, 1)
        case, agreement = started(connection)
        ours, cpu = timed(lambda: until_done(tick, due))
    others = [[each.swapped({case: f"raw-{n}", agreement: f"{agreement}-{n}"}) for each in written]
              for n in range(AGREEMENTS)]
    return ours, cpu, replayed(connection, others, BATCH)


def started(connection: Any) -> tuple[str, str]:
    wanted = "SELECT case_id, subject FROM cycles WHERE case_id IS NOT NULL ORDER BY case_id DESC LIMIT 1"
    row = connection.execute(wanted).fetchone()
    return str(row[0]), str(row[1])


def until_done(tick: Callable[[dt.datetime, int], int], now: dt.datetime) -> None:
    while tick(now, BATCH) == BATCH:
        pass


def replayed(connection: Any, pieces: Sequence[Sequence[Written]], at_once: int = 1) -> float:
    """Seconds in which the driver sends them, so many with one commit."""
    batches = [list(chain.from_iterable(pieces[start : start + at_once])) for start in range(0, len(pieces), at_once)]
    return timed(lambda: [replay(connection, batch) for batch in batches])[0]

