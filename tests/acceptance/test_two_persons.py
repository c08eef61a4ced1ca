"""Acts of two persons on a real home, on both databases: by the terminal, by mail and page, and how each is refused."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from cli.demo.district import PEOPLE, SETTINGS
from cli.demo.run import FakeClock, person
from cli.demo.sink import MailSink
from cli.home import Home
from cli.main import main
from cli.serving.daemon import beat_until_quiet, heart_of
from cli.serving.pages import pages
from cli.staff import totp
from cli.staff.acts import begin, confirm_act, plan_people, plan_record
from cli.wiring import House, open_house
from engine.errors import AlreadyDecided, NotAllowed, Refused, Stale
from engine.model.case import Case, Contact, FactValue
from storage.entrance.acts import Act
from tests.databases import new_home
from tests.processes import link_in, mail_to

NOON = dt.datetime(2026, 9, 14, 17, 0, tzinfo=dt.UTC)
SECRET = "JBSWY3DPEHPK3PXP"
SAM = "sam@prairie-creek.example"
LATER = {"received_on": "2026-09-14"}


@dataclass(frozen=True)
class Office:
    house: House
    clock: FakeClock
    sink: MailSink
    case_id: str

    def case(self) -> Case:
        with self.house.store.read() as unit:
            return unit.case(self.case_id)

    def legal(self) -> dt.date | None:
        return self.case().clocks["district_fix"].legal

    def later(self) -> Act:
        carla = person(self.house, "carla")
        return begin(self.house, plan_record(self.house, self.case_id, LATER, carla, "the stamp was misread"))

    def code(self) -> str:
        return totp.code(SECRET, int(self.clock().timestamp()) // totp.STEP)

    def mails_leave(self) -> None:
        with heart_of(self.house) as heart:
            beat_until_quiet(heart)

    def run(self, *words: str) -> int:
        return main([*words, "--home", str(self.house.home.root)])


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Office]:
    clock, home = FakeClock(NOON), Home(tmp_path / "home")
    with MailSink() as sink:
        url = "http://127.0.0.1:8080"
        settings = SETTINGS.format(public_url=url, bind="127.0.0.1:8080", smtp_port=sink.smtp_port)
        on_server = f'database: "{database_url}"\n' if database_url.startswith("postgres") else ""
        new_home(home, settings + on_server)
        with open_house(home, clock, create=True) as house:
            for one in PEOPLE:
                house.store.save_person(one)
            house.store.set_totp("sam", SECRET)
            parent = {"parent": Contact("Ana Ruiz", "ana@families.example")}
            facts: dict[str, FactValue] = {"received_on": dt.date(2026, 9, 8), "item": "Date of birth"}
            case = house.service.start("correction_request", facts, parent, person(house, "carla"), NOON)
            yield Office(house, clock, sink, case.id)


def hidden(html: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(_\w+)" value="([^"]*)">', html))


def browser(office: Office) -> TestClient:
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    url = office.house.settings.public_url
    return TestClient(pages(office.house), base_url=url, headers=headers, follow_redirects=False)  # type: ignore[arg-type]


def sign_in(office: Office, client: TestClient) -> str:
    """Sam's way from the mail to the act's page: mailed code, then a code of the app. Answers the page's address."""
    office.mails_leave()
    mail = mail_to(office.sink, SAM, "Please confirm")
    assert mail is not None
    link = link_in(mail)
    assert client.post(f"{link}/code").status_code == 303
    office.mails_leave()
    coded = mail_to(office.sink, SAM, "Your code")
    assert coded is not None
    found = re.search(r"\d{6}", coded.part("plain"))
    assert found is not None
    path = str(client.post(f"{link}/enter", data={"code": found.group()}).headers["location"])
    asked = client.get(path).text
    assert "December" not in asked and "the stamp was misread" not in asked
    answer = client.post(f"{path}/totp", data=hidden(asked) | {"code": office.code()})
    assert answer.status_code == 303, answer.text
    return path


