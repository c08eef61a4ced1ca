"""An officer's day at the terminal: notes, nudges, snoozes and the queue that follows them, on a real home."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from cli.demo.district import SETTINGS
from cli.home import Home
from cli.main import main
from tests.databases import staffed_home
from tests.terminal import terminal

FAR = ("--until", "2099-01-01", "--past-date", "--reason", "away")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(tmp_path / "home")
    staffed_home(made, SETTINGS.format(public_url="http://localhost:8080", bind="127.0.0.1:8080", smtp_port=9))
    monkeypatch.setenv("SOPPA_HOME", str(made.root))
    return made


@pytest.fixture
def case(home: Home, capsys: pytest.CaptureFixture[str]) -> str:
    return begun(capsys)


def begun(capsys: pytest.CaptureFixture[str]) -> str:
    started = asked(capsys, "start", "correction_request", "--sure", "-f", "received_on=2026-09-14", "-f",
                    "item=Birth date",
                    "-f", "parent=Ana Ruiz <ana@families.example>", "--as", "carla")
    return str(started["case"])


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main([*words]) == code, capsys.readouterr()
    streams = capsys.readouterr()
    return streams.err if code else streams.out


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    return json.loads(said(capsys, *words, "--json"))


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


# --- notes -----------------------------------------------------------------------------------------------------------


def test_a_note_is_read_from_standard_input_and_shown_with_the_case_and_its_history(
    home: Home, case: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "Ana rang: the letter\nnever came.\n")
    assert set(asked(capsys, "note", case, "--as", "carla")) == {"case", "at", "by"}
    assert "  Carla Mendez\n    Ana rang: the letter\n    never came.\n" in said(capsys, "show", case)
    (note,) = asked(capsys, "show", case)["notes"]
    assert (note["by"], note["text"]) == ("Carla Mendez", "Ana rang: the letter\nnever came.")
    assert "Ana rang: the letter never came." in said(capsys, "history", case)
    texts = [line["text"] for line in asked(capsys, "history", case)]
    assert texts[-1] == note["text"] and set(texts[:-1]) == {None}
    assert "the chain is whole" in said(capsys, "history", case, "--verify")
    assert b"never came" not in home.database.read_bytes()


def test_an_empty_note_is_refused(case: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
                                  ) -> None:
    typed(monkeypatch, " \n")
    assert said(capsys, "note", case, "--as", "carla", code=2).startswith("soppa: the note says nothing")
    assert asked(capsys, "show", case)["notes"] == []


@pytest.mark.usefixtures("home")
def test_at_a_terminal_a_note_ends_with_an_empty_line(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    with terminal("note", case, "--as", "carla") as program:
        program.until("end with an empty line")
        program.type("She rang\rfrom work\r\r")
        assert program.code() == 0
    assert [note["text"] for note in asked(capsys, "show", case)["notes"]] == ["She rang\nfrom work"]


# --- nudges ----------------------------------------------------------------------------------------------------------


def test_a_nudge_is_a_mail_at_once_and_one_a_day(home: Home, case: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, "nudge", case, "verify", "--as", "priya")
    assert told == f"case {case}: Carla Mendez will be asked once more about verify, by mail\n"
    assert "was asked once more about task 'verify' today already" in said(
        capsys, "nudge", case, "verify", "--as", "priya", code=1)
    mails = [(mail["mail"], mail["recipient"], mail["state"]) for mail in asked(capsys, "mail", "outbox")]
    assert mails.count(("nudge", "person:carla", "queued")) == 1
    (line,) = [line for line in asked(capsys, "history", case) if line["kind"] == "task_nudged"]
    assert line["detail"] == {"task": f"{case}-1", "name": "verify", "to": "person:carla", "by": "Priya Raman"}


def test_a_nudge_of_a_task_that_is_given_away_does_not_leave(home: Home, case: str,
                                                             capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "nudge", case, "verify", "--as", "priya")
    said(capsys, "reassign", case, "verify", "priya", "--reason", "away", "--as", "priya")
    states = {mail["mail"]: mail["state"] for mail in asked(capsys, "mail", "outbox", "--state", "cancelled")}
    assert states["nudge"] == "cancelled"


# --- snoozes and the queue -------------------------------------------------------------------------------------------


def test_what_is_snoozed_leaves_the_queue_of_who_snoozed_it(home: Home, case: str, capsys: pytest.CaptureFixture[str]
                                                            ) -> None:
    assert "its dates stand" in said(capsys, "snooze", case, "verify", *FAR, "--as", "priya")
    assert said(capsys, "queue", "--as", "priya") == "nothing waits\n1 task is snoozed: soppa queue --snoozed\n"
    snoozed = said(capsys, "queue", "--snoozed", "--as", "priya")
    assert "Check who asks and whether the request is complete (until Jan 1)" in snoozed
    (row,) = asked(capsys, "queue", "--as", "carla")
    assert (row["case"], row["snoozed_until"]) == (case, None)
    said(capsys, "snooze", case, "verify", "--end", "--as", "priya")
    assert [row["case"] for row in asked(capsys, "queue", "--as", "priya")] == [case]
    assert said(capsys, "queue", "--snoozed", "--as", "priya") == "nothing is snoozed\n"


def test_mine_is_what_waits_for_me(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert [row["case"] for row in asked(capsys, "queue", "--mine", "--as", "carla")] == [case]
    assert asked(capsys, "queue", "--mine", "--as", "dana") == []


@pytest.mark.parametrize(("words", "code", "says"), [
    (("snooze", "2026-0001", "verify", "--as", "priya"), 2, "say until when"),
    (("snooze", "2026-0001", "verify", "--until", "2099-01-01", "--end", "--as", "priya"), 2, "say until when"),
    (("snooze", "2026-0001", "verify", "--until", "2099-01-01", "--as", "priya"), 1, "would stay hidden past its"),
    (("snooze", "2026-0001", "verify", "--until", "2020-01-01", "--as", "priya"), 2, "is not after today"),
    (("nudge", "2026-0001", "verify", "--as", "edie"), 1, "Edie Nakamura may not nudge about task 'verify'"),
    (("nudge", "2026-0001", "verfiy", "--as", "priya"), 2, "did you mean 'verify'?"),
    (("queue", "--mine"), 1, "is nobody in this office"),
    (("queue", "--as", "prya"), 2, "did you mean 'priya'?"),
    (("queue", "--watch"), 2, "--watch is for a person at a terminal"),
])  # fmt: skip
def test_what_makes_no_sense_changes_nothing(case: str, capsys: pytest.CaptureFixture[str], words: tuple[str, ...],
                                             code: int, says: str) -> None:
    before = asked(capsys, "show", case)
    assert says in said(capsys, *words, code=code)
    assert asked(capsys, "show", case) == before


def test_as_needs_a_home_of_made_up_people(home: Home, case: str, capsys: pytest.CaptureFixture[str]) -> None:
    home.settings.write_text(home.settings.read_text().replace("demo: true\n", ""))
    assert "demo only" in said(capsys, "queue", "--as", "priya", code=1)


def test_the_watched_queue_looks_again_by_itself_and_ends_with_ctrl_c(
    home: Home, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with terminal("queue", "--watch", "--as", "priya") as program:
        assert "Queue at" in program.until(case)
        second = begun(capsys)
        assert "new" in program.until(second)
        program.type("\x03")
        assert program.code() == 0
