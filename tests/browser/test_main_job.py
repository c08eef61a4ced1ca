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


def begin(home: Path, parent: str) -> str:
    """A correction begun in the terminal; answers its number."""
    facts = ("received_on=2026-11-02", "item=Date", f"parent={parent}")
    given = [word for fact in facts for word in ("-f", fact)]
    begun = soppa(home, "start", "correction_request", "--sure", "--as", "priya", *given, "--json")
    assert begun.returncode == 0, begun.stderr
    return str(json.loads(begun.stdout)["case"])


def test_a_task_is_done_on_the_page_with_a_code_from_a_real_mail(tmp_path: Path, sink: MailSink, page: Page) -> None:
    home = sample_home(tmp_path, sink, free_port())
    case = begin(home, "Ana Ruiz <ana.ruiz@families.example>")
    with running(home, "serve"):
        asked = until(lambda: mail_to(sink, CARLA, f"Case {case}"), "the task mail")
        link = link_in(asked)
        until(lambda: page.goto(link) if _answers(page, link) else None, "the page")
        page.get_by_role("button", name="E-mail me a code").click()
        coded = until(lambda: mail_to(sink, CARLA, "Your code"), "the code")
        code = re.search(r"Your code is (\d+)", coded.part("plain"))
        assert code is not None
        page.get_by_label("Code from the e-mail").fill(code.group(1))
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


def test_a_parent_reads_where_the_case_stands_in_spanish(tmp_path: Path, sink: MailSink, page: Page) -> None:
    home = sample_home(tmp_path, sink, free_port())
    case = begin(home, "Ana Ruiz <ana.ruiz@families.example>; language=es")
    with running(home, "serve"):
        receipt = until(lambda: mail_to(sink, "ana.ruiz@families.example", f"Caso {case}"), "the receipt")
        link = link_in(receipt)
        until(lambda: page.goto(link) if _answers(page, link) else None, "the page")
        page.get_by_role("button", name="Enviarme un código").click()
        coded = until(lambda: mail_to(sink, "ana.ruiz@families.example", "código"), "the code")
        code = re.search(r"Su código es (\d+)", coded.part("plain"))
        assert code is not None
        page.get_by_role("textbox").fill(code.group(1))
        page.get_by_role("button", name="Abrir la página").click()
        assert page.url.endswith(f"/status/{case}")
        expect(page.locator("html")).to_have_attribute("lang", "es")
        expect(page.get_by_text(f"Caso {case}").first).to_be_visible()
        expect(page.get_by_text("Carla Mendez")).to_have_count(0)


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
