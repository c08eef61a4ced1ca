"""An environment that is wrong: one sentence and exit 78 before anything is done, or the work goes on around it."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from cli.demo.run import person
from cli.demo.sink import MailSink
from cli.home import Home
from cli.main import main
from cli.serving.daemon import beat_until_quiet, heart_of
from cli.wiring import House, machine_clock, open_house
from engine.model.case import Contact, FactValue
from storage.driver import SQLITE
from tests.processes import SOPPA, free_port, sample_home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The sample district; nobody listens at its relay's port."""
    with MailSink() as gone:
        return Home(sample_home(tmp_path, gone, free_port()))


def changed_schema(home: Home) -> None:
    connection = SQLITE.connect(str(home.database))
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()


def other_ring(home: Home) -> None:
    home.ring.write_bytes(home.ring.read_bytes()[::-1])


def with_settings(line: str) -> Callable[[Home], object]:
    return lambda home: home.settings.write_text(f"{home.settings.read_text()}{line}\n")


def own_calendar(home: Home) -> None:
    folder = home.root / "calendars"
    folder.mkdir(mode=0o700)
    text = 'calendar: il-strict\nversion: "1"\nfrom: soon\nto: 2040-12-31\nsunday: monday\nholidays: []\n'
    (folder / "il-strict.yaml").write_text(text)


WRONG: list[tuple[str, Callable[[Home], object], str]] = [
    ("a key ring that is missing", lambda home: home.ring.unlink(), "ring is missing"),
    ("a key ring that is damaged", other_ring, "ring"),
    ("a key ring open to others", lambda home: home.ring.chmod(0o640), "chmod 600"),
    ("a folder of keys open to others", lambda home: home.ring.parent.chmod(0o755), "chmod 700"),
    ("a home open to others", lambda home: home.root.chmod(0o750), "chmod 700"),
    ("settings open to others", lambda home: home.settings.chmod(0o644), "chmod 600"),
    ("settings with an unknown key", with_settings("zome: x"), "unknown key 'zome' in district.yaml"),
    ("settings that are no YAML", with_settings("relay: {"), "not readable as YAML"),
    ("a calendar of its own with faults", own_calendar, "il-strict.yaml:3:7: from must be a date such as"),
    ("a database open to others", lambda home: home.database.chmod(0o644), "chmod 600"),
    ("a database that is missing", lambda home: home.database.unlink(), "there is no database"),
    ("a database of another schema", changed_schema, "schema 9999"),
    ("a file that is no database", lambda home: home.database.write_bytes(b"no database" * 100), "damaged"),
]


@pytest.mark.parametrize(("change", "sentence"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_the_daemon_refuses_to_start(
    home: Home, capsys: pytest.CaptureFixture[str], change: Callable[[Home], object], sentence: str
) -> None:
    change(home)
    assert main(["worker", "--home", str(home.root)]) == 78
    said = capsys.readouterr().err
    assert said.startswith("soppa: ") and said.count("\n") == 1
    assert sentence in said


def like_everybody() -> list[str]:
    """The words before a command that take away root's right to write what is read-only."""
    if os.geteuid():
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root may write what is read-only, and setpriv (util-linux) is not here to change that")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.mark.parametrize("command", ["worker", "show 2026-0001", "do 2026-0001 verify complete"])
def test_a_read_only_database_is_one_sentence_and_78(home: Home, command: str) -> None:
    home.database.chmod(0o400)
    before = home.database.read_bytes()
    words = [*like_everybody(), str(SOPPA), *command.split(), "--home", str(home.root)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    said = f"soppa: {home.database} is read-only: give the file and its folder back to soppa's user\n"
    assert (done.returncode, done.stderr) == (78, said)
    assert home.database.read_bytes() == before


def test_a_database_that_is_read_only_for_a_while_loses_nothing(home: Home) -> None:
    connection = SQLITE.connect(str(home.database))
    with MailSink() as sink, open_house(listening(home, sink)) as house, heart_of(house) as heart:
        begin(house)
        connection.execute("CREATE TRIGGER ro BEFORE UPDATE ON outbox BEGIN SELECT RAISE(ABORT, 'readonly'); END")
        assert heart.beat() == 0
        assert house.store.has_work(machine_clock())
        connection.execute("DROP TRIGGER ro")
        connection.close()
        beat_until_quiet(heart)
        assert states(house) == {"accepted"}
        assert house.store.views.incidents() == ()


def test_without_a_relay_the_mails_wait_and_leave_when_it_is_there(home: Home) -> None:
    with open_house(home) as house, heart_of(house) as heart:
        begin(house)
        beat_until_quiet(heart)
        assert states(house) == {"deferred"}
    with MailSink() as sink, open_house(listening(home, sink), in_two_minutes) as house, heart_of(house) as heart:
        beat_until_quiet(heart)
        assert states(house) == {"accepted"}
        assert len(once(sink)) == len([line for line in house.store.views.outbox() if line.mail != "brief"])


def test_a_relay_that_goes_away_between_two_mails_gives_nothing_up(home: Home) -> None:
    with ExitStack() as relay:
        first = relay.enter_context(MailSink())
        with open_house(listening(home, first)) as house, heart_of(house) as heart:
            begin(house)
            beat_until_quiet(heart)
            relay.close()
            begin(house)
            beat_until_quiet(heart)
            assert states(house) == {"accepted", "deferred"}
    with MailSink() as second, open_house(listening(home, second), in_two_minutes) as house, heart_of(house) as heart:
        beat_until_quiet(heart)
        assert states(house) == {"accepted"}
    assert once(first) & once(second) == set()


def in_two_minutes() -> dt.datetime:
    return machine_clock() + dt.timedelta(minutes=2)


def listening(home: Home, sink: MailSink) -> Home:
    """The home with this relay in its settings."""
    settings = re.sub(r"port: \d+", f"port: {sink.smtp_port}", home.settings.read_text())
    home.settings.write_text(settings)
    return home


def once(sink: MailSink) -> set[str]:
    """The Message-IDs that the relay took; none came twice."""
    taken = [str(mail.message["Message-ID"]) for mail in sink.mails]
    assert len(taken) == len(set(taken))
    return set(taken)


def begin(house: House) -> None:
    now = machine_clock()
    parent = Contact("Ana Ruiz", "ana@families.example", "es")
    received_on = now.astimezone(house.settings.zone).date()
    facts: dict[str, FactValue] = {"received_on": received_on, "item": "A date"}
    house.service.start("correction_request", facts, {"parent": parent}, person(house, "carla"), now)


def states(house: House) -> set[str]:
    """Of the mails that leave at once; a brief may wait for the next working day, whatever day this is."""
    return {line.state for line in house.store.views.outbox() if line.mail != "brief"}
