"""`soppa adopt` on a real home, on both databases: what a file becomes, once, and how many mails leave."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.adoption.adopt import keep_all, looked_at
from cli.adoption.draft import draft, to_csv
from cli.demo.district import PEOPLE, SETTINGS
from cli.demo.run import FakeClock, person
from cli.demo.sink import MailSink
from cli.home import Home
from cli.main import main
from cli.serving.daemon import beat_until_quiet, heart_of
from cli.wiring import House, open_house
from engine.errors import FaultyInput
from engine.model.case import Case
from tests.databases import new_home
from tests.files import pdf
from tests.processes import running, until
from tests.processes import soppa as process

SAMPLE = Path(__file__).parents[2] / "cli" / "year" / "operators-sample.csv"
NOON = dt.datetime(2026, 11, 30, 18, 0, tzinfo=dt.UTC)
QUIET = dt.date(2026, 12, 18)
FAMILY = """
cases:
  - key: C1
    process: operator_fix
    state: notified
    child_of: P1
    given: {parent: Ana Ruiz <ana@families.example>, operator: Readwell <p@readwell.example>, item: Level,
            where_seen: Readwell, right_value: 4, operator_received_on: 2026-09-21}
    evidence: {operator_received_on: signed.pdf}
  - key: P1
    process: correction_request
    state: waiting_for_holders
    begun_by: carla
    given: {parent: Ana Ruiz <ana@families.example>, received_on: 2026-08-20, item: Level, held_by: outside}
    happened: {told.told_wrong_district: 2026-09-16, confirm_notified.notified: 2026-09-18}
    evidence: {received_on: signed.pdf, confirm_notified.notified: signed.pdf}
"""
HEAD = "key,process,state,product,operator,entered_on,evidence.entered_on\n"
ROW = "R{n},contract_posting,preparing,Reader {n},Acme <p{n}@acme.example>,2026-10-{day:02d},signed.pdf\n"


@dataclass(frozen=True)
class Office:
    house: House
    clock: FakeClock
    sink: MailSink
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def file(self, text: str, name: str = "running.csv") -> Path:
        path = self.folder / name
        path.write_text(text, "utf-8")
        return path

    def adopt(self, file: Path, quiet_until: dt.date | None = None) -> tuple[dict[str, str], Mapping[dt.date, int]]:
        """The numbers of the new cases by key, and the mails that were foretold."""
        planned, found = looked_at(self.house, file, person(self.house, "priya"), quiet_until)
        return keep_all(self.house, planned, found), found.by_day

    def run(self, *words: str) -> tuple[int, str, str]:
        code = main([*words, "--home", str(self.house.home.root)])
        streams = self.capsys.readouterr()
        return code, streams.out, streams.err

    def asked(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json")[1])

    def case(self, case_id: str) -> Case:
        with self.house.store.read() as unit:
            return unit.case(case_id)

    def cases(self) -> list[str]:
        return [row.id for row in self.house.store.views.case_rows()]


@pytest.fixture
def office(tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]) -> Iterator[Office]:
    clock, home = FakeClock(NOON), Home(tmp_path / "home")
    (tmp_path / "signed.pdf").write_bytes(pdf())
    (tmp_path / "torn.pdf").write_bytes(pdf()[:100])
    with MailSink() as sink:
        settings = SETTINGS.format(public_url="http://localhost:8080", bind="127.0.0.1:8080", smtp_port=sink.smtp_port)
        on_server = f'database: "{database_url}"\n' if database_url.startswith("postgres") else ""
        new_home(home, settings + on_server)
        with open_house(home, clock, create=True) as house:
            for one in PEOPLE:
                house.store.save_person(one)
            yield Office(house, clock, sink, tmp_path, capsys)


def rows(count: int) -> str:
    return HEAD + "".join(ROW.format(n=n, day=n + 1) for n in range(count))


def with_paper(found: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    return [{**row, "evidence.entered_on": "signed.pdf"} if "entered_on" in row else dict(row) for row in found]


def test_what_the_register_knows_becomes_the_right_cases(office: Office) -> None:
    office.run("register", "import", str(SAMPLE), "--apply", "--as-of", "2026-11-01", "--as", "priya")
    office.capsys.readouterr()
    found = draft(office.house.store.register.holdings(), NOON.date())
    posting = {row["key"] for row in found if row["process"] == "contract_posting"}
    expired = {row["key"] for row in found if row["process"] == "agreement_expiry"}
    assert posting == {"OP-0060/posting", "OP-0137/posting"}
    assert expired >= {f"OP-{number}/expiry" for number in ("0035", "0081", "0170", "0175")}
    with pytest.raises(FaultyInput, match="counts from entered_on, 2024-07-20, without a document"):
        office.adopt(office.file(to_csv(found)))
    assert office.cases() == []
    adopted, _ = office.adopt(office.file(to_csv(with_paper(found))), QUIET)
    assert set(adopted) == posting | expired
    unposted = office.case(adopted["OP-0060/posting"])
    assert (unposted.state, unposted.clocks["posting"].legal) == ("preparing", dt.date(2025, 9, 17))
    over = office.case(adopted["OP-0081/expiry"])
    assert (over.state, over.subject, over.facts["cycle_on"]) == ("deciding", "A-0061", dt.date(2026, 6, 9))
    assert office.run("history", unposted.id, "--verify")[0] == 0
    (line, *_) = office.asked("queue")
    assert (line["case"], line["legal_due"]) == (adopted["OP-0137/posting"], "2024-08-02")


def test_as_many_mails_leave_on_the_next_day_as_were_foretold(office: Office) -> None:
    """A family, agreements late and just late, whose next rung goes to counsel, and a receipt in Spanish."""
    posting = """
  - key: R{n}
    process: contract_posting
    state: preparing
    given: {{product: Reader, operator: Acme <p{n}@acme.example>, entered_on: 2026-{month}-10}}
    evidence: {{entered_on: signed.pdf}}
