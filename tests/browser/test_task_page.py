"""A task done in a real browser on a phone's width, without scripts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Page, expect

from engine.model.case import Actor, Case, Contact, FactValue
from tests.browser.conftest import PHONE
from tests.integration.pages import Pages, open_pages
from tests.office import PEOPLE


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Pages, str]]:
    """The pages on a free port of this machine."""
    pages = open_pages(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        server = uvicorn.Server(uvicorn.Config(pages.app(url), log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [free]}, daemon=True)
        thread.start()
        yield pages, url
        server.should_exit = True
        thread.join(10)
    pages.store.close()


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the screen."""
    return int(page.locator("html").bounding_box()["width"]) - PHONE["width"]  # type: ignore[index]


def test_a_custodian_answers_a_task_on_a_phone(served: tuple[Pages, str], page: Page) -> None:
    pages, url = served
    case = pages.start()
    page.goto(f"{url}/t/{pages.link(case, 'person:cus', 'verify')}")
    page.get_by_role("button", name="E-mail me a code").click()
    page.get_by_label("Code from the e-mail").fill(pages.code())
    page.get_by_role("button", name="Open the page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check who asks and whether the request is complete")
    page.get_by_label("Complete", exact=True).check()
    page.get_by_role("button", name="Send my answer").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing is recorded yet")
    page.get_by_label("Parent or guardian").check()
    page.get_by_role("group", name="Identity and relationship are checked").get_by_label("Yes").check()
    page.get_by_role("textbox", name="Where it was seen").fill("Reading app")
    page.get_by_role("textbox", name="What it should say").fill("2015-04-02")
    page.get_by_label("Who answers for this data").select_option("Dan Owner")
    page.get_by_role("button", name="Send my answer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    assert pages.case(case.id).state == "asking_owner"


def test_every_control_can_be_reached_and_pressed_on_a_phone(served: tuple[Pages, str], page: Page) -> None:
    pages, url = served
    page.goto(f"{url}/t/{pages.link(pages.start(), 'person:cus', 'verify')}")
    page.get_by_role("button", name="E-mail me a code").click()
    page.get_by_label("Code from the e-mail").fill(pages.code())
    page.get_by_role("button", name="Open the page").click()
    assert overflow(page) <= 0
    for control in page.locator("button, select, textarea, input[type=file], label.choice").all():
        box = control.bounding_box()
        assert box is not None and box["height"] >= 44
        assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]


def test_the_skip_link_is_the_first_stop_of_the_keyboard(served: tuple[Pages, str], page: Page) -> None:
    _, url = served
    page.goto(f"{url}/nowhere")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()


def sponsored(pages: Pages) -> Case:
    """A sponsorship that waits for the vendor's five items."""
    dan, ada = (Actor("person", who, PEOPLE[who].name, PEOPLE[who].roles) for who in ("dan", "ada"))
    case = pages.service.start("vendor_sponsorship", {"sponsor": "dan"}, {}, ada, pages.now)
    asked: dict[str, FactValue] = {
        "product": "Reader", "product_url": "https://reader.example", "vendor_name": "Reader Inc", "schools": "Oak",
        "vendor_contact": (Contact("Vera", "vera@vendor.example"),), "grades": frozenset({"k_2"}), "purpose": "Reading",
        **dict.fromkeys(("login", "students_involved", "data_exchanged"), "yes"),
        **dict.fromkeys(("uses_ai", "connects", "in_person", "messaging"), "no"),
    }  # fmt: skip
    for task, outcome, values, actor in (("ask", "send", asked, dan), ("triage", "agreement", {}, ada)):
        opened = pages.case(case.id).open_task(task)
        assert opened is not None
        pages.service.complete_task(opened.id, outcome, values, actor, pages.now)
    return pages.case(case.id)


def test_a_vendor_ticks_data_elements_in_groups_that_open_without_scripts(
    served: tuple[Pages, str], page: Page
) -> None:
    pages, url = served
    page.goto(f"{url}/t/{pages.link(sponsored(pages), 'party:operator', 'send_package')}")
    page.get_by_role("button", name="E-mail me a code").click()
    page.get_by_label("Code from the e-mail").fill(pages.code())
    page.get_by_role("button", name="Open the page").click()
    photos = page.get_by_label("Photos", exact=True)
    expect(photos).to_be_hidden()
    page.get_by_text("Illinois covered information (23 IAC 380.5)").click()
    photos.check()
    page.get_by_role("button", name="Send").first.click()
    expect(page.get_by_role("alert")).to_contain_text("Order form")
    expect(page.get_by_label("Photos", exact=True)).to_be_checked()
    expect(page.get_by_label("Grade level", exact=True)).to_be_hidden()
    assert overflow(page) <= 0


def test_what_is_wrong_has_the_focus_and_stands_in_the_title(served: tuple[Pages, str], page: Page) -> None:
    pages, url = served
    page.goto(f"{url}/t/{pages.link(pages.start(), 'person:cus', 'verify')}")
    page.get_by_role("button", name="E-mail me a code").click()
    page.get_by_label("Code from the e-mail").fill("000000")
    page.get_by_role("button", name="Open the page").click()
    expect(page).to_have_title("Error: First, a code · Sample District 1")
    expect(page.get_by_label("Code from the e-mail")).to_be_focused()
    page.get_by_label("Code from the e-mail").fill(pages.code())
    page.get_by_role("button", name="Open the page").click()
    page.get_by_role("button", name="Send my answer").click()
    expect(page.get_by_role("alert")).to_be_focused()
    assert page.title().startswith("Error: Check who asks")
