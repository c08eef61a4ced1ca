"""People come and go on a real home, on both databases: what is handed over, closed, and lands on nobody."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cli.demo.district import PEOPLE, SETTINGS
from cli.demo.run import person
from cli.home import Home
from cli.main import main
from cli.staff.acts import confirm_act
from cli.wiring import House, machine_clock, open_house
from engine.model.case import SYSTEM, Case, Contact, FactValue
from engine.model.handed import NewLink, Session
from engine.model.messages import Decision, Notify
from engine.model.office import Person
from storage.tables import BRIEF_LINES, OUTBOX
from storage.unit import SqlUnit
from tests.databases import new_home
from tests.processes import soppa as process

SAMPLE = Path(__file__).parents[2] / "cli" / "year" / "operators-sample.csv"
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Office:
    house: House
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str) -> tuple[int, str, str]:
        code = main([*words, "--home", str(self.house.home.root)])
        streams = self.capsys.readouterr()
        return code, streams.out, streams.err

    def asked(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json")[1])

    def case(self, case_id: str = "") -> Case:
        with self.house.store.read() as unit:
            return unit.case(case_id or f"{self.today():%Y}-0001")

    def today(self) -> dt.date:
        return self.house.make_office(()).today(machine_clock())

    def people(self) -> dict[str, Person]:
        return {one.id: one for one in self.house.store.people()}


@pytest.fixture
def office(tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]) -> Iterator[Office]:
    """A case that waits for its data owner, Dana; the custodian, Carla, may go on without her."""
    home = Home(tmp_path / "home")
    settings = SETTINGS.format(public_url="http://localhost:8080", bind="127.0.0.1:8080", smtp_port=9)
    on_server = f'database: "{database_url}"\n' if database_url.startswith("postgres") else ""
    new_home(home, settings + on_server)
    with open_house(home, create=True) as house:
        for one in PEOPLE:
            house.store.save_person(one)
        now, carla = machine_clock(), person(house, "carla")
        received = house.make_office(()).today(now) - 3 * DAY
        parties = {"parent": Contact("Ana Ruiz", "ana@families.example")}
        case = house.service.start("correction_request", {"received_on": received, "item": "x"}, parties, carla, now)
        answer: dict[str, FactValue] = {"requester_kind": "parent", "identity_ok": True, "data_owner": "dana"}
        answer |= {"where_seen": "x", "right_value": "y"}
        verify = next(task for task in case.tasks if task.name == "verify")
        house.service.complete_task(verify.id, "complete", answer, carla, now)
        yield Office(house, capsys)


def tasks_of(case: Case) -> dict[str, tuple[str, ...]]:
    return {task.name: task.assignees for task in case.tasks if task.is_open}


def test_who_leaves_hands_over_tasks_products_mail_and_every_way_in(office: Office) -> None:
    store, now = office.house.store, machine_clock()
    office.run("register", "import", str(SAMPLE), "--apply", "--as-of", "2026-11-01", "--as", "priya")
    (row, *_) = office.asked("register", "list", "--sponsor", "sponsor24@district.example")
    store.save_person(replace(office.people()["dana"], email="sponsor24@district.example"))
    task = next(one for one in office.case().tasks if one.name == "advise")
    store.links.add_link(NewLink("t", "task", office.case().id, "person:dana", "code", now + DAY, task.id, 1))
    store.links.open_session("s", Session(0, "person:dana", None, "code", now + DAY), now)
    store.set_totp("dana", "JBSWY3DPEHPK3PXP")

    found = office.asked("people", "leave", "dana", "--to", "omar", "--as", "priya")
    assert (found["applied"], found["needs_second"]) == (False, False)
    assert ([one["task"] for one in found["tasks"]], row["product"] in found["products"]) == ([task.id], True)
    assert (found["sessions"], found["links"], found["unmanned"]) == (1, 1, ["data_owner"])
    assert tasks_of(office.case())["advise"] == ("dana",)

    words = ("--to", "omar", "--reason", "retires", "--apply", "--as", "priya")
    assert office.run("people", "leave", "dana", *words)[0] == 0
    gone, link = office.people()["dana"], store.links.link("t")
    assert (gone.active, gone.login, gone.deputy) == (False, None, "omar")
    assert tasks_of(office.case())["advise"] == ("omar",)
    assert link is not None and link.revoked_at is not None
    assert (store.links.session("s", now), store.links.totp_secret("dana")) == (None, None)
    assert row["product"] in [one["product"] for one in office.asked("register", "list", "--sponsor", "omar")]
    assert office.run("history", office.case().id, "--verify")[0] == 0
    act = office.asked("acts", "list", "--all")[-1]
    assert (act["begun_by"], act["confirmed_by"], act["reason"]) == ("priya", "nobody", "retires")
    code, _, error = office.run("people", "leave", "dana", *words)
    assert (code, error) == (1, "soppa: dana has left already: nothing is done\n")


def test_lines_that_wait_for_who_leaves_reach_who_takes_over(office: Office) -> None:
    def recipients(unit: SqlUnit) -> list[str]:
        lines = select(OUTBOX.c.recipient).join(BRIEF_LINES, BRIEF_LINES.c.outbox_id == OUTBOX.c.id)
        return list(unit.connection.scalars(lines.where(BRIEF_LINES.c.subject == "a thing")))

    line = Notify("person:dana", "news", "a thing", "Something is due", 5)
    with office.house.store.begin() as unit:
        case = unit.case(office.case().id)
        unit.keep(case, Decision(replace(case, revision=case.revision + 1), (line,), ()), SYSTEM, machine_clock())
        assert recipients(unit) == ["person:dana"]
    office.run("people", "leave", "dana", "--to", "omar", "--reason", "retires", "--apply", "--as", "priya")
    with office.house.store.begin() as unit:
        assert recipients(unit) == ["person:omar"]
        queued = select(OUTBOX.c.id).where((OUTBOX.c.recipient == "person:dana") & (OUTBOX.c.state == "queued"))
        assert unit.connection.scalars(queued).all() == []


def test_who_is_deputy_of_a_guarded_person_leaves_with_the_second_persons_consent(office: Office) -> None:
    words = ("--to", "priya", "--reason", "new job", "--apply", "--as", "priya")
    code, out, _ = office.run("people", "leave", "carla", *words)
    assert (code, "sam is asked by mail to confirm" in out) == (0, True)
    assert office.people()["carla"].active and tasks_of(office.case())["go_on"] == ("carla",)
    (act,) = office.house.store.acts.waiting(machine_clock())
    confirm_act(office.house, act.id, "sam")
    office.house.service.advance(machine_clock())
    assert (office.people()["carla"].active, office.people()["priya"].deputy) == (False, None)
    assert tasks_of(office.case())["go_on"] == ("priya",)


@pytest.mark.parametrize(("words", "code", "sentence"), [
    (["leave", "dana", "--to", "danna"], 2, "unknown person 'danna' (did you mean 'dana'?)"),
    (["leave", "dana", "--to", "dana"], 2, "dana cannot take over from themselves"),
    (["leave", "dana"], 2, "dana has no deputy: name who takes over with --to"),
    (["leave", "dana", "--to", "omar", "--apply"], 2, "that somebody leaves needs a reason"),
    (["leave", "priya", "--to", "sam", "--apply", "--reason", "x"], 1, "nobody would be privacy officer any more"),
    (["set", "priya", "--role", "staff", "--reason", "x"], 1, "nobody would be privacy officer any more"),
    (["absence", "carla"], 2, "say either the days, FROM..TO, or --end"),
    (["absence", "carla", "2026-02-30..2026-03-02"], 2, "'2026-02-30' is not a date"),
    (["absence", "carla", "2021-12-01..2021-12-20"], 2, "the absence ended on Mon Dec 20 2021"),
    (["absence", "dana", "2021-12-01..2099-12-20", "--hand-over"], 1, "nobody stands in for dana"),
])  # fmt: skip
def test_bad_words_are_refused_and_nothing_changes(
    office: Office, words: list[str], code: int, sentence: str
) -> None:
    found, _, error = office.run("people", *words, "--as", "priya")
    assert (found, sentence in error) == (code, True), error
    assert set(office.house.store.people()) == set(PEOPLE)


def test_of_others_only_some_may_say_that_they_are_away(office: Office) -> None:
    assert office.run("people", "absence", "dana", "2030-12-02..2030-12-03", "--as", "edie")[0] == 1
    assert office.run("people", "leave", "dana", "--to", "omar", "--as", "edie")[0] == 1
    assert office.run("people", "absence", "edie", "2030-12-02..2030-12-03", "--as", "edie")[0] == 0
    assert office.people()["edie"].absent == (dt.date(2030, 12, 2), dt.date(2030, 12, 3))
    assert office.run("people", "absence", "edie", "--end", "--as", "edie")[0] == 0
    assert office.people()["edie"].absent is None


def test_rungs_that_land_on_nobody_are_named_until_somebody_stands_in(office: Office) -> None:
    today = office.today()
    days = f"{today}..{today + 60 * DAY}"
    assert office.run("people", "gaps")[0] == 0
    office.run("people", "absence", "dana", days, "--as", "priya")
    code, out, error = office.run("people", "gaps")
    assert (code, "on nobody" in error, "dana" in out) == (1, True, True)
    office.run("people", "set", "dana", "--deputy", "omar", "--as", "priya")
    handed = office.asked("people", "absence", "dana", days, "--hand-over", "--as", "priya")
    assert (handed["stands_in"], handed["handed_over"]) == ("omar", True)
    assert tasks_of(office.case())["advise"] == ("omar",)
    assert office.run("people", "gaps")[0] == 0


def test_a_rung_that_falls_to_another_says_to_whom(office: Office) -> None:
    """Carla and her deputy, Priya, are both away: the custodian's clock falls to nobody."""
    today = office.today()
    for one in ("carla", "priya"):
        office.run("people", "absence", one, f"{today}..{today + 90 * DAY}", "--as", "priya")
    found = office.asked("people", "gaps", "--days", "80")
    assert {"custodian", "privacy"} <= {gap["role"] for gap in found["gaps"] if gap["away"]}
    rungs = [rung for rung in found["rungs"] if rung["meant_for"] == "custodian"]
    assert rungs and {rung["falls_to"] for rung in rungs} == {None}
    office.run("people", "set", "priya", "--absent", "", "--as", "priya")
    office.run("people", "set", "carla", "--deputy", "", "--as", "priya")
    found = office.asked("people", "gaps", "--days", "80")
    assert {rung["falls_to"] for rung in found["rungs"] if rung["meant_for"] == "custodian"} == {"priya"}


