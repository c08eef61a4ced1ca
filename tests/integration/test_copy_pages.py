"""What a parent sees of a request for a copy: where each part stands, and the copy after a second channel."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from engine.model.case import Case, Contact, FactValue
from tests.integration.pages import Pages, open_pages
from tests.integration.test_pages import browser, sign_in
from tests.integration.test_second import PARENT, answer, mails_leave
from tests.office import actor

DAY = dt.date(2026, 9, 11)
CHECKED: Mapping[str, FactValue] = {
    "requester_kind": "parent", "identity_ok": True, "protection": "none", "wish": "copy", "format": "electronic",
    "student": "Leo Parent", "school": "Lincoln", "address": "12 Oak St", "phone": "555-0100", "signed_on": DAY,
    "complete_on": DAY,
}  # fmt: skip


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    opened = open_pages(tmp_path)
    yield opened
    opened.store.close()


def ready(pages: Pages) -> Case:
    """A request in Spanish whose covered information can be fetched, while the other part is still collected."""
    facts: Mapping[str, FactValue] = {"received_on": DAY, "wanted": "Everything in Reader"}
    parties = {"parent": Contact("Pat Parent", "pat@home.example", "es")}
    case = pages.service.start("copy_inspection", facts, parties, actor("cus"), pages.now)
    case = answer(pages, case, "verify", "complete", "cus", **CHECKED)
    case = answer(pages, case, "classify", "both", "cus", data_owner="dan", directive="All", earlier_requests=0)
    case = answer(pages, case, "gather_covered", "gathered", "dan")
    case = answer(pages, case, "redact_covered", "file", "cus", covered_clean=True, covered_note="Answers of Leo",
                  covered_file="copy.pdf")
    mails_leave(pages)
    return pages.case(case.id)


def test_a_parent_reads_where_each_part_stands(pages: Pages) -> None:
    case = ready(pages)
    client = browser(pages)
    page = client.get(sign_in(client, pages, pages.link(case, PARENT, None), "s")).text
    told = re.sub(r"<[^>]+>|\s+", " ", page)
    assert re.search(r"Expedientes escolares\s+En preparación", told)
    assert re.search(r"Los demás datos sobre el estudiante\s+Puede recoger su copia", told)
    assert "Recoger su copia: los demás datos sobre el estudiante" in told
    assert "Pedir que se corrija algo que vio" in told


def test_the_copy_is_behind_a_second_channel(pages: Pages) -> None:
    case = ready(pages)
    client = browser(pages)
    path = sign_in(client, pages, pages.link(case, PARENT, "fetch_covered", level="second"))
    assert "Answers of Leo" not in client.get(path).text
    assert client.get(f"{path}/document/covered_file").status_code in (401, 403, 404)
    pages.store.links.confirm_second(case.id, PARENT, "in_person", actor("cus"), pages.now)
    shown = client.get(path).text
    assert "Answers of Leo" in shown and f"{path}/document/covered_file" in shown


def test_what_the_parent_saw_starts_a_correction_with_todays_date(pages: Pages) -> None:
    case = ready(pages)
    task = case.open_task("tell_mistake")
    assert task is not None
    parent = browser(pages)
    path = sign_in(parent, pages, pages.link(case, PARENT, "tell_mistake"))
    fields = dict(re.findall(r'<input type="hidden" name="(_\w+)" value="([^"]*)">', parent.get(path).text))
    assert parent.post(path, data=fields | {"_outcome": "told", "mistake": "The birth date"}).status_code == 303
    while pages.service.advance(pages.now):
        pass
    correction = pages.case("2026-0002")
    assert (correction.process, correction.facts["item"]) == ("correction_request", "The birth date")
    assert correction.facts["received_on"] == dt.date(2026, 9, 14)
    assert pages.case(case.id).open_task("tell_mistake") is not None
