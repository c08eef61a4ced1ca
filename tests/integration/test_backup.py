"""Backups of a whole home on both kinds of database: what went in comes out, and nothing else passes for a backup."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, func, insert, select, text

from cli.demo.sink import MailSink
from cli.home import Home
from cli.main import main
from cli.upkeep.backups import back_up, backups_in, key_of, make_key
from cli.upkeep.restoring import restore
from cli.wiring import House, machine_clock, open_house
from engine.errors import Refused
from storage.backup.frames import FrameWriter
from storage.backup.keys import new_backup_key
from storage.backup.making import one_moment
from storage.backup.rows import kind_of
from storage.database import open_engine
from storage.tables import META, METADATA, OUTBOX
from tests.integration.full_home import AFTER, content, full_house
from tests.processes import sample_home


def idle(done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    with MailSink() as sink, full_house(tmp_path, sink, database_url) as house:
        make_key(house.home)
        (house.home.root / "calendars").mkdir(mode=0o700)
        (house.home.root / "calendars" / "note.txt").write_text("kept by hand")
        yield house


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "elsewhere"
    place.mkdir()
    return place


def files_of(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("into", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_every_row_and_file_comes_back_into_either_kind_of_database(
    house: House, folder: Path, tmp_path: Path, request: pytest.FixtureRequest, into: str
) -> None:
    made = back_up(house, folder, 30, AFTER, idle)
    url = None if into == "sqlite" else empty_twin(request)
    new = Home(tmp_path / "new")
    back = restore(made.file, key_of(house.home), new, None, url, AFTER, idle)
    engine = open_engine(url or f"sqlite:///{new.database}")
    assert content(engine, "meta") == content(house.store.base.engine, "meta")
    if url is not None:
        assert_numbers_go_on(engine)
    engine.dispose()
    was, became = files_of(house.home.root), files_of(new.root)
    kept = {name for name in was if name.startswith(("documents/", "calendars/"))}
    assert len(kept) == 2 and kept <= became.keys()
    assert all(was[name] == became[name] for name in kept)
    assert "keys/ring" not in became and back.doubtful is None
    assert {path.stat().st_mode & 0o777 for path in new.root.rglob("*")} == {0o600, 0o700}
    settings = new.settings.read_text()
    assert re.findall(r"^database.*$", settings, re.MULTILINE) == ([] if url is None else [f'database: "{url}"'])
    assert "# before the restore: database" in settings
    assert not any(name in made.file.read_bytes() for name in (b"Ana Ruiz", b"prairie-creek", b"correction_request"))


def empty_twin(request: pytest.FixtureRequest) -> str:
    """Another empty database of the tests' server."""
    from tests import postgres

    fresh = postgres.fresh_database(request.getfixturevalue("postgres_server"))
    request.addfinalizer(lambda: fresh.__exit__(None, None, None))
    return fresh.__enter__()


def assert_numbers_go_on(engine: Engine) -> None:
    """New rows get new numbers."""
    with engine.begin() as connection:
        top = connection.scalar(select(func.max(OUTBOX.c.id)))
        row = dict(connection.execute(select(OUTBOX).where(OUTBOX.c.id == top)).mappings().one())
        del row["id"]
        another = insert(OUTBOX).values({**row, "step": "another", "slot": None})
        added = connection.scalar(another.returning(OUTBOX.c.id))
        assert added == top + 1
        connection.rollback()


