"""What the processes about vendors refuse: an answer that a rule of the district or of the Act does not let through."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import pytest

from engine.deciding.decide import decide
from engine.deciding.moves import enter, go_on
from engine.deciding.turn import Turn
from engine.errors import SoppaError
from engine.model.case import Case, Contact, FactValue, TableRow
from engine.model.messages import CompleteTask
from engine.model.office import Office, Person
from tests.office import PEOPLE, actor, office
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


REVIEWED: Facts = {
    "sponsor": "dan", "product": "Reader", "standard_agreement": True, "uses_ai": "no", "connects": "no",
    "multi_year": False, "board_amount": 25_000, "messaging": "no", "vendor_contact": (VERA,), "complete_on": TODAY,
}  # fmt: skip
SIGNED: Facts = {
    "agreement_file": "x", "agreement_type": "vendor_dpa", "signed_by": "sup", "signed_on": TODAY,
    "entered_on": TODAY, "subcontractors": "None",
}  # fmt: skip


@pytest.mark.parametrize(("amount", "state"), [(24_999, "signing"), (25_000, "negotiation")])
def test_what_the_board_decides_takes_no_fast_lane(amount: int, state: str) -> None:
    assert stands("vendor_sponsorship", "reviewed", {**REVIEWED, "amount": amount}).state == state


@pytest.mark.parametrize(("key", "is_green"), [("a", False), ("f", False), ("g", True)])
def test_provisions_a_to_f_always_apply(key: str, is_green: bool) -> None:
    case = stands("vendor_sponsorship", "negotiation", REVIEWED)
    absent = TableRow(key, {"status": "not_applicable", "page": "1"})
    clauses = (*rows(" ".join("abcdefg".replace(key, "")), status="present", page="1"), absent)
    read: Facts = {"clauses": clauses, "ferpa_parts": rows("official instead control purpose disclosure", there=True),
                   "cost_groups": rows("notices monitoring legal other", there=True)}
    if is_green:
        assert answered(case, "check_clauses", "green", "leg", **read).state == "committee"
        return
    with pytest.raises(SoppaError, match="A to F belong in every agreement"):
        answered(case, "check_clauses", "green", "leg", **read)


@pytest.mark.parametrize(("deletion", "breach", "message"), [
    (0, 30, "names the days until deletion"), (30, 31, "within at most 30 days"), (30, 0, "within at most 30 days"),
])  # fmt: skip
def test_days_that_the_act_does_not_allow_are_not_signed(deletion: int, breach: int, message: str) -> None:
    case = stands("vendor_sponsorship", "signing", {**REVIEWED, "amount": 900})
    with pytest.raises(SoppaError, match=message):
        answered(case, "sign", "signed", "ada", **SIGNED, deletion_days=deletion, breach_notice_days=breach)


YESTERDAY, TOMORROW = TODAY - dt.timedelta(days=1), TODAY + dt.timedelta(days=1)
SUP = PEOPLE["sup"]


@pytest.mark.parametrize(("person", "may", "why"), [
    (SUP, False, "who has never stood on the list"),
    (replace(SUP, roles=SUP.roles | {"signer"}), True, "who has the role"),
    (replace(SUP, roles=SUP.roles | {"signer"}, signs_from=TODAY), True, "from the day of the Board's vote"),
    (replace(SUP, roles=SUP.roles | {"signer"}, signs_from=TOMORROW), False, "not before it"),
    (replace(SUP, signs_until=TODAY), True, "who has left the list since"),
    (replace(SUP, signs_until=YESTERDAY), False, "who had left it the day before"),
    (replace(SUP, signs_from=YESTERDAY, signs_until=TOMORROW), True, "who stood there for some days"),
])  # fmt: skip
def test_who_signs_stood_on_the_boards_list_on_that_day(person: Person, may: bool, why: str) -> None:
    assert person.may_sign(TODAY) is may, why


def test_an_agreement_signed_by_somebody_who_may_not_is_not_taken() -> None:
    case = stands("vendor_sponsorship", "signing", {**REVIEWED, "amount": 900})
    with pytest.raises(SoppaError, match="was not on the Board's list of authorized signers on that day"):
        answered(case, "sign", "signed", "ada", **SIGNED, deletion_days=30, breach_notice_days=30)


@pytest.mark.parametrize(("kind", "entered", "taken"), [
    ("vendor_dpa", TODAY, True), ("vendor_dpa", YESTERDAY, False), ("click_wrap", YESTERDAY, True),
])  # fmt: skip
def test_no_agreement_is_entered_into_before_the_district_signs_but_by_a_click(
    kind: str, entered: dt.date, taken: bool
) -> None:
    case = stands("vendor_sponsorship", "signing", {**REVIEWED, "amount": 900})
    wanted = {**SIGNED, "agreement_type": kind, "entered_on": entered, "deletion_days": 30, "breach_notice_days": 30}
    with pytest.raises(SoppaError) as refused:
        answered(case, "sign", "signed", "ada", **wanted)
    assert ("not before the district's own" in str(refused.value)) is not taken


@pytest.mark.parametrize(("state", "by", "task", "outcome", "day", "message"), [
    ("approval", "sup", "approve", "board", YESTERDAY, "This meeting of the Board has passed"),
    ("board_pending", "ada", "board_vote", "postponed", YESTERDAY, "This meeting of the Board has passed"),
    ("board_pending", "ada", "board_vote", "approved", TOMORROW, "The Board has not met yet"),
    ("board_pending", "ada", "board_vote", "refused", TOMORROW, "The Board has not met yet"),
    ("approval", "sup", "approve", "board", TODAY, ""),
    ("board_pending", "ada", "board_vote", "approved", TODAY, ""),
])  # fmt: skip
def test_the_board_decides_on_a_coming_day_and_votes_when_it_has_come(
    state: str, by: str, task: str, outcome: str, day: dt.date, message: str
) -> None:
    facts: Facts = {**REVIEWED, "amount": 30_000, "schools": "All", "vendor_name": "Reader Inc"}
    case = stands("vendor_sponsorship", state, {**facts, "board_meeting_on": day})
    given: Facts = {"board_meeting_on": day} if outcome in ("board", "postponed") else {"board_vote": "5 to 2, item 7"}
    if outcome == "refused":
        given = {**given, "reject_reason": "Too dear"}
    if not message:
        assert answered(case, task, outcome, by, **given).state != state
        return
    with pytest.raises(SoppaError, match=message):
        answered(case, task, outcome, by, **given)


def test_a_passage_hidden_after_a_no_has_both_consents_on_record() -> None:
    facts: Facts = {"product": "Reader", "entered_on": TODAY, "district_agrees": False, "operator_agrees": True,
                    "objection": "The price", "public_file": "x"}
    passages = (TableRow("1", {"clause": "d", "page": 4, "reason": "Prices"}),)
    objected = stands("contract_posting", "objected", facts)
    hidden = answered(objected, "answer_objection", "hide", "leg", passages=passages)
    assert (hidden.state, hidden.facts["district_agrees"], hidden.facts["operator_agrees"]) == ("hiding", True, True)
