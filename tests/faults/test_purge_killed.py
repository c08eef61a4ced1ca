"""A purge is killed again and again: the run that is left alone finishes it, and counts what a calm one would."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cli.demo.run import person
from cli.demo.sink import MailSink
from cli.staff.acts import begin, confirm_act, plan_purge
from cli.upkeep.verifying import verify_house
from cli.wiring import House
from storage.removal.purges import items
from storage.tables import COPIES, METADATA, RECIPIENTS
from tests.acceptance.test_purge import idle, wish
from tests.ended import PARENT, Past, past_house
from tests.processes import running, soppa, until

KILLS = int(os.environ.get("SOPPA_KILLS", "15"))
CASES, FAMILIES = 20, 3000
SEED = int(os.environ.get("SOPPA_FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 1_000_000)


def expected(past: Past) -> dict[str, int]:
    """What a calm purge removes of the things that can be counted before."""
    with past.house.store.base.reading() as connection:
        families = connection.scalar(select(func.count()).select_from(RECIPIENTS)) or 0
        copies = connection.scalar(select(func.count()).select_from(COPIES)) or 0
    return {"recipients": families, "copies": copies, "documents": CASES, "exports": CASES, "former_facts": CASES,
            "parties": CASES, "people": 1}


def removed(house: House, act: str) -> dict[str, int]:
    totals: dict[str, int] = {}
    for item in items(house.store.base, act):
        for name, number in (item.counts or {}).items():
            totals[name] = totals.get(name, 0) + number
    return totals


def is_at_work(home: Path, process: subprocess.Popen[str]) -> bool:
    lock = home / "job.lock"
    return process.poll() is not None or (lock.exists() and lock.read_text().startswith(f"{process.pid} "))


@pytest.mark.timeout(1200)
def test_a_killed_purge_is_finished_by_the_next_run(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, in_work, reached = random.Random(SEED), 0, set[int]()
    with MailSink() as sink, past_house(tmp_path, sink, database_url, cases=CASES, families=FAMILIES) as past:
        house, home = past.house, past.house.home.root
        wanted = expected(past)
        act = begin(house, plan_purge(house, wish(), person(house, "priya"), "yearly"))
        confirm_act(house, act.id, "sam")
        words = ("purge", "run", act.id, "--as", "priya")
        for _ in range(KILLS):
            with running(home, *words) as process:
                until(partial(is_at_work, home, process), "the beginning of the purge", 180)
                time.sleep(chance.uniform(0, 0.9))
                in_work += process.poll() is None
                process.kill()
                process.wait(10)
            reached.add(sum(item.state != "waiting" for item in items(house.store.base, act.id)))
            assert verify_house(house, idle).wrong == []
        last = soppa(home, *words, "--json")
        assert last.returncode == 0, last.stderr
        assert json.loads(last.stdout)["finished_at"] is not None
        found = removed(house, act.id)
        assert {name: found[name] for name in wanted} == wanted
        assert {item.state for item in items(house.store.base, act.id)} == {"done"}
        assert verify_house(house, idle).wrong == []
        with house.store.base.reading() as connection:
            rows = [tuple(row) for table in METADATA.sorted_tables for row in connection.execute(select(table))]
        assert PARENT not in repr(rows)
        assert len(list((home / "documents").glob("?" * 32))) == 1
        with capsys.disabled():
            sys.stdout.write(f"\nseed {SEED}: {KILLS} kills, {in_work} of them in its work, after which "
                             f"{sorted(reached)} of {CASES + 3} items were removed; {sum(found.values())} things gone, "
                             "none left, none counted twice\n")
        assert in_work >= KILLS // 3
