"""A breach from its report to its end, on the real house with a real mail server and the real clock: families
imported, letters by mail and on paper, one that came back, one decided by name."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from pypdf import PdfReader
from pypdf.generic import DictionaryObject
from sqlalchemy import update

from cli.demo.district import PEOPLE, SETTINGS
from cli.demo.run import person
from cli.demo.sink import MailSink
from cli.home import Home
from cli.main import app
from cli.serving.daemon import beat_until_quiet, heart_of
from cli.values import fact_values
from cli.wiring import House, machine_clock, open_house
from engine.errors import FaultyInput, Refused, WrongDate
from engine.law.calendar import ONE_DAY
from engine.law.days import day_name
from engine.model.case import Case
from engine.model.handed import OutboxState
from storage.tables import PRINT_RUNS
from tests import outgoing
from tests.databases import new_home
from tests.files import pdf
from tests.unit.test_letters import in_the_window

PRIYA = next(one.email for one in PEOPLE if one.id == "priya")
TODAY = machine_clock().astimezone(ZoneInfo("America/Chicago")).date()
EARLIER = str(TODAY - dt.timedelta(days=4))
FAMILIES = """guardian,student,school,address,email,language,paper,consent,barred
Ana Ruiz,S-1,Creekside,"1 Main St; Mockton, IL 60000",ana@families.example,es,,yes,
Ana Ruiz,S-2,Prairie High,"1 Main St; Mockton, IL 60000",ANA@families.example,es,,yes,
Jo Miller,S-3,Creekside,"2 Main St; Mockton, IL 60000",jo@families.example,,,yes,
Kim Park,S-4,Creekside,"3 Main St; Mockton, IL 60000",,,,,
Lee Wong,S-5,Creekside,"4 Main St; Mockton, IL 60000",lee@families.example,en,yes,,
Mo Barred,S-6,Creekside,"5 Main St; Mockton, IL 60000",mo@families.example,,,,yes
"""


@dataclass
class Town:
    """The house of the sample district and its mail sink; commands run in its home."""

    house: House
    sink: MailSink

    def answer(self, case_id: str, task: str, outcome: str, by: str, **values: str) -> Case:
        with self.house.store.read() as unit:
            case = unit.case(case_id)
        opened = case.open_task(task)
        assert opened is not None, (task, [one.name for one in case.tasks if one.is_open])
        definition = self.house.definitions.pinned(case.process, case.version, case.hash)
        typed = fact_values(definition, values)
        case = self.house.service.complete_task(opened.id, outcome, typed, person(self.house, by), self.house.clock())
        self.beat()
        return case

    def beat(self) -> None:
        with heart_of(self.house, tells_gaps=False) as heart:
            beat_until_quiet(heart)

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["--home", str(self.house.home.root), *words])


@pytest.fixture
def town(database_url: str, tmp_path: Path) -> Iterator[Town]:
    with MailSink() as sink:
        home = Home(tmp_path / "home")
        settings = SETTINGS.format(public_url="http://127.0.0.1:1", bind="127.0.0.1:1", smtp_port=sink.smtp_port)
        settings = settings.replace("tls: none,", "tls: none, daily_quota: 1000,")
        new_home(home, settings + f'database: "{database_url}"\n')
        with open_house(home, create=True) as house:
            for one in PEOPLE:
                house.store.save_person(one)
            yield Town(house, sink)


def until_release(town: Town) -> str:
    looked_up = town.run("references", "confirm", "agencies", "--on", str(TODAY), "--as", "priya")
    assert looked_up.exit_code == 0, looked_up.output
    facts = fact_values(town.house.definitions.newest("breach_response"), {
        "reporter": "ivan", "source": "itsec", "first_known_on": str(TODAY), "report": "A list was open on the web"})
    case = town.house.service.start("breach_response", facts, {}, person(town.house, "priya"), town.house.clock()).id
    town.beat()
    town.answer(case, "accept", "take", "priya", operator_involved="no")
    town.answer(case, "assess", "breach", "priya", acquired="yes", covered="yes", pipa_data="none", encrypted="no",
                staff_affected="no", district_determined_on=str(TODAY))
    town.answer(case, "determine", "determine", "sam")
    town.answer(case, "draft", "ready", "priya", happened_on=EARLIER, how_sure="exact", what_en="A list was open.",
                what_es="Una lista estuvo abierta.", data_en="Names.", data_es="Nombres.", remedy_en="We closed it.",
                remedy_es="La cerramos.", spanish_read="yes", spanish_reviewed_by="Rosa Diaz", read_aloud="yes",
                names_no_count="yes")
    town.answer(case, "approve", "approve", "sam")
    return case


def released(town: Town, case: str, channel: str = "as_wished") -> None:
    town.answer(case, "release", "release", "priya", channel=channel)
    town.answer(case, "release_second", "release", "sam")


def documented(command: str) -> set[str]:
    """The words in backticks of the command's line in the table of JSON keys."""
    text = (Path(__file__).parents[2] / "docs" / "operating.md").read_text("utf-8").partition("## JSON")[2]
    row = next(line for line in text.splitlines() if line.startswith(f"| `{command}` |"))
    return {word for found in re.findall(r"`([^`]+)`", row) for word in found.split()}


