"""A second channel before anything about a child is shown: visit, call-back or a letter's code, once for a case."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from engine.model.case import Actor, Case, Contact, FactValue
from tests import outgoing
from tests.integration.pages import Pages, open_pages
from tests.integration.test_pages import browser, hidden, sign_in
from tests.office import PEOPLE, actor

REASONS = "The register of births agrees with us"
PARENT = "party:parent"


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    opened = open_pages(tmp_path)
    yield opened
    opened.store.close()


def answer(pages: Pages, case: Case, name: str, outcome: str, by: str | Actor, **values: FactValue) -> Case:
    task = case.open_task(name)
    assert task is not None, name
    return pages.service.complete_task(task.id, outcome, values, actor(by) if isinstance(by, str) else by, pages.now)


def mails_leave(pages: Pages) -> None:
    """Every mail is accepted, and each case hears of it."""
    for row in pages.store.outbox.claim(pages.now, 100):
        outgoing.prepared(pages.store.outbox, row, address="x@home.example", message_id=f"<{row.id}@d.example>",
                          raw=b"mail", now=pages.now)
        outgoing.handing_over(pages.store.outbox, row, pages.now)
        pages.store.outbox.settle(row, "accepted", "250 ok", pages.now)
    while pages.service.advance(pages.now):
        pass


def verified(pages: Pages, language: str = "en") -> Case:
    """A case in which the custodian decides next."""
    case = answer(pages, pages.start(language), "verify", "complete", "cus", requester_kind="parent", identity_ok=True,
                  where_seen="Reader", right_value="2015-04-02", data_owner="dan")
    return answer(pages, case, "advise", "answered", "dan", owner_view="right", owner_basis="Register")


def decided(pages: Pages, language: str = "en") -> Case:
    """A case that ended in reasons, which the parent may read."""
    case = answer(pages, verified(pages, language), "decide", "no_inaccuracy", "cus", basis="Register",
                  reasons=REASONS, is_school_record=True, subject="fact")
    mails_leave(pages)
    return pages.case(case.id)


def disputed(pages: Pages, above: Case) -> Case:
    """The case of an operator of it that was found to be right, so that the parent may read why."""
    holders = (Contact("Acme", "privacy@acme.example"),)
    answer(pages, above, "decide", "wrong_outside", "cus", basis="x", outside_holders=holders)
    mails_leave(pages)
    case = answer(pages, pages.case("2026-0002"), "notify", "send", "cus")
    case = answer(pages, case, "answer", "dispute", Actor("party", "operator", "Acme"), dispute_reason="It is right")
    case = answer(pages, case, "legal_opinion", "decided", "leg", legal_view="accept")
    case = answer(pages, case, "privacy_opinion", "decided", "ada", privacy_view="accept")
    case = answer(pages, case, "write_reason", "written", "cus", ended_reason=REASONS)
    mails_leave(pages)
    return pages.case(case.id)


def parent(pages: Pages, case: Case) -> tuple[TestClient, str]:
    client = browser(pages)
    return client, sign_in(client, pages, pages.link(case, PARENT, "ask_hearing", level="second"))


def staff(pages: Pages, person: str = "cus") -> TestClient:
    client = browser(pages)
    client.post("/signin", data={"email": PEOPLE[person].email})
    assert client.post("/signin/enter", data={"email": PEOPLE[person].email, "code": pages.code()}).status_code == 303
    return client


def vouch(client: TestClient, case: Case, how: str, party: str = "parent") -> tuple[int, str]:
    page = client.get(f"/vouch/{case.id}").text
    answer = client.post(f"/vouch/{case.id}", data=hidden(page) | {"party": party, "how": how})
    return answer.status_code, answer.text


@pytest.mark.parametrize(("language", "words"), [("en", "Choose one of these"), ("es", "Elija una de estas tres")])
def test_a_mailed_code_alone_shows_the_parent_what_to_do_and_nothing_of_the_child(
        pages: Pages, language: str, words: str) -> None:
    client, path = parent(pages, decided(pages, language))
    page = client.get(path)
    assert page.status_code == 403 and words in page.text
    assert REASONS not in page.text and "birth" not in page.text
    assert client.post(path, data=hidden(page.text) | {"_outcome": "ask"}).status_code == 303
    assert client.get(path).status_code == 403


@pytest.mark.parametrize("how", ["in_person", "call_back"])
def test_the_custodian_says_how_they_made_sure_and_the_page_opens_once_for_the_case(pages: Pages, how: str) -> None:
    case = decided(pages)
    client, path = parent(pages, case)
    assert vouch(staff(pages), case, how)[0] == 303
    assert REASONS in client.get(path).text
    line = pages.store.views.history(case.id)[-1]
    assert (line.kind, line.actor, line.detail["how"]) == ("second_confirmed", "person:cus", how)
    again, same = parent(pages, case)
    assert REASONS in again.get(same).text
    assert "has shown who they are" in staff(pages).get(f"/vouch/{case.id}").text


def test_the_custodian_may_say_so_on_any_task_of_the_case(pages: Pages) -> None:
    case = pages.start()
    client = browser(pages)
    path = sign_in(client, pages, pages.link(case, "person:cus", "verify"))
    page = client.get(path).text
    forms = re.findall(r'<form method="post" action="(/vouch/[^"]+)"[^>]*>(.*?)</form>', page, re.DOTALL)
    ((action, form),) = forms
    answer = client.post(action, data=dict(re.findall(r'name="(\w+)" value="([^"]*)">', form)) | {"how": "in_person"})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert pages.store.links.second_confirmed(case.id, PARENT)


def test_the_code_of_a_posted_letter_opens_the_page_once_it_is_typed_right(pages: Pages) -> None:
    case = decided(pages)
    client, path = parent(pages, case)
    status, letter = vouch(staff(pages), case, "letter")
    code = re.search(r"\d{5} \d{5}", letter)
    assert status == 200 and code is not None and "Pat Parent" in letter and "October 14, 2026" in letter
    assert client.get(path).status_code == 403
    form = hidden(client.get(path).text)
    wrong = client.post(f"{path}/letter-code", data=form | {"code": "00000 00000"})
    assert wrong.status_code == 422 and "ten digits" in wrong.text
    assert client.post(f"{path}/letter-code", data=form | {"code": code[0].replace(" ", "")}).status_code == 303
    assert REASONS in client.get(path).text
    line = pages.store.views.history(case.id)[-1]
    assert (line.actor, line.detail["how"]) == ("party:parent", "letter")


def test_a_letters_code_runs_out_and_a_mailed_code_is_no_letters_code(pages: Pages) -> None:
    case = decided(pages)
    _, letter = vouch(staff(pages), case, "letter")
    code = re.search(r"\d{5} \d{5}", letter)
    pages.now += dt.timedelta(days=31)
    client, path = parent(pages, case)
    form = hidden(client.get(path).text)
    assert code is not None
    assert "has expired" in client.post(f"{path}/letter-code", data=form | {"code": code[0]}).text
    client.post(f"{path}/code")
    assert client.post(f"{path}/letter-code", data=form | {"code": pages.code()}).status_code == 422


def test_who_asks_for_a_call_is_called_by_the_custodian_and_asks_once_a_day(pages: Pages) -> None:
    case = decided(pages)
    client, path = parent(pages, case)
    form = hidden(client.get(path).text)
    for _ in range(2):
        assert "We will call you" in client.post(f"{path}/call", data=form).text
    told = [(to, values) for to, kind, values in pages.mails if kind == "vouch"]
    assert told == [("person:cus", {"case": case.id})]


@pytest.mark.parametrize("person", ["dan", "ada"])
def test_only_a_custodian_vouches(pages: Pages, person: str) -> None:
    case = decided(pages)
    client = staff(pages, person)
    assert client.get(f"/vouch/{case.id}").status_code == 404
    assert client.post(f"/vouch/{case.id}", data={"party": "parent", "how": "in_person"}).status_code == 404
    assert not pages.store.links.second_confirmed(case.id, PARENT)


def test_a_custodian_finds_the_page_by_the_number_of_the_case(pages: Pages) -> None:
    case = decided(pages)
    client = staff(pages)
    assert 'action="/vouch"' in client.get("/mine").text
    assert client.get("/vouch", params={"case": f" {case.id} "}).headers["location"] == f"/vouch/{case.id}"
    assert client.get("/vouch", params={"case": "//elsewhere.example"}).headers["location"] == "/mine"
    assert client.get("/vouch/2026-9999").status_code == 404
    assert vouch(client, case, "by_guess")[0] == 404 and vouch(client, case, "in_person", "operator")[0] == 404


def test_what_was_shown_for_a_case_counts_for_the_cases_that_it_started(pages: Pages) -> None:
    above = verified(pages)
    assert vouch(staff(pages), above, "in_person")[0] == 303
    case = disputed(pages, above)
    client = browser(pages)
    path = sign_in(client, pages, pages.link(case, PARENT, "read_reasons", level="second"))
    assert REASONS in client.get(path).text


def test_a_form_for_a_parent_is_filled_with_nothing_personal_before_the_second_channel(pages: Pages) -> None:
    case = answer(pages, pages.start(), "verify", "incomplete", "cus", requester_kind="parent", identity_ok=False,
                  missing=frozenset({"identity"}))
    client = browser(pages)
    path = sign_in(client, pages, pages.link(case, PARENT, "answer"))
    page = client.get(path).text
    assert "proof of who you are" in page and "The birth date is wrong" not in page
    pages.store.links.confirm_second(case.id, PARENT, "in_person", actor("cus"), pages.now)
    assert "The birth date is wrong" in client.get(path).text


@pytest.mark.parametrize(("language", "words"), [
    ("en", "You can do this until"), ("es", "Puede hacerlo hasta el"),
])  # fmt: skip
def test_a_parents_page_says_until_when_and_that_the_district_set_that_day(
        pages: Pages, language: str, words: str) -> None:
    case = decided(pages, language)
    pages.store.links.confirm_second(case.id, PARENT, "in_person", actor("cus"), pages.now)
    client, path = parent(pages, case)
    day = {"en": "Monday, October 12, 2026", "es": "lunes, 12 de octubre de 2026"}[language]
    target = {"en": "district target", "es": "meta del distrito"}[language]
    for page in (client.get(path).text, client.get(f"/status/{case.id}").text):
        assert words in page and day in page and target in page


@pytest.mark.parametrize(("language", "words"), [
    ("en", "this is before Friday, September 11, 2026 (Date stamped when the request reached anyone in the district)"),
    ("es", "es anterior al viernes, 11 de septiembre de 2026"),
])  # fmt: skip
def test_a_date_in_a_wrong_order_is_told_beside_its_field(pages: Pages, language: str, words: str) -> None:
    pages.people = {**PEOPLE, "cus": replace(PEOPLE["cus"], language=language)}
    case = pages.start()
    client = browser(pages)
    path = sign_in(client, pages, pages.link(case, "person:cus", "withdraw"))
    page = client.post(path, data=hidden(client.get(path).text) | {"withdrawn_on": "2026-09-01"})
    assert page.status_code == 422 and words in page.text and 'id="withdrawn_on-error"' in page.text
    assert pages.case(case.id) == case


def test_a_parent_places_a_statement_with_the_record(pages: Pages) -> None:
    case = decided(pages)
    client = browser(pages)
    path = sign_in(client, pages, pages.link(case, PARENT, "give_statement"))
    answered = client.post(path, data=hidden(client.get(path).text) | {"statement": "I still disagree"})
    assert answered.status_code == 303, answered.text
    while pages.service.advance(pages.now):
        pass
    assert pages.case(case.id).facts["statement"] == "I still disagree"
