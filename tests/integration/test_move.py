"""Moving a home from its file to PostgreSQL: everything, once, compared; and the way it is refused or cut off."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from cli.demo.run import FakeClock
from cli.demo.sink import MailSink
from cli.home import ASIDE, Home
from cli.main import main
from cli.serving.daemon import beat_until_quiet, heart_of
from cli.settings import read_settings
from cli.upkeep import backups
from cli.upkeep.joblock import only_job
from cli.upkeep.moving import move
from cli.wiring import open_house
from engine.errors import WrongEnvironment
from storage.database import open_engine
from storage.tables import METADATA
from storage.upkeep.moving import refuse_writers
from tests.integration.full_home import AFTER, content, full_house
from tests.processes import running, soppa, until

pytestmark = pytest.mark.postgres


def idle(done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def sink() -> Iterator[MailSink]:
    with MailSink() as opened:
        yield opened


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, sink: MailSink) -> Home:
    """A full home whose settings hold comments."""
    with full_house(tmp_path_factory.mktemp("full"), sink) as house:
        settings = house.home.settings
        settings.write_text("# The office's own words.\n" + settings.read_text("utf-8"), "utf-8")
        return house.home


@pytest.fixture
def home(full: Home, tmp_path: Path) -> Home:
    return Home(Path(shutil.copytree(full.root, tmp_path / "home")))


@pytest.fixture
def url(postgres_url: str) -> str:
    return postgres_url.replace("postgresql+psycopg://", "postgresql://", 1)


def rows_in(url: str) -> dict[str, list[dict[str, object]]]:
    engine = open_engine(url)
    try:
        return content(engine)
    finally:
        engine.dispose()


def test_everything_arrives_and_the_home_goes_on_there(home: Home, url: str, sink: MailSink) -> None:
    was, settings = rows_in(f"sqlite:///{home.database}"), home.settings.read_text("utf-8")
    done = soppa(home.root, "migrate-to-postgres", "--to", url, "--apply")
    assert done.returncode == 0, done.stderr
    assert rows_in(url) == was
    assert home.settings.read_text("utf-8") == f'{settings}\ndatabase: "{url}"\n'
    aside = home.database.with_name(home.database.name + ASIDE)
    assert home.asides == [aside]
    assert aside.name not in {name for name, _ in backups.files_of(home, read_settings(home.settings))}
    assert rows_in(f"sqlite:///{aside}") == was
    assert aside.stat().st_mode & 0o077 == 0
    assert {path.name for path in home.root.glob("soppa.db*")} == {aside.name}
    assert not home.moving.exists()
    assert soppa(home.root, "verify").returncode == 0
    before = len(sink.mails)
    with open_house(home, FakeClock(AFTER)) as house, heart_of(house, tells_gaps=False) as heart:
        beat_until_quiet(heart)
    assert len(sink.mails) == before + 2


def test_what_is_sealed_stays_sealed(home: Home, url: str) -> None:
    move_now(home, url)
    engine = open_engine(url)
    with engine.connect() as connection:
        rows = [row for table in METADATA.sorted_tables for row in connection.execute(table.select())]
    engine.dispose()
    assert len(rows) > 100
    everything = b" ".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)
    assert b"ana@families.example" not in everything and b"Ana Ruiz" not in everything


def test_a_look_shows_what_would_move_and_changes_nothing(home: Home, url: str) -> None:
    was = {path: path.read_bytes() for path in home.root.iterdir() if path.is_file()}
    shown = soppa(home.root, "migrate-to-postgres", "--to", url)
    assert shown.returncode == 0
    assert "would move" in shown.stdout and "Nothing is changed" in shown.stdout
    assert all(len(line) <= 80 for line in shown.stdout.splitlines() if url not in line and str(home.root) not in line)
    assert {path: path.read_bytes() for path in home.root.iterdir() if path.is_file()} == was
    engine = open_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")) == 0
    engine.dispose()
    said = json.loads(soppa(home.root, "migrate-to-postgres", "--to", url, "--json").stdout)
    assert (said["applied"], said["aside"]) == (False, None) and said["rows"] > 100


def test_a_database_that_is_not_empty_is_refused(home: Home, url: str) -> None:
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE theirs (id int)"))
    engine.dispose()
    for words in ((), ("--apply",)):
        refused = soppa(home.root, "migrate-to-postgres", "--to", url, *words)
        assert (refused.returncode, refused.stderr) == (
            1, "soppa: the database to move into is not empty: make a new one, and name that\n")  # fmt: skip
    assert read_settings(home.settings).database is None
    assert not home.moving.exists()


@pytest.mark.parametrize(("to", "sentence", "code"), [
    pytest.param("sqlite:////tmp/x.db", "--to is a PostgreSQL database", 2, id="a file"),
    pytest.param("postgresql://soppa:secret@localhost/soppa", "--to holds a password", 2, id="a password for all"),
    pytest.param("mysql://localhost/soppa", "databases of kind 'mysql' are not known", 78, id="another kind"),
    pytest.param("postgresql://soppa@localhost:1/soppa", "the database does not answer", 78, id="nobody there"),
])  # fmt: skip
def test_a_target_that_will_not_do_is_named(home: Home, to: str, sentence: str, code: int) -> None:
    refused = soppa(home.root, "migrate-to-postgres", "--to", to, "--apply")
    assert (refused.returncode, refused.stderr.count("\n")) == (code, 1)
    assert sentence in refused.stderr
    assert home.database.exists() and not home.moving.exists()


def test_a_database_in_another_encoding_is_refused(home: Home, url: str) -> None:
    engine = open_engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        made = "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        connection.execute(text(made))
        try:
            latin = url.replace(str(engine.url.database), "latin")
            refused = soppa(home.root, "migrate-to-postgres", "--to", latin, "--apply")
        finally:
            connection.execute(text("DROP DATABASE latin WITH (FORCE)"))
    engine.dispose()
    assert refused.returncode == 78
    assert "does not keep its text in UTF-8" in refused.stderr


def test_while_a_daemon_works_nothing_moves(home: Home, url: str) -> None:
    with running(home.root, "worker") as daemon:
        until(lambda: (home.lock).exists() and home.lock.read_text() == f"{daemon.pid}\n", "the daemon")
        refused = soppa(home.root, "migrate-to-postgres", "--to", url, "--apply")
    assert refused.returncode == 78
    assert f"process {daemon.pid} is this home's daemon already" in refused.stderr
    assert home.database.exists()


def test_the_second_of_two_is_told_of_the_first(home: Home, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with only_job(home, "soppa migrate-to-postgres"):
        assert main(["--home", str(home.root), "migrate-to-postgres", "--to", url, "--apply"]) == 1
    assert "is doing soppa migrate-to-postgres in this home already: wait" in capsys.readouterr().err


def test_moved_twice_is_refused(home: Home, url: str) -> None:
    move_now(home, url)
    again = soppa(home.root, "migrate-to-postgres", "--to", url, "--apply")
    assert (again.returncode, "is PostgreSQL already" in again.stderr) == (2, True)


@pytest.mark.parametrize("step", ["filled", "aside", "refusing", "switched"])
def test_a_move_that_was_killed_goes_on_with_the_same_command(
    home: Home, url: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    was = rows_in(f"sqlite:///{home.database}")
    monkeypatch.setenv("SOPPA_FAILPOINT", f"move/{step}")
    assert soppa(home.root, "migrate-to-postgres", "--to", url, "--apply").returncode == -9
    monkeypatch.delenv("SOPPA_FAILPOINT")
    works = soppa(home.root, "queue").returncode
    assert works == 0
    if step in ("filled", "aside"):
        assert read_settings(home.settings).database is None
        assert rows_in(f"sqlite:///{home.database}") == was
    done = soppa(home.root, "migrate-to-postgres", "--to", url, "--apply")
    assert done.returncode == 0, done.stderr
    assert rows_in(url) == was
    assert rows_in(f"sqlite:///{home.database}{ASIDE}") == was
    assert {path.name for path in home.root.glob("soppa.db*")} == {f"{home.database.name}{ASIDE}"}
    assert soppa(home.root, "verify").returncode == 0


def test_a_daemon_does_not_start_on_a_database_that_a_move_has_only_filled(
    home: Home, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOPPA_FAILPOINT", "move/switched")
    soppa(home.root, "migrate-to-postgres", "--to", url, "--apply")
    monkeypatch.delenv("SOPPA_FAILPOINT")
    refused = soppa(home.root, "worker")
    assert refused.returncode == 78
    assert "soppa migrate-to-postgres has filled this database and did not come to its end" in refused.stderr
    shown = soppa(home.root, "migrate-to-postgres", "--to", url)
    assert "--apply ends it" in shown.stdout and home.moving.exists()


def test_a_home_that_has_gone_on_since_is_not_mixed_with_what_was_copied(
    home: Home, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOPPA_FAILPOINT", "move/filled")
    soppa(home.root, "migrate-to-postgres", "--to", url, "--apply")
    monkeypatch.delenv("SOPPA_FAILPOINT")
    with open_house(home) as house:
        house.store.set_mark("since", "then")
    refused = soppa(home.root, "migrate-to-postgres", "--to", url, "--apply")
    assert refused.returncode == 1
    assert "the home has gone on since: drop the database, make a new one" in refused.stderr


def test_whoever_waits_to_write_while_it_moves_is_refused_and_nothing_is_lost(home: Home, url: str) -> None:
    """As a command would that was begun before the move, and whose turn comes after it."""
    refused: list[BaseException] = []
    with open_house(home) as late, open_house(home) as house:

        def write() -> None:
            try:
                late.store.set_mark("late", "word")
            except WrongEnvironment as error:
                refused.append(error)

        thread = threading.Thread(target=write)
        with house.store.base.writing() as connection:
            thread.start()
            refuse_writers(connection)
        thread.join(30)
        assert "is being moved to PostgreSQL" in str(refused[0])
        move(house, url, AFTER, idle)
    assert "late" not in {row["name"] for row in rows_in(url)["meta"]}


def move_now(home: Home, url: str) -> None:
    with open_house(home) as house:
        move(house, url, AFTER, idle)
