"""The published JSON Schema says what the loader says: the same keys, the shipped processes valid, broken ones not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import workflows
from engine import nodes
from workflows import SHIPPED, Catalogue, from_source
from workflows.keywords import ALIKE, KEYWORDS
from workflows.reader import read_file
from workflows.schema import process_schema

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = process_schema(workflows.lawbook())
BLOCKS = {
    "a process": "process",
    "fact X": "fact",
    "column X": "column",
    "party X": "party",
    "start": "start",
    "schedule": "schedule",
    "on": "schedule_on",
    "picked": "picked",
    "register X": "register",
    "clock X": "clock",
    "satisfied_by": "done_on",
    "mail X": "mail",
    "audience X": "audience",
    "child X": "child",
    "each": "each_holder",
    "a move": "move",
    "decision X": "decision",
    "a row": "row",
    "a reason": "reason",
    "region X": "region",
    "a charge": "charge",
    "counts": "counts",
    "a field": "field",
    "break_glass": "break_glass",
    "outcome X": "outcome",
    "a requirement": "requirement",
    "a way on": "way",
    "an unnoticed mutant": "unnoticed",
    "a scenario": "scenario",
    "a step": "step",
    "expect": "expect",
    "an expected clock": "expected_clock",
}
SEVERAL = {
    "state X": {"state", "inner_state"},
    "a task": {"task", "offer"},
    "due": {"due_day", "due_before"},
    "anchor": {"anchor", "anchor_earliest"},
    "after": {"after", "after_day"},
}
ELSEWHERE = re.compile(r"a calendar|a holiday|reference data|a rule pack|R-.*|ladders|a rung|a step of .*")


def keys(name: str) -> tuple[frozenset[str], frozenset[str]]:
    block = SCHEMA["$defs"][name]  # type: ignore[index]
    return frozenset(block["required"]), frozenset(block["properties"])


def test_the_schema_has_the_keys_of_the_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, set[tuple[frozenset[str], frozenset[str]]]] = {}
    real = nodes.fields

    def noted(
        node: object,
        faults: object,
        *,
        required: Iterable[str] = (),
        optional: Iterable[str] = (),
        what: str = "this block",
    ) -> object:
        must, may = frozenset(required), frozenset(optional)
        asked.setdefault(re.sub(r"'[^']*'", "X", what), set()).add((must, must | may))
        return real(node, faults, required=must, optional=may, what=what)  # type: ignore[arg-type]

    monkeypatch.setattr(nodes, "fields", noted)
    catalogue = Catalogue()
    from_source.cache_clear()  # what was compiled before is not read again
    for process in catalogue.processes():
        from_source(catalogue.source(catalogue.newest(process)))
    wanted = {what: found for what, found in asked.items() if not ELSEWHERE.fullmatch(what)}
    assert set(wanted) == set(BLOCKS) | set(SEVERAL)
    for what, name in BLOCKS.items():
        assert wanted[what] == {keys(name)}, what
    for what, names in SEVERAL.items():
        assert wanted[what] <= {keys(name) for name in names} | {(frozenset(), frozenset())}, what


def test_the_published_schema_is_current() -> None:
    published = json.loads((DOCS / "process.schema.json").read_text("utf-8"))
    assert published == json.loads(json.dumps(SCHEMA)), (
        "write it anew: soppa new-process --schema docs/process.schema.json"
    )


def loaded(path: Path) -> object:
    """As an editor that speaks YAML 1.2 reads it."""
    return typed(read_file(path))


def typed(node: nodes.Node) -> object:
    if isinstance(node, nodes.ListNode):
        return [typed(item) for item in node.items]
    if isinstance(node, nodes.MapNode):
        return {key.text: typed(value) for key, value in node.entries}
    if not node.quoted and node.text in ("true", "false", "null", ""):
        return {"true": True, "false": False}.get(node.text)
    return int(node.text) if not node.quoted and re.fullmatch(r"-?[0-9]+", node.text) else node.text


@pytest.mark.parametrize("process", Catalogue().processes())
def test_every_shipped_process_is_valid(process: str) -> None:
    found = list(Draft202012Validator(SCHEMA).iter_errors(loaded(SHIPPED / process / "process.yaml")))
    assert not found, found[:3]


@pytest.mark.parametrize(
    "name", ["unknown_key", "missing_title", "fact_type", "unknown_rule", "unknown_ladder", "due_unit"]
)
def test_a_broken_process_is_marked(name: str) -> None:
    broken = loaded(Path(__file__).parent / "broken" / f"{name}.yaml")
    assert not Draft202012Validator(SCHEMA).is_valid(broken)


@pytest.mark.parametrize("key", ["send", "start", "register"])
def test_one_name_where_the_loader_wants_a_list_is_marked(key: str) -> None:
    sound = loaded(Path(__file__).parent / "broken" / "sound.yaml")
    telling = sound["states"]["telling"]  # type: ignore[index]
    telling[key] = ["told_lent"]
    assert Draft202012Validator(SCHEMA).is_valid(sound)
    telling[key] = "told_lent"
    assert not Draft202012Validator(SCHEMA).is_valid(sound)


@pytest.mark.parametrize("name", [*KEYWORDS, *ALIKE])
def test_an_editor_says_what_each_key_of_the_usual_blocks_means(name: str) -> None:
    properties = SCHEMA["$defs"][name]["properties"]  # type: ignore[index]
    said = KEYWORDS[ALIKE.get(name, name)]
    own = set(properties) - ({"in"} if name == "offer" else set())
    assert own == set(said) - ({"parallel", "done"} if name == "inner_state" else set())
    assert all(properties[key]["description"] == said[key] for key in own)