def edit_quota(town: Town, quota: int) -> None:
    file = town.house.home.settings
    file.write_text(file.read_text("utf-8").replace("daily_quota: 1000", f"daily_quota: {quota}"), "utf-8")


def shown(town: Town, case: str) -> dict[str, Any]:
    result = town.run("audience", "show", case, "--json")
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def import_families(town: Town, case: str, folder: Path, text: str = FAMILIES) -> Result:
    file = folder / "families.csv"
    file.write_text(text, encoding="utf-8")
    return town.run("audience", "import", case, str(file), "--apply", "--as", "priya")


def test_every_family_is_told_and_the_case_knows(town: Town, tmp_path: Path) -> None:
    case = until_release(town)
    imported = import_families(town, case, tmp_path)
    assert imported.exit_code == 0, imported.output
    assert "4 families with 5 students: 2 by e-mail, 2 by post" in imported.output
    assert "barred, left out: 1\n    Mo Barred (line 7)" in imported.output
    assert "start by" in town.run("audience", "show", case).output
    released(town, case)
    letters = [mail for mail in town.sink.mails if mail.envelope_to.endswith("@families.example")]
    assert sorted(mail.envelope_to for mail in letters) == ["ana@families.example", "jo@families.example"]
    assert shown(town, case)["mails"][0]["copies"] == {"mail_accepted": 2, "paper_waiting": 2}

    out = tmp_path / "letters"
    printed = town.run("letters", "print", case, "--out", str(out), "--as", "carla", "--json")
    assert printed.exit_code == 0, printed.output
    assert [path.name for path in sorted(out.iterdir())] == [
        f"letters-{case}-run1-en.pdf", f"manifest-{case}-run1.csv", f"manifest-{case}-run1.pdf"]
    page = PdfReader(out / f"manifest-{case}-run1.pdf").pages[0].extract_text()
    assert "Kim Park" in page and "Lee Wong" in page and f"soppa letters posted {case} --run 1" in page
    manifest = list(csv.DictReader(io.StringIO((out / f"manifest-{case}-run1.csv").read_text())))
    assert [row["name"] for row in manifest] == ["Kim Park", "Lee Wong"]
    on_paper = PdfReader(out / f"letters-{case}-run1-en.pdf")
    assert said_of_itself(on_paper) == ("en", True)
    pages = [sheet.extract_text() for sheet in on_paper.pages]
    assert [name in text for text in pages for name in ("Kim Park", "Lee Wong")] == [True, False, False, True]
    kim = ("Kim Park", "3 Main St", "Mockton, IL 60000")
    assert in_the_window(on_paper.pages[0], kim) == set(kim)
    assert all("Federal Trade Commission" in text and "Equifax" in text for text in pages)
    again = town.run("letters", "print", case, "--out", str(out), "--as", "carla")
    assert "no letter of case" in str(again.exception)
    early = town.run("letters", "posted", case, "--run", "1", "--on", str(TODAY - ONE_DAY), "--as", "carla")
    assert "when they were printed" in str(early.exception)
    posted = town.run("letters", "posted", case, "--run", "1", "--on", str(TODAY), "--except", "4", "--as", "carla")
    assert "1 letters are in the post" in posted.output
    decided = town.run("audience", "decide", case, "4", "--reason", "told in the office", "--as", "priya")
    assert decided.exit_code == 0, decided.output
    town.beat()
    year_later = town.run("audience", "show", case, "--as", "lena").output
    assert "left out, barred: Mo Barred (line 7)" in year_later and "Priya Raman: told in the office" in year_later
    assert "left out as barred: 1." in town.run("history", case, "--as", "lena").output
    everything = shown(town, case)
    named = set(everything).union(*(everything[key][0] for key in ("audiences", "mails", "imports", "decided")))
    assert named <= documented("audience show")
    assert set(json.loads(town.run("letters", "runs", case, "--json").stdout)[0]) <= documented("letters runs")
    assert set(json.loads(printed.stdout)) <= documented("letters print")
    with town.house.store.read() as unit:
        told = unit.case(case)
    assert told.regions["parents"].state == "parents.told"
    assert told.open_task("post_letter") is None
    assert told.clocks["parents"].status == "satisfied"
    assert told.clocks["parents"].ended_on == TODAY


