"""Reports of a small office: cases that stand differently, agreements that were posted late, on both databases."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pypdf
import pytest
import time_machine

from cli.demo.district import PEOPLE, SETTINGS
from cli.demo.run import FakeClock, person
from cli.home import Home
from cli.inventory import apply, look
from cli.main import main
from cli.wiring import House, open_house
from cli.year.town import OPERATORS
from engine.model.case import Contact, FactValue
from tests.databases import new_home

NOW = dt.datetime(2026, 12, 20, 18, 0, tzinfo=dt.UTC)
Run = Callable[..., int]


@pytest.fixture
def home(tmp_path: Path, database_url: str) -> Path:
    """Four corrections: one told in time, one overdue, one running, one withdrawn; and the sample's agreements."""
    made, clock = Home(tmp_path / "home"), FakeClock(dt.datetime(2026, 8, 3, 15, 0, tzinfo=dt.UTC))
    own = f'database: "{database_url}"\n' if database_url.startswith("postgres") else ""
    new_home(made, SETTINGS.format(public_url="http://localhost:8080", bind="127.0.0.1:8080", smtp_port=9) + own)
    with open_house(made, clock, create=True) as house:
        for one in PEOPLE:
            house.store.save_person(one)
        for received in (dt.date(2026, 8, 3), dt.date(2026, 8, 10), dt.date(2026, 12, 1), dt.date(2026, 9, 1)):
            clock.now = dt.datetime.combine(received, dt.time(15), dt.UTC)
            _start(house, received, clock.now)
        _withdraw(house, "2026-0004", clock.now)
        _settle(house, "2026-0001", dt.date(2026, 11, 1))
        accepted = [row.key for row in look(house, OPERATORS, (), NOW.date()).rows]
        apply(house, look(house, OPERATORS, accepted, NOW.date()), person(house, "priya"))
    return made.root


def _start(house: House, received: dt.date, now: dt.datetime) -> None:
    facts: dict[str, FactValue] = {"received_on": received, "item": "Birth date of Pat Doe"}
    house.service.start("correction_request", facts, {"parent": Contact("Ana Ruiz", "ana@families.example")},
                        person(house, "carla"), now)


def _withdraw(house: House, case_id: str, now: dt.datetime) -> None:
    with house.store.read() as unit:
        task = unit.case(case_id).open_task("withdraw")
    assert task is not None
    values = {"withdrawn_on": now.date()}
    house.service.complete_task(task.id, "withdrawn", values, person(house, "carla"), now)


def _settle(house: House, case_id: str, on: dt.date) -> None:
    """As the clock stands once the parent was told on that day."""
    from sqlalchemy import update

    from storage.tables import CLOCKS

    mine = (CLOCKS.c.case_id == case_id) & (CLOCKS.c.name == "district_fix")
    with house.store.base.writing() as connection:
        connection.execute(update(CLOCKS).where(mine).values(status="satisfied", ended_on=on))


@pytest.fixture
def run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.chdir(tmp_path)
    with time_machine.travel(NOW, tick=True):
        yield lambda *words: main([*words, "--home", str(home)])


def rows(path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(Path(path).read_text("utf-8"))))