"""
    opening = """
  - key: K1
    process: correction_request
    state: opening
    given: {parent: Eva <eva@families.example>; language=es, received_on: 2026-11-20, item: x}
    evidence: {received_on: signed.pdf}
"""
    redaction = """
  - key: R9
    process: contract_posting
    state: redaction
    given: {product: Reader, operator: Acme <p1@acme.example>, entered_on: 2026-11-25, searchable: yes,
            passages: '[{"key": "1", "clause": "d", "page": "4", "reason": "prices"}]'}
    evidence: {entered_on: signed.pdf}
"""
    late = "".join(posting.format(n=n, month="10" if n % 2 else "11") for n in range(6))
    adopted, foretold = office.adopt(office.file(FAMILY + late + redaction + opening, "all.yaml"))
    assert (len(adopted), office.sink.mails) == (10, [])
    with heart_of(office.house, tells_gaps=False) as heart:
        for hour, minute in ((13, 0), (13, 30), (14, 0), (22, 0)):
            office.clock.now = dt.datetime(2026, 12, 1, hour, minute, tzinfo=dt.UTC)
            beat_until_quiet(heart)
    sent = [(mail.envelope_to, mail.subject) for mail in office.sink.mails]
    assert foretold[dt.date(2026, 12, 1)] == len(sent), sent
    assert "p1@acme.example" in [to for to, _ in sent]
    assert "Caso" in next(subject for to, subject in sent if to == "eva@families.example")


def test_the_same_file_again_adopts_what_is_left(office: Office) -> None:
    office.adopt(office.file(rows(2)))
    adopted, _ = office.adopt(office.file(rows(4)))
    assert (list(adopted), len(office.cases())) == (["R2", "R3"], 4)
    assert office.adopt(office.file(rows(4)))[0] == {}


def test_a_row_that_says_something_else_than_its_case_is_refused(office: Office) -> None:
    office.adopt(office.file(rows(1)))
    with pytest.raises(FaultyInput, match="R0 is case 2026-0001 already, from a row that said something else"):
        office.adopt(office.file(rows(2).replace("Reader 0", "Writer 0")))
    assert len(office.cases()) == 1


def test_two_terminals_adopt_each_row_once(office: Office) -> None:
    file = office.file(rows(6))
    with ThreadPoolExecutor(2) as pool:
        words = ("adopt", str(file), "--apply", "--as", "priya", "--json")
        ended = list(pool.map(lambda _: process(office.house.home.root, *words), range(2)))
    assert [one.returncode for one in ended] == [0, 0], [one.stderr for one in ended]
    assert sum(json.loads(one.stdout)["adopted"] for one in ended) == 6
    assert len(office.cases()) == 6


def test_a_run_that_is_killed_is_finished_by_the_next(office: Office) -> None:
    file = office.file(rows(28))
    words = ("adopt", str(file), "--apply", "--as", "priya")
    with running(office.house.home.root, *words) as killed:
        until(lambda: len(office.cases()) > 1, "a second case", 60)
        killed.kill()
    left = 28 - len(office.cases())
    found = office.asked("adopt", str(file), "--apply", "--as", "priya")
    assert (found["adopted"], len(found["known"]), len(office.cases())) == (left, 28 - left, 28)


def test_a_family_is_adopted_together(office: Office) -> None:
    adopted, _ = office.adopt(office.file(FAMILY, "family.yaml"))
    parent, child = office.case(adopted["P1"]), office.case(adopted["C1"])
    assert (parent.children, parent.initiator, parent.clocks) == ({"operator_fix": 1}, "carla", {})
    assert (child.parent, child.child_name, child.clocks["operator_fix"].legal) == (
        parent.id, "operator_fix", dt.date(2026, 12, 21))


def test_its_papers_are_kept_and_can_be_taken_out(office: Office) -> None:
    adopted, _ = office.adopt(office.file(rows(1)))
    out = office.folder / "out.pdf"
    words = (adopted["R0"], "evidence.entered_on", "--out", str(out), "--as", "priya")
    assert office.run("document", *words)[0] == 0
    assert out.read_bytes() == (office.folder / "signed.pdf").read_bytes()
    assert "papers     evidence.entered_on" in office.run("show", adopted["R0"])[1]
    names = [path.name for path in office.house.documents.folder.iterdir() if path.is_file()]
    assert set(office.house.store.views.named_documents(names)) == set(names) != set()


def test_nothing_is_kept_of_a_rehearsal(office: Office) -> None:
    code, out, _ = office.run("adopt", str(office.file(rows(3))), "--as", "priya")
    assert (code, "nothing is adopted yet: add --apply" in out) == (0, True)
    documents = [path for path in office.house.documents.folder.rglob("*") if path.is_file()]
    assert (office.cases(), documents, office.asked("mail", "outbox")) == ([], [], [])
    assert office.adopt(office.file(rows(1)))[0] == {"R0": "2026-0001"}


def test_a_rehearsal_says_where_each_case_stands_and_what_leaves(office: Office) -> None:
    found = office.asked("adopt", str(office.file(rows(1))), "--as", "priya")
    (case,) = found["cases"]
    assert (case["key"], case["state"], case["case"], found["adopted"]) == ("R0", "preparing", None, 0)
    assert case["clocks"][0]["legal_due"] == "2026-10-16"
    assert (case["rungs_before"], [one["mails"] for one in found["mails"]]) == (7, [2])


def test_the_draft_is_a_file_of_ones_own(office: Office) -> None:
    office.run("register", "import", str(SAMPLE), "--apply", "--as-of", "2026-11-01", "--as", "priya")
    out = office.folder / "draft.csv"
    assert office.asked("adopt", str(out), "--draft")["rows"] >= 6
    assert out.stat().st_mode & 0o777 == 0o600
    with out.open(newline="") as file:
        assert {"contract_posting", "agreement_expiry"} == {row["process"] for row in csv.DictReader(file)}
    assert office.run("adopt", str(out), "--draft")[0] == 2


@pytest.mark.parametrize(("text", "sentence"), [
    (rows(1).replace("2026-10-01", "2026-13-01"), "R0: entered_on: '2026-13-01' is no date"),
    (rows(1).replace("2026-10-01", "2031-01-01"), "R0: entered_on: 2031-01-01 is in the future"),
    (rows(1).replace("2026-10-01", "2020-01-06"), "is before 2021-01-01, where the calendars begin"),
    (rows(1).replace(",signed.pdf", ","), "without a document: add evidence.entered_on"),
    (rows(1).replace("signed.pdf", "lost.pdf"), "lost.pdf cannot be read (No such file or directory)"),
    (rows(1).replace("signed.pdf", "torn.pdf"), "R0: evidence.entered_on: "),
    (rows(1).replace("preparing", "prepairing"), "did you mean 'preparing'"),
    (rows(1).replace("contract_posting", "contract_post"), "unknown process 'contract_post'"),
    (rows(1).replace(",product,", ",produkt,"), "has no fact or party 'produkt' (did you mean 'product'"),
    (rows(1) + rows(1).partition("\n")[2], "key 'R0' is on line 2 already"),
    (rows(1).replace("R0", ""), "key is missing"),
    (rows(1).replace("key,", "kee,"), "the column 'key' is missing"),
    (HEAD + "a,b\n", "more or fewer cells"),
])  # fmt: skip
def test_what_is_wrong_in_a_file_is_told_by_row_and_nothing_is_adopted(
    office: Office, text: str, sentence: str
) -> None:
    code, _, error = office.run("adopt", str(office.file(text)), "--apply", "--as", "priya")
    assert (code, sentence in error) == (2, True), error
    assert office.cases() == []


@pytest.mark.parametrize(("old", "new", "sentence"), [
    ("child_of: P1", "child_of: P2", "child_of: there is no row 'P2'"),
    ("child_of: P1", "child_of: P1/fix", "waits for no case of operator_fix"),
    ("key: P1\n", "key: P1\n    child_of: C1\n", "children of each other"),
    ("key: P1\n", "key: P1\n    colour: red\n", "unknown key 'colour'"),
    ("confirm_notified.notified: signed.pdf", "received_on: signed.pdf", "'received_on' is there twice"),
])  # fmt: skip
def test_a_faulty_family_is_not_adopted(office: Office, old: str, new: str, sentence: str) -> None:
    file = office.file(FAMILY.replace(old, new), "family.yaml")
    code, _, error = office.run("adopt", str(file), "--apply", "--as", "priya")
    assert (code, office.cases()) == (2, [])
    assert sentence in error or "twice" in sentence, error


@pytest.mark.parametrize(("words", "code", "sentence"), [
    (["nowhere.csv"], 2, "nowhere.csv: cannot be read"),
    (["running.txt"], 2, "an adoption is a .csv or a .yaml file"),
    (["running.csv", "--quiet-until", "2027-12-31"], 2, "soppa: quiet until 2027-12-31: it ends after today"),
    (["running.csv", "--quiet-until", "soon"], 2, "--quiet-until: 'soon' is not a date"),
    (["running.csv", "--as", "edie"], 1, "may not adopt cases"),
])  # fmt: skip
def test_bad_words_are_refused(office: Office, words: list[str], code: int, sentence: str) -> None:
    office.file(rows(1))
    name, *rest = words
    actor = [] if "--as" in rest else ["--as", "priya"]
    found, _, error = office.run("adopt", str(office.folder / name), *rest, *actor)
    assert (found, sentence in error) == (code, True), error