def test_a_mail_that_came_back_goes_by_post_and_what_was_told_stays_told(town: Town, tmp_path: Path) -> None:
    case = until_release(town)
    import_families(town, case, tmp_path, "\n".join(FAMILIES.splitlines()[:4]))
    released(town, case)
    town.beat()
    row = next(line for line in town.house.store.views.outbox(case_id=case) if line.recipient == "recipient:1")
    assert town.run("mail", "bounced", str(row.id), "--reason", "unknown", "--as", "priya").exit_code == 0
    again = town.run("mail", "bounced", str(row.id), "--reason", "unknown", "--as", "priya")
    assert "came back already" in str(again.exception)
    town.beat()
    with town.house.store.read() as unit:
        told = unit.case(case)
    assert told.clocks["parents"].status == "satisfied"
    assert told.open_task("post_letter") is not None
    assert shown(town, case)["mails"][0]["copies"] == {"mail_accepted": 2, "paper_waiting": 1}
    assert printed(town, case, tmp_path / "out").exit_code == 0
    spanish = PdfReader(tmp_path / "out" / f"letters-{case}-run1-es.pdf")
    assert said_of_itself(spanish) == ("es", True)
    ana = ("Ana Ruiz", "1 Main St", "Mockton, IL 60000")
    assert in_the_window(spanish.pages[0], ana) == set(ana)
    words = " ".join(spanish.pages[0].extract_text().split())
    assert "Una lista estuvo abierta." in words and "A list was open." not in words


def printed(town: Town, case: str, out: Path, *more: str) -> Result:
    return town.run("letters", "print", case, "--out", str(out), "--as", "carla", *more)


def said_of_itself(document: PdfReader) -> tuple[str, bool]:
    """Its language, and whether it is tagged."""
    root = document.trailer["/Root"].get_object()
    assert isinstance(root, DictionaryObject)
    return str(root["/Lang"]), "/StructTreeRoot" in root


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_run_printed_again_is_byte_for_byte_what_was_posted(town: Town, tmp_path: Path) -> None:
    case = until_release(town)
    import_families(town, case, tmp_path)
    released(town, case)
    assert printed(town, case, tmp_path / "first").exit_code == 0
    town.run("audience", "address", case, "3", "9 New St; Mockton, IL 60000", "--as", "priya")
    assert printed(town, case, tmp_path / "again", "--run", "1").exit_code == 0
    assert contents(tmp_path / "again") == contents(tmp_path / "first")
    there = printed(town, case, tmp_path / "again", "--run", "1")
    assert "is there already: name another folder" in str(there.exception)
    town.house.documents.sweep(town.house.clock() + 3 * ONE_DAY, town.house.store.views.named_documents)
    assert "3 documents" in town.run("verify").output
    for kept in town.house.home.documents.iterdir():
        if kept.is_file():
            kept.unlink()
    missing = printed(town, case, tmp_path / "gone", "--run", "1")
    assert "restore documents/ from a backup" in str(missing.exception)
    assert f"print run 1 of case {case}" in str(town.run("verify").exception)


def test_a_run_of_before_they_were_kept_is_made_again_with_the_date_of_that_day(town: Town, tmp_path: Path) -> None:
    case = until_release(town)
    import_families(town, case, tmp_path)
    released(town, case)
    assert printed(town, case, tmp_path / "first").exit_code == 0
    then = TODAY - 3 * ONE_DAY
    with town.house.store.base.writing() as connection:
        connection.execute(update(PRINT_RUNS).values(at=dt.datetime.combine(then, dt.time(18), dt.UTC), files="[]"))
    assert printed(town, case, tmp_path, "--run", "1").exit_code == 0
    pages = PdfReader(tmp_path / f"letters-{case}-run1-en.pdf").pages
    assert f"{then:%B} {then.day}, {then.year}" in pages[0].extract_text()


