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


# What the law's table says beside a number (from which day, for whom, unless what), and the story that shows it.
SAYS = """
R-BREACH-OPERATOR: at most 30 days, a contract may give fewer
    breach_response: The operator told us too late, and attests anew
R-BREACH-PARENT: the operator's notice was earlier
    breach_response: The operator's notice came before the district's own finding
R-BREACH-PARENT: the district's own finding was earlier
    breach_response: The district knew before the operator told it
R-BREACH-PARENT: a hold is allowed
    breach_response: Law enforcement asks for delay, and the notice goes out when it no longer interferes
R-BREACH-AG: more than 500 residents
    breach_response: 501 residents under PIPA, and the Attorney General is told before the letters
R-BREACH-AG: 500 are not more
    breach_response: 500 residents under PIPA need no word to the Attorney General
R-BREACH-AG: no later than the residents
    breach_response: The letters leave before the Attorney General is told, who is then due the same day
R-BREACH-PIPA: residents are told under it
    breach_response: Passwords were taken, and the letter advises to change them
R-BREACH-LIST: the threshold is reached
    breach_response: Ten percent at one school, and it goes on the public list
R-BREACH-LIST: at the next update
    breach_response: Nobody puts it on the list by the Monday after January 31, a Sunday
R-POST-CONTRACT: the school enters the agreement
    contract_posting: Good Friday is not counted, and the strict date comes first (E06)
R-POST-CONTRACT: also on amendment and renewal
    vendor_sponsorship: The yearly attestation has an agreement amended
R-POST-SEMI-CY: by January 31
    website_posting: January 31 is a Wednesday
R-POST-SEMI-FY: by July 31
    website_posting: July 31 is a Monday
R-SUBLIST: by the date itself
    subcontractor_list: New Year's Day is a holiday and a list is due on it all the same
R-SUBLIST: by July 1 too
    subcontractor_list: A new list comes late, lacks something, and is taken into the register
R-COPY-SOPPA: from the complete form
    copy_inspection: The form comes late, by the page or on paper, and the 45 days begin with it
R-COPY-ISSRA: if any of it is a school student record
    copy_inspection: Both parts as files; the 45th day is a Sunday, the Monday after it a holiday
R-COPY-ISSRA-EXT: written notice before the original date
    copy_inspection: School student records alone, extended by a notice that is there before the original date
R-COPY-ISSRA-EXT: not on that date
    copy_inspection: On the original date it is too late to extend, and the records are late
R-COPY-ISSRA-EXT: longer only by agreement
    copy_inspection: Both sides agree in writing to a later date, after the extension
R-COPY-LIMIT: two in a State fiscal quarter
    copy_inspection: The third request for a copy in the quarter: no copy, and the school student records all the same
R-CORR-DISTRICT: the district holds it
    correction_request: The district alone holds it
R-CORR-OPERATOR: the school's notice was received
    operator_fix: The operator's ninetieth day is Good Friday
R-CORR-OPERATOR: the contract may be shorter
    operator_fix: The contract gives thirty days, and the parent is told within ten business days
R-CORR-CONFIRM: the confirmation was received
    operator_fix: The contract gives thirty days, and the parent is told within ten business days
R-HEAR-CONF: 15 school days after the request
    correction_request: A hearing is asked for, and no conference is held
R-HEAR-HELD: unless both agree to more
    correction_request: Both sides agree to a later hearing
R-HEAR-DECIDE: after the hearing
    correction_request: The hearing is over, and no decision is sent
R-HEAR-APPEAL: nobody appeals
    correction_request: The hearing takes it out of the record, and nobody appeals
R-HEAR-APPEAL: somebody does
    correction_request: Hearing, decision and appeal
R-HEAR-FORWARD: of being told of the appeal
    correction_request: An appeal, and the file is not sent on
R-HEAR-RULING: of receipt of the file
    correction_request: The Regional Superintendent rules that the record stays
R-DELETE: the school passes it on
    deletion_request: Everything is deleted by two operators
R-DELETE: unless records law forbids it
    deletion_request: All of it is part of the record, and stays
R-DELETE: the operator deletes
    deletion_order: A parent asks, the agreement is found in the register, and its own ten days count
R-ANNUAL-NOTICE: at the beginning of the school year
    annual_notice: Every school certifies the notice before the year begins
R-AUTH-SIGNERS: who signs is on the list
    vendor_sponsorship: No step of the way to an agreement is left out
R-MINIMISE: no element without a need
    vendor_sponsorship: No step of the way to an agreement is left out
"""
ROWS = [tuple(line.strip().split(": ", 1)) for line in SAYS.strip().splitlines()]
STORIES = [(*clause, *story) for clause, story in zip(ROWS[::2], ROWS[1::2], strict=True)]


def test_each_clause_has_what_it_says_in_a_story() -> None:
    assert {rule for rule, *_ in STORIES} == set(LAW.rules)


@pytest.mark.parametrize(("rule", "says", "process", "name"), STORIES)
def test_what_a_clause_says_is_told_by_a_story_that_there_is(rule: str, says: str, process: str, name: str) -> None:
    names = [scenario.name for scenario in CATALOGUE.newest(process).scenarios]
    assert name in names, f"{rule}: {says}"
