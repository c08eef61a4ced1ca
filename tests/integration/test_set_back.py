"""A database that was set back behind soppa's back is known for what it is, and nothing is sent again by itself."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.demo.run import FakeClock, person
from cli.demo.sink import MailSink
from cli.home import Home
from cli.main import main
from cli.printing import count
from cli.serving.daemon import beat_until_quiet, heart_of
from cli.serving.worker import only_daemon
from cli.upkeep.accepting import take
from cli.upkeep.seen import Marker, kept
from cli.wiring import House, machine_clock, open_house
from engine.errors import Refused, WrongEnvironment
from engine.model.case import Contact, FactValue
from storage.upkeep.seen import NEVER, RESTORED, go_on, seen_in, write_seen
from tests.integration.full_home import AFTER, full_house
from tests.processes import sample_home

REASON = "the virtual machine was set back, the old one is gone"


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with MailSink() as sink:
        yield sink


@pytest.fixture
def home(tmp_path: Path, sink: MailSink) -> Home:
    return Home(sample_home(tmp_path, sink, 8080))


def begin(house: House) -> str:
    now = house.clock()
    facts: dict[str, FactValue] = {"received_on": now.astimezone(house.settings.zone).date(), "item": "A date"}
    parent = {"parent": Contact("Ana Ruiz", "ana@families.example", "es")}
    return house.service.start("correction_request", facts, parent, person(house, "carla"), now).id


def work(house: House) -> None:
    """A daemon's life."""
    with heart_of(house) as heart:
        beat_until_quiet(heart)


def set_back(home: Home, snapshot: Path) -> None:
    for path in home.root.glob("soppa.db*"):
        path.unlink()
    shutil.copy(snapshot, home.database)


def snapshot(home: Home) -> Path:
    copy = home.root.parent / "snapshot.db"
    with open_house(home) as house, house.store.base.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql(f"VACUUM INTO '{copy}'")
    copy.chmod(0o600)
    return copy


def test_a_database_file_that_was_put_back_is_refused_until_it_is_accepted(
    home: Home, sink: MailSink, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_house(home) as house:
        work(house)
        case = begin(house)
    before = snapshot(home)
    with open_house(home) as house:
        work(house)
    sent = len(sink.mails)
    assert sent
    set_back(home, before)
    assert main(["worker", "--home", str(home.root)]) == 78
    assert "but this home has seen it at" in capsys.readouterr().err
    assert main(["verify", "--home", str(home.root)]) == 1
    assert "but this home has seen it at" in capsys.readouterr().err
    assert main(["backup", "accept", "--home", str(home.root), "--reason", REASON]) == 0
    assert f"{count(sent, 'mail')} may have been sent since" in capsys.readouterr().out
    with open_house(home) as house:
        work(house)
        states = {line.state for line in house.store.views.outbox(case_id=case)}
        assert house.store.views.incidents() == ()
    assert states == {"uncertain"}
    assert [mail.subject.split(" to ")[0] for mail in sink.mails[sent:]] == ["The office's records were set back"]
    assert main(["verify", "--home", str(home.root)]) == 0


def test_what_fell_due_since_happens_and_its_mails_are_in_doubt(tmp_path: Path, sink: MailSink) -> None:
    """Cases that began by themselves in the meantime: whoever worked then has mailed of them already."""
    with full_house(tmp_path, sink) as house:
        known = {line.id for line in house.store.views.case_rows()}
        told = len(sink.mails)
        house.store.set_mark(RESTORED, AFTER.isoformat())
        now = AFTER + dt.timedelta(days=120)
        taken = take(house, REASON, now)
        begun = {line.id for line in house.store.views.case_rows()} - known
        mails = [line for line in house.store.views.outbox() if line.id in taken.doubtful]
        assert begun & {line.case_id for line in mails}
        assert not house.service.tick(now)
        assert isinstance(house.clock, FakeClock)
        house.clock.now = now
        work(house)
        assert {line.state for line in house.store.views.outbox() if line.id in taken.doubtful} == {"uncertain"}
    assert {mail.subject.split(" ")[0] for mail in sink.mails[told:]} == {"The", "soppa"}


def test_what_is_to_come_goes_on(home: Home) -> None:
    with open_house(home) as house:
        case = begin(house)
        work(house)
        timers = waiting_timers(house, case)
        house.store.set_mark(RESTORED, machine_clock().isoformat())
        take(house, REASON, house.clock())
        assert timers and waiting_timers(house, case) == timers


def waiting_timers(house: House, case: str) -> list[str]:
    with house.store.base.reading() as connection:
        found = connection.exec_driver_sql("SELECT key FROM timers WHERE case_id = ? AND at IS NOT NULL", (case,))
        return sorted(row[0] for row in found)


def test_two_that_went_apart_at_the_same_count_are_told_apart(home: Home) -> None:
    with open_house(home) as house:
        work(house)
    before = snapshot(home)
    with open_house(home) as house:
        work(house)
    seen = kept(home)
    set_back(home, before)
    with open_house(home) as house:
        while seen_in(house.store.base).count < seen.count:
            go_on(house.store.base, machine_clock())
        with pytest.raises(WrongEnvironment, match="soppa backup accept --reason"):
            work(house)


def test_a_daemon_that_was_killed_between_its_two_marks_starts_again(home: Home) -> None:
    with open_house(home) as house:
        work(house)
        go_on(house.store.base, machine_clock())
        work(house)
        assert kept(home).count == seen_in(house.store.base).count


def test_a_daemon_under_which_the_database_is_set_back_stops_and_is_refused(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    with open_house(home) as house:
        before = house.store.mark("seen")
        with heart_of(house) as heart:
            heart.beat()
            seen = kept(home)
            house.store.set_mark("seen", before or write_seen(NEVER))
            heart.duties.set_high_water(machine_clock())
            assert not heart.stop.is_set()
            Marker(house, heart.stop).mark_now_and_then(machine_clock())
            assert heart.stop.is_set() and "the daemon stops" in caplog.text
        assert kept(home) == seen
        with pytest.raises(WrongEnvironment, match="soppa backup accept --reason"):
            work(house)


def test_a_mark_that_cannot_be_read_is_one_sentence(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.seen.write_text("{")
    home.seen.chmod(0o600)
    assert main(["worker", "--home", str(home.root)]) == 78
    assert f"{home.seen} cannot be read" in capsys.readouterr().err


def test_nothing_is_accepted_while_a_daemon_works_or_the_clock_is_wrong(home: Home) -> None:
    with open_house(home) as house:
        house.store.set_mark(RESTORED, machine_clock().isoformat())
        with only_daemon(home.lock), pytest.raises(WrongEnvironment, match="is this home's daemon already"):
            take(house, REASON, house.clock())
        house.store.set_high_water(machine_clock() + dt.timedelta(days=2))
        with pytest.raises(Refused, match="the clock says"):
            take(house, REASON, house.clock())
        assert house.store.mark(RESTORED) is not None


def test_a_machine_that_was_set_back_as_a_whole_is_taken_at_the_words_of_whoever_did_it(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_house(home) as house:
        begin(house)
    words = ["backup", "accept", "--home", str(home.root), "--reason", REASON]
    assert main([*words, "--snapshot", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["was"], len(said["doubtful"]) > 0) == ("the whole machine was set back", True)
    assert main([*words[:-1], "  "]) == 2
