"""The page behind a nudge link: looking mails nothing, the button mails once a day, and it is the officer's alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from engine.model.case import Case
from engine.model.handed import NewLink
from tests.integration.pages import Pages, open_pages
from tests.integration.test_pages import browser, custodian, hidden, sign_in
from web.tokens import new_token, token_hash


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    opened = open_pages(tmp_path)
    yield opened
    opened.store.close()


def nudge_link(pages: Pages, case: Case, reader: str = "person:ada") -> str:
    token, task = new_token(), case.open_task("verify")
    assert task is not None
    ends = pages.now + dt.timedelta(days=14)
    pages.store.links.add_link(NewLink(token_hash(token), "nudge", case.id, reader, "code", ends, task.id, 1))
    return token


def officer(pages: Pages, case: Case) -> tuple[TestClient, str]:
    client = browser(pages)
    return client, sign_in(client, pages, nudge_link(pages, case), "n")


def nudges(pages: Pages) -> list[str]:
    return [row.recipient for row in pages.store.views.outbox() if row.mail == "nudge"]


def test_the_officer_sees_whom_it_would_reach_and_looking_mails_nothing(pages: Pages) -> None:
    case = pages.start()
    client, path = officer(pages, case)
    assert path == f"/nudge/{case.id}-1"
    page = client.get(path)
    assert page.status_code == 200 and "Cus Todian has not answered this yet." in page.text
    assert "Check who asks" in page.text and nudges(pages) == []
    assert pages.case(case.id) == case


def test_the_button_mails_once_and_says_so(pages: Pages) -> None:
    case = pages.start()
    client, path = officer(pages, case)
    form = hidden(client.get(path).text)
    sent = client.post(path, data=form)
    assert sent.status_code == 303 and nudges(pages) == ["person:cus"]
    assert "A mail to Cus Todian leaves now." in client.get(sent.headers["location"]).text
    again = client.post(path, data=form)
    assert again.status_code == 409 and "today already: once a day is enough." in again.text
    assert nudges(pages) == ["person:cus"]


@pytest.mark.parametrize("what", ["no nonce", "another site"])
def test_a_form_from_elsewhere_mails_nothing(pages: Pages, what: str) -> None:
    case = pages.start()
    client, path = officer(pages, case)
    form = hidden(client.get(path).text) if what == "another site" else {}
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} if what == "another site" else {}
    assert client.post(path, data=form, headers=headers).status_code == 403
    assert nudges(pages) == []


def test_it_is_no_page_for_a_parent_or_for_who_may_not_nudge(pages: Pages) -> None:
    case = pages.start()
    parent = browser(pages)
    sign_in(parent, pages, pages.link(case, "party:parent", None), "s")
    assert parent.get(f"/nudge/{case.id}-1").status_code == 404
    stranger = browser(pages)
    path = sign_in(stranger, pages, nudge_link(pages, case, "person:pro"), "n")
    refused = stranger.post(path, data=hidden(stranger.get(path).text))
    assert refused.status_code == 409 and "may not nudge" in refused.text and nudges(pages) == []
    assert browser(pages).get(path).status_code == 401


def test_once_it_is_answered_the_link_says_by_whom(pages: Pages) -> None:
    case = pages.start()
    client, path = officer(pages, case)
    token = nudge_link(pages, case)
    other, task = custodian(pages, case)
    page = hidden(other.get(task).text)
    fields = {"requester_kind": "parent", "identity_ok": "yes", "where_seen": "App", "right_value": "2015",
              "data_owner": "dan", "_outcome": "complete"}  # fmt: skip
    assert other.post(task, data={**page, **fields}).status_code == 303
    assert "Cus Todian answered this on" in client.get(path).text
    assert "Cus Todian answered this on" in client.get(f"/n/{token}").text


def test_an_old_link_says_where_the_new_ones_are(pages: Pages) -> None:
    case = pages.start()
    token = nudge_link(pages, case)
    pages.now += dt.timedelta(days=15)
    page = browser(pages).get(f"/n/{token}")
    assert page.status_code == 410 and "Your newest brief has a fresh one" in page.text


def test_a_task_link_is_no_nudge_link(pages: Pages) -> None:
    case = pages.start()
    assert browser(pages).get(f"/n/{pages.link(case, 'person:cus', 'verify')}").status_code == 404
    assert browser(pages).get(f"/t/{nudge_link(pages, case)}").status_code == 404
