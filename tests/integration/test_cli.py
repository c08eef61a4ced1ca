"""The commands on a real home and a real SQLite database, through the real door."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import pytest

from cli.demo.district import SETTINGS
from cli.home import Home
from cli.main import main
from cli.wiring import open_house
from tests.databases import staffed_home
from workflows import SHIPPED

PARENT = "parent=Ana Ruiz <ana@families.example>; language=es"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The sample district, marked as demo; nothing listens where its relay should be."""
    made = Home(tmp_path / "home")
    staffed_home(made, SETTINGS.format(public_url="http://localhost:8080", bind="127.0.0.1:8080", smtp_port=9))
    monkeypatch.setenv("SOPPA_HOME", str(made.root))
    return made


STARTED = ("start", "correction_request", "--sure", "--as", "carla", "-f", "received_on=2026-09-14", "-f",
           "item=Date of birth")


def answer(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, object]:
    assert main([*args, "--json"]) == 0, capsys.readouterr().err
    read: dict[str, object] = json.loads(capsys.readouterr().out)
    return read


def start(capsys: pytest.CaptureFixture[str]) -> str:
    started = answer(capsys, *STARTED, "-f", PARENT)
    return str(started["case"])


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str]:
    code = main(list(args))
    streams = capsys.readouterr()
    assert streams.err.startswith("soppa: "), streams
    return code, streams.err


def test_init_makes_a_private_home_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "district"
    assert main(["init", "--home", str(folder), "--district", 'A "quoted" name']) == 0
    assert "Back it up now, apart from the data" in capsys.readouterr().out
    assert (folder / "keys" / "ring").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert refused(capsys, "init", "--home", str(folder))[0] == 2


@pytest.mark.parametrize(("option", "word", "says"), [
    ("--zone", "Mars/Base", "--zone: there is no time zone 'Mars/Base'"),
    ("--public-url", "ftp://x", "--public-url: 'ftp://x' is not the address of a site"),
    ("--district", " ", "--district holds nothing"),
    ("--district", "a\x07b", "--district holds control characters"),
])  # fmt: skip
def test_init_makes_nothing_of_words_that_are_no_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, word: str, says: str
) -> None:
    code, sentence = refused(capsys, "init", "--home", str(tmp_path / "new"), option, word)
    assert (code, sentence.startswith(f"soppa: {says}")) == (2, True), sentence
    assert not (tmp_path / "new").exists()


def test_init_where_no_folder_can_be_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")
    code, sentence = refused(capsys, "init", "--home", str(tmp_path / "file" / "home"))
    assert (code, "cannot be made (Not a directory): name another folder" in sentence) == (2, True)


