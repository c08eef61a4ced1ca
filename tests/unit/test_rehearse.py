"""Scenarios: those shipped come true, and one that does not is told apart, sentence by sentence."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import pytest

import workflows
from engine.proof.rehearse import rehearse
from tests.office import calendars

CATALOGUE = workflows.Catalogue()
LAW = workflows.lawbook()


@pytest.mark.parametrize("process", CATALOGUE.processes())
def test_every_shipped_scenario_comes_true(process: str) -> None:
    assert rehearse(CATALOGUE.newest(process), CATALOGUE, calendars(), LAW.references) == ()


def test_what_did_not_come_is_said() -> None:
    definition = CATALOGUE.newest("correction_request")
    wrong = {"state": "withdrawn", "clocks": {"district_fix": {"legal": "2027-04-11"}}, "mails": ("receipt",)}
    scenario = replace(definition.scenarios[0], expect=wrong)
    said = rehearse(replace(definition, scenarios=(scenario,)), CATALOGUE, calendars(), LAW.references)
    assert [line.split(": ", 2)[2] for line in said] == [
        "state should be withdrawn, is corrected",
        "clock district_fix: legal should be 2027-04-11, is 2027-04-12",
        "mails should be receipt; are receipt, told_wrong_district, told_corrected",
    ]


def test_a_step_that_is_refused_is_said_with_its_day() -> None:
    definition = CATALOGUE.newest("correction_request")
    step = {"on": "2027-01-13", "do": "verify.complete"}
    scenario = replace(definition.scenarios[0], steps=(step,))
    (said,) = rehearse(replace(definition, scenarios=(scenario,)), CATALOGUE, calendars(), LAW.references)
    assert f"on {dt.date(2027, 1, 13)}, verify.complete: outcome 'complete'" in said


@pytest.mark.parametrize(("step", "said"), [
    ({"do": "verify.complete", "with": {"identity_ok": "no"}, "refused": "not open now"}, ""),
    ({"do": "verify.complete", "with": {"identity_ok": "no"}, "refused": "hold stands"},
     "should be refused with 'hold stands', was with 'outcome 'complete' is not open now"),
    ({"do": "verify.incomplete", "with": {"missing": "identity", "identity_ok": "no"}, "refused": "not open now"},
     "should be refused with 'not open now', was taken"),
])  # fmt: skip
def test_a_story_says_what_must_not_be_taken(step: Mapping[str, object], said: str) -> None:
    definition = CATALOGUE.newest("correction_request")
    first = definition.scenarios[0]
    story = replace(first, steps=({"on": first.start, **step},), expect={"state": "received"})
    found = rehearse(replace(definition, scenarios=(story,)), CATALOGUE, calendars(), LAW.references)
    assert " ".join(found).partition("verify.")[2].partition(": ")[2].startswith(said) if said else found == ()
