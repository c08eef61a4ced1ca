"""Four workers share the work on PostgreSQL and are killed at random, one after the other: nothing is lost, nothing is
doubled, and doubt has a name.

Cases are begun in the past, so that reminders, targets and legal rungs are due and mails wait. A worker that was killed
is started anew; the others go on meanwhile. The same cases in a second home, worked through by one daemon in peace,
tell what must have happened in the end.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

import pytest
from sqlalchemy import func, select

from cli.demo.sink import MailSink
from cli.home import Home
from cli.wiring import House, machine_clock, open_house
from storage.tables import OUTBOX, TIMERS
from tests import pooler
from tests.faults.test_kill import PAUSE, SEED, begin_cases, finish, leases_run_out, look
from tests.processes import SOPPA, free_port, sample_home, soppa, until

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(900)]

WORKERS, KILLS, CASES = 4, 24, 3
Start = Callable[[], Popen[str]]


@pytest.fixture(params=["directly", "behind a pooler"])
def url(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[str]:
    if request.param == "directly":
        yield postgres_url
    elif pooler.PROGRAM is None:
        pytest.skip("pgbouncer is not installed")
    else:
        with pooler.pooled(postgres_url) as pooled:
            yield pooled


def test_four_workers_killed_at_random_lose_nothing_and_double_nothing(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = machine_clock()
    with MailSink() as calm_sink:
        calm = sample_home(tmp_path / "calm", calm_sink, free_port())
        begin_cases(calm, now, range(KILLS * CASES))
        finish(calm, now)
        peace = look(calm, calm_sink)
    with MailSink(pause=PAUSE) as sink:
        home = sample_home(tmp_path / "killed", sink, free_port(), url)
        with (home / "district.yaml").open("a") as settings:
            settings.write(f"workers: {WORKERS}\n")
        in_work = kill_again_and_again(home, now)
        leases_run_out(home)
        finish(home, now)
        killed = look(home, sink)
        twice = fired_twice(home)
        listed = soppa(home, "mail", "outbox", "--state", "uncertain", "--json").stdout
    mails, doubts = sum(killed.mails.values()), len(killed.doubtful)
    with capsys.disabled():
        told = f"{WORKERS} workers, {KILLS} kills, {in_work} of them with work left, {mails} mails, {doubts} in doubt"
        sys.stdout.write(f"\nseed {SEED}: {told}\n")
    assert in_work >= KILLS // 2
    assert killed.histories == peace.histories
    assert (killed.broken, twice) == ([], [])
    assert {identity for identity, count in killed.mails.items() if count > 1} == set()
    assert killed.accepted <= set(killed.mails)
    assert set(killed.mails) - killed.accepted <= killed.doubtful
    assert len(killed.accepted) + len(killed.doubtful) == len(peace.accepted)
    assert listed.count('"uncertain"') == doubts


def kill_again_and_again(home: Path, now: dt.datetime) -> int:
    """How many of the kills came while there was work."""
    chance, in_work = random.Random(SEED), 0
    with open_house(Home(home), machine_clock) as house, at_work(home) as (crew, start):
        for kill in range(KILLS):
            done = progress(house)
            begin_cases(home, now, range(kill * CASES, (kill + 1) * CASES))
            until(lambda done=done: progress(house) > done, "some work", 90)  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.4))
            victim = chance.randrange(WORKERS)
            assert crew[victim].poll() is None
            crew[victim].kill()
            crew[victim].wait(10)
            in_work += house.store.has_work(machine_clock()) or in_hand(house) > 0
            crew[victim] = start()
    return in_work


@contextmanager
def at_work(home: Path) -> Iterator[tuple[list[Popen[str]], Start]]:
    """The workers; at the end of the block all that are left are killed as well."""
    environment = {**os.environ, "SOPPA_HOME": str(home)}

    def start() -> Popen[str]:
        with (home.parent / "log").open("a") as log:
            return Popen([SOPPA, "worker"], env=environment, stdout=log, stderr=log, text=True)

    crew = [start() for _ in range(WORKERS)]
    try:
        yield crew, start
    finally:
        for process in crew:
            process.kill()
            process.wait(10)


def progress(house: House) -> int:
    """Timers that fired and mails that were settled."""
    with house.store.base.reading() as connection:
        return sum(connection.scalar(select(func.count(column))) or 0 for column in
                   (TIMERS.c.fired_at, OUTBOX.c.settled_at))  # fmt: skip


def in_hand(house: House) -> int:
    with house.store.base.reading() as connection:
        return connection.scalar(select(func.count(OUTBOX.c.lease_until))) or 0


def fired_twice(home: Path) -> list[tuple[str, str]]:
    """The lines of history of a rung or a timer that stand there more than once."""
    with open_house(Home(home), machine_clock) as house:
        views = house.store.views
        lines = Counter(
            (row.id, f"{line.kind} {sorted(line.detail.items())}")
            for row in views.case_rows()
            for line in views.history(row.id)
            if line.kind == "rung_fired"
        )
    return [line for line, count in lines.items() if count > 1]
