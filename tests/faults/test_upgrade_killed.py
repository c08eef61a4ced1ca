"""An upgrade, and the way back of one that fails, are killed again and again: run again, each comes to its end."""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

import pytest

from cli.demo.sink import MailSink
from cli.home import Home
from cli.upkeep.backups import make_key
from storage.driver import SCHEMA
from tests.faults.test_backup_killed import how_long
from tests.integration.full_home import full_house
from tests.integration.test_upgrade import OLDER, rows_of, schema_of, url_of
from tests.older import make_older
from tests.processes import running, soppa, until

KILLS = int(os.environ.get("SOPPA_KILLS", "12"))
SEED = int(os.environ.get("SOPPA_FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 1_000_000)


@pytest.fixture
def home(database_url: str, tmp_path: Path) -> Home:
    """A home of an older schema, with a place for backups beside it."""
    with MailSink() as sink, full_house(tmp_path, sink, database_url) as house:
        make_key(house.home)
        made = house.home
    make_older(database_url, OLDER)
    (tmp_path / "backups").mkdir()
    return made


def killed(home: Home, words: tuple[str, ...], after: float) -> bool:
    """Kills an upgrade so many seconds after it has begun, and says whether it was at it still."""
    with running(home.root, *words) as process:
        begins = f"{process.pid} "
        lock = home.job_lock
        until(lambda: lock.exists() and lock.read_text("utf-8").startswith(begins), "its beginning", 180)
        time.sleep(after)
        alive = process.poll() is None
        process.kill()
        process.wait(10)
        return alive


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fails", [False, True], ids=["comes to its end", "leads back"])
def test_a_killed_upgrade_comes_to_its_end(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str], fails: bool
) -> None:
    before, chance = rows_of(home), random.Random(SEED)
    if fails:
        folder = home.workflows / "correction_request"
        folder.mkdir(mode=0o700)
        (folder / "process.yaml").write_text("process: correction_request\nversion: 1\ntitel: wrong\n")
    words = ("upgrade", "--to", str(tmp_path / "backups"))
    takes = how_long(lambda: soppa(home.root, *words))
    seen, in_work = [], 0
    for _ in range(KILLS):
        if schema_of(home) == (SCHEMA, False):
            make_older(url_of(home), OLDER)
        in_work += killed(home, words, chance.uniform(0, takes))
        seen.append(schema_of(home))
        assert soppa(home.root, "show", "2026-0001").returncode == (0 if seen[-1] == (SCHEMA, False) else 78)
    last = soppa(home.root, *words)
    again = soppa(home.root, *words) if fails and "taken back" in last.stderr else last
    under = [f"{schema}{' half' if half else ''}" for schema, half in seen]
    with capsys.disabled():
        sys.stdout.write(f"\nseed {SEED}: {KILLS} kills, {in_work} in its work, found at {under}\n")
    after = rows_of(home)
    if fails:
        assert again.returncode == 1 and "the database is as it was" in again.stderr
        assert (schema_of(home), after) == ((OLDER, False), before)
    else:
        assert last.returncode == 0, last.stderr
        assert schema_of(home) == (SCHEMA, False)
        assert [row[: len(before["history"][0])] for row in after["history"]] == before["history"]
        assert {name: len(after[name]) for name in before} == {name: len(rows) for name, rows in before.items()}
        assert soppa(home.root, "verify").returncode == 0
    assert in_work >= KILLS // 3
    assert any(half for _, half in seen)
