"""Agreements and last answers on the pages of a task."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from engine.model.case import Case, FactValue, TableRow
from engine.service import Service
from registry.values import NEW
from tests.integration.pages import START, Pages, open_pages
from tests.integration.stored import ANN
from tests.integration.test_pages import browser, sign_in
from tests.office import actor, office
from tests.registers import CHECK_IN, DELETION, ORDER, Shelf, compiled

D = dt.date


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    made = open_pages(tmp_path)
    shelf = Shelf(compiled(CHECK_IN), compiled(DELETION, order=ORDER))
    made = replace(made, service=Service(made.store, shelf, lambda people: office()))
    for product in ("Acme Maths", "Zed Notes"):
        write(made, {"operator": product.split()[0], "product": product, "type": "other", "signed_on": D(2024, 3, 1)})
    yield made
    made.store.close()


def write(pages: Pages, values: Mapping[str, FactValue]) -> None:
    with pages.store.begin() as unit:
        writer = unit.register_writer(ANN, START, "import")
        writer.enter(values, agreement=NEW)
        writer.flush()


def opened(pages: Pages, case: Case, task: str, person: str) -> str:
    """The page of a task as somebody sees it who has shown a code."""
    client = browser(pages)
    return client.get(sign_in(client, pages, pages.link(case, f"person:{person}", task))).text


def test_a_task_offers_the_agreements_the_likeliest_first(pages: Pages) -> None:
    facts: Mapping[str, FactValue] = {"received_on": D(2026, 9, 11), "about": "the notes app of Zed"}
    case = pages.service.start("deletion", facts, {}, actor("cus"), pages.now)
    page = opened(pages, case, "find", "cus")
    assert page.index("A-0002: Zed Notes – Zed") < page.index("A-0001: Acme Maths – Acme")


def test_last_answers_fill_the_form_and_stand_beside_the_new_ones(pages: Pages) -> None:
    same = (TableRow("data", {"state": "same"}), TableRow("security", {"state": "same"}))
    changed = (TableRow("data", {"state": "changed", "what": "Photos"}), same[1])
    facts: Mapping[str, FactValue] = {"agreement": "A-0001", "cycle_on": D(2026, 12, 1), "why": "yearly"}
    first = pages.service.start("check_in", facts, {}, actor("ada"), pages.now)
    first = done(pages, first, "attest", "sent", uses=12, changed=False, areas=same)
    first = done(pages, first, "review", "fine", attested_on=D(2026, 9, 14))
    second = pages.service.start("check_in", facts, {}, actor("ada"), pages.now, first.id)
    page = opened(pages, second, "attest", "ada")
    assert page.count("last answer, of Monday, September 14, 2026") == 3
    assert 'name="uses" value="12"' in page
    second = done(pages, second, "attest", "sent", uses=40, changed=False, areas=changed)
    page = opened(pages, second, "review", "ada")
    assert "<del>12</del>" in page and "<ins>40</ins>" in page
    assert "unchanged (last answer, of Monday, September 14, 2026)" in page
    assert "<del>Data – State: same</del>" in page
    assert "<ins>Data – State: changed; What: Photos</ins>" in page
    assert "<del>Security" not in page


def done(pages: Pages, case: Case, task: str, outcome: str, **values: FactValue) -> Case:
    found = case.open_task(task)
    assert found is not None
    return pages.service.complete_task(found.id, outcome, values, actor("ada"), pages.now)
