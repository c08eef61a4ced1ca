"""What the shell offers: names of the home at hand, from the database and the documents, and nothing heavy loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from cli.demo.district import PEOPLE, SETTINGS
from cli.home import Home
from cli.main import app, main
from cli.wiring import machine_clock, open_house
from tests.databases import new_home
from tests.unit.test_light_start import HEAVY

START = ("start", "correction_request", "--sure", "-f", "received_on=2026-09-14", "-f", "item=x",
         "-f", "parent=Ana Ruiz <ana@families.example>", "--as", "carla")  # fmt: skip


@pytest.fixture
def home(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(tmp_path / "home")
    settings = SETTINGS.format(public_url="http://localhost:8080", bind="127.0.0.1:8080", smtp_port=9)
    own = f'database: "{database_url}"\n' if database_url.startswith("postgresql") else ""
    new_home(made, settings + own)
    monkeypatch.setenv("SOPPA_HOME", str(made.root))
    with open_house(made, create=True) as house:
        for person in PEOPLE:
            house.store.save_person(person)
        now = machine_clock()
        for number in range(2):
            house.store.outbox.notify("person:sam", "code", None, {"code": str(number)}, now)
        first, second = house.store.outbox.claim(now, 2)
        house.store.outbox.settle(first, "uncertain", "cut", now)
        house.store.outbox.settle(second, "failed", "550", now)
    assert main(START) == 0
    return made


def offered(line: str) -> list[str]:
    """What stands behind the cursor at the end of a line."""
    *args, incomplete = line.split(" ")
    return [item.value for item in ShellComplete(app, {}, "soppa", "_SOPPA_COMPLETE").get_completions(args, incomplete)]


def test_every_place_offers_the_names_that_fit(home: Home) -> None:
    assert offered("sh") == ["show"]
    assert offered("show ") == ["2026-0001"]
    assert offered("show 2025") == []
    assert offered("do 2026-0001 ") == ["verify", "withdraw"]
    assert offered("do 2026-0001 verify ") == ["complete", "incomplete"]
    assert offered("do 2026-0001 verify inc") == ["incomplete"]
    assert offered("reassign 2026-0001 verify pri") == ["priya"]
    assert offered("explain 2026-0001 ") == ["district_fix"]
    assert "evidence" in offered("document 2026-0001 ")
    assert offered("start corr") == ["correction_request"]
    assert offered("check operator_f") == ["operator_fix"]
    assert offered("queue --role custo") == ["custodian"]
    assert offered("people set ca") == ["carla"]
    assert offered("people set carla --role custo") == ["custodian"]
    assert offered("record 2026-0001 --as edi") == ["edie"]
    assert offered("deadline R-BREACH-P") == ["R-BREACH-PARENT", "R-BREACH-PIPA"]
    assert offered("mail preview correction_request rec") == ["receipt"]
    assert offered("mail settle ") == ["1"]
    assert "2" in offered("mail retry ") and "1" not in offered("mail retry ")
    assert offered("acts ") == ["confirm", "list"]
    assert offered("incidents retry ") == []
    assert "--json" in offered("show --j")


def test_an_act_that_waits_and_an_own_process_are_offered(home: Home) -> None:
    later = ("record", "2026-0001", "received_on=2026-09-18", "--sure", "--reason", "stamp", "--begin", "--as", "carla")
    assert main(later) == 0
    assert len(offered("acts confirm ")) == 1
    own = home.workflows / "own_process"
    own.mkdir()
    (own / "process.yaml").write_text("process: own_process\n")
    assert offered("simulate own") == ["own_process"]


def test_a_home_named_on_the_line_is_the_one_asked(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOPPA_HOME", "/nowhere")
    assert offered("show ") == []
    assert offered(f"show --home {home.root} ") == ["2026-0001"]
    assert offered(f"--home {home.root} show ") == ["2026-0001"]


@pytest.mark.parametrize("broken", ["no home", "settings", "database"])
def test_where_something_is_wrong_nothing_is_offered_and_nothing_said(
    broken: str, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    match broken:
        case "no home":
            home.settings.unlink()
        case "settings":
            home.settings.write_text("district: [")
        case _:
            home.settings.write_text(home.settings.read_text() + "stand_ins: {}\n")
            home.database.write_bytes(b"not a database")
    capsys.readouterr()
    found = offered("show ")
    assert found in ([], ["2026-0001"]) and (found == [] or broken == "database")
    assert offered("do 2026-0001 nothing ") == []
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("line", ["soppa sh", "soppa show ", "soppa do 2026-0001 verify ", "soppa people set ",
                                  "soppa deadline R", "soppa serve --", "soppa demo --"])  # fmt: skip
def test_completing_loads_nothing_heavy(line: str, home: Home) -> None:
    words = line.split(" ")
    asked = {"_SOPPA_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    code = ("import sys, atexit; from cli.main import main\n"
            "atexit.register(lambda: sys.stderr.write(' '.join(sys.modules))); main()")  # fmt: skip
    shell = {**os.environ, **asked}
    ended = subprocess.run([sys.executable, "-c", code], env=shell, capture_output=True, text=True, timeout=60,
                           check=True)  # fmt: skip
    loaded = {name.partition(".")[0] for name in ended.stderr.split()}
    on_postgres = {"psycopg", "asyncio"} if "postgresql" in home.settings.read_text() else set()
    assert "cli" in loaded and loaded & HEAVY <= on_postgres
    assert "engine.language.compile" not in ended.stderr.split()