def test_a_case_from_start_to_an_answer(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    case = start(capsys)
    done = answer(capsys, "do", case, "verify", "complete", "-f", "requester_kind=parent", "-f", "identity_ok=yes",
                  "-f",
                  "where_seen=Record", "-f", "right_value=2014", "-f", "data_owner=dana", "--as", "carla")
    assert done["state"] == "asking_owner"
    assert main(["queue"]) == 0
    queue = capsys.readouterr().out
    assert "Mon Dec 14 2026" in queue
    assert "Dana Novak" in queue
    assert main(["explain", case]) == 0
    why = " ".join(capsys.readouterr().out.split())
    assert "Sun Dec 13 2026 does not count as the last day (Sunday)" in why
    assert '"Date stamped when the request reached anyone in the district" (received_on)' in why
    assert "[S/M: from second-hand sources; recalled; have counsel confirm]" in why
    assert main(["history", case]) == 0
    told = capsys.readouterr().out
    assert "Carla Mendez" in told
    assert "Answered (as custodian) “Check who asks" in told
    assert "2014" not in told, "values of personal facts are left out"


def test_the_check_tells_of_a_definition_that_cases_are_on_in_another_form(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    start(capsys)
    folder = home.workflows / "correction_request"
    shutil.copytree(SHIPPED / "correction_request", folder)
    assert main(["check", "correction_request"]) == 0
    text = (folder / "process.yaml").read_text("utf-8")
    (folder / "process.yaml").write_text(text.replace("due: 5 business_days", "due: 6 business_days", 1), "utf-8")
    capsys.readouterr()
    assert main(["check", "correction_request", "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)
    assert told["in_use"] == ("correction_request version 1 is in use and has changed since: give the changed one "
                              "version 2")
    home.ring.chmod(0o644)
    assert main(["check", "correction_request"]) == 0
    assert "note: not compared with what cases are on: " in capsys.readouterr().out


@pytest.mark.parametrize("named", ["verify", "2026-0001-1"], ids=["by name", "by number"])
def test_who_answers_a_task_that_another_has_answered_is_told_and_on_record(
    home: Home, capsys: pytest.CaptureFixture[str], named: str
) -> None:
    case = start(capsys)
    fields = ("requester_kind=parent", "identity_ok=yes", "where_seen=Record", "right_value=2014", "data_owner=dana")
    words = [word for field in fields for word in ("-f", field)]
    answer(capsys, "do", case, "verify", "complete", *words, "--as", "carla")
    code, sentence = refused(capsys, "do", case, named, "complete", *words, "--as", "priya")
    assert (code, sentence) == (1, "soppa: already decided by Carla Mendez: complete\n")
    assert main(["history", case, "--json"]) == 0
    late = [line["detail"] for line in json.loads(capsys.readouterr().out) if line["kind"] == "answer_too_late"]
    assert late == [{"task": f"{case}-1", "by": "Priya Raman", "decided_by": "Carla Mendez"}]


def test_an_earlier_date_is_recorded_and_the_old_one_kept(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    case = start(capsys)
    assert main(["record", case, "received_on=2026-09-11", "--sure", "--reason", "the stamp", "--as", "carla"]) == 0
    assert "Mon Dec 14 2026 → Thu Dec 10 2026" in capsys.readouterr().out


def test_a_later_legal_date_needs_a_second_person(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    case = start(capsys)
    later = ("received_on=2026-09-18", "--sure", "--reason", "the stamp", "--as", "carla")
    code, sentence = refused(capsys, "record", case, *later)
    assert code == 1
    assert "second person" in sentence
    assert main(["show", case]) == 0
    assert "Mon Sep 14 2026" in capsys.readouterr().out


@pytest.mark.parametrize(("args", "code", "sentence"), [
    pytest.param(["start", "correction_requets", "--as", "carla"], 2, "did you mean 'correction_request'?",
                 id="process"),
    pytest.param(["show", "2026-9999"], 2, "unknown case", id="case"),
    pytest.param(["do", "2026-0001", "verfiy", "complete", "--as", "carla"], 2, "did you mean 'verify'?", id="task"),
    pytest.param(["do", "2026-0001", "verify", "compleet", "--as", "carla"], 2, "did you mean 'complete'?",
                 id="outcome"),
    pytest.param(["do", "2026-0001", "verify", "complete", "-f", "identity=yes", "--as", "carla"], 2, "identity",
                 id="fact"),
    pytest.param(["do", "2026-0001", "verify", "complete", "-f", "identity_ok=maybe", "--as", "carla"], 2, "yes or no",
                 id="wrong type"),
    pytest.param(["do", "2026-0001", "verify", "complete", "--as", "carla"], 1, "needs", id="missing fields"),
    pytest.param(["do", "2026-0001", "verify", "complete", "-f", "requester_kind=parent", "-f", "identity_ok=yes",
                  "--as", "edie"], 1, "may not answer", id="somebody else"),
    pytest.param(["do", "2026-0001", "verify", "complete", "--on-behalf-of", "Sam", "--as", "carla"], 2,
                 "needs --reason", id="on behalf without a reason"),
    pytest.param(["start", "correction_request", "-f", "received_on", "--as", "carla"], 2, "is not FACT=VALUE",
                 id="-f"),
    pytest.param(["explain", "2026-0001", "distrct_fix"], 2, "did you mean 'district_fix'?", id="clock"),
    pytest.param(["queue", "--limit", "0"], 2, "limit", id="limit"),
    pytest.param(["show", "2026-0001", "--sa", "nobody"], 2, "no such option", id="option"),
    pytest.param(["people", "set", "carla", "--role", "custodain", "--as", "priya"], 2, "did you mean 'custodian'?",
                 id="role"),
    pytest.param(["people", "set", "edie", "--role", "privacy", "--as", "edie"], 1, "may not change people",
                 id="rights"),
    pytest.param(["people", "set", "edie", "--login", "carla", "--as", "priya"], 2, "belongs to carla already",
                 id="login"),
    pytest.param(["record", "2026-0001", "recieved_on=2026-09-11", "--reason", "x", "--as", "carla"], 2,
                 "has no fact 'recieved_on' (did you mean 'received_on'?)", id="recorded fact"),
    pytest.param(["incidents", "retry", "7", "--as", "priya"], 2, "unknown incident", id="incident"),
    pytest.param(["start", "correction_request"], 1, "nobody in this office: say who you are here, such as --as bea",
                 id="unmapped user"),
    pytest.param(["do", "2026-0001", "verify", "complete", "-f", "data_owner=dnaa", "--as", "carla"], 2,
                 "did you mean 'dana'?", id="a person who is none"),
    pytest.param([*STARTED, "-f", f"{PARENT}x"], 2, "nothing is written in the language 'esx' (did you mean 'es'?)",
                 id="language of a parent"),
    pytest.param(["people", "set", "edie", "--language", "xx", "--as", "priya"], 2, "(known: en, es)",
                 id="language of a person"),
    pytest.param(["mail", "preview", "correction_request", "--language", "fr"], 2, "is written in 'fr'", id="language"),
    pytest.param(["queue", "--role", "custodain"], 2, "did you mean 'custodian'?", id="role of nobody"),
    pytest.param(["queue", "--person", "calra"], 2, "did you mean 'carla'?", id="person of the queue"),
    pytest.param(["queue", "--process", "correction"], 2, "did you mean 'correction_request'?", id="no process"),
    pytest.param(["people", "improt"], 2, "there is no command 'improt' (did you mean 'import'?): see soppa people",
                 id="command of a group"),
    pytest.param(["mail", "retry", "x"], 2, "'x' is no whole number", id="number"),
    pytest.param(["queue", "--limit", "99999"], 2, "99999 is not between 1 and 10000", id="range"),
    pytest.param(["show", "2026-0001", "more"], 2, "there is no place for 'more'", id="one word too many"),
    pytest.param(["deadline", "R-BREACH-PARENT", "--from", "2026-12-18T10:00"], 2,
                 "--from: '2026-12-18T10:00' has no time zone", id="zone"),
    pytest.param(["reassign", "2026-0001", "verify", "priya", "--reason", " ", "--as", "carla"], 2, "add --reason",
                 id="no reason"),
    pytest.param(["reassign", "2026-0001", "verify", "edie", "--reason", "x", "--as", "edie"], 1,
                 "Edie Nakamura may not give task 'verify' to another: it is for Carla Mendez", id="a stranger's task"),
])
def test_bad_words_are_refused_and_change_nothing(home: Home, capsys: pytest.CaptureFixture[str], args: list[str],
                                                  code: int, sentence: str) -> None:
    before = answer(capsys, "show", start(capsys))
    found, told = refused(capsys, *args)
    assert (found, sentence in told) == (code, True), told
    assert answer(capsys, "show", "2026-0001") == before


def test_as_works_in_a_demo_home_only(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.settings.write_text(home.settings.read_text().replace("demo: true\n", ""))
    code, sentence = refused(capsys, "people", "set", "carla", "--language", "es", "--as", "priya")
    assert code == 1
    assert "demo only" in sentence


def test_people_import_shows_first_and_changes_only_when_asked(home: Home, tmp_path: Path,
                                                              capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "people.csv"
    file.write_text("id,name,email,roles\nzoe,Zoe Park,zoe@prairie-creek.example,\n")
    assert main(["people", "import", str(file), "--as", "priya"]) == 0
    assert "add --apply" in capsys.readouterr().out
    assert main(["people", "list"]) == 0
    assert "Zoe" not in capsys.readouterr().out
    assert main(["people", "import", str(file), "--as", "priya", "--apply"]) == 0
    capsys.readouterr()
    assert main(["people", "list"]) == 0
    assert "Zoe" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["ring", "database"])
def test_a_loose_file_stops_everything_with_78(home: Home, capsys: pytest.CaptureFixture[str], name: str) -> None:
    path: Path = getattr(home, name)
    path.chmod(0o644)
    assert refused(capsys, "queue")[0] == 78


def test_a_lost_key_stops_everything_with_78(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.ring.unlink()
    assert refused(capsys, "queue")[0] == 78


def test_an_accepted_clock_is_kept_with_its_reason(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    with open_house(home) as house:
        house.store.set_high_water(house.clock() + dt.timedelta(days=3))
    shown = answer(capsys, "clock", "show")
    assert "deadline work is paused" in str(shown["trouble"])
    assert refused(capsys, "clock", "accept", "--reason", "I know", "--as", "carla")[0] == 1
    assert main(["clock", "accept", "--reason", "battery replaced", "--as", "priya"]) == 0
    capsys.readouterr()
    believed = answer(capsys, "clock", "show")
    assert believed["trouble"] is None
    (kept,) = believed["accepted"]  # type: ignore[misc]
    assert (kept["by"], kept["reason"]) == ("Priya Raman", "battery replaced")  # type: ignore[has-type]


def test_reference_data_is_confirmed_with_its_day_and_counts_from_the_home(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["references", "list"]) == 0
    assert "agencies, looked up on Sun Jun 1 2025" in capsys.readouterr().out
    confirmed = answer(capsys, "references", "confirm", "agencies", "--on", "2026-09-01", "--as", "priya")
    assert confirmed["as_of"] == "2026-09-01"
    assert (home.references / "agencies.yaml").stat().st_mode & 0o777 == 0o600
    with open_house(home) as house, house.store.read() as unit:
        assert house.office(unit).references["agencies"].as_of == dt.date(2026, 9, 1)


@pytest.mark.parametrize(("words", "sentence"), [
    (("agencis", "--on", "2026-09-01", "--as", "priya"), "no reference data 'agencis' (did you mean 'agencies'?)"),
    (("agencies", "--on", "2999-01-01", "--as", "priya"), "is in the future"),
    (("agencies", "--on", "soon", "--as", "priya"), "'soon' is not a date"),
    (("agencies", "--on", "2026-09-01", "--as", "tess"), "may not confirm reference data"),
])  # fmt: skip
def test_reference_data_is_not_confirmed_otherwise(
    home: Home, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    assert sentence in refused(capsys, "references", "confirm", *words)[1]
    assert not home.references.exists()
@pytest.mark.parametrize(("language", "reviewed"), [("es", False), ("en", True)])
def test_a_preview_says_under_the_mail_when_nobody_has_reviewed_it(
        home: Home, capsys: pytest.CaptureFixture[str], language: str, reviewed: bool) -> None:
    assert main(["mail", "preview", "correction_request", "receipt", "--language", language]) == 0
    text, _, below = capsys.readouterr().out.partition("Prairie Creek Unit School District 99 · ")
    assert f"receipt ({language})" in text
    assert ("Nobody has reviewed this text yet" in below) != reviewed


def test_a_mail_that_exists_in_english_only_is_previewed_as_such(
        home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mail", "preview", "operator_fix", "notice", "--language", "es"]) == 0
    shown = capsys.readouterr().out
    assert "notice (en)" in shown and "Nobody has reviewed" not in shown
