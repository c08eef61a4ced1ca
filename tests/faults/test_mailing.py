"""A mailing to many is cut again and again: each family is told once, doubt has a name, the case learns of the end."""

from __future__ import annotations

import datetime as dt
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from cli.demo.run import person
from cli.demo.sink import MailSink
from cli.home import Home
from cli.main import main
from cli.values import fact_values
from cli.wiring import House, machine_clock, open_house
from storage.mailing.recipients import Member
from tests.faults.test_kill import PAUSE, SEED, finish, leases_run_out, wait_for_mail
from tests.processes import free_port, running, sample_home, soppa

KILLS = int(os.environ.get("SOPPA_KILLS", "10"))
FAMILIES = 600


@pytest.mark.timeout(3600)
def test_a_mailing_that_is_cut_tells_each_family_once(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, now = random.Random(SEED), machine_clock()
    with MailSink(pause=PAUSE) as sink:
        home = sample_home(tmp_path, sink, free_port(), database_url)
        case = released(home, now)
        for _ in range(KILLS):
            with running(home, "worker") as process:
                wait_for_mail(sink, process)
                time.sleep(chance.uniform(0, 0.25))
                process.kill()
                process.wait(60)
            leases_run_out(home)
        sink.pause = 0.0
        finish(home, now)
        letters = Counter(mail.envelope_to for mail in sink.mails if mail.envelope_to.startswith("family"))
        doubtful = in_doubt(home)
        for outbox_id in doubtful:
            assert main(["mail", "settle", str(outbox_id), "accepted", "--home", str(home), "--as", "priya"]) == 0
        finish(home, now)
        with open_house(Home(home), machine_clock) as house, house.store.read() as unit:
            (progress,) = unit.audiences(now).progress(case)
            told = unit.case(case)
            history = house.store.views.history(case)
            broken = house.store.views.verify_history(case)
    with capsys.disabled():
        sys.stdout.write(f"\nseed {SEED}: {KILLS} kills, {len(letters)} families, {len(doubtful)} in doubt\n")
    assert max(letters.values()) == 1
    assert FAMILIES - len(letters) <= len(doubtful)
    assert (progress.told, progress.recipients) == (FAMILIES, FAMILIES)
    assert told.regions["parents"].state == "parents.told"
    assert told.clocks["parents"].status == "satisfied"
    entered = Counter(line.detail["state"] for line in history if line.kind == "state_entered")
    assert (max(entered.values()), broken) == (1, [])


def in_doubt(home: Path) -> list[int]:
    with open_house(Home(home), machine_clock) as house:
        return [line.id for line in house.store.views.outbox(state="uncertain")]


def released(home: Path, now: dt.datetime) -> str:
    """A breach whose letters are released; the daemon has not begun to send them."""
    case = until_second(home, now, FAMILIES)
    with open_house(Home(home), machine_clock) as house:
        answer(house, case, "release_second", "release", "sam")
    return case


def until_second(home: Path, now: dt.datetime, families: int) -> str:
    """A breach whose letters wait for the release of the second person."""
    with open_house(Home(home), machine_clock) as house:
        today = str(now.astimezone(house.settings.zone).date())
        looked_up = soppa(home, "references", "confirm", "agencies", "--on", today, "--as", "priya")
        assert looked_up.returncode == 0, looked_up.stderr
        given = {"reporter": "ivan", "source": "itsec", "first_known_on": today, "report": "A list was open"}
        facts = fact_values(house.definitions.newest("breach_response"), given)
        case = house.service.start("breach_response", facts, {}, person(house, "priya"), now).id
        members = [Member(f"Family {n}", f"family{n}@families.example", "") for n in range(families)]
        with house.store.begin() as unit:
            unit.audiences(now).enter(case, "families", members)
        counted = {"families_count": families, "families_spanish": 0, "families_other": 0}
        house.service.record(case, counted, person(house, "priya"), now, "imported")
        answer(house, case, "accept", "take", "priya", operator_involved="no")
        answer(house, case, "assess", "breach", "priya", acquired="yes", covered="yes", pipa_data="none",
               encrypted="no", staff_affected="no", district_determined_on=today)
        answer(house, case, "determine", "determine", "sam")
        answer(house, case, "draft", "ready", "priya", happened_on=today, how_sure="exact", what_en="A list was open.",
               data_en="Names.", remedy_en="We closed it.", spanish_read="no", read_aloud="yes", names_no_count="yes")
        answer(house, case, "approve", "approve", "sam")
        answer(house, case, "release", "release", "priya", channel="as_wished")
    return case


def answer(house: House, case_id: str, task: str, outcome: str, by: str, **values: str) -> None:
    with house.store.read() as unit:
        case = unit.case(case_id)
    opened = case.open_task(task)
    assert opened is not None
    definition = house.definitions.pinned(case.process, case.version, case.hash)
    house.service.complete_task(opened.id, outcome, fact_values(definition, values), person(house, by), house.clock())
