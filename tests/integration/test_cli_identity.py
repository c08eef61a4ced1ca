"""Who reads and does what at the terminal: whoever is nobody is refused, and a breach is for those who need to know."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click
import pytest
from sqlalchemy import insert, text

from cli.demo.district import PEOPLE, SETTINGS
from cli.home import Home
from cli.identity import login
from cli.main import app, main
from cli.setup.roles import needed, roles_of
from cli.wiring import machine_clock, open_house
from storage.driver import SCHEMA
from storage.tables import INCIDENTS, TIMERS
from tests.databases import staffed_home
from tests.terminal import terminal
from workflows import Catalogue

PARENT = "parent=Ana Ruiz <ana@families.example>"
BREACH = ("start", "breach_response", "--sure", "--as", "priya", "-f", "reporter=ivan", "-f", "source=itsec", "-f",
          "report=A list was open", "-f", "first_known_on=2026-11-20")  # fmt: skip
CORRECTION = ("start", "correction_request", "--sure", "--as", "carla", "-f", "received_on=2026-09-14", "-f", "item=x",
              "-f", PARENT)  # fmt: skip
VERIFY = ("-f", "requester_kind=parent", "-f", "identity_ok=yes", "-f", "where_seen=Record", "-f", "right_value=2014",
          "-f", "data_owner=dana", "--as", "carla")  # fmt: skip
ASKS_NOBODY = {
    "setup", "doctor", "init", "check", "serve", "worker", "demo", "diagram", "new-process", "year", "deadline",
    "simulate", "rules", "references list", "calendar show", "mail preview", "backup", "backup key", "backup list",
    "backup accept", "restore", "verify", "clock show", "status", "alarm", "upgrade", "migrate-to-postgres",
    "keys list", "keys new", "keys rotate", "keys retire",
}  # fmt: skip
"""They read no case, or are the machine's and root's own; docs/operating.md says so."""


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample district with a correction and a breach, made once."""
    made = Home(tmp_path_factory.mktemp("identity") / "home")
    staffed_home(made, SETTINGS.format(public_url="http://localhost:8080", bind="127.0.0.1:8080", smtp_port=9))
    assert main([*CORRECTION, "--home", str(made.root)]) == main([*BREACH, "--home", str(made.root)]) == 0
    return made.root