def on_paper(path: str) -> str:
    pages = pypdf.PdfReader(path).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_the_year_says_what_was_met_what_is_overdue_and_what_still_runs(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("report", "year", "--pdf", "year.pdf", "--csv", "year.csv", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["from"], told["to"], told["as_of"]) == ("2026-07-01", "2027-06-30", "2026-12-20")
    assert told["cases"] == [{"process": "correction_request", "began": 4, "ended": 1}]
    duty = told["deadlines"][0]
    counts = {stand: duty[stand] for stand in ("met", "late", "overdue", "running", "void", "undated")}
    assert counts == {"met": 1, "late": 0, "overdue": 1, "running": 1, "void": 1, "undated": 0}
    assert duty["on_time"] == "1 of 2"
    stands = {row["case"]: (row["stands"], row["days_used"], row["days_of_period"]) for row in rows("year.csv")}
    assert stands["2026-0001"] == ("met", "90", "91")  # its ninetieth day is a Sunday
    assert stands["2026-0002"] == ("overdue", "132", "91")
    assert stands["2026-0003"][0] == "running"
    assert stands["2026-0004"][0] == "void"
    said = on_paper("year.pdf")
    assert "Cases that began: 4; of these have ended: 1." in said
    assert "Met in time: 1; done late: 0; overdue: 1; still running: 1; void, and counted nowhere else: 1." in said
    assert "1 in time, 1 overdue, 1 running, 1 void." in said
    assert Path("year.pdf").stat().st_mode & 0o777 == 0o600
    assert Path("year.csv").stat().st_mode & 0o777 == 0o600


def test_no_report_names_anybody(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for report in ("year", "requests"):
        assert run("report", report, "--pdf", f"{report}.pdf", "--csv", f"{report}.csv") == 0
        everything = capsys.readouterr().out + on_paper(f"{report}.pdf") + Path(f"{report}.csv").read_text("utf-8")
        assert [name for name in ("Ruiz", "Doe", "Carla", "families.example") if name in everything] == []


def test_requests_are_those_that_parents_began(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("report", "requests", "--csv", "requests.csv") == 0
    said = capsys.readouterr().out
    assert "that came: 4. Answered, withdrawn or closed: 1; open: 3." in said.replace("\n", " ")
    assert [row["case"] for row in rows("requests.csv")] == [f"2026-000{n}" for n in range(1, 5)]
    assert run("report", "requests", "--from", "2025-07-01") == 0
    assert "that came: 0." in capsys.readouterr().out


def test_postings_are_counted_for_each_agreement(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """The sample's inventory holds three postings that came late and two agreements that were never posted."""
    assert run("report", "posting", "--from", "2020-01-01", "--to", "2026-12-20", "--csv", "posting.csv", "--pdf",
               "posting.pdf", "--json") == 0  # fmt: skip
    told = json.loads(capsys.readouterr().out)
    found = rows("posting.csv")
    assert len(found) == told["agreements"]
    wrong = [row for row in found if row["stands"] in ("late", "overdue")]
    assert [row["agreement"] for row in wrong] == [row["agreement"] for row in told["late"]]
    assert {row["stands"] for row in wrong} == {"late", "overdue"}
    for row in found:
        late = bool(row["posted_on"]) and row["posted_on"] > row["legal_due"]
        assert (row["stands"] == "late") == late
        assert (row["stands"] == "overdue") == (not row["posted_on"] and row["legal_due"] < "2026-12-20")
    assert f"Agreements signed: {len(found)}. " in on_paper("posting.pdf")


def test_a_new_year_does_not_hide_what_is_overdue_from_before(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    whole, later = ("--from", "2020-01-01", "--to", "2026-12-20"), ("--from", "2026-12-01")
    for report, first in (("posting", whole), ("posting", later), ("year", later)):
        assert run("report", report, *first, "--pdf", f"{report}-{first[1]}.pdf", "--json") == 0
    told = [json.loads(line) for line in capsys.readouterr().out.replace("\n}\n{", "\n}\0{").split("\0")]
    overdue = [row for row in told[0]["late"] if row["stands"] == "overdue" and row["status"] == "active"]
    assert overdue and told[0]["overdue_from_before"] == []
    assert told[1]["overdue_from_before"] == overdue and told[1]["late"] == []
    assert f"overdue to this day: {len(overdue)}." in on_paper("posting-2026-12-01.pdf")
    assert told[2]["overdue_from_before"] == 1 and told[2]["deadlines"][0]["overdue"] == 0


def test_what_makes_no_sense_is_told_and_nothing_is_written(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("report", "year", "--from", "July", "--pdf", "y.pdf") == 2
    assert capsys.readouterr().err == "soppa: --from: 'July' is not a date: write it as 2026-07-01\n"
    Path("there.csv").write_text("mine")
    assert run("report", "year", "--pdf", "y.pdf", "--csv", "there.csv") == 2
    assert capsys.readouterr().err == "soppa: there.csv is there already: name a new file\n"
    assert run("report", "year", "--pdf", "nowhere/y.pdf") == 2
    assert "nowhere/y.pdf cannot be written (No such file or directory)" in capsys.readouterr().err
    assert not Path("y.pdf").exists()
