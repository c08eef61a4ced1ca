"""People of the district sign in without a mail, start a case themselves, and answer once for several roles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from engine.model.case import Case
from tests.integration.pages import Pages, open_pages
from tests.integration.test_pages import browser, hidden
from tests.office import PEOPLE

TRIP = """
process: field_trip
version: 1
title: {en: Field-trip app, es: Aplicación para excursiones}
cites: [105 ILCS 85/27]
start: {needs: [teacher, product], by: [sponsor], self: teacher}
facts:
  teacher: {type: person, label: Teacher}
  product: {type: text, label: Product}
  privacy_note: {type: text, label: Privacy note}
  legal_note: {type: text, label: Legal note}
states:
  draft: {title: Draft, initial: true, tasks: [
    {id: fill, person: teacher, title: Fill it in, shows: [product], due: 5 business_days, outcomes: {send: review}}]}
  review:
    title: Review
    join: veto
    tasks:
      - {id: look_privacy, role: privacy, title: Look at privacy, form: [privacy_note], due: 5 business_days,
         outcomes: {fine: {}, no: refused}}
      - {id: look_legal, role: legal, title: Look at the terms, form: [legal_note], due: 5 business_days,
         outcomes: {fine: {}, no: refused}}
    joined: approved
  approved: {title: Approved, final: approved}
  refused: {title: Refused, final: refused}
"""
TESS = replace(PEOPLE["dan"], id="tess", name="Tess Abara", email="Tess@district.example", roles=frozenset({"sponsor"}),
               login="tess")
BOTH = {**PEOPLE, "tess": TESS, "ada": replace(PEOPLE["ada"], roles=frozenset({"privacy", "legal"}))}


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    folder = tmp_path / "own" / "field_trip"
    folder.mkdir(parents=True)
    (folder / "process.yaml").write_text(TRIP, encoding="utf-8")
    opened = open_pages(tmp_path, tmp_path / "own", BOTH)
    yield opened
    opened.store.close()


def signed_in(pages: Pages, email: str) -> TestClient:
    client = browser(pages)
    assert "a code is on its way" in client.post("/signin", data={"email": email}).text
    entered = client.post("/signin/enter", data={"email": email, "code": pages.code()})
    assert entered.headers["location"] == "/mine"
    return client


def started(pages: Pages) -> Case:
    client = signed_in(pages, "tess@district.example")
    page = client.get("/start/field_trip")
    assert 'name="product"' in page.text and 'name="teacher"' not in page.text
    begun = client.post("/start/field_trip", data={**hidden(page.text), "product": "TripTrap"})
    task = client.get(begun.headers["location"])
    assert "TripTrap" in task.text
    sent = client.post(begun.headers["location"], data={**hidden(task.text), "_outcome": "send"})
    assert sent.status_code == 303, sent.text
    return pages.case(pages.store.views.case_rows()[0].id)


def test_a_teacher_signs_in_by_address_and_starts_a_case_that_is_their_own(pages: Pages) -> None:
    case = started(pages)
    assert (case.state, case.facts["teacher"], case.initiator) == ("review", "tess", "tess")


def test_whoever_comes_to_a_page_without_a_session_signs_in_there_and_is_led_to_it(pages: Pages) -> None:
    client, form = browser(pages), {"email": TESS.email, "then": "/start/field_trip"}
    door = client.get("/start/field_trip")
    sent = client.post("/signin", data=form)
    wrong = client.post("/signin/enter", data={**form, "code": "x"})
    assert [page.status_code for page in (door, sent, wrong)] == [401, 200, 422]
    assert all('name="then" value="/start/field_trip"' in page.text for page in (door, sent, wrong))
    entered = client.post("/signin/enter", data={**form, "code": pages.code()})
    assert entered.headers["location"] == "/start/field_trip"
    assert 'name="product"' in client.get(entered.headers["location"]).text


@pytest.mark.parametrize("then", [
    "https://elsewhere.example/", "//elsewhere.example", "/start/../..//elsewhere.example", "/task/a\nb",
    "/\\elsewhere.example", "/static/style.css",
])  # fmt: skip
def test_nobody_is_led_elsewhere_by_signing_in(pages: Pages, then: str) -> None:
    client = browser(pages)
    client.post("/signin", data={"email": TESS.email, "then": then})
    entered = client.post("/signin/enter", data={"email": TESS.email, "then": then, "code": pages.code()})
    assert entered.headers["location"] == "/mine"


def test_the_list_of_ones_tasks_offers_what_one_may_start(pages: Pages) -> None:
    assert "/start/field_trip" in signed_in(pages, "tess@district.example").get("/mine").text
    assert "/start/" not in signed_in(pages, "leg@district.example").get("/mine").text


@pytest.mark.parametrize(("path", "status"), [
    ("/start/field_trip", 403), ("/start/correction_request", 404), ("/start/nothing", 404),
])  # fmt: skip
def test_nobody_starts_what_is_not_theirs_to_start(pages: Pages, path: str, status: int) -> None:
    assert signed_in(pages, "cus@district.example").get(path).status_code == status


def test_a_start_without_what_it_needs_says_so_beside_the_field(pages: Pages) -> None:
    client = signed_in(pages, "tess@district.example")
    nonce = hidden(client.get("/start/field_trip").text)
    again = client.post("/start/field_trip", data=nonce)
    assert again.status_code == 422
    assert 'id="product-error"' in again.text
    assert not pages.store.views.case_rows()


def test_an_address_that_nobody_has_looks_like_any_other_and_gets_no_mail(pages: Pages) -> None:
    client = browser(pages)
    assert "a code is on its way" in client.post("/signin", data={"email": "eve@elsewhere.example"}).text
    assert pages.mails == []
    answer = client.post("/signin/enter", data={"email": "eve@elsewhere.example", "code": "123456"})
    assert answer.status_code == 422


def test_a_wrong_code_opens_nothing(pages: Pages) -> None:
    client = browser(pages)
    client.post("/signin", data={"email": "tess@district.example"})
    wrong = f"{(int(pages.code()) + 1) % 1_000_000:06d}"
    assert client.post("/signin/enter", data={"email": "tess@district.example", "code": wrong}).status_code == 422
    assert client.get("/mine").headers["location"] == "/signin"


def test_one_page_asks_for_both_roles_and_one_answer_stands_for_each(pages: Pages) -> None:
    case = started(pages)
    client = signed_in(pages, "ada@district.example")
    task, other = case.tasks
    page = client.get(f"/task/{task.id}")
    assert "Look at the terms (legal)" in page.text and 'name="legal_note"' in page.text
    data = {**hidden(page.text), f"_facts.{other.id}": seen(page.text, other.id), "_also": other.id,
            "privacy_note": "fine", "legal_note": "fine too", "_outcome": "fine"}
    assert client.post(f"/task/{task.id}", data=data).status_code == 303
    assert pages.case(case.id).outcome == "approved"


def test_a_tick_taken_away_leaves_the_other_role_to_be_answered_apart(pages: Pages) -> None:
    case = started(pages)
    client = signed_in(pages, "ada@district.example")
    task, other = case.tasks
    page = client.get(f"/task/{task.id}")
    data = {**hidden(page.text), "privacy_note": "fine", "_outcome": "fine"}
    assert client.post(f"/task/{task.id}", data=data).status_code == 303
    after = pages.case(case.id)
    assert [one.name for one in after.tasks if one.is_open] == [other.name]


def seen(html: str, task_id: str) -> str:
    return html.split(f'name="_facts.{task_id}" value="')[1].split('"')[0]
