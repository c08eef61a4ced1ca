"""What a parent who asks for a copy is told and charged, beyond what the scenarios of the process say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import pytest

import workflows
from engine.model.case import Case, Contact, FactValue
from engine.model.definition import TaskDef
from engine.proof.simulate import Answer, Story, play
from tests.office import office
from tests.registers import D

CATALOGUE = workflows.Catalogue()
DEFINITION = CATALOGUE.newest("copy_inspection")
TASKS = {task.name: task for state in DEFINITION.states.values() for task in state.tasks}
STARTED = D(2026, 11, 2)
CHECKED: Mapping[str, FactValue] = {
    "requester_kind": "parent", "identity_ok": True, "protection": "none", "wish": "copy", "format": "paper",
    "student": "Leo", "school": "Lincoln", "address": "12 Oak St", "phone": "555-0100", "signed_on": STARTED,
    "complete_on": STARTED,
}  # fmt: skip
SORTED: Mapping[str, FactValue] = {"data_owner": "dan", "directive": "All of account 4711", "earlier_requests": 0}
BEGUN = [Answer(D(2026, 11, 3), "verify", "complete", CHECKED), Answer(D(2026, 11, 4), "classify", "both", SORTED),
         Answer(D(2026, 11, 5), "gather_records", "gathered"), Answer(D(2026, 11, 5), "gather_covered", "gathered")]


def told(answers: Sequence[Answer], days: int = 30) -> Story:
    facts: Mapping[str, FactValue] = {"received_on": STARTED, "wanted": "Everything"}
    parties = {"parent": Contact("Pat", "pat@home.example")}
    return play(DEFINITION, CATALOGUE, office(), STARTED, facts, parties, answers, days)


def on_paper(pages: int, waived: bool = False) -> Case:
    ready: Mapping[str, FactValue] = {"covered_clean": True, "covered_pages": pages}
    given: Mapping[str, FactValue] = {
        "covered_given_on": D(2026, 11, 10), "covered_given_how": "Collected", "fee_waived": waived,
    }  # fmt: skip
    return told([*BEGUN, Answer(D(2026, 11, 9), "redact_covered", "paper", ready),
                 Answer(D(2026, 11, 10), "hand_over_covered", "given", given)]).case


@pytest.mark.parametrize(("pages", "waived", "fee"), [
    (50, False, "$0.00"), (51, False, "$0.15"), (150, False, "$15.00"), (150, True, "$0.00"),
])  # fmt: skip
def test_fifty_pages_are_free_and_nobody_is_kept_from_a_copy_by_the_fee(pages: int, waived: bool, fee: str) -> None:
    case = on_paper(pages, waived)
    assert (case.facts["covered_fee"], case.regions["covered"].state) == (fee, "covered.given")


@pytest.mark.parametrize(("contact", "region", "wanted_by"), [
    ("record_holders", "records", D(2026, 11, 12)),  # three business days before November 17, the target
    ("holders", "covered", D(2026, 12, 3)),  # ten before December 17, since November 27 is one by the strict calendar
])
def test_outside_holders_are_asked_for_a_day_that_leaves_time(contact: str, region: str, wanted_by: dt.date) -> None:
    acme = (Contact("Acme", "acme@vendor.example"),)
    answers = [BEGUN[0], Answer(D(2026, 11, 4), "classify", "both", {**SORTED, contact: acme}), *BEGUN[2:]]
    story = told(answers, days=2)
    child = next(case for case in story.cases.values() if case.process == "operator_copy")
    assert child.facts["answer_by"] == wanted_by
    assert told(answers, days=5).case.regions[region].state == f"{region}.waiting"


def test_what_is_about_a_child_is_read_after_a_second_channel() -> None:
    shown = [task for task in TASKS.values() if task.who.name == "parent" and task.shows != ("missing",)]
    released = [task for task in shown if task.shows]
    assert {task.name for task in released} == {"fetch_records", "fetch_covered"}
    assert all(task.link == "second" for task in released)


def _reads(task: TaskDef) -> set[str]:
    return {*task.shows, *(field.fact for field in task.form)}


def test_an_operator_learns_the_account_and_nothing_of_the_family() -> None:
    operators = CATALOGUE.newest("operator_copy")
    asked = [task for state in operators.states.values() for task in state.tasks if task.who.kind == "party"]
    assert set(operators.facts) & {"student", "school", "address", "phone", "wanted"} == set()
    assert {"directive", "lacks"} <= {name for task in asked for name in _reads(task)}
