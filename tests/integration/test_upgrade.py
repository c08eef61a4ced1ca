"""An upgrade of a whole home from an older schema, on both kinds of database: whole at the end, or as it was before."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Connection, Table, insert, select, text
from starlette.testclient import TestClient

from cli.demo.sink import MailSink
from cli.home import Home
from cli.main import main
from cli.serving.pages import pages
from cli.settings import read_settings
from cli.upkeep.backups import backups_in, make_key
from cli.upkeep.joblock import only_job
from cli.upkeep.restoring import find_key, restore
from cli.upkeep.upgrading import Job, upgrade
from cli.wiring import House, database_url, open_house
from engine.errors import Refused, UsageError, WrongEnvironment
from storage.backup.older import tables_there
from storage.database import UPGRADING, open_engine
from storage.driver import SCHEMA
from storage.tables import META
from storage.upkeep.upgrading import database
from tests.integration.full_home import AFTER, full_house
from tests.older import make_older
from tests.processes import link_in, running

OLDER = "0011"
PASSES = ("meta",)
OPEN = 200


def idle(done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def home(database_url: str, tmp_path: Path) -> Home:
    """A home with an older schema, and a backup key."""
    with MailSink() as sink, full_house(tmp_path, sink, database_url) as house:
        make_key(house.home)
        made = house.home
        mailed = [link_in(mail) for mail in sink.mails if "/t/" in mail.part("plain")]
        (tmp_path / "link").write_text([link for link in mailed if opens(house, link) == OPEN][-1])
    make_older(database_url, OLDER)
    (tmp_path / "backups").mkdir()
    return made


@pytest.fixture
def job(home: Home, tmp_path: Path) -> Job:
    return Job(home, tmp_path / "backups", stop=False, despite=False, clock=lambda: AFTER, tell=lambda line: None,
               progress=idle)


def opens(house: House, link: str) -> int:
    app: Any = pages(house)
    with TestClient(app, base_url=house.settings.public_url, follow_redirects=False) as client:
        return client.get(urlsplit(link).path).status_code


def rows_of(home: Home) -> dict[str, list[list[Any]]]:
    """Everything in the database, whatever its schema, but for the marks."""
    engine = open_engine(url_of(home))
    with engine.connect() as connection:
        found = {table.name: sorted(([*row] for row in connection.execute(select(table))), key=str)
                 for table in tables_there(connection) if table.name not in PASSES}  # fmt: skip
    engine.dispose()
    return found


def history_there(connection: Connection) -> Table:
    """The history with the columns that it had then."""
    return next(table for table in tables_there(connection) if table.name == "history")


def url_of(home: Home) -> str:
    return database_url(home, read_settings(home.settings))


def schema_of(home: Home) -> tuple[str, bool]:
    """And whether an upgrade is under way."""
    with database(url_of(home)) as there:
        return there.schema(), there.under_way() is not None


def test_an_older_home_is_refused_with_the_command_that_helps(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(home.root), "show", "2026-0001"]) == 78
    assert capsys.readouterr().err == (f"soppa: the database has schema {OLDER}, this program needs {SCHEMA}: soppa "
                                       f"upgrade brings it there\n")


def test_an_upgrade_brings_everything_over(home: Home, job: Job) -> None:
    before = rows_of(home)
    done = upgrade(job)
    assert (done.was, done.schema, done.found.wrong) == (OLDER, SCHEMA, [])
    assert schema_of(home) == (SCHEMA, False)
    after = rows_of(home)
    assert {name: len(rows) for name, rows in after.items() if name in before} == {n: len(r) for n, r in before.items()}
    assert [row[: len(before["history"][0])] for row in after["history"]] == before["history"]
    assert upgrade(replace(job, folder=None)).backup is None


def test_the_backup_of_an_upgrade_restores_as_any_other(home: Home, job: Job, tmp_path: Path) -> None:
    done = upgrade(job)
    assert done.backup is not None
    new = Home(tmp_path / "new")
    back = restore(done.backup, find_key(done.backup, home, None, None), new, home.ring, None, AFTER, idle)
    assert back.manifest.schema == OLDER
    assert schema_of(new) == (SCHEMA, False)
    assert rows_of(new)["history"] == rows_of(home)["history"]


def test_a_definition_that_is_wrong_leads_back(home: Home, job: Job) -> None:
    before = rows_of(home)
    folder = home.workflows / "correction_request"
    folder.mkdir(mode=0o700)
    (folder / "process.yaml").write_text("process: correction_request\nversion: 1\ntitel: wrong\n")
    with pytest.raises(Refused, match=r"(?s)upgrade failed: .*process.yaml.*is as it was, with schema 0011"):
        upgrade(job)
    assert schema_of(home) == (OLDER, False)
    assert rows_of(home) == before


def test_a_history_that_was_changed_leads_back_unless_it_was_so_before(home: Home, job: Job) -> None:
    engine = open_engine(url_of(home))
    with engine.begin() as connection:
        history = history_there(connection)
        first = connection.execute(select(history).limit(1)).mappings().one()
        line = {**first, "seq": 900, "hash": "no hash of the line before"}
        connection.execute(insert(history), [line])
    engine.dispose()
    before = rows_of(home)
    with pytest.raises(Refused, match=r"(?s)line \d+ of its history.*--despite-faults.*as it was, with schema 0011"):
        upgrade(job)
    assert (schema_of(home), rows_of(home)) == ((OLDER, False), before)
    assert upgrade(replace(job, despite=True)).found.wrong


def test_a_way_back_that_fails_is_gone_by_the_next_run(home: Home, job: Job, tmp_path: Path) -> None:
    before = rows_of(home)
    folder = home.workflows / "correction_request"
    folder.mkdir(mode=0o700)
    (folder / "process.yaml").write_text("process: correction_request\nversion: 1\ntitel: wrong\n")

    def away(line: str) -> None:
        if line.startswith("migrated"):
            backups_in(tmp_path / "backups")[0].rename(tmp_path / "away")

    with pytest.raises(WrongEnvironment, match=r"(?s)failed: .*so did the way back: the backup .* is not there"):
        upgrade(replace(job, tell=away))
    assert schema_of(home) == (SCHEMA, True)
    with pytest.raises(WrongEnvironment, match="an upgrade of this database is under way"), open_house(home):
        pass
    with pytest.raises(WrongEnvironment, match="is not there: put it back"):
        upgrade(job)
    (tmp_path / "away").rename(json.loads(mark(home))["backup"])
    with pytest.raises(Refused, match=r"is taken back: the database has schema 0011 as before"):
        upgrade(job)
    assert (schema_of(home), rows_of(home)) == ((OLDER, False), before)


def mark(home: Home) -> str:
    engine = open_engine(url_of(home))
    with engine.connect() as connection:
        found = connection.scalar(select(META.c.value).where(META.c.name == UPGRADING))
    engine.dispose()
    return str(found)


def test_work_between_backup_and_migration_is_not_lost(home: Home, job: Job) -> None:
    """An older program that was open all the while knows nothing of the upgrade."""
    engine = open_engine(url_of(home))

    def worked(line: str) -> None:
        if line.startswith("backed up"):
            with engine.begin() as connection:
                history = history_there(connection)
                last = connection.execute(select(history).order_by(history.c.seq.desc()).limit(1)).mappings().one()
                connection.execute(insert(history), [{**last, "seq": last["seq"] + 1}])

    with pytest.raises(Refused, match="somebody went on working while the backup was made: nothing was changed"):
        upgrade(replace(job, tell=worked))
    engine.dispose()
    assert schema_of(home) == (OLDER, False)


def test_a_newer_database_is_one_sentence(home: Home, job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    engine = open_engine(url_of(home))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    assert main(["--home", str(home.root), "upgrade", "--to", str(job.folder)]) == 78
    said = capsys.readouterr().err
    assert said.endswith(f"has schema 9999, this program knows schemas up to {SCHEMA}: install the newer soppa\n")
    assert said.count("\n") == 1


def test_the_second_of_two_is_refused(home: Home, job: Job) -> None:
    with only_job(home, "soppa upgrade"), pytest.raises(Refused, match=r"process \d+ is doing soppa upgrade"):
        upgrade(job)
    with database(url_of(home)) as there, there.alone():
        if there.engine.dialect.name == "postgresql":
            with pytest.raises(Refused, match="somebody upgrades this database already, on another machine"):
                upgrade(job)


def test_a_folder_for_the_backup_is_asked_for_and_looked_at_first(home: Home, job: Job, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name the folder for the backup that is made first"):
        upgrade(replace(job, folder=None))
    with pytest.raises(UsageError, match="there is no folder"):
        upgrade(replace(job, folder=tmp_path / "nowhere"))
    home.backup_key.rename(tmp_path / "key")
    with pytest.raises(WrongEnvironment, match="make it with soppa backup key"):
        upgrade(job)
    assert schema_of(home) == (OLDER, False)


def test_a_daemon_at_work_is_named_and_goes_when_it_is_asked(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with MailSink() as sink, full_house(tmp_path, sink, database_url) as house:
        home = house.home
    with running(home.root, "worker", "--json") as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == "{\n"
        assert main(["--home", str(home.root), "upgrade"]) == 1
        assert f"process {daemon.pid} is at work on this database: end that first" in capsys.readouterr().err
        assert main(["--home", str(home.root), "upgrade", "--stop"]) == 0
        assert daemon.wait(10) == 0
    assert f"asking process {daemon.pid} to stop" in capsys.readouterr().out


def test_a_daemon_that_starts_meanwhile_waits_and_then_works(home: Home, job: Job) -> None:
    with only_job(home, "soppa upgrade"), running(home.root, "worker") as daemon:
        assert daemon.stderr is not None
        assert "this home is upgraded just now" in daemon.stderr.readline()
        held = os.open(home.job_lock, os.O_RDWR)
        os.pwrite(held, b"0 another job \n", 0)
        os.close(held)
        assert daemon.wait(20) == 78  # the older schema, which is still there


def test_open_links_live_on(home: Home, job: Job, tmp_path: Path) -> None:
    """The link of a mail that left before opens the same page after."""
    link = (tmp_path / "link").read_text()
    upgrade(job)
    with open_house(home, lambda: AFTER) as house:
        assert opens(house, link) == OPEN
        assert opens(house, f"{link[:-1]}{'a' if link[-1] != 'a' else 'b'}") != OPEN
