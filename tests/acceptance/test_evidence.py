"""Evidence of a case: taken, checked without soppa, changed and found out, redacted and held against the full file."""

from __future__ import annotations

import copy
import datetime as dt
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pypdf
import pytest
from sqlalchemy import text

from cli.demo.district import PEOPLE
from cli.demo.forward import FAST_START, fast_forward
from cli.demo.run import FakeClock, person
from cli.demo.sink import MailSink
from cli.evidence.verify_evidence import of_extract
from cli.home import Home
from cli.main import main
from engine.model.case import Contact, FactValue
from engine.model.messages import PlaceHold, SendToAll
from storage.chains.history import preimage
from storage.looking import evidence
from storage.mailing.recipients import Member
from storage.store import open_store
from tests.databases import sample_house
from tests.files import pdf

Change = Callable[[dict[str, Any]], None]
TYPED = "#set text(red) *x* _y_ \\[ $z$ <label> @ref \U0010fffd \u202e" + "x" * 300
"""What somebody typed who wishes it were markup, with a sign that no font here has and one that turns the line."""


@dataclass(frozen=True)
class Place:
    """A home, the case of each process that the demo plays to its end, and one with a document and strange words."""

    home: Path
    cases: Mapping[str, str]
    strange: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder, clock = tmp_path_factory.mktemp("evidence"), FakeClock(FAST_START)
    with MailSink() as sink, sample_house(Home(folder / "home"), sink, 1, clock) as house:
        fast_forward(house, clock)
        parent = {"parent": Contact("Ana Ruiz", "ana@families.example")}
        with house.documents.keeping({"evidence": (pdf(), "pdf")}) as kept:
            facts: dict[str, FactValue] = {"received_on": dt.date(2027, 1, 4), "item": TYPED, **kept}
            cases = {line.process: line.id for line in house.store.views.case_rows()}
            strange = house.service.start("correction_request", facts, parent, person(house, "carla"), clock())
    return Place(folder / "home", cases, strange.id)


@pytest.fixture
def run(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.chdir(tmp_path)
    return lambda *words: main([*words, "--as", "carla", "--home", str(place.home)])


def verify(*words: str | Path) -> tuple[int, str]:
    """The script beside the file, by a Python that has nothing but its own library."""
    done = subprocess.run([sys.executable, "-I", "-S", "verify_evidence.py", *words], capture_output=True, text=True,
                          timeout=60, check=False)  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def opened(path: str | Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        found: dict[str, Any] = json.loads(archive.read(next(n for n in archive.namelist() if n.endswith(".json"))))
    return found


def words_on_paper(path: str | Path) -> str:
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".pdf"))
        pages = pypdf.PdfReader(io.BytesIO(archive.read(name))).pages
        return " ".join(" ".join(page.extract_text() for page in pages).split())


def changed(path: str, change: Change) -> Path:
    """The same file after somebody changed its JSON, with a PDF that was made to fit."""
    told = opened(path)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        old, paper = (archive.read(next(n for n in names if n.endswith(end))) for end in (".json", ".pdf"))
    change(told)
    text = json.dumps(told, ensure_ascii=False).encode()
    other = Path("changed.zip")
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("a.json", text)
        archive.writestr("a.pdf", paper.replace(sha256(old).hexdigest().encode(), sha256(text).hexdigest().encode()))
    return other


def test_a_file_is_private_whole_and_checked_by_python_alone(run: Callable[..., int]) -> None:
    assert run("evidence", "2026-0001", "--verifier") == 0
    file = Path("evidence-2026-0001.zip")
    assert file.stat().st_mode & 0o777 == 0o600
    code, said = verify(file)
    assert (code, "Nothing is at fault." in said) == (0, True), said
    told = opened(file)
    lines = told["chain"]["lines"]
    assert f"lines recomputed, each from the one before: {lines} of {lines}" in said
    assert f"seals recomputed: {len(told['seals'])}" in said and told["seals"]
    assert run("evidence", "2026-0001") == 2  # it is there already


