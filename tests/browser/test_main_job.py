"""The main job as its people do it: a case begun in the terminal, a real mail, a code from a real mail, a real page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cli.demo.sink import MailSink
from tests.processes import free_port, link_in, mail_to, running, sample_home, soppa, until

CARLA = "carla@prairie-creek.example"


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with MailSink() as opened:
        yield opened


def test_a_task_is_done_on_the_page_with_a_code_from_a_real_mail(tmp_path: Path, sink: MailSink, page: Page) -> None:
    home = sample_home(tmp_path, sink, free_port())
    facts = ("received_on=2026-11-02", "item=Date", "parent=Ana Ruiz <ana.ruiz@families.example>")
    given = [word for fact in facts for word in ("-f", fact)]
    begun = soppa(home, "start", "correction_request", "--as", "priya", *given, "--json")
    assert begun.returncode == 0, begun.stderr
    case = json.loads(begun.stdout)["case"]
    with running(home, "serve"):
        asked = until(lambda: mail_to(sink, CARLA, f"Case {case}"), "the task mail")
        link = link_in(asked)
        until(lambda: page.goto(link) if _answers(page, link) else None, "the page")
        page.get_by_role("button", name="Mail me a code").click()
        coded = until(lambda: mail_to(sink, CARLA, "Your code"), "the code")
        code = re.search(r"Your code is (\d+)", coded.part("plain"))
        assert code is not None
        page.get_by_label("Code from the mail").fill(code.group(1))
        page.get_by_role("button", name="Open the page").click()
        assert link.rsplit("/", 1)[1] not in page.url
        _fill(page)
        page.get_by_role("button", name="Send my answer").click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        shown = until(lambda: _stands_at(home, case, "asking_owner"), "the next state")
        assert shown["clocks"][0]["legal_due"] == "2027-02-01"
        page.goto(link)
        expect(page.get_by_text("Carla Mendez").first).to_be_visible()
        until(lambda: mail_to(sink, "dana@prairie-creek.example", f"Case {case}"), "the next task mail")


def _answers(page: Page, link: str) -> bool:
    try:
        return page.request.get(link).ok
    except Exception:
        return False


def _fill(page: Page) -> None:
    page.get_by_label("Complete", exact=True).check()
    page.get_by_label("Parent or guardian").check()
    page.get_by_role("group", name="Identity and relationship are checked").get_by_label("Yes").check()
    page.get_by_role("textbox", name="Where it was seen").fill("Reading app")
    page.get_by_role("textbox", name="What it should say").fill("2015-04-02")
    page.get_by_label("Who answers for this data").select_option("dana")


def _stands_at(home: Path, case: str, state: str) -> dict[str, list[dict[str, str]]] | None:
    shown: dict[str, list[dict[str, str]]] = json.loads(soppa(home, "show", case, "--json").stdout)
    return shown if shown["state"] == state else None  # type: ignore[comparison-overlap]
