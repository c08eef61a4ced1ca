"""The pages of a whole house: what the command line lends them, on a real home, with mails through a real relay."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cli.demo.run import FakeClock, person
from cli.demo.sink import MailSink
from cli.home import Home
from cli.serving.daemon import beat_until_quiet, heart_of
from cli.serving.pages import pages
from cli.serving.worker import Heart
from cli.settings_parts import Logo
from cli.status.looks import BACKUP_FAILED
from cli.wiring import House
from engine.errors import UsageError
from engine.model.case import Case, Contact, FactValue
from tests.databases import sample_house
from tests.files import pdf
from tests.integration.pages import kept_files
from tests.processes import link_in, mail_to

NOON = dt.datetime(2026, 9, 14, 17, 0, tzinfo=dt.UTC)
CARLA = "carla@prairie-creek.example"
ANSWER = {"_outcome": "complete", "requester_kind": "parent", "identity_ok": "yes", "where_seen": "Reading app",
          "right_value": "2015-04-02", "data_owner": "dana"}  # fmt: skip
PDF = pdf()


@dataclass(frozen=True)
class Office:
    house: House
    heart: Heart
    clock: FakeClock
    sink: MailSink

    def start(self, parent: Contact) -> Case:
        facts: dict[str, FactValue] = {"received_on": dt.date(2026, 9, 11), "item": "The birth date is wrong"}
        begun = self.house.service.start("correction_request", facts, {"parent": parent}, person(self.house, "carla"),
                                         self.clock())
        beat_until_quiet(self.heart)
        return begun

    def browser(self) -> TestClient:
        url = self.house.settings.public_url
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        return TestClient(pages(self.house), base_url=url, headers=headers, follow_redirects=False)  # type: ignore[arg-type]

    def code(self, address: str) -> str:
        beat_until_quiet(self.heart)
        mail = mail_to(self.sink, address, "code")
        assert mail is not None
        found = re.search(r"\d{6}", mail.part("plain"))
        assert found is not None
        return found.group()

    def enter(self, client: TestClient, case: Case) -> str:
        """Carla's way through the door of her newest task; answers the address behind it."""
        asked = mail_to(self.sink, CARLA, f"Case {case.id}")
        assert asked is not None
        link = link_in(asked)
        assert client.post(f"{link}/code").status_code == 303
        return str(client.post(f"{link}/enter", data={"code": self.code(CARLA)}).headers["location"])


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    clock = FakeClock(NOON)
    with (
        MailSink() as sink,
        sample_house(Home(tmp_path / "home"), sink, 8080, clock) as house,
        heart_of(house) as heart,
    ):
        yield Office(house, heart, clock, sink)


def hidden(html: str) -> dict[str, str]:
    return dict(reversed(re.findall(r'<input type="hidden" name="(_\w+)" value="([^"]*)">', html)))


def test_a_code_is_mailed_used_and_forgotten(office: Office) -> None:
    case = office.start(Contact("Ana Ruiz", "ana@families.example"))
    client = office.browser()
    path = office.enter(client, case)
    assert client.get(path).status_code == 200
    views = office.house.store.views
    (sent,) = (views.mail(line.id) for line in views.outbox(state="accepted") if line.mail == "code")
    assert office.code(CARLA).encode() not in (sent.raw or b"") and sent.words == {}
    assert views.incidents() == ()


def test_an_uploaded_document_is_private_and_pinned_by_the_fact(office: Office) -> None:
    case = office.start(Contact("Ana Ruiz", "ana@families.example"))
    client = office.browser()
    path = office.enter(client, case)
    sent = {"evidence": ("../proof.pdf", PDF, "application/pdf")}
    answer = client.post(path, data=hidden(client.get(path).text) | ANSWER, files=sent)
    assert answer.status_code == 303, answer.text
    (kept,) = kept_files(office.house.home.documents)
    assert PDF not in kept.read_bytes() and kept.stat().st_mode & 0o777 == 0o600
    with office.house.store.read() as unit:
        fact = unit.case(case.id).facts["evidence"]
    assert fact == f"{kept.name}.pdf sha256:{hashlib.sha256(PDF).hexdigest()} called:proof.pdf"
    assert office.house.documents.read(str(fact)) == (PDF, "pdf")
    kept.write_bytes(kept.read_bytes()[:-1])
    with pytest.raises(UsageError, match="cannot be opened"):
        office.house.documents.read(str(fact))


