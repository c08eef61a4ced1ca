"""`soppa schedule` and cases that follow others, on a real home with processes of the district's own."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from cli.demo.district import PEOPLE, SETTINGS
from cli.home import Home
from cli.main import main
from cli.serving.daemon import duties
from cli.serving.inhand import in_hand
from cli.upkeep.seen import Marker
from cli.wiring import open_house
from tests.databases import new_home
from tests.registers import CHECK_IN, COLLECT

SAMPLE = Path(__file__).parents[2] / "cli" / "year" / "operators-sample.csv"
EXPIRING = CHECK_IN.replace("process: check_in", "process: expiry").replace("of: anniversary", "of: expires_on")
OCTOBER = dt.datetime(2026, 10, 1, 12, 0, tzinfo=dt.UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(tmp_path / "home")
    new_home(made, SETTINGS.format(public_url="http://localhost:8080", bind="127.0.0.1:8080", smtp_port=9))
    for name, text in (("check_in", CHECK_IN), ("collect", COLLECT), ("expiry", EXPIRING)):
        (made.workflows / name).mkdir()
        (made.workflows / name / "process.yaml").write_text(text, "utf-8")
    with open_house(made, create=True) as house:
        for person in PEOPLE:
            house.store.save_person(person)
    monkeypatch.setenv("SOPPA_HOME", str(made.root))
    return made


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main([*words, "--json"]) in (0, 1), capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def rescued(home: Home, now: dt.datetime = OCTOBER) -> None:
    with open_house(home) as house, in_hand(home) as hand:
        duties(house, None, hand, Marker(house, Event()), tells_gaps=False).rescue(now)


def test_what_an_import_brings_is_listed_with_what_lacks_a_date(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = SAMPLE.read_text("utf-8").replace("2024-04-15,2027-04-07", "2024-04-15,", 1)
    file = tmp_path / "x.csv"
    file.write_text(text, "utf-8", newline="")
    asked(capsys, "register", "import", str(file), "--as-of", "2026-11-01", "--apply", "--as", "priya")
    lines = asked(capsys, "schedule", "list", "--limit", "1000")
    of = {process: [line for line in lines if line["process"] == process] for process in ("check_in", "expiry")}
    assert len(of["check_in"]) == 142
    assert [line["agreement"] for line in of["expiry"] if line["state"] == "no_date"] == ["A-0001"]
    assert of["check_in"][0]["starts_at"] <= of["check_in"][-1]["starts_at"]
    assert main(["schedule", "list", "--process", "expiry"]) == 0
    assert "nothing is planned for A-0001 (Droskmere Hub" in capsys.readouterr().out


def test_the_daemon_plans_what_belongs_to_no_agreement(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(capsys, "schedule", "list") == []
    rescued(home)
    (line,) = asked(capsys, "schedule", "list", "--process", "collect")
    assert (line["process"], line["agreement"], line["cycle_on"]) == ("collect", None, "2026-11-17")
    assert (line["starts_at"], line["state"]) == ("2026-11-17T13:00:00+00:00", "waits")
    with open_house(home) as house:
        house.service.tick(dt.datetime(2026, 11, 17, 13, 0, tzinfo=dt.UTC))
    started, following = asked(capsys, "schedule", "list", "--all", "--process", "collect")
    assert (started["state"], started["case"], following["cycle_on"]) == ("started", "2026-0001", "2027-05-17")
    assert main(["schedule", "list", "--all"]) == 0
    assert "started: 2026-0001" in capsys.readouterr().out


def test_an_unknown_process_is_told_with_the_nearest(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "list", "--process", "chek_in"]) == 2
    assert "unknown process 'chek_in' (did you mean 'check_in'?)" in capsys.readouterr().err


def test_a_process_that_cannot_be_read_stops_no_other(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (home.workflows / "check_in" / "process.yaml").write_text("schedule: broken\n", "utf-8")
    rescued(home)
    planned = {line["process"] for line in asked(capsys, "schedule", "list")}
    assert planned == {"collect", "website_posting", "annual_notice", "messaging_survey", "school_calendar"}


def check_in(capsys: pytest.CaptureFixture[str], uses: str, *more: str) -> dict[str, Any]:
    """A check-in by hand, up to the review."""
    case = asked(capsys, "start", "check_in", "-f", "agreement=A-0001", "-f", "cycle_on=2027-04-07", "-f", "why=yearly",
                 "--as", "priya", *more)
    areas = '[{"key": "data", "state": "same"}, {"key": "security", "state": "same"}]'
    words = ["-f", f"uses={uses}", "-f", "changed=no", "-f", f"areas={areas}", "--as", "priya"]
    found: dict[str, Any] = asked(capsys, "do", case["case"], "attest", "sent", *words)
    return found


def test_last_answers_stand_in_what_is_shown_of_a_case(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    asked(capsys, "register", "import", str(SAMPLE), "--as-of", "2026-11-01", "--apply", "--as", "priya")
    first = check_in(capsys, "12")
    assert (first["subject"], first["after"], first["suggested"]) == ("A-0001", None, {})
    asked(capsys, "do", first["case"], "review", "fine", "-f", "attested_on=2026-10-01", "--as", "priya")
    second = check_in(capsys, "40", "--after", first["case"])
    assert second["after"] == first["case"]
    assert (second["suggested"]["uses"]["value"], second["facts"]["uses"]) == ("12", "40")
    assert main(["show", second["case"]]) == 0
    shown = capsys.readouterr().out
    assert f"Last answers, of case {first['case']}" in shown
    assert "was 12, is 40" in shown and "(unchanged)" in shown
    assert "A-0001 (Droskmere Hub – Droskmere Languages PBC (synthetic))" in shown


@pytest.mark.parametrize(("after", "code", "sentence"), [
    ("2026-0001", 1, "case 2026-0001 is still open: its answers are suggested once it has ended"),
    ("2026-0009", 2, "unknown case '2026-0009' (did you mean '2026-0001'?)"),
])  # fmt: skip
def test_a_case_follows_only_one_that_has_ended(
    home: Home, capsys: pytest.CaptureFixture[str], after: str, code: int, sentence: str
) -> None:
    asked(capsys, "register", "import", str(SAMPLE), "--as-of", "2026-11-01", "--apply", "--as", "priya")
    check_in(capsys, "12")
    words = ["start", "check_in", "-f", "agreement=A-0001", "-f", "cycle_on=2027-04-07", "-f", "why=yearly"]
    assert main([*words, "--as", "priya", "--after", after]) == code
    assert sentence in capsys.readouterr().err


def test_an_agreement_that_does_not_exist_is_told_with_the_nearest(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(capsys, "register", "import", str(SAMPLE), "--as-of", "2026-11-01", "--apply", "--as", "priya")
    words = ["start", "check_in", "-f", "agreement=A-0O01", "-f", "cycle_on=2027-04-07", "-f", "why=yearly"]
    assert main([*words, "--as", "priya"]) == 2
    assert "there is no agreement 'A-0O01' in the register (did you mean 'A-" in capsys.readouterr().err


def test_a_scheduled_process_is_played_without_its_facts(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    told = asked(capsys, "simulate", "check_in", "--from", "2026-12-01", "--days", "3", "-f", "product=Acme Maths")
    assert told["cases"][0]["state"] == "asking"
    assert asked(capsys, "check", "check_in")[0]["good"]
