"""`soppa setup`: in one sitting or from a file, and what is bad in it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.home import Home, write_private
from cli.main import main
from cli.settings import read_settings
from cli.wiring import open_house
from storage.sealing import new_ring, write_ring
from tests.files import png
from tests.processes import SOPPA
from tests.typing_at import at_terminal

FILE = """\
district: Prairie Creek USD 99
zone: America/Chicago
languages: [en, es]
public_url: https://privacy.prairie-creek.example
trusted_proxies: [127.0.0.1]
second_person: sam
stand_ins: {edtech: priya}
mail_window: {people: "07:00", until: "16:00"}
people:
  - {id: priya, name: Priya Raman, email: priya@prairie-creek.example, roles: [privacy, legal], login: praman}
  - {id: sam, name: Sam Whitfield, email: sam@prairie-creek.example, roles: superintendent, deputy: priya}
agencies_looked_up_on: 2026-11-02
"""
PEOPLE = {"Privacy officer": "Priya Raman <priya@prairie-creek.example>",
          "Superintendent": "Sam Whitfield <sam@prairie-creek.example>",
          "Records custodian": "Carla Mendez <carla@prairie-creek.example>"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """No home yet."""
    monkeypatch.setenv("SOPPA_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


def from_file(tmp_path: Path, text: str) -> int:
    file = tmp_path / "answers.yaml"
    file.write_text(text, "utf-8")
    return main(["setup", "--from", str(file)])


def typing(monkeypatch: pytest.MonkeyPatch, lines: Sequence[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


SITTING = ["Prairie Creek USD 99", "", "", "", "https://privacy.prairie-creek.example", "", "",
           *PEOPLE.values(), "Lena Ortiz <lena@prairie-creek.example>", "lena", "-", "",
           "Paul Dubois <paul@prairie-creek.example>; sam", *[""] * 7,
           "praman", "", "", "", "", "", "", "", "", "555-0100", "", "Ivan Petrov", "ai@prairie-creek.example", "", "",
           *[""] * 4, "2026-12-08, 2027-01-12", "10", "", "", "", "", "y"]
"""District, zone, year, languages, three of the pages; fifteen roles, login, five deputies, second person; contacts;
relay, numbers, Board, hold, logo, agencies, yes."""


def test_one_sitting_makes_a_home_with_its_people(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    typing(monkeypatch, SITTING)
    assert main(["setup"]) == 0
    settings = read_settings(home.settings)
    assert (settings.district, settings.second_person) == ("Prairie Creek USD 99", "sam")
    assert settings.stand_ins["procurement"] == "priya"
    assert "edtech" not in settings.stand_ins
    assert settings.contacts["privacy"].phone == "555-0100"
    assert [(name, one.email) for name, one in settings.contacts.items()] == [
        ("privacy", "priya@prairie-creek.example"), ("ai", "ai@prairie-creek.example")]
    assert ([day.isoformat() for day in settings.board.meetings], settings.board.packet_days) == (
        ["2026-12-08", "2027-01-12"], 10)
    with open_house(home) as house:
        people = {person.id: person for person in house.store.people()}
        assert [act.payload["set_up"] for act in house.store.acts.every()] == ["over"]
    assert people["lena"].roles == {"legal", "itsec"}
    assert people["sam"].roles == {"superintendent", "signer", "ceo"}
    assert people["paul"].roles == {"signer"}
    assert (people["priya"].login, people["priya"].deputy, people["carla"].deputy) == ("praman", "carla", "priya")
    assert people["carla"].supervisor == "sam"
    assert sorted(path.name for path in home.root.iterdir()) == [
        "district.yaml", "documents", "keys", "soppa.db", "workflows"]


def test_an_answer_that_is_wrong_is_asked_again(home: Home, monkeypatch: pytest.MonkeyPatch,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    typing(monkeypatch, ["D", "Mars/Base", "America/Chicago", "13-41", "", "", "privacy", "http://localhost:8080", "",
                         "-", "Priya Raman", "Priya Raman <priya at home>", PEOPLE["Privacy officer"]])
    assert main(["setup"]) == 1
    told = " ".join(capsys.readouterr().err.split())
    for sentence in ("there is no time zone 'Mars/Base'", "'13-41' is not a day of the year such as 07-01",
                     "'privacy' is not the address of a site", "there is no office without a privacy officer",
                     "'Priya Raman' is nobody named already: write a name and a mail address",
                     "'priya at home' is not a mail address"):
        assert sentence in told
    assert not home.settings.exists()


def test_a_sitting_that_is_stopped_sets_nothing_up_and_goes_on_where_it_was(home: Home) -> None:
    first = at_terminal([str(SOPPA), "setup"], {"SOPPA_HOME": str(home.root)})
    first.answer("as it stands in mails:", "Prairie Creek USD 99\n")
    first.answer("Time zone [America/Chicago]:", "\n")
    first.answer("Fiscal year", "\x03")
    assert first.end() == 1
    assert f"soppa: stopped, nothing is set up; the answers are kept in {home.root}" in first.seen
    kept = home.root / "setup.answers.yaml"
    assert [path.name for path in home.root.iterdir()] == [kept.name]
    assert (kept.stat().st_mode & 0o777, home.root.stat().st_mode & 0o777) == (0o600, 0o700)
    again = at_terminal([str(SOPPA), "setup"], {"SOPPA_HOME": str(home.root)})
    again.answer("as it stands in mails [Prairie Creek USD 99]:", "\x03")
    assert again.end() == 1


def test_the_relays_password_is_typed_unseen_and_kept_in_its_own_file_alone(home: Home) -> None:
    terminal = at_terminal([str(SOPPA), "setup"], {"SOPPA_HOME": str(home.root)})
    terminal.answer("as it stands in mails", "D\n")
    for question in ("Time zone", "Fiscal", "Languages", "Public", "listens"):
        terminal.answer(question, "\n")
    terminal.answer("Privacy officer", f"{PEOPLE['Privacy officer']}\n")
    for question in ("(superintendent)", "(custodian)", "(legal)", "(itsec)", "(edtech)", "(procurement)", "(signer)",
                     "(board_clerk)", "(board_attorney)", "(web)", "(hr)", "(principal)", "(ceo)", "(staff)",
                     "Login", "Second person",
                     "Name", "Mail address", "Telephone", "in class", "intelligence"):
        terminal.answer(question, "\n")
    terminal.answer("Name of the relay", "mail.example.org\n")
    terminal.answer("Port [587]", "70000\n")
    terminal.answer("port must be between 1 and 65535\nPort [587]", "\n")
    terminal.answer("Encryption", "none\n")
    terminal.answer("tls 'none' is allowed for this machine only, not for mail.example.org", "")
    terminal.answer("Encryption", "\n")
    terminal.answer("Mails come from", "\n")
    terminal.answer("User at the relay", "soppa\n")
    terminal.answer("Password (not shown)", "open sesame\n")
    for question in ("in a day", "breach is listed", "page on paper", "Board decides", "Reminders", "meetings",
                     "Policy", "grace", "SVG", "Looked up", "Write this?"):
        terminal.answer(question, "\n")
    assert terminal.end() == 0, terminal.seen
    assert "sesame" not in terminal.seen + home.settings.read_text()
    kept = home.root / "keys" / "relay-password"
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("open sesame\n", 0o600)
    asked = re.sub(r"\x1b\[\d*m", "", terminal.seen.partition("This will be written")[0])
    assert max(map(len, asked.splitlines())) <= 80


def test_a_logo_is_copied_into_the_home_and_looked_at_before(home: Home, tmp_path: Path,
                                                             capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "crest.png").write_bytes(png())
    (tmp_path / "bad.svg").write_text("<svg><script>1</script></svg>")
    logo = f"{FILE}logo: {{file: {tmp_path}/NAME, alt: A windmill}}\nboard: {{meetings: [2026-12-08]}}\n"
    assert from_file(tmp_path, logo.replace("NAME", "bad.svg")) == 2
    assert "holds a script" in capsys.readouterr().err and not home.root.exists()
    assert from_file(tmp_path, logo.replace("NAME", "crest.png")) == 0
    settings = read_settings(home.settings)
    assert settings.logo is not None and settings.logo.file == home.root / "logo.png"
    assert (settings.logo.file.read_bytes(), settings.logo.file.stat().st_mode & 0o777) == (png(), 0o600)
    assert (settings.logo.alt, settings.board.packet_days) == ("A windmill", 7)


def test_a_file_of_answers_makes_the_same(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text(FILE, "utf-8")
    assert main(["setup", "--from", str(file), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"home": str(home.root), "settings": str(home.settings), "ring": str(home.ring), "new": True,
                    "people": 2}
    with open_house(home) as house, house.store.read() as unit:
        office = house.office(unit)
        assert house.store.base.window.until.hour == 16
    assert office.references["agencies"].as_of.isoformat() == "2026-11-02"
    assert office.people["priya"].roles == {"privacy", "legal"}
    assert "# Where mail is handed over" in home.settings.read_text()
    assert "\nundo_minutes: 10\n" in home.settings.read_text(), "a new home takes answers back"


@pytest.mark.parametrize(("was", "is_", "sentence"), [
    ("zone: America/Chicago\n", "", "needs the key 'zone'"),
    ("zone: America", "zome: America", "unknown key 'zome' in district.yaml (did you mean 'zone'?)"),
    ("roles: superintendent", "roles: superintendant", "no role 'superintendant' (did you mean 'superintendent'?)"),
    ("id: sam", "id: priya", "the id 'priya' is there twice"),
    ("second_person: sam", "second_person: sma", "second_person: 'sma' is none of the people (did you mean 'sam'?)"),
    ("edtech: priya", "edtech: pria", "stand_ins: edtech: 'pria' is none of the people (did you mean 'priya'?)"),
    ("deputy: priya", "deputy: nobody", "deputy 'nobody' is nobody"),
    ("2026-11-02", "soon", "agencies_looked_up_on must be a date such as 2026-07-01"),
    ('people: "07:00"', 'people: "06:00"', "no mail of a day can leave before 07:00"),
    ('until: "16:00"', "until: 4 pm", "until '4 pm' is not a time of the day: write it as 07:30"),
    ('until: "16:00"', 'until: "07:30"', "'until' must be later than 'people' and 'contacts'"),
    (FILE, "%PDF-1.7", "not readable as YAML"),
    (FILE, "- district", "the answers must be a block of keys"),
    (FILE, "", "the document is empty"),
])  # fmt: skip
def test_a_file_with_faults_makes_nothing(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str], was: str,
                                         is_: str, sentence: str) -> None:
    assert from_file(tmp_path, FILE.replace(was, is_)) == 2
    assert sentence in capsys.readouterr().err
    assert not home.root.exists()


def test_an_office_that_works_keeps_its_people_and_the_settings_before(home: Home, tmp_path: Path,
                                                                       capsys: pytest.CaptureFixture[str]) -> None:
    assert from_file(tmp_path, FILE) == 0
    before = home.settings.read_text()
    capsys.readouterr()
    changed = FILE.replace("Prairie Creek", "Prairie River").replace("Sam Whitfield", "Somebody")
    assert from_file(tmp_path, changed.replace("2026-11-02", "2026-11-20")) == 0
    assert "People were here already" in capsys.readouterr().out
    assert (home.root / "district.yaml.before").read_text() == before
    assert read_settings(home.settings).district == "Prairie River USD 99"
    with open_house(home) as house:
        assert {person.name for person in house.store.people()} == {"Priya Raman", "Sam Whitfield"}
        assert house.make_office(()).references["agencies"].as_of.isoformat() == "2026-11-02"


def test_a_set_up_killed_after_its_key_ring_is_finished_by_the_next(home: Home, tmp_path: Path) -> None:
    home.ring.parent.mkdir(parents=True, mode=0o700)
    home.root.chmod(0o700)
    ring = write_ring(new_ring())
    write_private(home.ring, ring)
    assert from_file(tmp_path, FILE) == 0
    assert home.ring.read_bytes() == ring
    with open_house(home) as house:
        assert len(house.store.people()) == 2


def test_a_database_that_does_not_answer_stops_it_before_anything_is_made(
        home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("psycopg")
    assert from_file(tmp_path, f"{FILE}database: postgresql+psycopg://nobody@127.0.0.1:1/soppa\n") == 78
    assert "the database does not answer" in capsys.readouterr().err
    assert not home.root.exists()


@pytest.mark.postgres
def test_an_office_on_postgresql(home: Home, tmp_path: Path, postgres_url: str) -> None:
    assert from_file(tmp_path, f'{FILE}database: "{postgres_url}"\n') == 0
    assert from_file(tmp_path, f'{FILE}database: "{postgres_url}"\n') == 0
    assert not home.database.exists()
    with open_house(home) as house:
        assert len(house.store.people()) == 2


def test_a_place_where_no_folder_can_be_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("SOPPA_HOME", str(tmp_path / "file" / "home"))
    typing(monkeypatch, ["D", ""])
    assert main(["setup"]) == 2
    assert "cannot be made (Not a directory): name another folder" in capsys.readouterr().err
