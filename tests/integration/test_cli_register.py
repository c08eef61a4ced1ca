"""`soppa register` on a real home: a dry run, what is written, what is left out, and how it is looked at."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from cli.demo.district import SETTINGS
from cli.home import Home
from cli.main import main
from tests.databases import staffed_home

SAMPLE = Path(__file__).parents[2] / "cli" / "year" / "operators-sample.csv"
DOUBTFUL = ["OP-0101", "OP-0117", "OP-0144", "OP-0191", "OP-0192", "OP-0193", "OP-0194", "OP-0195"]
AS_OF = ("--as-of", "2026-11-01", "--as", "priya")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(tmp_path / "home")
    staffed_home(made, SETTINGS.format(public_url="http://localhost:8080", bind="127.0.0.1:8080", smtp_port=9))
    monkeypatch.setenv("SOPPA_HOME", str(made.root))
    return made


def soppa(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["register", *words])
    streams = capsys.readouterr()
    return code, streams.out, streams.err


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """What a command says to a program."""
    return json.loads(soppa(capsys, *words, "--json")[1])


def changed(tmp_path: Path, column: str, value: str, count: int) -> Path:
    """The sample with one cell changed in the first rows that have an agreement."""
    with SAMPLE.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in [row for row in rows if row["agreement_type"] and row["operator_id"] not in DOUBTFUL][:count]:
        row[column] = value
    path = tmp_path / "changed.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_dry_run_names_what_is_wrong_and_writes_nothing(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, error = soppa(capsys, "import", str(SAMPLE), *AS_OF)
    assert code == 1
    assert "8 of 200 rows would be left out: OP-0101, OP-0117" in error
    assert "nothing is written yet: add --apply" in out
    assert "too late (105 ILCS 85/27(c), by Tue Jan 6 2026)" in out
    assert asked(capsys, "list") == []


def test_what_is_sound_is_written_once(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    first = asked(capsys, "import", str(SAMPLE), *AS_OF, "--apply")
    again = asked(capsys, "import", str(SAMPLE), *AS_OF, "--apply")
    assert (first["written"], first["refused"]) == (192, DOUBTFUL)
    assert (again["written"], again["changes"], again["refused"]) == (0, [], DOUBTFUL)
    assert len(asked(capsys, "list")) == 192


def test_what_starts_by_itself_after_an_import_is_counted(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    told = soppa(capsys, "import", str(SAMPLE), *AS_OF, "--apply")[1]
    main(["schedule", "list", "--limit", "1000", "--json", "--as", "priya"])
    soon = (dt.datetime.now(dt.UTC) + dt.timedelta(days=7)).isoformat()
    starts = [one for one in json.loads(capsys.readouterr().out) if one["starts_at"] <= soon]
    assert starts, "agreements of the sample have run out, whatever day this is"
    assert f"within a week {len(starts)} cases will start: " in told


def test_an_accepted_row_is_written_and_an_american_date_month_first(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word for key in DOUBTFUL for word in ("--accept", key)]
    assert soppa(capsys, "import", str(SAMPLE), *AS_OF, "--apply", *words)[0] == 0
    assert len(asked(capsys, "list")) == 200
    (row,) = asked(capsys, "list", "--product", "Galvantha Go")
    assert row["signed_on"] == "2024-10-20"


def test_a_fifth_changed_is_asked_about_again(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soppa(capsys, "import", str(SAMPLE), *AS_OF, "--apply")
    file = str(changed(tmp_path, "grade_levels", "K-1", 60))
    code, _, error = soppa(capsys, "import", file, *AS_OF, "--apply")
    assert code == 1
    assert "60 of 192 known rows would change, more than a fifth" in error
    assert "60 rows written" in soppa(capsys, "import", file, *AS_OF, "--apply", "--yes")[1].splitlines()


def test_a_change_is_told_field_by_field_and_stands_in_the_history(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soppa(capsys, "import", str(SAMPLE), *AS_OF, "--apply")
    file = str(changed(tmp_path, "agreement_expires_on", "2030-01-01", 1))
    assert "OP-0002: changed agreement_expires_on: 2027-04-07 → 2030-01-01" in soppa(capsys, "import", file, *AS_OF)[1]
    soppa(capsys, "import", file, *AS_OF, "--apply")
    shown = asked(capsys, "show", "A-0001", "--verify")
    assert shown["wrong"] == []
    assert shown["entries"][0]["expires_on"] == "2030-01-01"
    last = shown["history"][-1]
    assert (last["entry"], last["actor"]) == ("A-0001", "person:priya")
    assert last["changes"] == {"expires_on": {"was": "2027-04-07", "becomes": "2030-01-01"}}
    assert "the history is whole" in soppa(capsys, "show", "A-0001", "--verify")[1]


def test_the_list_is_filtered(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    soppa(capsys, "import", str(SAMPLE), *AS_OF, "--apply")
    assert len(asked(capsys, "list", "--status", "under_review")) == 14
    assert len(asked(capsys, "list", "--operator", "snormere")) == 2
    assert [row["agreement"] for row in asked(capsys, "list", "--product", "P-0002")] == ["A-0001"]
    of_sponsor = asked(capsys, "list", "--sponsor", "sponsor24@district.example")
    assert "P-0002" in [row["product"] for row in of_sponsor]
    assert len(of_sponsor) < 20
    assert soppa(capsys, "list", "--product", "nothing so named")[1] == "nothing fits\n"


def test_what_goes_out_is_defused_and_comes_in_again(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soppa(capsys, "import", str(SAMPLE), *AS_OF, "--apply")
    out = tmp_path / "out.csv"
    assert soppa(capsys, "export", "--out", str(out))[0] == 0
    assert out.stat().st_mode & 0o777 == 0o600
    assert "\"'=HYPERLINK(" in out.read_text("utf-8")
    again = asked(capsys, "import", str(out), *AS_OF)
    assert (again["known"], again["changes"], again["refused"]) == (192, [], [])
    assert soppa(capsys, "export")[1] == out.read_bytes().decode()
    assert len(asked(capsys, "export")) == 192
    assert asked(capsys, "export", "--out", str(tmp_path / "again.csv"))["rows"] == 192


@pytest.mark.parametrize(("words", "code", "sentence"), [
    (["import", "nowhere.csv", "--as", "priya"], 2, "nowhere.csv: cannot be read (No such file or directory)"),
    (["import", str(SAMPLE), "--as", "priya", "--accept", "OP-9101"], 2, "there is no row 'OP-9101' (did you mean"),
    (["import", str(SAMPLE), "--as", "priya", "--as-of", "11/1/2026"], 2, "--as-of: '11/1/2026' is not a date"),
    (["import", str(SAMPLE), "--as", "edie"], 1, "may not change the register"),
    (["list", "--status", "aproved"], 2, "--status: 'aproved' is unknown (did you mean 'approved'?)"),
    (["show", "A-0001"], 2, "there is nothing 'A-0001' in the register"),
    (["export", "--out", str(SAMPLE)], 2, "is there already: name a new file"),
])  # fmt: skip
def test_bad_words_are_refused_with_a_sentence(
    home: Home, capsys: pytest.CaptureFixture[str], words: list[str], code: int, sentence: str
) -> None:
    found, _, error = soppa(capsys, *words)
    assert (found, sentence in error) == (code, True), error
