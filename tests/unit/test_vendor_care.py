"""What the processes about vendors refuse: an answer that a rule of the district or of the Act does not let through."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import pytest

from engine.case import Case, Contact, FactValue, TableRow
from engine.decide import decide
from engine.errors import SoppaError
from engine.messages import CompleteTask
from engine.moves import enter, go_on
from engine.office import Office
from engine.turn import Turn
from tests.office import actor, office
from tests.registers import entry
from workflows import Catalogue

TODAY = dt.date(2026, 11, 23)
NOW = dt.datetime(2026, 11, 23, 18, 0, tzinfo=dt.UTC)
VERA = Contact("Vera", "vera@vendor.example")
CATALOGUE = Catalogue()
Facts = Mapping[str, FactValue]


def house() -> Office:
    return replace(office(), register={"A-0001": entry()}, next_agreement=2, processes=frozenset(CATALOGUE.processes()))


def stands(process: str, state: str, facts: Facts) -> Case:
    """A case that has come to a state with these facts."""
    of = CATALOGUE.newest(process)
    bare = Case("2026-0001", process, of.version, of.hash, of.initial.name, 0, NOW, 1, NOW, "cus",
                facts=facts, parties={"operator": VERA})
    turn = Turn(of, house(), actor("ada"), NOW, bare)
    turn.record({})
    enter(turn, state)
    go_on(turn)
    return turn.case


def answered(case: Case, task: str, outcome: str, by: str, **values: FactValue) -> Case:
    found = case.open_task(task)
    assert found is not None, case.state
    command = CompleteTask(found.id, outcome, values, actor(by))
    return decide(CATALOGUE.newest(case.process), case, command, NOW, house()).case


def rows(keys: str, **cells: str | bool) -> tuple[TableRow, ...]:
    return tuple(TableRow(key, cells) for key in keys.split())


AREAS = rows("data integrations scope ai subcontractors policy ownership insurance", now="unchanged")
ATTESTED: Facts = {
    "product": "Reader", "areas": (*AREAS, *rows("security", now="changed")), "subcontractors": "None",
    "breach_since": "no", "security_fine": True, "attested_on": TODAY, "cycle_on": TODAY, "agreement": "A-0001",
}  # fmt: skip


def test_what_it_security_objects_to_is_not_renewed() -> None:
    changed = stands("annual_attestation", "reviewing_security", ATTESTED)
    objected = answered(changed, "review_security", "object", "its", review_note="Worse than before")
    assert objected.state == "reviewing"
    with pytest.raises(SoppaError, match="IT security objects"):
        answered(objected, "review", "renew", "ada", elements_true=True)
    passed = answered(changed, "review_security", "reviewed", "its", review_note="Better")
    assert answered(passed, "review", "renew", "ada", elements_true=True).state == "renewed"


def test_after_a_breach_a_renewal_has_a_reason() -> None:
    case = stands("annual_attestation", "reviewing", {**ATTESTED, "breach_since": "yes"})
    with pytest.raises(SoppaError, match="There was a breach: say why"):
        answered(case, "review", "renew", "ada", elements_true=True)
    told = answered(case, "review", "renew", "ada", elements_true=True, breach_judged="A lost laptop, encrypted")
    assert told.state == "renewed"
