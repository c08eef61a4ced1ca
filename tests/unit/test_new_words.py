"""What a definition may not say with `which`, `each`, `languages` and the requirements about dates and signers."""

from __future__ import annotations

import pytest

from engine.errors import FaultyInput
from engine.model.definition import Definition
from engine.proof.prove import check
from tests.registers import COLLECT, DELETION, SIGNING, compiled, deletion

WHICH = COLLECT.replace("on: [11-17, 05-17]}", "on: [11-17, 05-17], which: season}").replace(
    "facts:\n", "facts:\n  season: {type: choice, of: [autumn, spring], label: Season}\n")  # fmt: skip
TASK = "outcomes: {signed: executed, dropped: dropped}"


def required(requirement: str) -> str:
    return SIGNING.replace(TASK, f"outcomes: {{signed: {{to: executed, require: [{requirement}]}}, dropped: dropped}}")


def faults(text: str) -> str:
    with pytest.raises(FaultyInput) as found:
        deletion(text) if "process: deletion" in text else compiled(text)
    return str(found.value)


def test_which_day_a_cycle_is_of_is_a_choice_with_an_option_for_each_day() -> None:
    assert compiled(WHICH).schedule is not None
    assert "'season' needs one option for each of the 2 days" in faults(WHICH.replace("[autumn, spring]", "[autumn]"))


@pytest.mark.parametrize(("requirement", "said"), [
    ("{ahead: product, say: x}", "ahead: fact 'product' is a text, but must be a date"),
    ("{signer: product, on: entered_on, say: x}", "signer: fact 'product' is a text, but must be a person"),
    ("{ahead: entered_on, reached: entered_on, say: x}", "a requirement is {that: guard"),
    ("{signer: product, say: x}", "a requirement is {that: guard"),
])  # fmt: skip
def test_a_requirement_asks_one_thing_of_facts_that_fit(requirement: str, said: str) -> None:
    assert said in faults(required(requirement))


def test_a_case_for_each_agreement_names_a_process_that_is_about_one() -> None:
    several = SIGNING.replace("  similar:", "  chosen: {type: agreements, label: Products}\n  similar:").replace(
        "posting: {process: posting, facts: {agreement: agreement}, joined: false}",
        "posting: {process: collect, each: chosen, party: operator, joined: false}")  # fmt: skip
    found = check(compiled(several), {"collect": compiled(COLLECT)})
    assert any("it is started for each agreement, and collect has no fact 'agreement'" in flaw.message
               for flaw in found.flaws)  # fmt: skip


def test_several_agreements_are_counted_and_not_compared() -> None:
    text = DELETION.replace("  about:", "  chosen: {type: agreements, label: Products}\n  about:")
    counted = text.replace("when: has(agreement)", "when: size(chosen) > 0")
    assert isinstance(deletion(counted), Definition)
    assert "write size(fact) > 0" in faults(text.replace("when: has(agreement)", "when: chosen == 'A-0001'"))