def test_the_history_says_that_it_was_taken_and_which_file_it_was(
    run: Callable[..., int], place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("evidence", "2026-0002", "--out", "e.zip", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sha256"] == sha256(Path("e.zip").read_bytes()).hexdigest()
    assert main(["history", "2026-0002", "--json", "--home", str(place.home)]) == 0
    *_, taken, written = json.loads(capsys.readouterr().out)
    assert (taken["kind"], taken["detail"]["form"], taken["actor"]) == ("evidence_taken", "full", "person:carla")
    assert (written["kind"], written["detail"]) == ("evidence_written", {"sha256": told["sha256"]})
    assert opened("e.zip")["history"][-1]["seq"] == taken["seq"]


def test_why_this_date_is_answered_on_paper(run: Callable[..., int]) -> None:
    assert run("evidence", "2026-0001", "--out", "e.zip") == 0
    said = words_on_paper("e.zip")
    assert "Why Mon Dec 14 2026? The district corrects the fact, or decides, and tells the parent" in said
    assert "105 ILCS 85/33(c)(3)" in said
    assert "Sun Dec 13 2026 does not count as the last day (Sunday): the next day, 5 ILCS 70/1.11" in said
    assert re.search(r"what was recorded as “Date stamped when .*?”, in line 2 of the history \(Carla Mendez\)", said)
    assert "met on Tue Nov 24 2026, 20 days before its last day" in said
    assert "El distrito corrigió el dato señalado en el caso 2026-0001." in said  # the letter as it was sent
    assert "which answered “250 ok" in said


def test_what_somebody_typed_is_never_markup(run: Callable[..., int], place: Place) -> None:
    assert run("evidence", place.strange, "--out", "e.zip") == 0
    said = words_on_paper("e.zip")
    assert "#set text(red) *x* _y_ \\[ $z$ <label> @ref ⟨U+10FFFD⟩ ⟨U+202E⟩" in said
    item = next(fact for fact in opened("e.zip")["facts"] if fact["fact"] == "item")
    assert item["value"] == TYPED


def test_a_document_is_told_by_its_hash(run: Callable[..., int], place: Place, tmp_path: Path) -> None:
    assert run("evidence", place.strange, "--verifier", "--out", "e.zip") == 0
    (tmp_path / "paper.pdf").write_bytes(pdf())
    (tmp_path / "other.pdf").write_bytes(pdf() + b"\n")
    assert opened("e.zip")["documents"][0]["state"] == "kept, and its content has this hash"
    assert verify("e.zip", "paper.pdf")[0] == 0
    code, said = verify("e.zip", "other.pdf")
    assert (code, "other.pdf is no document of this case as it was kept" in said) == (1, True)


def _value(told: dict[str, Any]) -> None:
    told["history"][1]["detail"]["value"] = "2026-09-01"


def _rewritten(told: dict[str, Any]) -> None:
    line = told["history"][1]
    line["detail"]["value"] = "2026-09-01"
    line["hashed"] = line["hashed"].replace("2026-09-14\\\"", "2026-09-01\\\"")


def _made_anew(told: dict[str, Any]) -> None:
    """By somebody who can count hashes as well as we can."""
    _rewritten(told)
    before = ""
    for line in told["history"]:
        before = line["hash"] = sha256((before + line["hashed"]).encode()).hexdigest()
    told["chain"]["head"] = before
    told["dates"][0]["trigger_date"] = "2026-09-01"


def _another_seal(told: dict[str, Any]) -> None:
    told["seals"][0]["heads"] = told["seals"][0]["heads"].replace("2026-0002", "2026-0009")


def _taken_out(told: dict[str, Any]) -> None:
    del told["history"][10]


def _cut_off(told: dict[str, Any]) -> None:
    del told["history"][-3:]


def _met_earlier(told: dict[str, Any]) -> None:
    told["dates"][0]["ended_on"] = "2026-09-20"


def _due_later(told: dict[str, Any]) -> None:
    told["dates"][0]["legal_due"] = "2027-01-14"


def _another_letter(told: dict[str, Any]) -> None:
    letter = next(one for one in told["letters"] if one["as_kept"])
    letter["as_kept"] = "SGVsbG8="


@pytest.mark.parametrize(("change", "says"), [
    (_value, "line 2 shows something else than what was hashed"),
    (_rewritten, "line 2 of the history, or the one before, was changed"),
    (_made_anew, "is not as it was sealed in seal 1"),
    (_another_seal, "seal 1 was changed"),
    (_taken_out, "line 11 of the history is missing"),
    (_cut_off, "lines are missing at its end"),
    (_met_earlier, "was not met as it is shown"),
    (_due_later, "shows other dates than the history told"),
    (_another_letter, "is not the one that was kept"),
])  # fmt: skip
def test_whoever_changes_something_is_found_out(run: Callable[..., int], change: Change, says: str) -> None:
    assert run("evidence", "2026-0001", "--verifier") == 0
    code, said = verify(changed("evidence-2026-0001.zip", change))
    assert (code, says in said) == (1, True), said
    assert "do not rely on this file" in said


def test_a_pdf_of_another_file_is_found_out(run: Callable[..., int]) -> None:
    assert run("evidence", "2026-0001", "--verifier") == 0
    assert run("evidence", "2026-0002") == 0
    with zipfile.ZipFile("mixed.zip", "w") as mixed:
        for path, end in (("evidence-2026-0001.zip", ".json"), ("evidence-2026-0002.zip", ".pdf")):
            with zipfile.ZipFile(path) as archive:
                name = next(n for n in archive.namelist() if n.endswith(end))
                mixed.writestr(name, archive.read(name))
    code, said = verify("mixed.zip")
    assert (code, "the PDF does not name the hash of this JSON file" in said) == (1, True)


def test_what_is_no_evidence_is_told_in_a_sentence(run: Callable[..., int], tmp_path: Path) -> None:
    assert run("evidence", "2026-0001", "--verifier") == 0
    (tmp_path / "x.zip").write_bytes(b"no zip")
    code, said = verify("x.zip")
    assert (code, said.splitlines()[0]) == (1, "FAULT  x.zip cannot be read: File is not a zip file")
    code, said = verify("evidence-2026-0001.zip", "nowhere.pdf")
    assert (code, "FAULT  [Errno 2] No such file or directory: 'nowhere.pdf'" in said) == (1, True)
    code, said = verify(changed("evidence-2026-0001.zip", lambda told: told.pop("history")))
    assert (code, "something is missing in the file" in said) == (1, True)


def test_a_redacted_file_names_nobody(run: Callable[..., int], place: Place) -> None:
    people = {word.casefold() for one in PEOPLE for word in (*one.name.split(), one.id)}
    typed = ("ruiz", "miller", "readwell learning", "mathloop", "main st", "@", "date of birth", "birth certificate",
             "student information system", "as on the paper")  # fmt: skip
    for case in ("2026-0001", *place.cases.values(), place.strange):
        assert run("evidence", case, "--redacted") == 0
        file = f"evidence-{case}-redacted.zip"
        for told in (json.dumps(opened(file), ensure_ascii=False), words_on_paper(file)):
            text = re.sub(r"(il-[a-z]+|attendance|fiscal_year|r-[a-z-]+)@", "", told.casefold())
            assert people & set(re.findall(r"\w+", text)) == set()
            assert [words for words in typed if words in text] == []
            assert not re.search(r"family \d", text)


def test_letters_to_many_are_proved_one_by_one(run: Callable[..., int], place: Place) -> None:
    case = place.cases["breach_response"]
    assert run("evidence", case, "--out", "e.zip", "--verifier") == 0
    told = opened("e.zip")
    copies = [one for one in told["copies"] if one["mail"] == "letter"]
    assert {(one["channel"], one["state"]) for one in copies} == {("mail", "accepted"), ("paper", "posted")}
    assert all(one["told_on"] and one["name"] for one in copies)
    letters = [one for one in told["letters"] if one["to_many"]]
    assert len(letters) == sum(one["channel"] == "mail" for one in told["copies"])
    assert all(one["sha256_as_sent"] and one["relay_said"] for one in letters)
    assert 0 < sum(one["text"] is not None for one in letters) < len(letters)  # one text in each language
    assert "each of an audience: 10 by mail accepted by the reader's mail relay; 2 on paper posted" in words_on_paper(
        "e.zip")
    assert verify("e.zip")[0] == 0


def test_a_redacted_file_still_tells_what_the_district_did(run: Callable[..., int]) -> None:
    assert run("evidence", "2026-0001", "--redacted", "--out", "r.zip") == 0
    told = opened("r.zip")
    assert told["dates"][0]["legal_due"] == "2026-12-14"
    assert "Day 90 (calendar days, all counted) is Sun Dec 13 2026" in told["dates"][0]["steps"]
    answered = [(line["who"], line["says"]) for line in told["history"] if line["kind"] == "task_completed"]
    assert [who for who, _ in answered] == ["person 1", "person 2", "person 1", "person 2"]
    assert answered[-1][1] == "Answered “Correct the fact in every system of the district”: Fixed."
    facts = {fact["fact"]: fact for fact in told["facts"]}
    assert (facts["identity_ok"]["value"], facts["fixed_on"]["value"]) == ("yes", "2026-11-24")
    assert (facts["item"]["value"], facts["item"]["left_out"]) == (None, True)


def test_labels_stay_with_their_persons_in_every_redacted_file(run: Callable[..., int]) -> None:
    for file in ("a.zip", "b.zip"):
        assert run("evidence", "2026-0001", "--redacted", "--out", file) == 0
    first, second = (opened(file)["history"] for file in ("a.zip", "b.zip"))
    assert [line["who"] for line in first] == [line["who"] for line in second[: len(first)]]


def test_a_redacted_file_is_held_against_the_full_one(run: Callable[..., int]) -> None:
    assert run("evidence", "2026-0001", "--redacted", "--out", "r.zip", "--verifier") == 0
    assert run("evidence", "2026-0001", "--out", "full.zip") == 0
    code, said = verify("r.zip", "--with", "full.zip")
    assert (code, "are true extracts of the full file, and none is missing" in said) == (0, True), said

    def another_outcome(told: dict[str, Any]) -> None:
        line = next(one for one in told["history"] if one["kind"] == "task_completed")
        line["detail"]["outcome"] = "incomplete"

    code, said = verify(changed("r.zip", another_outcome), "--with", "full.zip")
    assert (code, "says something else than in the full file" in said) == (1, True), said
    assert run("evidence", "2026-0002", "--out", "other.zip") == 0
    assert verify("r.zip", "--with", "other.zip")[0] == 1


def test_one_label_for_two_persons_and_two_for_one_are_found_out(run: Callable[..., int]) -> None:
    assert run("evidence", "2026-0001", "--redacted", "--out", "r.zip") == 0
    assert run("evidence", "2026-0001", "--out", "full.zip") == 0
    told, full = opened("r.zip"), opened("full.zip")
    mixed = copy.deepcopy(told)
    for line in mixed["history"]:
        line["who"] = line["who"].replace("person 2", "person 1")
    assert any(weight == "FAULT" for weight, _ in of_extract(mixed, full))
    split = copy.deepcopy(told)
    split["history"][-1]["who"] = "person 9"
    assert ("FAULT", "two labels stand for one person") in list(of_extract(split, full))
    assert all(weight == "ok" for weight, _ in of_extract(told, full))


def test_no_hash_of_a_redacted_file_lets_anybody_try_out_names(run: Callable[..., int]) -> None:
    """Every hash that is shown follows from what is shown, or hides a keyed digest that the full file knows."""
    assert run("evidence", "2026-0001", "--redacted", "--out", "r.zip") == 0
    assert run("evidence", "2026-0001", "--out", "full.zip") == 0
    shown, whole = opened("r.zip")["history"], opened("full.zip")["history"]
    seen = 0
    for line, full in zip(shown, whole, strict=False):
        if line["hash"] is not None and line["hashed"] is None:
            seen += 1
            assert json.loads(full["hashed"])[5] is not None
    assert seen > 3
    assert shown[-1]["hash"] == whole[len(shown) - 1]["hash"]
    assert json.loads(whole[0]["hashed"])[5] is not None  # a name is left out, and chance with it


def test_only_privacy_officer_and_custodian_take_evidence(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evidence", "2026-0001", "--as", "dana", "--home", str(place.home)]) == 1
    assert "may not take evidence: ask the privacy officer or the custodian" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_told_before_anything_is_noted(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("evidence", "2026-0001", "--out", "nowhere/e.zip") == 2
    assert "nowhere is no folder" in capsys.readouterr().err
    Path("verify_evidence.py").write_text("mine")
    assert run("evidence", "2026-0001", "--verifier") == 2
    assert "is there already and is another one" in capsys.readouterr().err
    assert not Path("evidence-2026-0001.zip").exists()


def test_both_databases_give_the_same_evidence(tmp_path: Path, database_url: str) -> None:
    """Clocks, holds, seals and mails as they are read on either; a seal is made and found by the case it lists."""
    clock = FakeClock(FAST_START)
    with MailSink() as sink, sample_house(Home(tmp_path / "home"), sink, 1, clock) as house:
        ring = house.store.base.ring
        with_tables = open_store(database_url, ring, create=True)
        for one in house.store.people():
            with_tables.save_person(one)
        service = type(house.service)(with_tables, house.definitions, house.service.make_office)
        facts: dict[str, FactValue] = {"reporter": "ivan", "source": "operator", "report": "A list was open",
                                       "first_known_on": dt.date(2026, 9, 14)}  # fmt: skip
        case = service.start("breach_response", facts, {}, person(house, "priya"), clock())
        service.record(case.id, {"operator_notice_on": dt.date(2026, 9, 10)}, person(house, "priya"), clock(), "letter")
        hold = PlaceHold("Sheriff", "Sgt. Roe", "26-1", dt.date(2026, 9, 12), f"{'0' * 32}.pdf sha256:{'0' * 64}",
                         person(house, "priya"))  # fmt: skip
        service.place_hold(case.id, hold, clock())
        with with_tables.begin() as unit:
            families = unit.audiences(clock())
            families.enter(case.id, "families", [Member("Kim Lee", "kim@families.example", "1 Oak St\nX"),
                                                 Member("Lu Roe", None, "2 Oak St\nX")])  # fmt: skip
            families.send_to_all(case.id, SendToAll("letter", "families", "1", "as_wished"))
        with_tables.outbox.seal(clock())
        with with_tables.read() as unit:
            found = evidence.read(unit.connection, ring, case.id)
        with_tables.close()
    assert not found.faults
    assert [one.superseded_because for one in found.generations if one.clock.name == "parents"][-1] is None
    assert any(one.superseded_because == "held since 2026-09-12" for one in found.generations)
    copies = [(one.recipient.member.name, one.channel, one.state) for one in found.copies]
    assert sorted(copies) == [("Kim Lee", "mail", "waiting"), ("Lu Roe", "paper", "waiting")]
    assert [seal.number for seal in found.seals] == [1]
    assert found.lines[-1].hash in found.seals[0].heads
    before = ""
    for line in found.lines:
        text = preimage(line.seq, line.at, line.actor, line.kind, line.detail, line.digest)
        assert (before := sha256((before + text).encode()).hexdigest()) == line.hash


def test_a_broken_chain_is_told_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                           capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    home = Home(tmp_path / "home")
    with MailSink() as sink, sample_house(home, sink, 1, FakeClock(FAST_START)) as house:
        parent = {"parent": Contact("Ana Ruiz", "ana@families.example")}
        facts: dict[str, FactValue] = {"received_on": dt.date(2026, 9, 14), "item": "x"}
        house.service.start("correction_request", facts, parent, person(house, "carla"), FAST_START)
        with house.store.base.writing() as connection:
            connection.execute(text("DROP TRIGGER history_cut_once"))
            connection.execute(text("UPDATE history SET detail = '{}' WHERE seq = 2"))
    words = ("--as", "carla", "--home", str(home.root), "--out", "e.zip", "--verifier")
    assert main(["evidence", "2026-0001", *words]) == 0
    said = "case 2026-0001: line 2 of its history, or the one before, was changed"
    assert f"THE CHAIN IS BROKEN: {said}" in capsys.readouterr().out
    assert said in words_on_paper("e.zip")
    code, told = verify("e.zip")
    assert (code, f"the office's own check found the chain broken: {said}" in told) == (1, True)
    assert "line 2 of the history, or the one before, was changed" in told
