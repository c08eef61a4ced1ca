"""`soppa undo` at the terminal, on a real home: what is said before, what is so afterwards, what is refused."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cli.demo.district import SETTINGS
from cli.home import Home
from cli.main import main
from cli.wiring import machine_clock
from tests.databases import staffed_home

VERIFY = ("-f", "requester_kind=parent", "-f", "identity_ok=yes", "-f", "where_seen=Record", "-f", "right_value=2014",
          "-f", "data_owner=dana", "--as", "carla")  # fmt: skip


def daytime_zone() -> str:
    """Where it is not nearly midnight, since nothing waits past that."""
    hour = machine_clock().astimezone(ZoneInfo("America/Chicago")).hour
    return "America/Chicago" if 1 <= hour < 23 else "Asia/Dhaka"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(tmp_path / "home")
    settings = SETTINGS.format(public_url="http://localhost:8080", bind="127.0.0.1:8080", smtp_port=9)
    staffed_home(made, f"{settings.replace('America/Chicago', daytime_zone())}undo_minutes: 10\n")
    monkeypatch.setenv("SOPPA_HOME", str(made.root))
    return made


@pytest.fixture
def case(home: Home, capsys: pytest.CaptureFixture[str]) -> str:
    return begun(capsys)


def begun(capsys: pytest.CaptureFixture[str]) -> str:
    day = machine_clock().astimezone(ZoneInfo(daytime_zone())).date() - dt.timedelta(days=5)
    started = asked(capsys, "start", "correction_request", "-f", f"received_on={day}", "-f", "item=Birth date",
                    "-f", "parent=Ana Ruiz <ana@families.example>", "--as", "carla")
    return str(started["case"])


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main([*words]) == code, capsys.readouterr()
    streams = capsys.readouterr()
    return streams.err if code else streams.out


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    return json.loads(said(capsys, *words, "--json"))


def test_the_screens_say_until_when_and_undo_takes_it_back(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, "do", case, "verify", "complete", *VERIFY)
    sentence = rf"1 mail leaves at \d\d:\d\d; until then soppa undo {case} takes it back"
    assert re.search(sentence, told) and re.search(sentence, said(capsys, "show", case))
    waits = said(capsys, "mail", "outbox", "--case", case)
    assert re.search(r"task .* leaves \d\d:\d\d +soppa undo\n", waits)
    assert asked(capsys, "show", case)["undo"].keys() == {"until", "by", "mails", "cases"}
    back = said(capsys, "undo", case, "--reason", "the wrong child", "--as", "carla")
    assert back == f"case {case}: the answer to verify is taken back, 1 mail will not leave; now at: Being checked\n"
    assert asked(capsys, "show", case)["undo"] is None
    assert "the answer was taken back" in said(capsys, "mail", "outbox", "--case", case)
    history = said(capsys, "history", case, "--verify")
    assert "the chain is whole" in history
    told = said(capsys, "history", case)
    assert "Taken back: the answer" in told and "the wrong child" in told and "Again: Being checked" in told
    assert "verified 1 case" in said(capsys, "verify")


def test_json_says_what_is_open_again(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    done = asked(capsys, "do", case, "verify", "complete", *VERIFY)
    assert (done["undo"]["by"], done["undo"]["mails"]) == ("carla", 1)
    assert asked(capsys, "undo", case, "--as", "carla") == {
        "case": case, "tasks": ["verify"], "state": "received", "mails": 1}  # fmt: skip


def test_a_refusal_is_one_sentence_and_says_what_to_do(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "undo", case, "--as", "carla", code=1) == (
        f"soppa: nothing of case {case} was taken back: nothing was answered in it within the last 10 minutes; "
        f"'soppa record {case}' corrects a fact and keeps both values\n")  # fmt: skip
    said(capsys, "do", case, "verify", "complete", *VERIFY)
    assert "Carla Mendez's: only they may take it back" in said(capsys, "undo", case, "--as", "priya", code=1)
    assert "unknown case" in said(capsys, "undo", "2026-9999", "--as", "carla", code=2)


def test_bulk_answers_say_how_each_is_taken_back(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    other = begun(capsys)
    many = ("do", "--where", "has(received_on)", "correction_request", "verify", "complete", *VERIFY, "--yes")
    told = said(capsys, *many)
    assert re.search(r"until \d\d:\d\d soppa undo CASE takes an answer back, any of them", told)
    assert "taken back" in said(capsys, "undo", other, "--as", "carla")
    again = asked(capsys, *many)
    assert [(one["case"], one["undo"]["by"]) for one in again["cases"]] == [(other, "carla")]


def test_evidence_of_a_case_with_an_answer_taken_back_holds(case: str, home: Home, tmp_path: Path,
                                                            capsys: pytest.CaptureFixture[str]) -> None:
    withdrawn = str(machine_clock().astimezone(ZoneInfo(daytime_zone())).date())
    said(capsys, "do", case, "withdraw", "withdrawn", "-f", f"withdrawn_on={withdrawn}", "--as", "carla")
    said(capsys, "undo", case, "--as", "carla")
    said(capsys, "do", case, "verify", "complete", *VERIFY)
    file, script = tmp_path / "evidence.zip", Path(__file__).parents[2] / "cli" / "evidence" / "verify_evidence.py"
    said(capsys, "evidence", case, "--out", str(file), "--as", "carla")
    done = subprocess.run([sys.executable, str(script), str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