def test_a_legal_date_moves_later_when_the_second_person_confirms_on_the_page(office: Office) -> None:
    before, act = office.legal(), office.later()
    client = browser(office)
    path = sign_in(office, client)
    assert path == f"/act/{act.id}"
    page = client.get(path).text
    assert "the stamp was misread" in page and "Mon Dec 7 2026" in page and "Mon Dec 14 2026" in page
    assert office.legal() == before
    answer = client.post(path, data=hidden(page) | {"confirm": "yes"})
    assert (answer.status_code, office.legal()) == (303, dt.date(2026, 12, 14))
    assert "Confirmed by Sam Whitfield on Monday, September 14, 2026" in client.get(path).text
    lines = office.house.store.views.history(office.case_id)
    (confirmed,) = (line for line in lines if line.kind == "later_date_confirmed")
    assert (confirmed.actor, confirmed.detail["second"]) == ("person:carla", "sam")
    assert (confirmed.detail["was"], confirmed.detail["becomes"]) == ("2026-12-07", "2026-12-14")


def test_the_mail_names_no_value_and_keeps_no_token(office: Office) -> None:
    office.later()
    office.mails_leave()
    mail = mail_to(office.sink, SAM, "moving a legal date later")
    assert mail is not None
    token = link_in(mail).rsplit("/", 1)[1]
    assert "Carla Mendez has begun" in mail.part("plain") and "misread" not in mail.part("plain")
    views = office.house.store.views
    (kept,) = (views.mail(line.id) for line in views.outbox(state="accepted") if line.mail == "act")
    assert token.encode() not in (kept.raw or b"") and kept.words == {}


def test_it_happens_once_and_who_comes_later_is_told_who_confirmed(office: Office) -> None:
    act = office.later()
    confirm_act(office.house, act.id, "sam")
    moved = office.case().facts
    with pytest.raises(AlreadyDecided, match="confirmed by sam already"):
        confirm_act(office.house, act.id, "sam")
    client = browser(office)
    assert "Confirmed by Sam Whitfield" in client.get(sign_in(office, client)).text
    assert (office.case().facts, office.legal()) == (moved, dt.date(2026, 12, 14))


def test_of_two_confirmations_at_once_one_is_done(office: Office) -> None:
    act = office.later()

    def confirmed(_: int) -> bool:
        try:
            confirm_act(office.house, act.id, "sam")
        except AlreadyDecided:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(confirmed, range(2))) == [False, True]
    lines = office.house.store.views.history(office.case_id)
    assert [line.kind for line in lines].count("later_date_confirmed") == 1


@pytest.mark.parametrize(("who", "sentence"), [("carla", "yourself: sam must"), ("priya", "waits for sam")])
def test_nobody_but_the_second_person_may_confirm(office: Office, who: str, sentence: str) -> None:
    act, before = office.later(), office.case()
    with pytest.raises(NotAllowed, match=sentence):
        confirm_act(office.house, act.id, who)
    assert office.case() == before


def test_facts_that_changed_meanwhile_refuse_it_and_it_waits_on(office: Office) -> None:
    act = office.later()
    moved = {"received_on": dt.date(2026, 9, 4)}
    office.house.service.record(office.case_id, moved, person(office.house, "carla"), NOON, "another stamp")
    before = office.case()
    with pytest.raises(Stale, match="has changed since"):
        confirm_act(office.house, act.id, "sam")
    assert office.case() == before
    assert [waiting.id for waiting in office.house.store.acts.waiting(NOON)] == [act.id]


def test_it_lapses_after_seven_days(office: Office) -> None:
    act, before = office.later(), office.legal()
    office.clock.now += dt.timedelta(days=7)
    with pytest.raises(Refused, match="waited too long"):
        confirm_act(office.house, act.id, "sam")
    assert office.legal() == before
    assert office.house.store.acts.waiting(office.clock()) == ()


def test_nobody_is_their_own_second_person(office: Office) -> None:
    with pytest.raises(Refused, match="is you yourself"):
        plan_people(office.house, PEOPLE, PEOPLE, person(office.house, "sam"), "a reason")


def test_somebody_away_is_replaced_by_their_deputy_and_nobody_by_nobody(office: Office) -> None:
    sam = next(one for one in PEOPLE if one.id == "sam")
    away = replace(sam, absent=(dt.date(2026, 9, 1), dt.date(2026, 9, 30)))
    office.house.store.save_person(away)
    with pytest.raises(Refused, match="is away and nobody stands in"):
        office.later()
    office.house.store.save_person(replace(away, deputy="lena"))
    assert office.later().payload["second"] == "lena"


