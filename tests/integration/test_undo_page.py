"""The button that takes one's answer back, on the page that thanks for it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from engine.model.case import Case
from tests.integration.pages import Pages, open_pages
from tests.integration.test_pages import VERIFY, browser, hidden, sign_in
from web.tokens import form_nonce

MINUTE = dt.timedelta(minutes=1)
BUTTON = "Take my answer back"


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    opened = open_pages(tmp_path)
    made = opened.service.make_office
    opened.service.make_office = lambda people: replace(made(people), undo_minutes=10)
    yield opened
    opened.store.close()


def answered(pages: Pages) -> tuple[Case, TestClient, str]:
    case, client = pages.start(), browser(pages)
    path = sign_in(client, pages, pages.link(case, "person:cus", "verify"))
    assert client.post(path, data=hidden(client.get(path).text) | VERIFY).status_code == 303
    return case, client, path


def nonce(client: TestClient, path: str) -> dict[str, str]:
    form = client.get(f"{path}/done").text.partition(f'action="{path}/undo"')[2]
    return dict(re.findall(r'name="(_nonce)" value="([^"]*)"', form)[:1])


def test_the_answer_is_taken_back_and_its_form_is_there_again(pages: Pages) -> None:
    case, client, path = answered(pages)
    page = client.get(f"{path}/done").text
    assert BUTTON in page and "until 10:10" in page
    answer = client.post(f"{path}/undo", data=nonce(client, path))
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert pages.case(case.id).state == "received" and "Check who asks" in client.get(path).text
    assert client.post(path, data=hidden(client.get(path).text) | VERIFY).status_code == 303


def test_after_its_time_it_stands_and_there_is_no_button(pages: Pages) -> None:
    case, client, path = answered(pages)
    form = nonce(client, path)
    pages.now += 10 * MINUTE
    assert BUTTON not in client.get(f"{path}/done").text
    late = client.post(f"{path}/undo", data=form)
    assert late.status_code == 409 and "Your answer stands" in late.text
    assert pages.case(case.id).state == "asking_owner"


def test_without_the_forms_nonce_nothing_is_taken_back(pages: Pages) -> None:
    case, client, path = answered(pages)
    assert client.post(f"{path}/undo").status_code == 403
    assert client.get(f"{path}/undo").status_code == 405
    assert pages.case(case.id).state == "asking_owner"


def test_another_person_finds_no_button_and_gets_nowhere(pages: Pages) -> None:
    case, _, path = answered(pages)
    other = browser(pages)
    sign_in(other, pages, pages.link(pages.case(case.id), "person:dan", "advise"))
    assert BUTTON not in other.get(f"{path}/done").text
    form = {"_nonce": form_nonce(other.cookies["soppa"], f"{path}/undo")}
    assert other.post(f"{path}/undo", data=form).status_code == 409
    assert pages.case(case.id).state == "asking_owner"
