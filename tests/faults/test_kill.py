"""The daemon is killed again and again in its work: nothing is lost, nothing is doubled, and doubt has a name.

Cases are begun in the past, so that reminders, targets and legal rungs are due and mails wait. The daemon works through
a relay that thinks before it accepts; it is killed at random moments, and another one goes on. The same cases in a
second home, worked through in peace, tell what must have happened in the end.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import pytest
from sqlalchemy import update

from cli.demo.run import FakeClock, person
from cli.demo.sink import MailSink
from cli.home import Home
from cli.serving.daemon import beat_until_quiet, heart_of
from cli.settings import USUAL_CONNECTIONS
from cli.wiring import machine_clock, open_house
from engine.model.case import Contact, FactValue
from storage.tables import OUTBOX
from tests.processes import free_port, running, sample_home, soppa, until

KILLS = 20
CASES = 3
"""How many begin before each kill."""

PAUSE = 0.2
"""Seconds that the relay thinks about each mail."""

SEED = int(os.environ.get("SOPPA_FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 1_000_000)


@dataclass(frozen=True)
class Found:
    """What a home says after all is done: the history of each case without mails, and what became of each mail."""

    histories: dict[str, list[tuple[str, str]]]
    mails: Counter[str]
    doubtful: set[str]
    accepted: set[str]
    broken: list[str]


@pytest.fixture
def calm_home(tmp_path: Path) -> Iterator[tuple[Path, MailSink]]:
    with MailSink() as sink:
        yield sample_home(tmp_path / "calm", sink, free_port()), sink


@pytest.mark.timeout(300)
def test_kills_lose_nothing_and_double_nothing(
    database_url: str, tmp_path: Path, calm_home: tuple[Path, MailSink], capsys: pytest.CaptureFixture[str]
) -> None:
    now = machine_clock()
    calm, calm_sink = calm_home
    begin_cases(calm, now, range(KILLS * CASES))
    finish(calm, now)
    with MailSink(pause=PAUSE) as sink:
        home = sample_home(tmp_path / "killed", sink, free_port(), database_url)
        in_work = kill_again_and_again(home, sink, now)
        finish(home, now)
        killed, peace = look(home, sink), look(calm, calm_sink)
        listed = soppa(home, "mail", "outbox", "--state", "uncertain", "--json").stdout
    mails, doubts = sum(killed.mails.values()), len(killed.doubtful)
    told = f"{KILLS} kills, {in_work} of them with work left, {mails} mails, {doubts} in doubt"
    with capsys.disabled():
        sys.stdout.write(f"\nseed {SEED}: {told}\n")
    assert in_work >= KILLS // 2
    assert killed.histories == peace.histories
    assert killed.broken == []
    doubled = {identity for identity, count in killed.mails.items() if count > 1}
    assert doubled == set()
    assert killed.accepted <= set(killed.mails)
    assert set(killed.mails) - killed.accepted <= killed.doubtful
    assert len(killed.accepted) + len(killed.doubtful) == len(peace.accepted)
    assert listed.count('"uncertain"') == len(killed.doubtful)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("answered", [False, True], ids=["before the relay's 250", "after it, before the record"])
def test_the_mails_in_hand_are_in_doubt_and_the_claimed_ones_leave_once(
    database_url: str, tmp_path: Path, answered: bool
) -> None:
    now = machine_clock()
    with MailSink(pause=1.0) as sink:
        home = sample_home(tmp_path, sink, free_port(), database_url)
        begin_cases(home, now, range(CASES))
        with running(home, "worker") as process:
            wait_for_mail(sink, process)
            if answered:
                process.send_signal(signal.SIGSTOP)
                time.sleep(2 * sink.pause)
            process.kill()
            process.wait(60)
        assert leases_run_out(home) > USUAL_CONNECTIONS
        sink.pause = 0.0
        finish(home, now)
        found = look(home, sink)
    in_hand = str(sink.mails[0].message["Message-ID"])
    assert in_hand in found.doubtful
    assert len(found.doubtful) <= USUAL_CONNECTIONS
    assert found.accepted == set(found.mails) - found.doubtful
    assert set(found.mails.values()) == {1}


def begin_cases(home: Path, now: dt.datetime, numbers: Iterable[int]) -> None:
    """Corrections begun 20 to 138 days ago: for some only reminders are due, some are past their legal date."""
    with open_house(Home(home), machine_clock) as house:
        custodian, zone = person(house, "carla"), house.settings.zone
        for number in numbers:
            begun = now - dt.timedelta(days=20 + 2 * number)
            parent = Contact(f"Parent {number}", f"parent{number}@families.example", "es" if number % 2 else "en")
            facts: dict[str, FactValue] = {"received_on": begun.astimezone(zone).date(), "item": "A date"}
            house.service.start("correction_request", facts, {"parent": parent}, custodian, begun)


def kill_again_and_again(home: Path, sink: MailSink, now: dt.datetime) -> int:
    """How many of the kills came while mail was leaving."""
    chance, in_work = random.Random(SEED), 0
    for kill in range(KILLS):
        begin_cases(home, now, range(kill * CASES, (kill + 1) * CASES))
        with running(home, "worker") as process:
            wait_for_mail(sink, process)
            time.sleep(chance.uniform(0, 0.25))
            assert process.poll() is None
            process.kill()
            process.wait(60)
        in_work += leases_run_out(home) > 0
    return in_work


def wait_for_mail(sink: MailSink, process: Popen[str]) -> None:
    before = len(sink.mails)
    until(lambda: len(sink.mails) > before or process.poll() is not None, "the first mail", 600)


def leases_run_out(home: Path) -> int:
    """A quarter of an hour passes for what the dead process held; says how many mails that were."""
    with open_house(Home(home), machine_clock) as house, house.store.base.writing() as connection:
        held = update(OUTBOX).where(OUTBOX.c.lease_until.is_not(None)).values(lease_until=machine_clock())
        return connection.execute(held).rowcount


def finish(home: Path, now: dt.datetime) -> None:
    """Works in peace, on the same day, until nothing is left; a mail that was given back waits a minute first."""
    clock = FakeClock(now + dt.timedelta(minutes=20))
    with open_house(Home(home), clock) as house, heart_of(house) as heart:
        beat_until_quiet(heart)
        clock.now += dt.timedelta(minutes=10)
        beat_until_quiet(heart)
        assert not house.store.has_work(clock.now)


def look(home: Path, sink: MailSink) -> Found:
    with open_house(Home(home), machine_clock) as house:
        views = house.store.views
        cases = [line.id for line in views.case_rows()]
        histories = {
            case_id: sorted((line.kind, str(sorted(line.detail.items()))) for line in views.history(case_id)
                            if line.kind != "mail_settled" and line.kind != "told")
            for case_id in cases
        }  # fmt: skip
        lines = [line for line in views.outbox() if line.mail != "brief" or line.state != "queued"]
        broken = [fault for case_id in cases for fault in views.verify_history(case_id)]
        assert views.incidents() == ()
    assert {line.state for line in lines} <= {"accepted", "uncertain", "cancelled"}
    return Found(
        histories,
        Counter(str(mail.message["Message-ID"]) for mail in sink.mails),
        {str(line.message_id) for line in lines if line.state == "uncertain"},
        {str(line.message_id) for line in lines if line.state == "accepted"},
        broken,
    )
