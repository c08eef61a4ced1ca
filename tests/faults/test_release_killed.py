"""The release of letters to many is killed again and again: all its copies are made, or none and it is open still."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cli.demo.sink import MailSink
from cli.home import Home
from cli.wiring import machine_clock, open_house
from storage.tables import OUTBOX
from tests.faults.test_kill import SEED
from tests.faults.test_mailing import until_second
from tests.processes import free_port, running, sample_home, soppa

KILLS = 8
FAMILIES = 4_000


@pytest.mark.timeout(600)
def test_a_release_that_is_cut_makes_every_copy_or_none(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, alive, made = random.Random(SEED), 0, 0
    with MailSink() as sink:
        home = sample_home(tmp_path, sink, free_port(), database_url)
    takes, case = 0.0, ""
    for kill in range(KILLS + 1):
        if copies(home, case) or not case:
            case = until_second(home, machine_clock(), FAMILIES)
        words = ("do", case, "release_second", "release", "--as", "sam")
        with running(home, *words) as process:
            begun = time.monotonic()
            if kill:
                time.sleep(chance.uniform(0.3, 1.0) * takes)
                alive += process.poll() is None
                process.kill()
            process.wait(120)
            takes = takes or time.monotonic() - begun
        made += copies(home, case) == FAMILIES
        assert copies(home, case) == (FAMILIES if is_released(home, case) else 0)
    if not is_released(home, case):
        assert soppa(home, "do", case, "release_second", "release", "--as", "sam").returncode == 0
    assert copies(home, case) == FAMILIES
    assert soppa(home, "verify").returncode == 0
    with capsys.disabled():
        sys.stdout.write(f"\nseed {SEED}: {KILLS} kills, {alive} of them in work, {made} releases came about\n")


def copies(home: Path, case: str) -> int:
    """The copies of the letter, each with its mail in the outbox."""
    with open_house(Home(home), machine_clock) as house, house.store.read() as unit:
        waiting = [one.of("mail", "waiting") for one in unit.audiences(machine_clock()).progress(case)]
        mine = (OUTBOX.c.case_id == case) & (OUTBOX.c.mail == "letter")
        queued = unit.connection.scalar(select(func.count()).select_from(OUTBOX).where(mine))
    assert queued == sum(waiting)
    return sum(waiting)


def is_released(home: Path, case: str) -> bool:
    with open_house(Home(home), machine_clock) as house, house.store.read() as unit:
        return unit.case(case).open_task("release_second") is None