def test_the_task_of_posting_takes_no_day_before_its_letters_were_printed(town: Town, tmp_path: Path) -> None:
    case = until_release(town)
    import_families(town, case, tmp_path)
    released(town, case)
    town.house = replace(town.house, clock=lambda: machine_clock() + 2 * ONE_DAY)
    with town.house.store.read() as unit:
        letters, opened = unit.audiences(town.house.clock()).letters(case), unit.case(case).open_task("post_letter")
    assert opened is not None
    with town.house.store.begin() as unit:
        unit.audiences(town.house.clock()).printed(case, 1, letters, "carla", {})
    carla = person(town.house, "carla")
    with pytest.raises(WrongDate, match="when the letters were printed"):
        town.house.service.complete_task(opened.id, "posted", {"posted_on": TODAY + ONE_DAY}, carla, town.house.clock())
    assert shown(town, case)["mails"][0]["copies"] == {"mail_accepted": 2, "paper_printed": 2}
    posted = TODAY + 2 * ONE_DAY
    town.house.service.complete_task(opened.id, "posted", {"posted_on": posted}, carla, town.house.clock())
    town.beat()
    with town.house.store.read() as unit:
        assert unit.case(case).clocks["parents"].ended_on == posted


@pytest.mark.parametrize("went", ["failed", "uncertain", "accepted"])
def test_what_a_person_decided_is_not_undone_however_the_mail_in_hand_went(
    town: Town, tmp_path: Path, went: OutboxState
) -> None:
    case = until_release(town)
    import_families(town, case, tmp_path)
    town.answer(case, "release", "release", "priya", channel="as_wished")
    with town.house.store.read() as unit:
        second = unit.case(case).open_task("release_second")
    assert second is not None
    now = town.house.clock()
    town.house.service.complete_task(second.id, "release", {}, person(town.house, "sam"), now)
    row = next(row for row in town.house.store.outbox.claim(now, 50) if row.recipient.startswith("recipient:"))
    with town.house.store.read() as unit:
        recipient = unit.audiences(now).recipient(int(row.recipient.removeprefix("recipient:")))
    assert recipient is not None
    number = recipient.number
    decided = town.run("audience", "decide", case, str(number), "--reason", "told in person", "--as", "priya")
    assert decided.exit_code == 0, decided.output
    assert outgoing.handing_over(town.house.store.outbox, row, now)
    town.house.store.outbox.settle(row, went, "as the relay says", now)
    if went == "accepted":
        assert town.run("mail", "bounced", str(row.id), "--reason", "unknown", "--as", "priya").exit_code == 0
    now_shown = shown(town, case)
    assert now_shown["mails"][0]["copies"] == {"mail_decided": 1, "mail_waiting": 1, "paper_waiting": 2}
    (known,) = now_shown["decided"]
    assert (known["number"], known["why"], known["mail"]) == (number, "Priya Raman: told in person", went)
    town.beat()
    lines = town.run("history", case, "--as", "priya").output
    assert f"Nothing more is done about number {number}, decided by name. Reason: told in person" in lines
    assert ("had decided by name was accepted all the same" in lines) == (went == "accepted")


def signed(town: Town, case: str) -> None:
    """Released by both, and nothing has left yet."""
    town.answer(case, "release", "release", "priya", channel="as_wished")
    with town.house.store.read() as unit:
        second = unit.case(case).open_task("release_second")
    assert second is not None
    town.house.service.complete_task(second.id, "release", {}, person(town.house, "sam"), town.house.clock())


def told_by_mail(town: Town) -> int:
    return len([mail for mail in town.sink.mails if mail.envelope_to.endswith("@families.example")])


