"""A breach is for those who need to know, by whatever door: somebody else learns its number and its process, sees
nothing of it and changes nothing in it. Every command stands in one of the tables here: a new one has to ask itself."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert

from cli.commands.init import build_home
from cli.demo.district import PEOPLE, SETTINGS
from cli.home import Home
from cli.main import main
from cli.wiring import machine_clock, open_house
from storage.tables import INCIDENTS, TIMERS
from tests.integration.test_cli_identity import ASKS_NOBODY, BREACH, CORRECTION, commands
from tests.integration.test_completion import offered
from workflows import Catalogue

CASE = "2026-0002"
NEED = Catalogue().newest("breach_response").need_to_know
OUTSIDER = replace(next(one for one in PEOPLE if one.id == "dana"), id="olga", name="Olga Out", login="olga",
                   email="olga@d.example", roles=frozenset().union(*(one.roles for one in PEOPLE)) - set(NEED))
"""Somebody with every role but those that need to know."""

REFUSES = {
    "show": f"{CASE}", "history": CASE, "explain": CASE, "diagram": f"--case {CASE}", "hold list": CASE,
    "do": f"{CASE} accept accepted", "note": CASE, "nudge": f"{CASE} accept",
    "snooze": f"{CASE} accept --until 2099-01-01", "record": f"{CASE} source=press --reason x",
    "reassign": f"{CASE} accept olga --reason x", "document": f"{CASE} report --out {{new}}",
    "evidence": f"{CASE} --out {{new}}", "hold place": f"{CASE} --agency A --officer O --matter M --from 2026-11-20",
    "hold release": f"{CASE} h1 --reason x --on 2026-11-21", "start": f"breach_response --after {CASE}",
    "preservation place": f"{CASE} --reason x", "preservation release": f"{CASE} --reason x",
    "mail retry": "{failed}", "mail settle": "{doubtful} accepted", "mail bounced": "{accepted} --reason x",
    "incidents retry": "{incident}", "acts confirm": "{act}", "purge begin": f"--except {CASE} --reason x",
    "undo": f"{CASE} --reason x", "migrate": f"breach_response --to 1 --case {CASE}", "adopt": "{missing}",
}  # fmt: skip
"""What takes a case, or something that belongs to one: it refuses, and says nothing else."""

NOT_EVEN_ASKED = {"acts confirm", "adopt", "purge begin", "migrate"}
"""There is no such act or file, nothing is due, or it is for a role that she has not."""

LISTS = {
    "queue": "", "mail outbox": "--state failed --state uncertain --state accepted --state queued",
    "incidents list": "", "acts list": "--all", "preservation list": "", "people gaps": "--days 400",
    "purge preview": "", "purge list": "",
    "retention": "", "report year": "--from 2026-07-01", "report requests": "--from 2026-07-01", "report posting": "",
    "schedule list": "--all", "register list": "", "people list": "", "audience show": CASE, "letters runs": CASE,
    "people absence": "olga 2099-01-04..2099-01-05",
}  # fmt: skip
"""What lists cases, mails or the like: of a breach it says at most that it is there; a custodian sees to letters."""

OF_THE_OFFICE = {
    "work", "mail test", "clock accept", "calendar import", "references confirm",
    "register export", "register import", "register show", "people import", "people leave", "people set", "people totp",
    "audience address", "audience decide", "audience import", "letters posted", "letters print", "purge certificate",
    "purge run",
}  # fmt: skip
"""They take no case; or are of those who see to letters, to people or to purges, whatever the case. `work` has the
queue without these cases and opens none of them (test_work)."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A breach with a mail of each sort, an incident and a preservation; everything else is nobody's secret."""
    made = Home(tmp_path_factory.mktemp("need") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOPPA_HOME", str(made.root))
        build_home(made, SETTINGS.format(public_url="http://localhost:8080", bind="127.0.0.1:8080", smtp_port=9))
        with open_house(made, create=True) as house:
            for person in (*PEOPLE, OUTSIDER):
                house.store.save_person(person)
        assert main([*CORRECTION]) == main([*BREACH]) == 0
        assert main(["preservation", "place", CASE, "--reason", "Ruiz versus District", "--as", "lena"]) == 0
        with open_house(made) as house:
            today = machine_clock().date()
            priya = next(one for one in PEOPLE if one.id == "priya")
            house.store.save_person(replace(priya, absent=(today, today + dt.timedelta(days=300))))
        yield made


@pytest.fixture(scope="module")
def known(home: Home) -> dict[str, str]:
    """The numbers of what belongs to the breach."""
    with open_house(home) as house:
        now = machine_clock()
        for row in house.store.outbox.claim(now, 50):
            theirs = row.case_id == CASE
            state = ("failed", "uncertain", "accepted")[row.id % 3] if theirs else "accepted"
            reply = "reply of the relay" if theirs else "250"
            house.store.outbox.settle(row, state, reply, now)  # type: ignore[arg-type]
        with house.store.base.writing() as connection:
            sick = insert(TIMERS).values(case_id=CASE, key="rung/parents/1/mid/2026-12-01", attempts=5)
            timer = connection.scalar(sick.returning(TIMERS.c.id))
            told = {"kind": "timer", "ref": timer, "case_id": CASE, "error": "OutsideCalendar", "tries": 5,
                    "opened_at": now}  # fmt: skip
            incident = connection.scalar(insert(INCIDENTS).values(**told).returning(INCIDENTS.c.id))
        mails = {line.state: str(line.id) for line in house.store.views.outbox(case_id=CASE)}
    assert {"failed", "uncertain", "accepted"} <= set(mails)
    return {"incident": str(incident), "failed": mails["failed"], "doubtful": mails["uncertain"],
            "accepted": mails["accepted"], "act": "none", "missing": str(home.root / "nothing"),
            "new": str(home.root.parent / "new")}  # fmt: skip


def content(home: Home) -> list[str]:
    """Every row of every table that keeps something of cases."""
    with sqlite3.connect(f"file:{home.database}?mode=ro", uri=True) as connection:
        return [line for line in connection.iterdump() if "INSERT INTO" in line]


def secrets() -> list[str]:
    """What somebody who need not know could read of this breach."""
    breach = Catalogue().newest("breach_response")
    tasks = [task.title["en"] for state in breach.states.values() for task in state.tasks]
    return ["A list was open", "Ruiz versus", "reply of the relay", "rung/", "OutsideCalendar", "reported_", *tasks,
            *(clock.title["en"] for clock in breach.clocks.values())]  # fmt: skip


def test_every_command_says_how_it_keeps_to_it() -> None:
    names = {name for name, _ in commands()}
    asked_nobody = ASKS_NOBODY - {"diagram"}
    assert names - asked_nobody == REFUSES.keys() | LISTS.keys() | OF_THE_OFFICE
    assert not REFUSES.keys() & LISTS.keys() and not OF_THE_OFFICE & (REFUSES.keys() | LISTS.keys())
    takes = {name for name, command in commands() if name not in asked_nobody
             and {"case", "case_id", "mail", "incident", "after"} & {one.name for one in command.params}}
    letters = {"audience address", "audience decide", "audience import", "letters posted", "letters print"}
    assert takes - letters <= REFUSES.keys() | LISTS.keys()


@pytest.mark.parametrize("name", REFUSES)
def test_what_takes_a_case_refuses_and_changes_nothing(
    home: Home, known: dict[str, str], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    before = content(home)
    capsys.readouterr()
    assert main([*name.split(), *REFUSES[name].format(**known).split(), "--as", "olga"]) in (1, 2)
    said = capsys.readouterr()
    if name not in NOT_EVEN_ASKED:
        assert f"case {CASE} is for those who need to know, and Olga Out has no part in it" in said.err
    assert said.out == ""
    assert not [word for word in secrets() if word in said.err]
    assert content(home) == before and not Path(known["new"]).exists()


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("as_json", [False, True])
def test_what_lists_says_at_most_that_it_is_there(
    home: Home, known: dict[str, str], capsys: pytest.CaptureFixture[str], name: str, as_json: bool
) -> None:
    capsys.readouterr()
    code = main([*name.split(), *LISTS[name].format(**known).split(), "--as", "olga", *(["--json"] if as_json else [])])
    said = capsys.readouterr()
    assert code in (0, 1), said.err
    lines = [line for line in said.out.splitlines() if "2026-0001" not in line]
    assert not [word for word in secrets() if word in "\n".join(lines) and word not in of_the_correction()]


def of_the_correction() -> str:
    """What stands in lists of the correction that is open to her."""
    correction = Catalogue().newest("correction_request")
    tasks = [task.title["en"] for state in correction.states.values() for task in state.tasks]
    return " ".join([*tasks, *(clock.title["en"] for clock in correction.clocks.values())])


def test_several_mails_in_doubt_are_settled_without_those_of_a_breach(
    home: Home, known: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(home)
    capsys.readouterr()
    assert main(["mail", "settle", "--all", "failed", "--yes", "--as", "olga"]) == 0
    assert "no mail in doubt is like that" in capsys.readouterr().out
    for words in (f"--case {CASE} failed --yes", f"{known['doubtful']} {known['failed']} failed --yes"):
        assert main(["mail", "settle", *words.split(), "--as", "olga"]) == 1
        assert "for those who need to know" in capsys.readouterr().err
    assert content(home) == before


def test_a_sheet_of_a_report_has_no_row_of_a_breach(home: Home, tmp_path: Path) -> None:
    rows = {}
    for who in ("olga", "priya"):
        sheet = tmp_path / f"{who}.csv"
        words = ["report", "year", "--from", "2026-07-01", "--to", "2027-06-30", "--csv", str(sheet), "--as", who]
        assert main(words) == 0
        rows[who] = sheet.read_text("utf-8")
    assert CASE not in rows["olga"] and "2026-0001" in rows["olga"]


def test_who_needs_to_know_does_all_that(home: Home, known: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["incidents", "list", "--json", "--as", "priya"]) == 0
    (found,) = [one for one in json.loads(capsys.readouterr().out) if one["case"] == CASE]
    assert found["error"] == "OutsideCalendar"
    assert main(["preservation", "list", "--as", "priya"]) == 0
    assert "Ruiz versus District" in capsys.readouterr().out


def test_rungs_that_land_on_others_are_shown_without_those_of_a_breach(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = {}
    for who in ("olga", "priya"):
        capsys.readouterr()
        main(["people", "gaps", "--days", "300", "--json", "--as", who])
        cases[who] = {one["case"] for one in json.loads(capsys.readouterr().out)["rungs"]}
    assert CASE in cases["priya"] and CASE not in cases["olga"]


@pytest.mark.parametrize("line", [
    "show 2026", "mail retry ", "mail settle ", "incidents retry ", f"do {CASE} ", f"do {CASE} accept ",
    f"explain {CASE} ", f"document {CASE} ",
])  # fmt: skip
def test_the_shell_offers_nothing_of_a_breach(
    home: Home, known: dict[str, str], monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    numbers = {"mail retry ": "failed", "mail settle ": "doubtful", "incidents retry ": "incident"}
    theirs = {CASE, "accept", "operator_file", *secrets(), *(known[of] for each, of in numbers.items() if each == line)}
    for who, sees in (("olga", False), ("priya", True)):
        monkeypatch.setattr("cli.viewers.login", lambda who=who: who)
        found = set(offered(line))
        assert bool(found & (theirs | {"ask_operator", "take"})) is sees or (sees and "explain" in line)
