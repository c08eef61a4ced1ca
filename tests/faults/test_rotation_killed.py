"""A change of keys is killed again and again while a daemon works: what was sealed opens, nothing is left behind."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.demo.sink import MailSink
from cli.upkeep.backups import make_key
from cli.upkeep.rotating import keys_of_ring
from cli.wiring import House
from storage.sealing import read_ring
from tests.integration.full_home import full_house
from tests.processes import running, soppa, until

KILLS = int(os.environ.get("SOPPA_KILLS", "12"))
DOCUMENTS = 600
"""So many more, so that there is time to be killed in."""

SEED = int(os.environ.get("SOPPA_FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 1_000_000)
ROTATE = ("keys", "rotate", "--apply", "--reason", "a drill")


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    with MailSink() as sink, full_house(tmp_path, sink, database_url) as house:
        make_key(house.home)
        for number in range(DOCUMENTS):
            name = f"{number:032x}"
            path = house.home.documents / name
            path.write_bytes(house.store.base.ring.seal(b"paper" * 2000, f"documents/{name}"))
            path.chmod(0o600)
        yield house


def opened(house: House) -> tuple[dict[int, bytes | None], list[bytes]]:
    """What the mails and the added documents say."""
    mails = {row.id: house.store.views.mail(row.id).raw for row in house.store.views.outbox() if row.settled_at}
    paths = [house.home.documents / f"{number:032x}" for number in range(DOCUMENTS)]
    ring = house.store.base.ring
    return mails, [ring.open(path.read_bytes(), f"documents/{path.name}") for path in paths]


def killed_in_work(house: House, after: float) -> bool:
    """Kills a change of keys so many seconds after it has begun, and says whether it was at it still."""
    lock = house.home.job_lock
    with running(house.home.root, *ROTATE) as process:
        begins = f"{process.pid} "
        until(lambda: lock.read_text("utf-8").startswith(begins) or process.poll() is not None, "its beginning", 180)
        time.sleep(after)
        alive = process.poll() is None
        process.kill()
        process.wait(10)
        return alive


@pytest.mark.timeout(1200)
def test_a_killed_change_of_keys_goes_on_by_the_same_command(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, chance, before = house.home.root, random.Random(SEED), opened(house)
    made = soppa(home, "keys", "new", "--copy", str(tmp_path / "copy"))
    assert made.returncode == 0, made.stderr
    in_work, left = 0, [keys_of_ring(house).left]
    with running(home, "worker"):
        for _ in range(KILLS):
            in_work += killed_in_work(house, chance.uniform(0, 1.2))
            left.append(keys_of_ring(house).left)
        last = soppa(home, *ROTATE)
    found = keys_of_ring(house)
    with capsys.disabled():
        sys.stdout.write(f"\nseed {SEED}: {KILLS} kills, {in_work} in its work, left to seal after each: {left}\n")
    assert last.returncode == 0 or "already" in last.stderr, last.stderr
    assert (found.left, found.strangers) == (0, 0)
    assert read_ring(house.home.ring.read_bytes()).keys == read_ring((tmp_path / "copy").read_bytes()).keys
    mails, papers = opened(house)
    assert papers == before[1] and {**mails, **before[0]} == mails
    assert list(house.home.documents.rglob(".*")) == []
    checked = soppa(home, "verify")
    assert checked.returncode == 0, checked.stderr
    assert in_work >= KILLS // 3
