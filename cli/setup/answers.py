"""The answers of a set-up: settings, people, and when the agencies' addresses were looked up. One document, which a
file given with `--from` and the answers kept of a try that was stopped share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cli.settings import settings_of
from cli.setup.document import Plain, lines, plain
from cli.staff.people import COLUMNS, OPTIONAL, REQUIRED, check_links, check_unique, faults_of_row, person_of
from engine import nodes
from engine.errors import FaultyInput
from engine.faults import Fault
from engine.nodes import Faults, MapNode, Node
from workflows.reader import read_file

if TYPE_CHECKING:
    from engine.model.office import Person

PEOPLE, LOOKED_UP = "people", "agencies_looked_up_on"
Cells = dict[str, str]


@dataclass(slots=True)
class Answers:
    """What has been answered so far. `people` are rows as in the CSV file of `soppa people import`."""

    settings: dict[str, Plain] = field(default_factory=dict)
    people: list[Cells] = field(default_factory=list)
    looked_up_on: str = ""

    def persons(self) -> list[Person]:
        """Raises `UsageError` for a deputy who is nobody, or a login of two."""
        found = [person_of(cells) for cells in self.people]
        check_links(found)
        check_unique(found)
        return found


def read_answers(path: Path, folder: Path) -> Answers:
    """The answers in a file, all faults at once; `folder` is the home that relative paths begin at.

    Raises `FaultyInput` and `UsageError`.
    """
    node, faults = read_file(path), Faults()
    if not isinstance(node, MapNode):
        raise FaultyInput([Fault(node.mark, "the answers must be a block of keys: district, zone, people …")])
    answers = _read(node, faults)
    kept = tuple((key, value) for key, value in node.entries if key.text not in (PEOPLE, LOOKED_UP))
    settings_of(MapNode(kept, node.mark), folder, faults)
    faults.raise_if_any()
    answers.persons()
    return answers


def read_kept(path: Path) -> Answers:
    """The answers of a try that was stopped, whatever is missing yet; none where there was no try."""
    if not path.is_file():
        return Answers()
    node, faults = read_file(path), Faults()
    answers = _read(node, faults) if isinstance(node, MapNode) else Answers()
    faults.raise_if_any()
    return answers


def written(answers: Answers) -> str:
    """The document that `read_kept` reads again."""
    people: list[Plain] = [{key: cell for key, cell in cells.items() if cell} for cells in answers.people]
    whole: dict[str, Plain] = dict(answers.settings)
    if people:
        whole[PEOPLE] = people
    if answers.looked_up_on:
        whole[LOOKED_UP] = answers.looked_up_on
    return "\n".join(["# Answers of a set-up that is not done: soppa setup goes on with them.", *lines(whole)]) + "\n"


def _read(node: MapNode, faults: Faults) -> Answers:
    settings = {key.text: plain(value) for key, value in node.entries if key.text not in (PEOPLE, LOOKED_UP)}
    people = [cells for item in nodes.items(node.get(PEOPLE), faults, PEOPLE) if (cells := _cells(item, faults))]
    _refuse_twice(people, node.get(PEOPLE), faults)
    looked_up: dt.date | None = nodes.date(node.get(LOOKED_UP), faults, LOOKED_UP)
    return Answers(settings, people, looked_up.isoformat() if looked_up else "")


def _cells(node: Node, faults: Faults) -> Cells | None:
    """A person as the cells of a row; roles may stand in a list or in one text."""
    before = len(faults.found)
    top = nodes.fields(node, faults, required=REQUIRED, optional=OPTIONAL, what="a person")
    cells = dict.fromkeys(COLUMNS, "") | {key: _cell(value, key, faults) for key, value in top.items()}
    if len(faults.found) == before:
        for message in faults_of_row(cells):
            faults.add(node, message)
    return cells if len(faults.found) == before else None


def _cell(node: Node, what: str, faults: Faults) -> str:
    if what == "roles" and not isinstance(node, nodes.Scalar):
        return " ".join(nodes.each(node, faults, lambda item, found: nodes.text(item, found, what), what))
    return (nodes.text(node, faults, what) or "").strip()


def _refuse_twice(people: Iterable[Mapping[str, str]], node: Node | None, faults: Faults) -> None:
    seen: set[str] = set()
    for cells in people:
        if cells["id"] in seen and node is not None:
            faults.add(node, f"people: the id '{cells['id']}' is there twice: give each person one of their own")
        seen.add(cells["id"])