@pytest.fixture
def home(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A copy for each test."""
    monkeypatch.setenv("SOPPA_HOME", str(shutil.copytree(first, tmp_path / "home")))
    return Home(tmp_path / "home")


def out_of_demo(home: Home) -> None:
    home.settings.write_text(home.settings.read_text().replace("demo: true", "demo: false"))


def commands(group: click.Group = app, before: str = "") -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        inner = commands(command, f"{before}{name} ") if isinstance(command, click.Group) else []
        found += inner or [(f"{before}{name}", command)]
    return found


def test_every_command_asks_who_it_is_or_stands_among_those_that_need_not() -> None:
    asking = {name for name, command in commands() if "--as" in {word for one in command.params for word in one.opts}}
    assert {name for name, _ in commands()} - asking == ASKS_NOBODY - {"diagram", "backup"}
    text = (Path(__file__).parents[2] / "docs" / "operating.md").read_text("utf-8")
    table = text.partition("**Who is asked.**")[2].partition("**Need to know.**")[0]
    assert not [name for name in ASKS_NOBODY if f"`{name}`" not in table]


READS = [
    "queue", "show 2026-0001", "history 2026-0001", "explain 2026-0001", "hold list 2026-0001",
    "audience show 2026-0002", "letters runs 2026-0002", "mail outbox", "incidents list", "acts list", "report year",
    "people list", "people gaps",
    "register list", "register export", "schedule list", "diagram --case 2026-0001",
]  # fmt: skip


@pytest.mark.parametrize("words", READS)
def test_who_is_nobody_reads_nothing(home: Home, capsys: pytest.CaptureFixture[str], words: str) -> None:
    out_of_demo(home)
    capsys.readouterr()
    assert main(words.split()) == 1
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "is nobody in this office: soppa people set ID --login" in streams.err


@pytest.mark.parametrize("words", ["verify", "clock show", "mail preview correction_request receipt", "rules"])
def test_what_root_and_the_machine_need_works_for_nobody(home: Home, words: str) -> None:
    out_of_demo(home)
    assert main(words.split()) == 0


def test_while_nobody_has_a_login_the_first_is_given_and_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at, file = ["--home", str(tmp_path / "new")], tmp_path / "people.csv"
    assert main(["init", *at]) == 0
    file.write_text("id,name,email,roles\npria,Pria Low,p@d.example,privacy\nsue,Sue May,s@d.example,superintendent\n")
    assert main(["people", "import", str(file), "--apply", *at]) == main(["queue", *at]) == 0
    assert main(["people", "set", "pria", "--login", login(), *at]) == 0
    capsys.readouterr()
    assert main(["acts", "list", "--all", "--json", *at]) == 0
    assert {act["confirmed_by"] for act in json.loads(capsys.readouterr().out)} == {"first set-up"}
    assert main(["people", "set", "sue", "--login", "other", *at]) == 2, "a reason, and a second person, from now on"


def test_a_home_without_people_yet_can_be_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--home", str(tmp_path / "new")]) == 0
    assert main(["queue", "--home", str(tmp_path / "new")]) == 0
    assert main(["people", "list", "--home", str(tmp_path / "new")]) == 0


ON_THE_BREACH = [
    "show 2026-0002", "history 2026-0002", "explain 2026-0002", "hold list 2026-0002", "diagram --case 2026-0002",
    "mail outbox --case 2026-0002", "nudge 2026-0002 accept", "reassign 2026-0002 accept dana --reason x",
    "snooze 2026-0002 accept --until 2099-01-01", "record 2026-0002 source=press --reason x", "audience show 2026-0002",
    "do 2026-0002 accept accepted",
]  # fmt: skip


@pytest.mark.parametrize("words", ON_THE_BREACH)
def test_a_breach_is_closed_to_who_has_no_part_in_it(
    home: Home, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    capsys.readouterr()
    assert main([*words.split(), "--as", "dana"]) == 1
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err == ("soppa: case 2026-0002 is for those who need to know, and Dana Novak has no part in it: ask "
                           "the privacy officer\n")  # fmt: skip


@pytest.mark.parametrize("who", ["priya", "sam", "lena", "ivan"])
def test_a_breach_is_open_to_the_roles_that_need_to_know(home: Home, who: str) -> None:
    assert main(["show", "2026-0002", "--as", who]) == 0


def test_who_is_asked_something_in_a_breach_reads_it_from_then_on(home: Home) -> None:
    assert main(["show", "2026-0002", "--as", "carla"]) == 1
    assert main(["reassign", "2026-0002", "accept", "carla", "--reason", "away", "--as", "priya"]) == 0
    assert main(["show", "2026-0002", "--as", "carla"]) == 0


def test_the_queue_says_of_a_breach_that_it_is_there(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["queue", "--as", "dana", "--json"]) == 0
    hidden = next(row for row in json.loads(capsys.readouterr().out) if row["case"] == "2026-0002")
    said = {name: value for name, value in hidden.items() if value}
    assert said == {"case": "2026-0002", "process": "breach_response", "title": "Response to a breach", "who": "–",
                    "what": "Response to a breach (for those who need to know)"}  # fmt: skip
    assert main(["queue", "--as", "dana", "--role", "privacy", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_mail_of_a_breach_is_listed_without_what_it_says(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["mail", "outbox", "--as", "dana", "--json"]) == 0
    told = [row for row in json.loads(capsys.readouterr().out) if row["case"] == "2026-0002"]
    assert told
    assert {(row["mail"], row["recipient"]) for row in told} == {(None, None)}


def test_the_outbox_leads_to_the_number_of_a_mail(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["show", "2026-0001", "--as", "carla"]) == 0
    told = capsys.readouterr().out
    assert "their mails: soppa mail outbox --case 2026-0001\n" in told
    assert "a mail that came back: soppa mail bounced MAIL --reason TEXT\n" in told
    with open_house(home) as house:
        receipt = next(row for row in house.store.views.outbox(case_id="2026-0001") if row.mail == "receipt")
        for row in house.store.outbox.claim(machine_clock(), 50):
            house.store.outbox.settle(row, "accepted", "250", machine_clock())
    assert main(["mail", "outbox", "--case", "2026-0001", "--to", "parent", "--as", "carla", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["id"], found["mail"], found["state"]) == (receipt.id, "receipt", "accepted")
    assert main(["mail", "outbox", "--to", "mendez", "--as", "carla"]) == 0
    assert "Carla Mendez" in capsys.readouterr().out
    assert main(["mail", "outbox", "--case", "2026-0009", "--as", "carla"]) == 2


def test_an_incident_is_a_sentence_with_what_to_do(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    with open_house(home) as house, house.store.base.writing() as connection:
        sick = insert(TIMERS).values(case_id="2026-0001", key="rung/district_fix/1/mid/2026-10-01", attempts=5)
        timer = connection.scalar(sick.returning(TIMERS.c.id))
        row = {"kind": "timer", "ref": timer, "case_id": "2026-0001", "error": "KeyError", "tries": 5,
               "opened_at": machine_clock()}  # fmt: skip
        connection.execute(insert(INCIDENTS).values(**row))
    capsys.readouterr()
    assert main(["incidents", "list", "--as", "priya"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert ("Case 2026-0001: a reminder about the clock district_fix could not be done: a fault in soppa itself "
            "(KeyError). What to do: soppa incidents retry 1 tries it again.") in told  # fmt: skip
    assert main(["incidents", "list", "--as", "priya", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["error"], found["says"].partition(":")[0]) == ("KeyError", "Case 2026-0001")


@pytest.mark.parametrize("columns", [80, 120])
def test_the_queue_shows_titles_and_breaks_neither_numbers_nor_dates(home: Home, columns: int) -> None:
    assert main(["do", "2026-0001", "verify", "complete", *VERIFY]) == 0
    with terminal("queue", "--as", "priya", columns=columns) as screen:
        assert screen.code() == 0
        shown = [line.rstrip() for line in screen.shown.splitlines()]
    case = next(line for line in shown if "2026-0001" in line)
    assert ("Mon Dec 14 2026" if columns == 120 else "legal Mon Dec 14, ") in case
    assert columns == 120 or "target " in shown[shown.index(case) + 1]
    assert "Say whether" in case
    assert "advise" not in case


def test_the_queue_piped_has_one_line_a_task(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["queue", "--as", "priya"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "legal deadline"
    assert [line for line in lines if "Mon Dec 14 2026" in line and "Check who asks and whether the request is complete"
            in line]  # fmt: skip


def test_the_sample_district_has_somebody_in_every_role() -> None:
    catalogue = Catalogue()
    definitions = [catalogue.newest(process) for process in catalogue.processes()]
    used = {role for one in definitions for role in (*roles_of(one), *one.start_by)}
    assert used <= {role for person in PEOPLE for role in person.roles}
    assert set(needed(definitions)) == {role for one in definitions for role in roles_of(one)}


@pytest.mark.parametrize(("words", "code", "says"), [
    ("do 2026-0001 advise answered --as carla", 1, "task 'advise' is not open in case 2026-0001: open are verify, "),
    ("nudge 2026-0001 fix --as carla", 1, "task 'fix' is not open in case 2026-0001"),
    ("do 2026-0001 advize answered --as carla", 2, "case 2026-0001 has no open task 'advize'"),
    ("explain 2026-0001 hear_appeal --as carla", 1, "has not begun: its day 0 is not known yet"),
    ("explain 2026-0001 district_fox --as carla", 2, "did you mean 'district_fix'?"),
    ("document 2026-0001 evidence --out x.pdf --as carla", 1, "'evidence' is not recorded in case 2026-0001 yet"),
    ("document 2026-0001 evidense --out x.pdf --as carla", 2, "has no fact 'evidense'"),
])
def test_what_is_well_asked_and_not_possible_now_is_refused(
    home: Home, capsys: pytest.CaptureFixture[str], words: str, code: int, says: str
) -> None:
    capsys.readouterr()
    assert main(words.split()) == code
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("words", [("queue",), ("show", "2026-0001"), ("verify",), ("worker",)])
@pytest.mark.parametrize(("schema", "says"), [
    ("0001", "soppa upgrade brings it there"),
    ("9999", "install the newer soppa that it belongs to"),
])
def test_a_database_of_another_schema_is_told_alike_by_every_command(
    home: Home, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], schema: str, says: str
) -> None:
    with open_house(home) as house, house.store.base.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :found"), {"found": schema})
    capsys.readouterr()
    assert main([*words]) == 78
    told = f"the database has schema {schema}, this program needs {SCHEMA}: {says}"
    assert capsys.readouterr().err == f"soppa: {told}\n"


def test_both_parts_of_a_mail_can_be_looked_at(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words, page = ["mail", "preview", "correction_request", "receipt"], tmp_path / "receipt.html"
    capsys.readouterr()
    assert main([*words, "--html", str(page)]) == 0
    told = capsys.readouterr().out
    assert f"its HTML part: {page}" in told
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert "we have your request" in told and "we have your request" in page.read_text("utf-8").lower()
    assert (main([*words, "--html", str(page)]), main([*words[:-1], "--html", str(tmp_path / "x")])) == (2, 2)
    told = capsys.readouterr().err
    assert "is there already: name a new file" in told and "--html writes one mail: name which" in told
    assert not (tmp_path / "x").exists()
