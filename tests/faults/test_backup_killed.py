"""Backup and restore are killed again and again: nothing that is not whole passes for a backup, or for a home."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import inspect

from cli.demo.sink import MailSink
from cli.home import Home, check_home, make_home
from cli.upkeep.backups import back_up, backups_in, key_of, make_key
from cli.upkeep.restoring import restore
from cli.wiring import House
from engine.errors import SoppaError, WrongEnvironment
from storage.database import open_engine
from tests import postgres
from tests.integration.full_home import AFTER, content, full_house
from tests.processes import running, soppa, until

KILLS = int(os.environ.get("SOPPA_KILLS", "12"))
LARGE = 40_000_000
"""Bytes of one document more, so that there is time to be killed in."""

SEED = int(os.environ.get("SOPPA_FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 1_000_000)


def idle(done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    with MailSink() as sink, full_house(tmp_path, sink, database_url) as house:
        make_key(house.home)
        large = house.home.documents / "large"
        large.write_bytes(random.Random(1).randbytes(LARGE))
        large.chmod(0o600)
        yield house


def killed(home: Path, chance: random.Random, takes: float, *words: str) -> bool:
    """Whether the command was killed before its end, at some moment of its work."""
    with running(home, *words) as process:
        time.sleep(chance.uniform(0.3, takes))
        alive = process.poll() is None
        process.kill()
        process.wait(10)
        return alive


def how_long(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def told(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\nseed {SEED}: {text}\n")


@pytest.mark.timeout(1200)
def test_a_killed_backup_leaves_nothing_that_passes_for_one(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, chance, home = tmp_path / "backups", random.Random(SEED), house.home.root
    folder.mkdir()
    words = ("backup", "--to", str(folder))
    takes = how_long(lambda: soppa(home, *words))
    whole, in_work, left = len(backups_in(folder)), 0, 0
    for _ in range(KILLS):
        alive = killed(home, chance, takes, *words)
        in_work += alive
        left = max(left, len(list(folder.glob(".soppa-*"))))
        assert len(backups_in(folder)) - whole in ((0, 1) if alive else (1,))
        whole = len(backups_in(folder))
    for path in backups_in(folder):
        checked = soppa(home, "restore", str(path), "--check")
        assert checked.returncode == 0, checked.stderr
    assert soppa(home, *words).returncode == 0
    assert list(folder.glob(".soppa-*")) == []
    told(capsys, f"{KILLS} kills, {in_work} of them in its work, {whole} whole backups, {left} pieces left at most")
    assert in_work >= KILLS // 2 and left


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("into", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_killed_restore_leaves_a_folder_that_is_refused(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest, into: str
) -> None:
    chance, home = random.Random(SEED), house.home
    made = back_up(house, tmp_path, 30, AFTER, idle)
    words = ["restore", str(made.file), "--ring", str(home.ring), "--key", str(home.backup_key), "--into"]
    takes = restored_within(home, words, Home(tmp_path / "calm"))
    refused = late = 0
    for number in range(KILLS):
        new, url = Home(tmp_path / f"new{number}"), another_database(request) if into == "postgres" else None
        restored_within(home, words, new, url, chance.uniform(0, takes))
        if new.settings.exists() and not new.restoring.exists():
            late += 1
            continue
        refused += is_refused(new, made.file, home)
        wait_for_empty(url)
    told(capsys, f"{KILLS} kills, {late} came too late, {refused} folders refused")
    assert refused >= KILLS // 4
    new, url = Home(tmp_path / "last"), another_database(request) if into == "postgres" else None
    restored_within(home, words, new, url)
    assert soppa(new.root, "verify").returncode == 0
    engine = open_engine(url or f"sqlite:///{new.database}")
    kept = content(house.store.base.engine, "meta", "outbox", "messages")
    assert content(engine, "meta", "outbox", "messages") == kept
    engine.dispose()


def restored_within(
    home: Home, words: list[str], new: Home, url: str | None = None, kill_after: float | None = None
) -> float:
    """Restores, and says how long that took from the moment at which the folder was claimed; or kills it so many
    seconds after that."""
    with running(home.root, *words, str(new.root), *(["--database", url] if url else [])) as process:
        until(lambda: new.restoring.exists() or process.poll() is not None, "the beginning of the restore")
        begun = time.monotonic()
        if kill_after is None:
            assert process.wait(60) == 0
        else:
            time.sleep(kill_after)
            process.kill()
            process.wait(10)
        return time.monotonic() - begun


def is_refused(new: Home, backup: Path, old: Home) -> bool:
    """By every command, and by another restore; a folder that was not begun is none. Nothing is open to others."""
    if not new.root.exists() or not any(new.root.iterdir()):
        return False
    with pytest.raises(WrongEnvironment, match="holds a restore that is not finished"):
        check_home(new)
    with pytest.raises(WrongEnvironment, match="holds a restore that is not finished"):
        make_home(new)
    with pytest.raises(WrongEnvironment, match="holds a restore that is not finished"):
        restore(backup, key_of(old), new, None, None, AFTER, idle)
    assert all(path.stat().st_mode & 0o077 == 0 for path in new.root.rglob("*"))
    return soppa(new.root, "queue").returncode == 78


def another_database(request: pytest.FixtureRequest) -> str:
    fresh = postgres.fresh_database(request.getfixturevalue("postgres_server"))
    request.addfinalizer(lambda: fresh.__exit__(None, None, None))
    return fresh.__enter__()


def wait_for_empty(url: str | None) -> None:
    """PostgreSQL takes a moment to notice that whoever had begun is dead."""
    until(lambda: url is None or is_empty(url), "the end of what the dead restore had begun")


def is_empty(url: str) -> bool:
    engine = open_engine(url)
    try:
        with suppress(SoppaError):
            return not inspect(engine).get_table_names()
        return False
    finally:
        engine.dispose()
