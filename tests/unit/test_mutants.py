"""Mutants: what each operator changes, that each has a name of its own, and what notices them."""

from __future__ import annotations

from pathlib import Path

import pytest

import workflows
from cli.home import Home
from cli.mutation import CHECK, judge, strange_reasons
from engine.proof.mutants import mutants
from workflows import Catalogue

TEXT = """
process: sample
version: 1
title: Sample
cites: [105 ILCS 85/33]
start: {needs: [received_on], by: [custodian]}
facts:
  received_on: {type: date, label: Received}
  good: {type: bool, label: Good}
clocks:
  fix: {rule: R-CORR-DISTRICT, title: Fix, anchor: received_on, satisfied_by: [mend.mended], ladder: LONG,
        owner: custodian}
mails: {done: {to: privacy}}
states:
  open:
    title: Open
    initial: true
    tasks:
      - {id: mend, role: custodian, title: Mend, form: [good], due: 5 business_days,
         outcomes: {mended: {to: ended, when: good, send: [done]}}}
  ended: {title: Ended, final: ended}
scenarios:
  - name: Mended in time
    start: 2027-01-13
    given: {received_on: 2027-01-13}
    steps: [{on: 2027-01-20, do: mend.mended, with: {good: true}}]
    expect: {state: ended, mails: [done], clocks: {fix: {legal: 2027-04-13, status: satisfied}}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    folder = made.workflows / "sample"
    (folder / "mails").mkdir(parents=True)
    (folder / "process.yaml").write_text(TEXT)
    (folder / "mails" / "done.en.md").write_text("Subject: Case {{ case }}\n\nIt is done.\n")
    return made


def test_each_operator_changes_one_thing() -> None:
    definition = workflows.compile_source(TEXT, "sample.yaml", {"done.en": "Subject: Case {{ case }}\n\nIt is done.\n"})
    found = {mutant.name: mutant for mutant in mutants(definition)}
    assert {"fix.rule.89", "fix.rule.91", "fix.rule.business_days", "fix.rule.calendar", "fix.rule.roll",
            "fix.satisfied_by.mend.mended", "fix.rung.third_1", "fix.rung.legal",
            "open.with_mend.mended.send.done", "open.mend.mended.when.flip", "open.mend.mended.when.drop"} <= set(found)
    assert found["fix.rule.91"].definition.clocks["fix"].rule.length == 91
    assert found["fix.rule.91"].legal
    assert not found["open.mend.mended.when.flip"].legal
    assert found["fix.rung.third_1"].says == "clock 'fix': rung third_1 never fires"
    assert all(mutant.definition != definition for mutant in found.values())


@pytest.mark.parametrize("process", Catalogue().processes())
def test_every_mutant_has_a_name_of_its_own_and_every_reason_a_mutant(process: str, tmp_path: Path) -> None:
    names = [mutant.name for mutant in mutants(Catalogue().newest(process))]
    assert len(set(names)) == len(names)
    assert strange_reasons(Home(tmp_path), [process]) == []


def test_a_scenario_or_the_proof_notices_a_mutant_or_nothing_does(home: Home) -> None:
    counted: list[tuple[int, int]] = []
    found = judge(home, ["sample"], legal_only=False, told=lambda *two: counted.append(two))
    verdicts = {one.mutant: one for one in found}
    assert verdicts["fix.rule.91"].noticed_by == "Mended in time"
    assert verdicts["fix.rung.legal"].noticed_by == CHECK
    assert verdicts["open.mend.mended.when.drop"].noticed_by is None
    assert verdicts["fix.rung.third_1"].is_wrong
    assert not verdicts["open.mend.mended.when.drop"].is_wrong
    assert counted[-1] == (len(verdicts), len(verdicts))


def test_a_reason_excuses_what_nothing_notices_and_no_more(home: Home) -> None:
    path = home.workflows / "sample" / "process.yaml"
    path.write_text(TEXT + "unnoticed:\n  - {mutants: [fix.rung.third_1, fix.rule.91], because: Sample}\n"
                           "  - {mutants: [fix.rule.92], because: Sample}\n")
    verdicts = {one.mutant: one for one in judge(home, ["sample"], legal_only=True, told=lambda *two: None)}
    assert not verdicts["fix.rung.third_1"].is_wrong
    assert verdicts["fix.rule.91"].is_wrong
    assert strange_reasons(home, ["sample"]) == [
        "sample: unnoticed names no mutant 'fix.rule.92' (did you mean 'fix.rule.91'?)"]
