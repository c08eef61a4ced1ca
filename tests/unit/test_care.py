"""What keeps an answer from coming too early or too late: requirements, reference data, glass, parties' addresses."""

import datetime as dt
from dataclasses import replace

import pytest

import workflows
from engine.calendar import months_after
from engine.case import Case, Contact, FactValue
from engine.decide import decide, start
from engine.definition import Definition
from engine.errors import FaultyInput, SoppaError, Unmet
from engine.lawbook import read_reference
from engine.messages import CompleteTask, Decision, RecordFacts, Send, StartCase
from engine.office import Office, Reference
from tests.office import actor, office
from workflows.reader import read_yaml

MONDAY = dt.date(2027, 3, 1)
LEGAL = dt.date(2027, 3, 31)
NOW = dt.datetime(2027, 3, 1, 18, 0, tzinfo=dt.UTC)
TEXT = """
process: sample
version: 1
title: Sample
cites: [105 ILCS 85/27]
start: {needs: [received_on], by: [privacy]}
parties: {operator: {kind: operator, label: Operator, from: contact}}
facts:
  received_on: {type: date, label: Received}
  happened_on: {type: date, label: Date of the breach}
  from_on: {type: date, label: First day}
  contact: {type: contacts, label: Contact}
clocks:
  tell: {rule: R-BREACH-PARENT, title: Tell, anchor: received_on, satisfied_by: [approve.approved], ladder: MID,
         owner: privacy}
mails:
  letter: {to: operator, must_say: [fact_received_on, ref_agencies_ftc], must_not_say: [fact_from_on]}
states:
  drafting:
    title: Drafting
    initial: true
    tasks:
      - id: approve
        role: superintendent
        title: Approve the letter
        form: [{fact: happened_on, optional: true}, {fact: from_on, optional: true}, {fact: contact, optional: true}]
        due: 5 business_days
        break_glass: {role: privacy, within: 3 business_days, of: tell, tells: [superintendent, board_attorney]}
        outcomes:
          approved:
            to: sent
            send: [letter]
            require:
              - {that: has(happened_on) || has(from_on),
                 say: {en: Enter when it happened., es: Indique cuándo ocurrió.}}
              - {fresh: agencies, months: 12, say: Look the agencies' addresses up.}
      - {id: answer, party: operator, title: Answer, due: 5 business_days, outcomes: {answered: sent}}
  sent: {title: Sent, final: sent}
"""
LETTER = "Subject: Case {{ case }}\n\nIt reached us on {{ fact_received_on }}. {{ ref_agencies_ftc }}\n"
OPERATOR = (Contact("Acme", "privacy@acme.example"),)


def compiled(text: str = TEXT, letter: str = LETTER) -> Definition:
    return workflows.compile_source(text, "sample.yaml", {"letter.en": letter})


def district(as_of: dt.date = MONDAY) -> Office:
    return replace(office(), references={"agencies": Reference("agencies", as_of, {"ftc": {"en": "FTC"}})})


def begun() -> Case:
    facts: dict[str, FactValue] = {"received_on": MONDAY}
    return start(compiled(), StartCase("1", actor("ada"), facts, {}), NOW, district()).case


def approve(case: Case, by: str = "sup", on: dt.date = MONDAY, house: Office | None = None, **more: object) -> Decision:
    task = case.open_task("approve")
    assert task is not None
    command = replace(CompleteTask(task.id, "approved", {}, actor(by)), **more)  # type: ignore[arg-type]
    return decide(compiled(), case, command, dt.datetime.combine(on, dt.time(18), dt.UTC), house or district())


def test_an_answer_that_comes_too_early_is_told_everything_it_requires() -> None:
    with pytest.raises(Unmet) as unmet:
        approve(begun(), house=district(dt.date(2026, 2, 27)))
    assert [text["en"] for text in unmet.value.texts] == ["Enter when it happened.", "Look the agencies' addresses up."]
    assert "  - Enter when it happened.\n  - Look the agencies' addresses up." in str(unmet.value)


@pytest.mark.parametrize(("as_of", "fresh"), [
    (dt.date(2026, 3, 1), True), (dt.date(2026, 2, 28), False), (MONDAY, True),
])  # fmt: skip
def test_reference_data_is_fresh_for_its_months(as_of: dt.date, fresh: bool) -> None:
    case = begun()
    given: dict[str, FactValue] = {"from_on": MONDAY}
    if fresh:
        assert approve(case, values=given, house=district(as_of)).case.state == "sent"
    else:
        with pytest.raises(Unmet):
            approve(case, values=given, house=district(as_of))


@pytest.mark.parametrize(("day", "months", "later"), [
    (dt.date(2026, 2, 28), 12, dt.date(2027, 2, 28)), (dt.date(2027, 2, 28), 12, dt.date(2028, 2, 28)),
    (dt.date(2028, 2, 29), 12, dt.date(2029, 2, 28)), (dt.date(2026, 8, 31), 6, dt.date(2027, 2, 28)),
    (dt.date(2026, 12, 5), 1, dt.date(2027, 1, 5)),
])  # fmt: skip
def test_months_end_with_their_last_day(day: dt.date, months: int, later: dt.date) -> None:
    assert months_after(day, months) == later