def test_a_hold_keeps_back_what_was_released_and_has_not_left(town: Town, tmp_path: Path) -> None:
    case = until_release(town)
    import_families(town, case, tmp_path)
    signed(town, case)
    in_hand = next(row for row in town.house.store.outbox.claim(town.house.clock(), 1))
    paper = tmp_path / "request.pdf"
    paper.write_bytes(pdf())
    placed = town.run("hold", "place", case, "--agency", "Police", "--officer", "Lt. Roe", "--matter", "26-1",
                      "--from", str(TODAY), "--paper", str(paper), "--as", "priya")  # fmt: skip
    assert placed.exit_code == 0, placed.output
    assert not outgoing.handing_over(town.house.store.outbox, in_hand, town.house.clock())
    town.beat()
    assert told_by_mail(town) == 0
    for words in (["letters", "print", case, "--out", str(tmp_path / "out")],
                  ["do", case, "post_letter", "posted", "-f", f"posted_on={TODAY}"]):  # fmt: skip
        kept_back = town.run(*words, "--as", "carla")
        assert kept_back.exit_code != 0 and "hold stands" in str(kept_back.exception)
    held = town.run("show", case, "--as", "priya").output
    assert f"held since {day_name(TODAY)}" in held and "waits: a hold" in held
    words = ["hold", "release", case, "H1", "--on", str(TODAY), "--reason", "they agree", "--as", "lena"]
    released_again = town.run(*words)
    assert released_again.exit_code == 0, released_again.output
    town.beat()
    assert told_by_mail(town) == 2
    posts, goes_on = [mail for mail in town.sink.mails if mail.envelope_to.startswith("carla@")][-2:]
    assert "But it has to wait: a law-enforcement agency" in " ".join(posts.part("plain").split())
    assert goes_on.subject == f"Case {case}: this goes on now"


def test_who_is_told_may_be_mended_when_the_second_person_sends_it_back(town: Town, tmp_path: Path) -> None:
    case = until_release(town)
    import_families(town, case, tmp_path)
    town.answer(case, "release", "release", "priya", channel="as_wished")
    assert "was fixed" in str(import_families(town, case, tmp_path).exception)
    town.answer(case, "release_second", "change", "sam", change_wanted="Two families are missing")
    luis = FAMILIES + 'Luis Ruiz,S-1,Creekside,"1 Main St; Mockton, IL 60000",ana@families.example,es,,yes,\n'
    mended = import_families(town, case, tmp_path, luis)
    assert "5 families with 5 students" in mended.output
    assert "guardians of one mail address, who get a letter each: 1\n    line 8: Luis Ruiz and Ana" in mended.output


def test_one_family_without_an_address_does_not_keep_the_others_from_being_printed(town: Town, tmp_path: Path) -> None:
    case = until_release(town)
    import_families(town, case, tmp_path, FAMILIES + "Nomad Lee,S-7,Creekside,,nomad@families.example,,,,\n")
    released(town, case)
    row = next(line for line in town.house.store.views.outbox(case_id=case) if line.recipient == "recipient:5")
    assert town.run("mail", "bounced", str(row.id), "--reason", "unknown", "--as", "priya").exit_code == 0
    out = tmp_path / "letters"
    printed = town.run("letters", "print", case, "--out", str(out), "--as", "carla")
    assert printed.exit_code == 0 and "without a postal address, not printed: number 5" in printed.output
    assert town.run("audience", "address", case, "5", "9 Elm St; Mockton, IL 60000", "--as", "carla").exit_code == 0
    rest = town.run("letters", "print", case, "--out", str(out), "--as", "carla", "--json")
    assert json.loads(rest.stdout)["letters"] == 1
    posted = town.run("letters", "posted", case, "--run", "1", "--on", str(TODAY), "--as", "priya")
    assert posted.exit_code == 0, posted.output


def test_one_name_that_no_font_can_draw_does_not_keep_the_others_from_being_printed(
    town: Town, tmp_path: Path
) -> None:
    case = until_release(town)
    import_families(town, case, tmp_path, FAMILIES + 'Kim 𒀀,S-7,Creekside,"7 Main St; Mockton, IL 60000",,,,,\n')
    released(town, case)
    first = printed(town, case, tmp_path / "first", "--json")
    told = json.loads(first.stdout)
    assert (told["letters"], told["undrawn"]) == (2, {"5": "𒀀"})
    again = printed(town, case, tmp_path / "second")
    assert "number 5: no font of this machine can draw 𒀀 (U+12000)" in str(again.exception)
    where = ("7 Main St; Mockton, IL 60000", "--name", "Kim A", "--as", "carla")
    assert town.run("audience", "address", case, "5", *where).exit_code == 0
    assert json.loads(printed(town, case, tmp_path / "third", "--json").stdout)["letters"] == 1