def test_a_restored_home_is_refused_until_it_is_accepted_and_sends_nothing_twice(
    house: House, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = back_up(house, folder, 30, machine_clock(), idle)
    new = tmp_path / "new"
    words = ("restore", str(made.file), "--into", str(new), "--ring", str(house.home.ring))
    assert main([*words, "--key", str(house.home.backup_key), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    waiting = [line.mail for line in house.store.views.outbox() if line.state == "queued"]
    assert sorted(set(waiting)) == ["brief", "receipt", "task"]
    assert (said["cases"], said["doubtful"]) == (made.manifest.cases, len(waiting))
    assert states(Home(new), "task", "receipt") == ["uncertain", "uncertain"]
    assert main(["verify", "--home", str(new)]) == 0
    assert "is not in service yet" in capsys.readouterr().out
    for daemon in ("worker", "serve"):
        assert main([daemon, "--home", str(new)]) == 78
        assert "soppa backup accept --reason" in capsys.readouterr().err
    assert main(["backup", "accept", "--home", str(new), "--reason", "the old one burnt", "--json"]) == 0
    (kept,) = json.loads(capsys.readouterr().out)["accepted"]
    assert kept["reason"] == "the old one burnt" and "restored from the backup" in kept["was"]
    assert main(["backup", "accept", "--home", str(new), "--reason", "again"]) == 0
    assert "nothing changed" in capsys.readouterr().out
    assert main(["verify", "--home", str(new), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notice"] is None


def states(home: Home, *mails: str) -> list[str]:
    """Of the mails of the newest case."""
    with open_house(home) as house:
        lines = [line for line in house.store.views.outbox() if line.mail in mails]
        newest = max(line.case_id or "" for line in lines)
        return [line.state for line in lines if line.case_id == newest]


def test_check_restores_verifies_and_leaves_nothing(
    house: House, folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    back_up(house, folder, 30, AFTER, idle)
    assert main(["restore", str(folder), "--check", "--home", str(house.home.root), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["whole"], said["wrong"], said["documents"], said["home"]) == (True, [], 1, None)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_oldest_of_our_own_go_and_those_of_another_home_stay(house: House, folder: Path) -> None:
    strange = folder / "soppa-20200101T000000Z-0000.backup"
    with strange.open("wb") as file:
        FrameWriter(file, new_backup_key()).finish()
    (folder / "soppa-20200101T000001Z-0000.backup").write_bytes(b"no backup")
    made = [back_up(house, folder, 30, AFTER, idle)]
    make_key(house.home)
    made += [back_up(house, folder, keep, AFTER, idle) for keep in (30, 2)]
    left = {path.name for path in backups_in(folder)}
    assert sorted(made[-1].removed) == sorted({one.file.name for one in made} - left)
    assert len(left) == 4 and made[-1].file.name in left and strange.name in left
    assert {key.name for key in house.home.backup_key.parent.iterdir()} > {"ring", "backup"}


def test_work_goes_on_while_the_one_backup_is_made_and_is_not_half_in_it(
    house: House, folder: Path, tmp_path: Path
) -> None:
    before, begun = content(house.store.base.engine, "meta"), list[str]()

    def meanwhile(done: int, total: int) -> None:
        if not begun:
            house.store.outbox.notify("person:priya", "while_off", None, {"done": "1"}, AFTER)
            begun.append("a mail")
            with pytest.raises(Refused, match=r"process \d+ is making a backup of this home already"):
                back_up(house, folder, 30, AFTER, idle)

    made = back_up(house, folder, 30, AFTER, meanwhile)
    assert begun and [made.file] == list(folder.iterdir())
    new = Home(tmp_path / "new")
    restore(made.file, key_of(house.home), new, None, None, AFTER, idle)
    engine = open_engine(f"sqlite:///{new.database}")
    assert content(engine, "meta") == before
    engine.dispose()


def test_a_backup_of_an_older_schema_is_brought_to_the_newest(tmp_path: Path) -> None:
    from storage.driver import SCHEMA
    from storage.upgrade import build, config_for

    engine = open_engine(f"sqlite:///{tmp_path / 'old.db'}", create=True)
    with engine.begin() as connection:
        older = ScriptDirectory.from_config(config_for(connection)).get_revision(SCHEMA).down_revision
        assert isinstance(older, str)
        build(connection, older)
    engine.dispose()
    key, file = new_backup_key(), tmp_path / "old.backup"
    manifest = {"soppa": "0.0.9", "schema": older, "made_at": AFTER.isoformat(), "database": "sqlite", "key_check": "",
                "heads": EMPTY_HEADS, "seal": None, "rows": {"meta": 1}}
    with file.open("wb") as out:
        writer = FrameWriter(out, key)
        writer.put_json("manifest", manifest)
        writer.put_json("table", {"table": "meta", "columns": [["name", "text"], ["value", "text"]]})
        writer.put_json("rows", [["demo", "of old"]])
        writer.put_json("file", {"path": "district.yaml", "size": len(SETTINGS)})
        writer.put("piece", SETTINGS)
        writer.finish()
    new = Home(tmp_path / "new")
    restore(file, key, new, None, None, AFTER, idle)
    engine = open_engine(f"sqlite:///{new.database}")
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == SCHEMA
        assert connection.scalar(text("SELECT value FROM meta WHERE name = 'demo'")) == "of old"
    engine.dispose()


SETTINGS = b"district: Old\nzone: America/Chicago\n"
EMPTY_HEADS = "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"


def test_every_column_of_every_table_has_a_way_into_a_backup() -> None:
    kinds = {kind_of(column) for table in METADATA.sorted_tables for column in table.columns}
    assert kinds == {"text", "instant", "bytes", "yes_no", "number", "date"}


def test_without_a_write_ahead_log_a_copy_is_read_so_that_writers_go_on(tmp_path: Path) -> None:
    """As on a machine whose SQLite has the fault that the log is left out for."""
    with MailSink() as sink:
        home = Home(sample_home(tmp_path, sink, 8080))
    copy = home.root / ".backup-copy.db"
    copy.write_bytes(b"left by a dead process")
    with open_house(home) as house:
        engine = house.store.base.engine
        with closing(engine.raw_connection()) as raw:
            assert raw.cursor().execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
        with one_moment(engine, copy) as connection:
            house.store.set_mark("demo", "written meanwhile")
            assert connection.scalar(select(META.c.value).where(META.c.name == "demo")) is None
            assert copy.stat().st_mode & 0o777 == 0o600
        assert house.store.mark("demo") == "written meanwhile"
    assert list(home.root.glob(".backup-copy*")) == []