def test_the_logo_stands_on_each_page_and_is_served_to_everybody(office: Office, tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    settings = replace(office.house.settings, logo=Logo(tmp_path / "logo.svg", "A <windmill>"))
    client = replace(office, house=replace(office.house, settings=settings)).browser()
    page = client.get("/t/unknown").text
    assert '<img class="logo" src="/logo" alt="A &lt;windmill&gt;">' in page
    served = client.get("/logo")
    assert (served.content, served.headers["content-type"]) == ((tmp_path / "logo.svg").read_bytes(), "image/svg+xml")
    assert "default-src 'none'" in served.headers["content-security-policy"]
    (tmp_path / "logo.svg").write_bytes(b"<svg><script>1</script></svg>")
    assert client.get("/logo").status_code == 404 and "<img" not in client.get("/t/unknown").text
    assert office.browser().get("/logo").status_code == 404


def test_an_answer_that_the_case_left_behind_is_still_found(office: Office) -> None:
    case = office.start(Contact("Ana Ruiz", "ana@families.example"))
    client = office.browser()
    path = office.enter(client, case)
    assert client.post(path, data=hidden(client.get(path).text) | ANSWER).status_code == 303
    with office.house.store.read() as unit:
        assert unit.case(case.id).task(path.rsplit("/", 1)[1]) is None
    assert "Carla Mendez answered this on Monday, September 14, 2026" in client.get(path).text


def test_own_tasks_of_every_case_stand_on_one_page_and_others_do_not(office: Office) -> None:
    first, second = (office.start(Contact(name, f"{name}@families.example")) for name in ("ana", "bo"))
    client = office.browser()
    path = office.enter(client, first)
    page = client.get("/mine").text
    assert first.id in page and second.id in page
    client.post(path, data=hidden(client.get(path).text) | ANSWER)
    assert client.get("/mine").text.index(second.id) < client.get("/mine").text.index("Only when it happens")
    assert office.house.store.views.cases_of("hugo") == ()


def test_a_page_of_very_many_tasks_has_the_most_pressing_and_counts_the_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = (office.start(Contact(name, f"{name}@families.example")) for name in ("ana", "bo", "cy"))
    client = office.browser()
    office.enter(client, first)
    assert "also wait for you" not in client.get("/mine").text
    monkeypatch.setattr("web.lines.MOST", 1)
    page = client.get("/mine").text
    assert "come up here as these are done: 2." in page and page.count("Check who asks") == 1


def test_a_fresh_link_comes_by_mail_to_the_address_on_file(office: Office) -> None:
    case = office.start(Contact("Ana Ruiz", "ana@families.example"))
    asked = mail_to(office.sink, CARLA, f"Case {case.id}")
    assert asked is not None
    office.clock.now += dt.timedelta(days=200)
    client = office.browser()
    assert client.get(link_in(asked)).status_code == 410
    assert client.post(f"{link_in(asked)}/fresh").status_code == 200
    beat_until_quiet(office.heart)
    fresh = mail_to(office.sink, CARLA, "a fresh link")
    assert fresh is not None and link_in(fresh) != link_in(asked)
    assert client.get(link_in(fresh)).status_code == 200


def test_a_reader_without_an_address_is_told_by_a_letter_to_print(office: Office) -> None:
    case = office.start(Contact("Ana Ruiz", address="12 Oak St"))
    client = office.browser()
    office.enter(client, case)
    posting = re.search(r'href="(/task/[^"]+)"><strong>Print the letter', client.get("/mine").text)
    assert posting is not None, client.get("/mine").text
    letter = client.get(f"{posting.group(1)}/letter")
    assert letter.status_code == 200
    assert "12 Oak St" in letter.text and f"Case {case.id}" in letter.text and "http://" not in letter.text


def test_metrics_are_for_this_machine_and_those_named(office: Office) -> None:
    beat_until_quiet(office.heart)
    settings = replace(office.house.settings, trusted_proxies=("127.0.0.1",), metrics_from=("10.0.0.7",))
    app: Any = pages(replace(office.house, settings=settings))

    def status(peer: str, host: str, **headers: str) -> int:
        client = TestClient(app, base_url=f"http://{host}", client=(peer, 40000))
        return client.get("/metrics", headers=headers).status_code

    assert status("127.0.0.1", "127.0.0.1:8080") == 200
    assert status("127.0.0.1", "privacy.example.org") == 404  # a web server in front that is silent about its visitor
    assert status("127.0.0.1", "localhost", **{"X-Forwarded-For": "203.0.113.9"}) == 404
    assert status("127.0.0.1", "privacy.example.org", **{"X-Forwarded-For": "10.0.0.7"}) == 200
    assert status("10.0.0.7", "privacy.example.org") == 200
    assert status("203.0.113.9", "localhost", **{"X-Forwarded-For": "10.0.0.7"}) == 404
    said = TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 40000)).get("/metrics")
    assert said.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'soppa_level{look="daemon"} 0\n' in said.text and "example" not in said.text