def test_glass_is_broken_only_near_the_legal_date_and_everybody_concerned_learns_of_it_at_once() -> None:
    case = begun()
    given: dict[str, FactValue] = {"happened_on": MONDAY}
    near = approve(case, "ada", LEGAL, values=given, break_glass=True, reason="Sam is in hospital")
    assert near.case.flags == ("glass_broken.approve",)
    sent = {effect.recipient: effect.words for effect in near.effects
            if isinstance(effect, Send) and effect.mail == "glass_broken"}
    assert set(sent) == {"person:sup", "person:leg"}
    assert sent["person:leg"]["reason"] == "Sam is in hospital"
    assert near.case.clocks["tell"].status == "satisfied"


@pytest.mark.parametrize(("by", "on", "reason", "sentence"), [
    ("ada", dt.date(2027, 3, 25), "x", "within 3 business days of the legal date of 'tell', which is 2027-03-31"),
    ("ada", LEGAL, " ", "breaking the glass needs a reason"),
    ("cus", LEGAL, "x", "Cus Todian may not break the glass of 'approve': it is for privacy"),
])  # fmt: skip
def test_glass_is_not_broken_otherwise(by: str, on: dt.date, reason: str, sentence: str) -> None:
    with pytest.raises(SoppaError, match=sentence):
        approve(begun(), by, on, values={"happened_on": MONDAY}, break_glass=True, reason=reason)


def test_a_task_without_glass_has_none_to_break() -> None:
    case = begun()
    task = case.open_task("answer")
    assert task is not None
    command = CompleteTask(task.id, "answered", {}, actor("ada"), "x", break_glass=True)
    with pytest.raises(SoppaError, match="has no glass to break"):
        decide(compiled(), case, command, NOW, district())


def test_a_party_is_taken_from_a_fact_and_asked_again_when_its_address_changes() -> None:
    case = begun()
    recorded = decide(compiled(), case, RecordFacts({"contact": OPERATOR}, actor("ada"), "found"), NOW, district()).case
    assert recorded.parties == {"operator": OPERATOR[0]}
    moved = RecordFacts({"contact": (Contact("Acme", "legal@acme.example"),)}, actor("ada"), "moved")
    decision = decide(compiled(), recorded, moved, NOW, district())
    before, after = recorded.open_task("answer"), decision.case.open_task("answer")
    assert before is not None
    assert after is not None
    assert after.generation == before.generation + 1
    assert [effect.mail for effect in decision.effects if isinstance(effect, Send)] == ["task"]


@pytest.mark.parametrize(("old", "new", "message"), [
    ("that: has(happened_on) || has(from_on)", "that: has(nothing)", "unknown fact 'nothing'"),
    ("fresh: agencies, months: 12", "fresh: agencys, months: 12", "did you mean 'agencies'?"),
    ("fresh: agencies, months: 12", "fresh: agencies", "a requirement is {that: guard, say: …} or"),
    ("within: 3 business_days", "within: 3 calendar_days", "within is a number of business_days"),
    ("of: tell, tells", "of: tel, tells", "did you mean 'tell'?"),
    ("from: contact}", "from: received_on}", "fact 'received_on' is a date, but must be a contacts"),
])  # fmt: skip
def test_a_broken_definition_is_told_with_its_place(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(FaultyInput) as broken:
        compiled(TEXT.replace(old, new))
    assert message in str(broken.value)


@pytest.mark.parametrize(("letter", "message"), [
    (LETTER.replace("{{ ref_agencies_ftc }}", ""), "this mail must say {{ ref_agencies_ftc }}"),
    (LETTER + "From {{ fact_from_on }}.\n", "this mail must not say {{ fact_from_on }}: take it out"),
    (LETTER + "{{ ref_agencies_fbi }}\n", "unknown placeholder 'ref_agencies_fbi'"),
])  # fmt: skip
def test_a_mail_says_what_it_must_and_not_what_it_may_not(letter: str, message: str) -> None:
    with pytest.raises(FaultyInput) as broken:
        compiled(letter=letter)
    assert message in str(broken.value)


@pytest.mark.parametrize(("text", "message"), [
    ("reference: x\nas_of: yesterday\ntexts: {a: {en: A}}", "as_of must be a date"),
    ("reference: x\nas_of: 2026-01-01\ntexts: {a: {es: A}}", "a has no English text: add en"),
    ("reference: x\ntexts: {a: {en: A}}", "reference data needs the key 'as_of'"),
])  # fmt: skip
def test_broken_reference_data_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(FaultyInput, match=message):
        read_reference(read_yaml(text, "x.yaml"))
