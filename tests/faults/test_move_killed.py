"""The move to PostgreSQL is killed at random moments: either side is whole or empty, and the same command ends it."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import inspect

from cli.demo.sink import MailSink
from cli.home import ASIDE
from cli.settings import read_settings
from storage.database import open_engine
from tests.faults.test_backup_killed import SEED, killed
from tests.integration.full_home import content, full_house
from tests.processes import soppa

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]

KILLS = 8
Rows = dict[str, list[dict[str, object]]]


def test_a_move_killed_at_random_leaves_each_side_whole_or_empty(
    postgres_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, url, kills = random.Random(SEED), postgres_url.replace("+psycopg", "", 1), 0
    with MailSink() as sink, full_house(tmp_path, sink) as house:
        home = house.home
    was = rows(f"sqlite:///{home.database}")
    words = ("migrate-to-postgres", "--to", url, "--apply")
    begun = time.monotonic()
    assert soppa(home.root, *words[:-1]).returncode == 0  # a look, to know how long a start takes
    takes = 1.5 * (time.monotonic() - begun)
    while kills < KILLS and home.database.exists() and killed(home.root, chance, takes, *words):
        kills += 1
        assert rows(url) in ({}, was)
        if read_settings(home.settings).database is None:
            assert rows(f"sqlite:///{home.database}") == was
    if home.database.exists() or home.moving.exists():
        done = soppa(home.root, *words)
        assert done.returncode == 0, done.stderr
    with capsys.disabled():
        sys.stdout.write(f"\nseed {SEED}: {kills} kills\n")
    assert rows(url) == rows(f"sqlite:///{home.database}{ASIDE}") == was
    assert soppa(home.root, "verify").returncode == 0


def rows(url: str) -> Rows:
    """What stands in a database, but for the mark of a move; nothing where it has no tables."""
    engine = open_engine(url)
    try:
        found = content(engine) if inspect(engine).get_table_names() else {}
    finally:
        engine.dispose()
    return {**found, "meta": [row for row in found["meta"] if row["name"] != "moving"]} if found else {}
