"""The page of a task that a law-enforcement hold stops: it says so before anybody does it, and when somebody tries."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.model.case import Contact
from engine.model.messages import PlaceHold
from tests.integration.pages import START, open_pages
from tests.integration.test_pages import hidden
from tests.integration.test_second import answer, staff
from tests.office import PEOPLE, actor
from tests.unit.test_regions import LETTERS, TRACKS

TODAY = START.date()


@pytest.fixture
def processes(tmp_path: Path) -> Path:
    """One process whose letter waits while a hold stands."""
    folder = tmp_path / "workflows"
    (folder / "sample" / "mails").mkdir(parents=True)
    text = TRACKS.replace("{ready: sending}", "{ready: {to: sending, holdable: true}}")
    (folder / "sample" / "process.yaml").write_text(text, encoding="utf-8")
    for name, letter in LETTERS.items():
        (folder / "sample" / "mails" / f"{name}.md").write_text(letter, encoding="utf-8")
    return folder


def test_the_page_says_that_it_waits_and_an_answer_is_told_why(tmp_path: Path, processes: Path) -> None:
    pages = open_pages(tmp_path, processes)
    parent = {"parent": Contact("Eva", "eva@example.org")}
    case = pages.service.start("sample", {"received_on": TODAY}, parent, actor("ada"), START)
    case = answer(pages, case, "assess", "confirm", "ada")
    client, task = staff(pages, "ada"), case.open_task("draft")
    assert task is not None
    assert "This has to wait" not in client.get(f"/task/{task.id}").text
    hold = PlaceHold("Sheriff", "Sgt. Roe", "27-118", TODAY, "kept", actor("leg"))
    pages.service.place_hold(case.id, hold, START)
    page = client.get(f"/task/{task.id}").text
    assert "This has to wait" in page and PEOPLE["ada"].name in page
    sent = client.post(f"/task/{task.id}", data=hidden(page) | {"_outcome": "ready"})
    assert sent.status_code == 422 and "A law-enforcement agency has asked in writing" in sent.text
    assert pages.case(case.id).open_task("draft") is not None
    pages.store.close()