def test_a_family_whose_language_no_letter_is_in_is_named_and_answered_for(town: Town, tmp_path: Path) -> None:
    case = until_release(town)
    polish = FAMILIES + 'Jan Kowal,S-7,Creekside,"7 Main St; Mockton, IL 60000",,pl,,,\n'
    file = tmp_path / "polish.csv"
    file.write_text(polish, encoding="utf-8")
    tried = town.run("audience", "import", case, str(file), "--as", "priya")
    assert "no letter is in 'pl': 1 family would get it in English" in tried.output
    assert "number 5: Jan Kowal" in tried.output
    assert "the letter's own text in 'es' has no reviewer yet" in tried.output
    found = json.loads(town.run("audience", "import", case, str(file), "--as", "priya", "--json").stdout)
    assert (found["without_letter"], found["unreviewed"]) == ({"pl": [5]}, ["es"])
    assert set(found) <= documented("audience import")
    import_families(town, case, tmp_path, polish)
    with pytest.raises(Refused, match="Families read a language in which there is no letter"):
        released(town, case)
    with town.house.store.read() as unit:
        facts = unit.case(case).facts
    assert (facts["families_spanish"], facts["other_languages"]) == (1, "pl (1)")
    town.answer(case, "release", "release", "priya", channel="as_wished", other_told="An interpreter calls them")


def test_after_the_release_nobody_changes_who_is_told(town: Town, tmp_path: Path) -> None:
    case = until_release(town)
    import_families(town, case, tmp_path)
    released(town, case)
    late = import_families(town, case, tmp_path)
    assert "was fixed when its letters were released" in str(late.exception)
    assert shown(town, case)["audiences"][0]["families"] == 4


@pytest.mark.parametrize(("row", "sentence"), [
    ("=cmd(),S-1,X,,a@b.example,,,,", "guardian: the cell begins with '='"),
    ("Ana,S-1,X,,not-an-address,,,,", "email 'not-an-address' is not a mail address"),
    ("Ana,S-1,X,,,,,,", "neither email nor address: this family could not be told"),
    ("Ana,S-1,X,,a@b.example,,yes,,", "paper: a letter is wished, and there is no postal address"),
    ("Ana,,X,,a@b.example,,,,", "student: is empty"),
    ("Ana,S-1,X,,a@b.example,,,maybe,", "consent: 'maybe' is neither yes nor no"),
    ("Ana,S-1", "more or fewer cells than the header"),
])  # fmt: skip
def test_a_faulty_file_is_told_by_its_rows_and_changes_nothing(
    town: Town, tmp_path: Path, row: str, sentence: str
) -> None:
    case = until_release(town)
    result = import_families(town, case, tmp_path, FAMILIES + row + "\n")
    assert isinstance(result.exception, FaultyInput)
    assert sentence in str(result.exception)
    assert "families.csv:8" in str(result.exception)
    assert shown(town, case)["audiences"] == []


def test_letters_stop_at_the_relays_quota_of_a_day_and_go_on_the_next_while_codes_still_leave(
    town: Town, tmp_path: Path
) -> None:
    case = until_release(town)
    rows = [f'Family {n},S-{n},Creekside,"{n} Main St; Mockton, IL 60000",f{n}@families.example,,,,' for n in range(40)]
    assert import_families(town, case, tmp_path, "\n".join([FAMILIES.splitlines()[0], *rows])).exit_code == 0
    town.answer(case, "release", "release", "priya", channel="as_wished")
    used = town.house.store.outbox.day_count(town.house.clock()).taken
    quota = next(quota for quota in range(1000) if quota - quota // 10 == used + 20)
    plenty = town.house.settings.relay
    assert plenty is not None and quota // 10 >= 2
    allowed = replace(town.house.settings, relay=replace(plenty, daily_quota=quota))
    town.house = replace(town.house, settings=allowed)
    town.answer(case, "release_second", "release", "sam")
    town.beat()
    told = {mail.envelope_to for mail in town.sink.mails if mail.envelope_to.endswith("families.example")}
    assert len(told) <= 20
    heard = [mail for mail in town.sink.mails if mail.subject.endswith("the relay has had its mails for today")]
    assert [(mail.envelope_to, mail.subject[:13]) for mail in heard] == [(PRIYA, f"{40 - len(told)} mails wait")]
    edit_quota(town, quota)
    assert shown(town, case)["forecast"]["done_on"] == str(TODAY + ONE_DAY)
    code = {"code": "493201", "minutes": "30"}
    town.house.store.outbox.notify("person:sam", "code", None, code, town.house.clock())
    town.beat()
    assert "493201" in town.sink.mails[-1].part("plain")

    tomorrow = town.house.clock() + ONE_DAY
    town.house = replace(town.house, clock=lambda: tomorrow)
    town.beat()
    told = {mail.envelope_to for mail in town.sink.mails if mail.envelope_to.endswith("families.example")}
    assert len(told) == 40
    assert town.house.store.outbox.day_count(tomorrow).waiting == 0