def test_an_import_leaves_alone_what_it_has_no_column_for(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("id,name,email,roles\ntess,Tess Abara-Lind,tess@prairie-creek.example,sponsor staff\n")
    (change,) = office.asked("people", "import", str(file), "--apply", "--as", "priya")["changes"]
    assert change["row"] == 2
    assert change["fields"] == [{"column": "name", "was": "Tess Abara", "becomes": "Tess Abara-Lind"}]
    assert office.people()["tess"].login == "tess"
    out = office.run("people", "import", str(file), "--as", "priya")[1]
    assert "not in the file, and left as they are: bea, carla" in out


def test_a_file_that_empties_the_privacy_officers_roles_is_refused(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("id,name,email,roles\npriya,Priya Raman,priya@prairie-creek.example,\n")
    code, _, error = office.run("people", "import", str(file), "--apply", "--reason", "x", "--as", "priya")
    assert (code, "nobody would be privacy officer any more" in error) == (1, True)
    assert "privacy" in office.people()["priya"].roles


def test_more_than_a_fifth_is_asked_about_again(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    rows = [f"{one.id},{one.name},{one.email},{' '.join(sorted(one.roles))},es" for one in PEOPLE[:3]]
    file.write_text("id,name,email,roles,language\n" + "\n".join(rows) + "\n")
    code, _, error = office.run("people", "import", str(file), "--apply", "--as", "priya")
    assert (code, "3 of 14 people would change, more than a fifth" in error) == (1, True)
    assert office.run("people", "import", str(file), "--apply", "--yes", "--as", "priya")[0] == 0


def test_of_two_who_retire_a_person_at_once_one_hands_over(office: Office) -> None:
    words = ("people", "leave", "dana", "--to", "omar", "--reason", "retires", "--apply", "--as", "priya")
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda _: process(office.house.home.root, *words), range(2)))
    assert min(one.returncode for one in ended) == 0, [one.stderr for one in ended]
    assert {one.returncode for one in ended} <= {0, 1, 2}
    handed = [line for line in office.asked("history", office.case().id) if line["kind"] == "task_reassigned"]
    assert len(handed) == 1
