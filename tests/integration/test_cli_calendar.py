"""`soppa calendar` on a real home: what it shows, what it writes into district.yaml, what it leaves alone."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from cli.home import Home
from cli.main import main
from cli.settings import read_settings
from tests.databases import staffed_home
from workflows import lawbook

SETTINGS = """\
# Ours; do not sort.
district: Prairie Creek USD 99   # as on the letterhead
zone: America/Chicago
demo: true
{attendance}
# Who else must agree.
second_person: sam
"""


def a_year(begins: int) -> str:
    """A school year as a table, closed on every holiday of schools by statute."""
    first, last = dt.date(begins, 8, 16), dt.date(begins + 1, 5, 27)
    holidays = lawbook().calendars["il-school"].days_off
    rows = [f"{day},,closed,{name}" for day, name in sorted(holidays.items()) if first <= day <= last]
    breaks = (f"{begins}-12-20,{begins + 1}-01-03,closed,Winter break",
              f"{begins + 1}-03-22,{begins + 1}-03-26,closed,Spring")
    return "\n".join(["date,to,kind,name", f"{first},{last},attendance,Term", *rows, *breaks]) + "\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    return made(tmp_path, monkeypatch, "")


def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attendance: str) -> Home:
    home = Home(tmp_path / "home")
    staffed_home(home, SETTINGS.format(attendance=attendance))
    monkeypatch.setenv("SOPPA_HOME", str(home.root))
    return home


def imported(tmp_path: Path, text: str, *words: str, by: str = "priya") -> int:
    file = tmp_path / "days.csv"
    file.write_text(text, "utf-8")
    return main(["calendar", "import", str(file), "--as", by, *words])


def test_it_shows_first_and_writes_only_when_asked(home: Home, tmp_path: Path,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    before = home.settings.read_text()
    assert imported(tmp_path, a_year(2027)) == 0
    shown = capsys.readouterr().out
    assert "2027-12-20..2028-01-03  closed" in shown
    assert "2027-28: Mon Aug 16 2027 to Sat May 27 2028, " in shown
    assert shown.endswith("nothing is changed yet: add --apply\n")
    assert max(map(len, shown.splitlines())) <= 80
    assert home.settings.read_text() == before


def test_only_its_own_key_of_the_document_is_changed(home: Home, tmp_path: Path) -> None:
    assert imported(tmp_path, a_year(2026), "--apply") == 0
    assert imported(tmp_path, a_year(2027), "--apply") == 0
    text = home.settings.read_text()
    assert home.settings.stat().st_mode & 0o777 == 0o600
    kept = SETTINGS.format(attendance="").splitlines()
    assert [line for line in text.splitlines() if line and line in kept] == [line for line in kept if line]
    school = read_settings(home.settings).attendance
    assert school is not None and school.first is not None and school.last is not None
    assert (school.first.isoformat(), school.last.isoformat()) == ("2026-08-16", "2028-05-27")
    assert not school.is_school_day(school.first.replace(year=2027, month=7, day=6)), "the summer between is no school"
    assert imported(tmp_path, a_year(2027).replace("Spring", "Easter"), "--apply") == 0
    assert home.settings.read_text() == text


@pytest.mark.parametrize("attendance", [
    "attendance: {from: 2026-08-17, to: 2027-05-28, closed: [2026-09-07]}",
    "attendance:\n  from: 2026-08-17\n  to: 2027-05-28\n\n  closed:\n    # Labor Day\n    - 2026-09-07\n",
    "attendance:\n- from: 2026-08-17\n  to: 2027-05-28",
])
def test_a_calendar_written_by_hand_gets_the_next_one_beside_it(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attendance: str) -> None:
    home = made(tmp_path, monkeypatch, attendance)
    assert imported(tmp_path, a_year(2027), "--apply") == 0
    school = read_settings(home.settings).attendance
    assert school is not None
    assert (str(school.first), str(school.last)) == ("2026-08-17", "2028-05-27")
    assert home.settings.read_text().endswith("# Who else must agree.\nsecond_person: sam\n")


def test_a_year_that_is_corrected_takes_the_place_of_the_one_before(home: Home, tmp_path: Path,
                                                                   capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(tmp_path, a_year(2027), "--apply") == 0
    capsys.readouterr()
    assert imported(tmp_path, a_year(2027) + "2028-02-01,,closed,Snow\n", "--apply", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["applied"] and "2028-02-01" in said["closed"]
    assert [one["school_year"] for one in said["replaces"]] == ["2027-28"]
    assert main(["calendar", "show", "--json"]) == 0
    assert [year["days"] for year in json.loads(capsys.readouterr().out)["years"]] == [said["days"]]


@pytest.mark.parametrize(("attendance", "year", "sentence"), [
    ("", "date,to,kind,name\n2027-08-16,2027-09-30,attendance,\n", "this looks unusual: correct the file"),
    ("attendance: {from: 2024-08-17, to: 2025-05-28}", a_year(2026), "no calendar between 2025-05-28 and 2026-08-16: a "
     "school year is missing, import it first"),
    ("attendance: {from: 2026-08-17, to: 2028-05-28}", a_year(2027), "covers more than this year: divide it into one"),
])  # fmt: skip
def test_a_gap_or_a_stub_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                    capsys: pytest.CaptureFixture[str], attendance: str, year: str,
                                    sentence: str) -> None:
    home = made(tmp_path, monkeypatch, attendance)
    before = home.settings.read_text()
    assert imported(tmp_path, year, "--apply") == 1
    assert sentence in capsys.readouterr().err
    assert home.settings.read_text() == before


def test_what_looks_unusual_is_taken_with_yes(home: Home, tmp_path: Path) -> None:
    stub = "date,to,kind,name\n2027-08-16,2027-09-30,attendance,\n"
    assert imported(tmp_path, stub, "--apply", "--yes") == 0
    assert "to: 2027-09-30" in home.settings.read_text()


def test_it_is_for_those_who_answer_for_dates(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(tmp_path, a_year(2027), "--apply", by="tess") == 1
    assert "Tess Abara may not change the calendar: it is for custodian, privacy" in capsys.readouterr().err


def test_a_home_without_a_calendar_says_what_is_wanted(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calendar", "show"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("no school year is known\nwanted: ") and "(soppa calendar import FILE)" in shown