def test_by_the_terminal_from_both_dates_to_done(office: Office, capsys: pytest.CaptureFixture[str],
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    record = ["record", office.case_id, "received_on=2026-09-14", "--sure", "--reason", "the stamp", "--as", "carla"]
    assert office.run(*record) == 1
    shown = capsys.readouterr()
    assert "Mon Dec 7 2026 → Mon Dec 14 2026" in shown.out and "add --begin to ask Sam Whitfield" in shown.err
    assert office.house.store.acts.every() == ()
    assert office.run(*record, "--begin", "--json") == 0
    begun = json.loads(capsys.readouterr().out)
    assert office.run("acts", "list") == 0
    assert begun["act"] in capsys.readouterr().out
    assert office.run("acts", "confirm", begun["act"], "--as", "carla") == 1
    assert "you began" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", StringIO("000000\n"))
    assert office.run("acts", "confirm", begun["act"], "--as", "sam") == 1
    assert "this code is wrong" in capsys.readouterr().err
    now = int(dt.datetime.now(dt.UTC).timestamp()) // totp.STEP
    monkeypatch.setattr("sys.stdin", StringIO(f"{totp.code(SECRET, now)}\n"))
    assert office.run("acts", "confirm", begun["act"], "--as", "sam") == 0
    assert "confirmed and done" in capsys.readouterr().out
    assert office.legal() == dt.date(2026, 12, 14)


def test_roles_change_when_the_second_person_confirms(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    change = ["people", "set", "edie", "--role", "privacy", "--as", "priya"]
    assert office.run(*change) == 2
    assert "needs a reason" in capsys.readouterr().err
    assert office.run(*change, "--reason", "stands in for Priya") == 1
    assert "add --begin to ask Sam Whitfield" in capsys.readouterr().err
    assert office.run(*change, "--reason", "stands in for Priya", "--begin") == 0
    assert "nothing is changed yet: sam is asked by mail" in capsys.readouterr().out
    (act,) = office.house.store.acts.waiting(dt.datetime.now(dt.UTC))
    assert roles(office, "edie") == {"edtech"}
    confirm_act(replace(office.house, clock=lambda: act.at), act.id, "sam")
    assert roles(office, "edie") == {"privacy"}


@pytest.mark.parametrize("change", [("--login", "priya2"), ("--email", "x@prairie-creek.example")])
def test_how_the_second_person_is_known_takes_two_as_well(office: Office, change: tuple[str, str],
                                                          capsys: pytest.CaptureFixture[str]) -> None:
    assert office.run("people", "set", "sam", *change, "--reason", "x", "--as", "priya") == 1
    assert "add --begin to ask Sam Whitfield" in capsys.readouterr().err
    assert set(office.house.store.people()) == set(PEOPLE)
    assert office.run("people", "totp", "sam", "--as", "priya") == 1
    assert "only they may make a new one" in capsys.readouterr().err


def test_harmless_changes_need_nobody_else(office: Office) -> None:
    assert office.run("people", "set", "carla", "--language", "es", "--as", "priya") == 0
    assert next(one for one in office.house.store.people() if one.id == "carla").language == "es"


def test_the_first_set_up_is_exempt_and_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, file = str(tmp_path / "new"), tmp_path / "people.csv"
    assert main(["init", "--home", home]) == 0
    file.write_text("id,name,email,roles\npria,Pria Low,p@d.example,privacy\nsue,Sue May,s@d.example,superintendent\n")
    assert main(["people", "import", str(file), "--apply", "--home", home]) == 0
    capsys.readouterr()
    assert main(["acts", "list", "--all", "--json", "--home", home]) == 0
    (line,) = json.loads(capsys.readouterr().out)
    assert (line["kind"], line["confirmed_by"]) == ("change_of_roles", "first set-up")
    assert {"what": "Sue May: roles", "before": "–", "after": "superintendent"} in line["changes"]


def roles(office: Office, person_id: str) -> set[str]:
    return set(next(one for one in office.house.store.people() if one.id == person_id).roles)
