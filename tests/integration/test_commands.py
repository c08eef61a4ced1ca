"""Every command, walked: an example in its help, JSON on request, and no key that the documentation does not name."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from sqlalchemy import insert

from cli.demo.district import SETTINGS
from cli.home import Home
from cli.main import app, main
from cli.staff.totp import STEP, code
from cli.wiring import machine_clock, open_house
from engine.model.roles import ROLES
from storage.tables import INCIDENTS, TIMERS
from tests.databases import staffed_home
from tests.files import pdf

ROOT = Path(__file__).parents[2]
RUNS_ON = {"serve", "worker", "demo", "year", "work"}
"""They say their JSON once they are at work, and work on, or play a year: tests of their own look at them."""

FREE = {"facts", "parties", "detail", "texts"}
"""Maps whose keys are the author's own names."""


def leaves(group: click.Group = app, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its whole name."""
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


COMMANDS = dict(leaves())


def documented() -> dict[str, set[str]]:
    """The words in backticks of each line of the table of keys, by each command that the line names."""
    text = (ROOT / "docs" / "operating.md").read_text("utf-8")
    table = text.partition("## JSON")[2]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    return {name: {word for found in re.findall(r"`([^`]+)`", keys) for word in found.split()}
            for names, keys in rows for name in re.findall(r"`([^`]+)`", names)}  # fmt: skip


def keys(value: object) -> set[str]:
    if isinstance(value, list):
        return {key for item in value for key in keys(item)}
    if not isinstance(value, dict):
        return set()
    return set(value) | {key for name, inner in value.items() if name not in FREE for key in keys(inner)}


@pytest.fixture
def home(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A copy for each test, with the files beside it."""
    shutil.copytree(first, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("SOPPA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return Home(tmp_path / "home")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo home with a case, an act that waits, an uncertain and a failed mail, and an incident, made once; and files
    that commands take."""
    folder = tmp_path_factory.mktemp("commands")
    made = Home(folder / "home")
    staffed_home(made, SETTINGS.format(public_url="http://localhost:8080", bind="127.0.0.1:8080", smtp_port=9))
    (folder / "proof.pdf").write_bytes(pdf())
    (folder / "running.csv").write_text(
        "key,process,state,product,operator,entered_on,evidence.entered_on\n"
        "R1,contract_posting,preparing,Reader,Acme <p@acme.example>,2026-09-14,proof.pdf\n"
    )
    (folder / "people.csv").write_text("id,name,email,roles\nnew,New One,new@x.example,staff\n")
    now = machine_clock()
    with open_house(made) as house:
        house.store.set_totp("sam", "JBSWY3DPEHPK3PXP")
        house.store.outbox.notify("person:sam", "code", None, {"code": "1"}, now)
        house.store.outbox.notify("person:sam", "code", None, {"code": "2"}, now)
        first, second = house.store.outbox.claim(now, 2)
        house.store.outbox.settle(first, "uncertain", "cut", now)
        house.store.outbox.settle(second, "failed", "550", now)
    assert main([*START, "-f", f"evidence=@{folder / 'proof.pdf'}", "--home", str(made.root)]) == 0
    with open_house(made) as house, house.store.base.writing() as connection:
        sick = insert(TIMERS).values(case_id="2026-0001", key="k", attempts=5)
        timer = connection.scalar(sick.returning(TIMERS.c.id))
        row = {"kind": "timer", "ref": timer, "error": "KeyError", "tries": 5, "opened_at": now}
        connection.execute(insert(INCIDENTS).values(**row))
    return folder


PARENT = "'parent=Ana Ruiz <ana@families.example>'"
START = shlex.split(f"start correction_request --sure -f received_on=2026-09-14 -f item=x -f {PARENT} --as carla")
VERIFY = ("-f requester_kind=parent -f identity_ok=yes -f where_seen=Record -f right_value=2014 -f data_owner=dana "
          "--as carla")  # fmt: skip
EXAMPLES = {
    "init": "--home another",
    "check": "operator_fix",
    "start": shlex.join(START[1:]),
    "adopt": "running.csv --as priya",
    "queue": "",
    "show": "2026-0001",
    "do": f"2026-0001 verify complete {VERIFY}",
    "do --where": f"has(received_on) correction_request verify complete {VERIFY}",
    "record": "2026-0001 received_on=2026-09-11 --sure --reason stamp --as carla",
    "reassign": "2026-0001 verify priya --reason away --as carla",
    "nudge": "2026-0001 verify --as priya",
    "snooze": "2026-0001 verify --until 2099-01-01 --past-date --reason away --as priya",
    "acts list": "--all",
    "acts confirm": "ACT --as sam",
    "document": "2026-0001 evidence --out taken.pdf --as carla",
    "explain": "2026-0001",
    "report year": "",
    "report posting": "--from 2020-01-01",
    "report requests": "",
    "evidence": "2026-0001 --as carla",
    "history": "2026-0001",
    "history --verify": "2026-0001",
    "diagram": "operator_fix",
    "new-process": "sample_process",
    "migrate": "correction_request --to 1 --as priya",
    "deadline": "R-BREACH-PARENT --from 2026-12-18",
    "simulate": "correction_request -f received_on=2026-11-20 -f item=x -f 'parent=A <a@x.example>' --from 2026-11-23",
    "rules": "",
    "people import": "people.csv --apply --reason hired --as priya",
    "people list": "",
    "people set": "nora --name 'Nora K' --as priya",
    "people totp": "carla --as carla",
    "people leave": "tess --to nora --as priya",
    "people absence": "carla 2030-12-02..2030-12-20 --as carla",
    "people gaps": "",
    "mail preview": "correction_request receipt --language es",
    "mail outbox": "",
    "mail retry": "2 --as priya",
    "mail settle": "1 accepted --as priya",
    "mail settle --all": "failed --as priya",
    "incidents list": "",
    "incidents retry": "1 --as priya",
    "clock accept": "--reason checked --as priya",
    "clock show": "",
    "references list": "",
    "references confirm": "agencies --on 2026-09-01 --as priya",
    "register import": f"{ROOT / 'cli' / 'year' / 'operators-sample.csv'} --as priya",
    "register list": "",
    "register export": "",
    "schedule list": "",
    "calendar show": "",
    "verify": "",
    "retention": "",
    "purge preview": "--class access",
    "purge list": "",
    "preservation place": "2026-0001 --reason lawsuit --as lena",
    "preservation list": "",
    "upgrade": "",
    "keys list": "",
    "hold list": "2026-0001",
    "record --begin": "2026-0001 received_on=2026-09-18 --sure --reason stamp --as carla",
}


ELSEWHERE = {"hold place", "hold release", "register show", "audience import", "audience show", "audience decide",
             "audience address", "letters print", "letters runs", "letters posted", "mail bounced",
             "mail test", "doctor", "setup", "calendar import", "backup", "backup accept", "backup key", "backup list",
             "restore", "note", "undo", "purge begin", "purge run", "purge certificate", "preservation release",
             "migrate-to-postgres", "status", "alarm", "keys new", "keys rotate", "keys retire"}  # fmt: skip
"""They need a case that may be held, a register that is filled, families, a relay, something that is due, or a home
that is not there yet: their own tests look at their keys."""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_an_example_and_json(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    example = (command.epilog or "").removeprefix("\b\n")
    assert example.startswith(f"Example: soppa {name}")
    assert max(map(len, example.splitlines())) <= 78, "a terminal of 80 columns would break the command"
    assert "--json" in {word for param in command.params for word in param.opts}


def test_every_command_has_its_keys_in_the_documentation_and_is_tried_here() -> None:
    assert set(COMMANDS) <= set(documented())
    assert set(COMMANDS) - RUNS_ON - ELSEWHERE <= set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_json_of_a_command_has_documented_keys_only(
    name: str, home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [*name.split(), *shlex.split(EXAMPLES[name]), "--json"]
    if name == "acts confirm":
        words = [an_act(capsys) if word == "ACT" else word for word in words]
        now = code("JBSWY3DPEHPK3PXP", int(machine_clock().timestamp()) // STEP)
        monkeypatch.setattr("click.prompt", lambda *args, **kwargs: now)
    capsys.readouterr()
    assert main(words) == (name == "register import"), capsys.readouterr().err  # some of the sample's rows are left out
    streams = capsys.readouterr()
    found = keys(json.loads(streams.out))
    known = documented()
    allowed = set(known[name])
    if name == "adopt":
        allowed |= known["show"]
    if name in ("explain", "people set", "people import", "people leave", "acts confirm"):
        allowed |= known["deadline"] | known["acts list"]
    assert found <= allowed
    assert found or json.loads(streams.out) == []


def an_act(capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["record", *shlex.split(EXAMPLES["record --begin"]), "--begin", "--json"]) == 0
    return str(json.loads(capsys.readouterr().out)["act"])


def test_no_secret_is_in_the_json_of_totp(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["people", "totp", "carla", "--as", "carla", "--json"]) == 0
    streams = capsys.readouterr()
    assert json.loads(streams.out) == {"person": "carla", "has_secret": True}
    assert "otpauth://" in streams.err


def test_json_of_a_document_takes_a_file(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["document", "2026-0001", "evidence", "--json", "--as", "carla"]) == 2
    assert capsys.readouterr().err == "soppa: --json tells of a file: name it with --out FILE\n"


def test_the_docs_say_who_has_each_role() -> None:
    text = (ROOT / "docs" / "operating.md").read_text("utf-8")
    table = text.partition("| role | who has it |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)) == sorted(ROLES)
