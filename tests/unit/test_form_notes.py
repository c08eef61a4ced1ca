"""What stands beside a field: what an answer needs it for, and what may stay empty since it is on file."""

from __future__ import annotations

import pytest

import workflows
from engine.model.definition import TaskDef
from tests.office import office
from web.forms import fields_of
from web.frame import _leads_to

CATALOGUE = workflows.Catalogue()


def task(process: str, state: str, name: str) -> TaskDef:
    found = CATALOGUE.newest(process).states[state].task(name)
    assert found is not None
    return found


@pytest.mark.parametrize("process", ["correction_request", "deletion_request", "copy_inspection"])
def test_a_parent_who_is_asked_for_a_proof_can_hand_one_in(process: str) -> None:
    form = task(process, "incomplete", "answer").form
    definition = CATALOGUE.newest(process)
    assert "document" in {definition.facts[field.fact].type.kind for field in form if not field.required}


@pytest.mark.parametrize(("language", "note"), [
    ("en", "on file already: leave it empty to keep it"), ("es", "ya lo tenemos: déjelo vacío si no cambia")])
def test_what_is_hidden_from_a_parent_but_on_file_says_that_it_may_stay_empty(language: str, note: str) -> None:
    definition, wanted = CATALOGUE.newest("correction_request"), task("correction_request", "incomplete", "answer")
    facts = {"item": "The birth date is wrong"}
    hidden = {field.name: field for field in fields_of(definition, wanted, facts, office(), language, personal=False)}
    assert (hidden["item"].note, hidden["item"].typed, hidden["where_seen"].note) == (note, "", "")
    shown = {field.name: field for field in fields_of(definition, wanted, facts, office(), language, personal=True)}
    assert (shown["item"].note, shown["item"].typed) == ("", "The birth date is wrong")


@pytest.mark.parametrize(("part", "leads_to"), [
    ("Priya Raman", ""), ("privacy@district.example", "mailto:privacy@district.example"), ("555-0100", "tel:5550100"),
    ("(630) 555-0100", "tel:6305550100"), ("4th floor", "")])
def test_whom_to_ask_is_a_touch_away(part: str, leads_to: str) -> None:
    assert _leads_to(part) == leads_to