def test_people_of_the_district_see_that_no_mail_leaves(office: Office) -> None:
    case = office.start(Contact("Ana Ruiz", "ana@families.example"))
    client = office.browser()
    task = office.enter(client, case)
    assert "No mail has left" not in client.get("/mine").text
    office.house.store.outbox.notify("person:priya", "code", None, {"code": "1"}, NOON)
    office.clock.now = NOON + dt.timedelta(minutes=61)
    said = "No mail has left since Monday, September 14, 2026, 12:00 pm."
    for path in ("/mine", task, f"/vouch/{case.id}", "/start/vendor_sponsorship", "/task/unknown", "/nowhere"):
        assert said in client.get(path).text, path
    assert client.post(task, data=hidden(client.get(task).text)).text.count(said) == 1
    done = client.post(task, data=hidden(client.get(task).text) | ANSWER).headers["location"]
    assert said in client.get(done).text and said in client.get(task).text
    assert "What a mail would have told besides" not in client.get("/mine").text
    failed = {"at": NOON.isoformat(), "says": "the disk is full"}
    office.house.store.set_mark(BACKUP_FAILED, json.dumps(failed))
    assert "besides: backup: the one of 2026-09-14 17:00 UTC failed: the disk is full." in client.get("/mine").text


def test_nobody_outside_learns_that_no_mail_leaves(office: Office) -> None:
    case = office.start(Contact("Ana Ruiz", "ana@families.example"))
    receipt = mail_to(office.sink, "ana@families.example", case.id)
    assert receipt is not None
    parent, link = office.browser(), link_in(receipt)
    parent.post(f"{link}/code")
    status = str(parent.post(f"{link}/enter", data={"code": office.code("ana@families.example")}).headers["location"])
    office.house.store.outbox.notify("person:priya", "code", None, {"code": "1"}, NOON)
    office.clock.now = NOON + dt.timedelta(minutes=61)
    assert "Where your case stands" in parent.get(status).text
    for client, path in ((parent, status), (parent, "/nowhere"), (office.browser(), "/signin"), (parent, "/task/x")):
        page = client.get(path).text
        assert "No mail has left" not in page and "Your open tasks" not in page, path
        assert "Questions? Priya Raman, privacy@prairie-creek.example, 555-0100" in re.sub(r"<[^>]+>", "", page)
        assert 'href="tel:5550100"' in page and 'href="mailto:privacy@prairie-creek.example"' in page


def test_what_has_passed_says_so_beside_its_date(office: Office) -> None:
    case = office.start(Contact("Ana Ruiz", "ana@families.example"))
    client = office.browser()
    office.clock.now = NOON + dt.timedelta(days=6, hours=22)
    task = office.enter(client, case)
    assert "late" not in client.get("/mine").text
    office.clock.now += dt.timedelta(days=1)
    assert client.get("/mine").status_code == 303
    office.enter(client, case)
    mine, page = client.get("/mine").text, client.get(task).text
    assert '<b class="late">1 day late</b>' in mine and "Legal deadline: Thursday, December 10, 2026" in mine
    assert "1 day late" in page
