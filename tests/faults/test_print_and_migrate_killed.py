"""A print run and a migration of cases are killed again and again: each letter is in one run, each run can be printed
again, and each case has moved once."""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from cli.demo.run import person
from cli.demo.sink import MailSink
from cli.home import Home
from cli.wiring import machine_clock, open_house
from engine.law.calendar import ONE_DAY
from engine.model.case import Case, FactValue
from engine.model.messages import SendToAll
from storage.mailing.recipients import Member
from tests.acceptance.test_migrate import FIRST, SECOND
from tests.faults.test_kill import SEED
from tests.processes import free_port, running, sample_home, soppa

KILLS = 10
FAMILIES = 60
CASES = 300


def how_long(home: Path, *words: str) -> float:
    """The seconds that a command takes when it is left alone."""
    begun = time.monotonic()
    done = soppa(home, *words)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - begun


def killed(home: Path, chance: random.Random, takes: float, *words: str) -> bool:
    """Whether the command was killed before its end: in the later part of the time that it takes."""
    with running(home, *words) as process:
        time.sleep(chance.uniform(0.4, 1.1) * takes)
        alive = process.poll() is None
        process.kill()
        process.wait(10)
        return alive


def told(capsys: pytest.CaptureFixture[str], sentence: str) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\nseed {SEED}: {sentence}\n")


@pytest.fixture
def home(database_url: str, tmp_path: Path) -> Path:
    with MailSink() as sink:
        return sample_home(tmp_path, sink, free_port(), database_url)


@pytest.mark.timeout(600)
def test_letters_whose_printing_is_cut_stand_in_one_run_each_that_can_be_printed_again(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, case = random.Random(SEED), on_paper(home)
    wait_for_letters(home, case, 0)
    takes, alive = how_long(home, "letters", "print", case, "--out", str(tmp_path / "first"), "--as", "carla"), 0
    for number in range(1, 1 + KILLS):
        wait_for_letters(home, case, number)
        out = str(tmp_path / f"out{number}")
        alive += killed(home, chance, takes, "letters", "print", case, "--out", out, "--as", "carla")
    soppa(home, "letters", "print", case, "--out", str(tmp_path / "rest"), "--as", "carla")
    with open_house(Home(home), machine_clock) as house:
        house.documents.sweep(machine_clock() + 3 * ONE_DAY, house.store.views.named_documents)
        with house.store.read() as unit:
            audiences = unit.audiences(machine_clock())
            runs = {row["number"]: [letter.recipient.member.name for letter in audiences.letters(case, row["number"])]
                    for row in audiences.runs(case)}  # fmt: skip
            waiting = audiences.letters(case)
    for run in runs:
        again = soppa(home, "letters", "print", case, "--out", str(tmp_path / f"again{run}"), "--run", str(run), "--as",
                      "carla", "--json")  # fmt: skip
        assert again.returncode == 0, again.stderr
        assert json.loads(again.stdout)["letters"] == len(runs[run])
    told(capsys, f"{KILLS} kills, {alive} of them in work, {len(runs)} runs, {len(waiting)} letters wait")
    assert waiting == []
    printed = Counter(name for names in runs.values() for name in names)
    assert printed == Counter(f"Family {number}" for number in range(1, 1 + (1 + KILLS) * FAMILIES))
    assert soppa(home, "verify").returncode == 0


@pytest.mark.timeout(600)
def test_cases_whose_migration_is_cut_have_moved_once_each(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance, alive = random.Random(SEED), 0
    write(home, FIRST)
    with open_house(Home(home), machine_clock) as house:
        carla, now = person(house, "carla"), house.clock()
        received = {"received_on": now.astimezone(house.settings.zone).date()}
        before = [house.service.start("loan", received, {}, carla, now) for _ in range(CASES)]
    write(home, SECOND)
    words = ("migrate", "loan", "--to", "2", "--apply", "--reason", "the price is asked too", "--as", "priya")
    takes = how_long(home, "migrate", "loan", "--to", "2", "--as", "priya")
    for _ in range(KILLS):
        alive += killed(home, chance, takes, *words)
    last = soppa(home, *words)
    assert last.returncode == 0, last.stderr
    with open_house(Home(home), machine_clock) as house:
        with house.store.read() as unit:
            after = [unit.case(case.id) for case in before]
        moves = [sum(line.kind == "case_migrated" for line in house.store.views.history(case.id)) for case in before]
    told(capsys, f"{KILLS} kills, {alive} of them in work, {CASES} cases")
    assert {(case.version, case.state) for case in after} == {(2, "wanted")}
    assert set(moves) == {1}
    assert list(map(dates, after)) == list(map(dates, before))
    assert soppa(home, "verify").returncode == 0


def dates(case: Case) -> dict[str, object]:
    return {name: (clock.legal, clock.status) for name, clock in case.clocks.items()}


def write(home: Path, text: str) -> None:
    folder = Home(home).workflows / "loan"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "process.yaml").write_text(text)


def on_paper(home: Path) -> str:
    """A breach with families of whom none has a mail address; no letter of them has been made."""
    with open_house(Home(home), machine_clock) as house:
        now = house.clock()
        today = now.astimezone(house.settings.zone).date()
        facts: dict[str, FactValue] = {
                 "reporter": "ivan", "source": "itsec", "first_known_on": today, "report": "A list was open",
                 "happened_on": today, "how_sure": "exact", "what_en": "A list was open.", "data_en": "Names.",
                 "remedy_en": "We closed it."}  # fmt: skip
        return house.service.start("breach_response", facts, {}, person(house, "priya"), now).id


def wait_for_letters(home: Path, case: str, number: int) -> None:
    """Before each kill some more letters wait, as after another mailing."""
    with open_house(Home(home), machine_clock) as house, house.store.begin() as unit:
        audiences, name = unit.audiences(machine_clock()), f"families{number}"
        first = 1 + number * FAMILIES
        audiences.enter(case, name, [Member(f"Family {n}", None, f"{n} Oak St\nMockton, IL 60000")
                                     for n in range(first, first + FAMILIES)])  # fmt: skip
        audiences.send_to_all(case, SendToAll("letter", name, str(number), "as_wished"))
