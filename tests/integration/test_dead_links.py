"""A link that was taken back because its task was given to another: it shows and changes nothing, mails no way in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from engine.model.case import Actor, Case
from tests.integration.pages import URL, Pages, open_pages
from tests.integration.test_pages import VERIFY
from tests.office import PEOPLE


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    opened = open_pages(tmp_path)
    yield opened
    opened.store.close()


def browser(pages: Pages) -> TestClient:
    own_form = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    return TestClient(pages.app(), base_url=URL, headers=own_form, follow_redirects=False)


def give_away(pages: Pages, case: Case) -> Case:
    task = case.open_task("verify")
    assert task is not None
    custodian = Actor("person", "cus", "Cus Todian", PEOPLE["cus"].roles)
    return pages.service.reassign(task.id, "ada", custodian, pages.now, "away")


def test_it_opens_nothing_and_no_code_or_fresh_link_is_mailed(pages: Pages) -> None:
    case = pages.start()
    token = pages.link(case, "person:cus", "verify")
    moved, client = give_away(pages, case), browser(pages)
    shown = client.get(f"/t/{token}")
    assert shown.status_code == 410
    assert "birth date" not in shown.text and "pat@home.example" not in shown.text
    assert client.post(f"/t/{token}/code").status_code == 410
    assert client.post(f"/t/{token}/enter", data={"code": "123456"}).status_code == 410
    assert client.post(f"/t/{token}/fresh").status_code == 200
    assert pages.mails == []
    assert pages.case(case.id) == moved


def test_a_form_that_was_open_meanwhile_is_refused(pages: Pages) -> None:
    case = pages.start()
    token, client = pages.link(case, "person:cus", "verify"), browser(pages)
    client.post(f"/t/{token}/code")
    path = client.post(f"/t/{token}/enter", data={"code": pages.code()}).headers["location"]
    forms = re.findall(r"<form.*?</form>", client.get(path).text, re.DOTALL)
    task = next(form for form in forms if "_generation" in form)
    form = dict(re.findall(r'<input type="hidden" name="(_\w+)" value="([^"]*)">', task))
    moved = give_away(pages, case)
    answer = client.post(path, data=form | VERIFY)
    assert answer.status_code == 409 and "Something has changed" in answer.text
    assert pages.case(case.id) == moved
