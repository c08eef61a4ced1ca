"""Each clause of the law that a process counts has a story, and each that none counts yet is named with who answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

import workflows
from engine.model.definition import Definition, Scenario
from workflows import Catalogue

CATALOGUE = Catalogue()
DEFINITIONS = [CATALOGUE.newest(process) for process in CATALOGUE.processes()]
LAW = workflows.lawbook()


def stories_of(rule: str) -> Iterator[tuple[Definition, Scenario, Mapping[str, str]]]:
    """Each scenario that says what becomes of a clock of this rule, and what it says."""
    for definition in DEFINITIONS:
        for scenario in definition.scenarios:
            clocks = scenario.expect.get("clocks", {})
            for name, wanted in clocks.items() if isinstance(clocks, Mapping) else ():
                if definition.clocks[name].rule.id == rule:
                    yield definition, scenario, wanted


COUNTED = sorted({clock.rule.id for definition in DEFINITIONS for clock in definition.clocks.values()})
"""The rules under which some process runs a clock."""

NOT_COUNTED = {
    "R-BREACH-OPERATOR": "the operator's own time; legal judges it when the costs are claimed (breach_response)",
    "R-BREACH-PIPA": "no number; R-BREACH-PARENT is its ceiling",
    "R-COPY-LIMIT": "no date: how many came before is asked for each request (copy_inspection)",
    "R-AUTH-SIGNERS": "no date: whoever signs must be on the list that day (vendor_sponsorship)",
    "R-MINIMISE": "no date: asked for each data element (vendor_sponsorship, annual_attestation)",
}


def test_every_clause_is_counted_or_is_known_not_to_be() -> None:
    assert set(LAW.rules) == {*COUNTED, *NOT_COUNTED}


@pytest.mark.parametrize("rule", COUNTED)
def test_a_story_says_when_and_how_each_clause_ends(rule: str) -> None:
    told = [wanted for _, _, wanted in stories_of(rule)]
    assert any("status" in wanted or "ended" in wanted for wanted in told), f"no scenario says how {rule} ends"
    if LAW.rules[rule].kind != "no_number":
        assert any("legal" in wanted for wanted in told), f"no scenario says the date of {rule}"


@pytest.mark.parametrize("rule", [rule for rule in COUNTED if LAW.rules[rule].kind not in ("window", "no_number")])
def test_a_story_says_that_each_legal_deadline_can_be_missed(rule: str) -> None:
    """The date passes while the clock runs: every rung fires, and what ends it late still ends it."""
    told = [wanted for _, _, wanted in stories_of(rule)]
    assert any(wanted.get("status") == "running" or "rungs" in wanted for wanted in told), rule
