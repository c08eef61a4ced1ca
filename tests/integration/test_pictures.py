"""Pictures and pages of the processes: current, drawable, and true to where a case stands."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from cli.pictures.dot import dot, svg
from cli.pictures.graph import picture_of
from cli.pictures.mermaid import mermaid
from cli.pictures.page import COMMAND, pages
from engine.deciding.decide import start
from engine.model.case import Contact
from engine.model.messages import StartCase
from tests.office import actor, office
from workflows import Catalogue

CATALOGUE = Catalogue()
DOCS = Path(__file__).parents[2] / "docs" / "processes"


def test_the_pages_are_current() -> None:
    wanted = pages(CATALOGUE)
    assert {path.name for path in DOCS.glob("*.md")} == set(wanted), f"run {COMMAND}"
    stale = [name for name, text in wanted.items() if (DOCS / name).read_text("utf-8") != text]
    assert not stale, f"run {COMMAND}"


@pytest.mark.parametrize("process", CATALOGUE.processes())
def test_a_picture_shows_every_state_and_every_citation(process: str) -> None:
    definition = CATALOGUE.newest(process)
    drawn = svg(picture_of(definition))
    words = " ".join(" ".join(Xml.fromstring(drawn).itertext()).split())  # noqa: S314 - our own picture
    assert all(clock.rule.id in re.sub(r"-\s", "-", words) for clock in definition.clocks.values())
    text = mermaid(picture_of(definition))
    assert all(f" as {state.replace('.', '__')}" in text for state in definition.states)
    assert "<title>" in drawn
    assert "<desc>States: " in drawn


def test_a_case_is_marked_where_it_stands_with_its_dates() -> None:
    definition = CATALOGUE.newest("correction_request")
    received = dt.date(2027, 3, 1)
    begin = StartCase("2027-0001", actor("cus"), {"received_on": received, "item": "x"}, {"parent": Contact("P", None)})
    case = start(definition, begin, dt.datetime(2027, 3, 1, 18, tzinfo=dt.UTC), office()).case
    picture = picture_of(definition, case, frozenset({"opening", "received"}))
    assert picture.here == {"received"}
    assert "class received here" in mermaid(picture)
    assert any(line.endswith("Tue Jun 1 2027, running") for line in picture.clocks)
    assert "penwidth=4" in dot(picture)


def test_what_leads_to_an_end_from_nearly_everywhere_is_a_line_of_its_box() -> None:
    picture = picture_of(CATALOGUE.newest("vendor_sponsorship"))
    (box,) = [box for box in picture.boxes if box.ways_in]
    assert (box.title, box.ways_in) == ("Not pursued", ("Stop: from 14 states",))
    assert not [arrow for arrow in picture.arrows if "Stop" in arrow.words]
    assert "Stop – from 14 states" in mermaid(picture)


def test_the_lines_of_a_box_stand_in_its_middle_whatever_the_font() -> None:
    drawn = svg(picture_of(CATALOGUE.newest("deletion_request")))
    nodes = re.findall(r'<g id="node\d+" class="node">\n<title>([^<]*)</title>(.*?)</g>', drawn, flags=re.DOTALL)
    assert {name for name, inside in nodes if 'text-anchor="start"' in inside} == {"clocks"}
