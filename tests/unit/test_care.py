"""What keeps an answer from coming too early or too late: requirements, reference data, glass, parties' addresses."""

import datetime as dt
from dataclasses import replace

import pytest

import workflows
from engine.deciding.decide import decide, start
from engine.errors import FaultyInput, SoppaError, Unmet, UsageError
from engine.language.lawbook import read_reference
from engine.law.calendar import months_after
from engine.model.case import Case, Contact, FactValue
from engine.model.definition import Definition
from engine.model.messages import (
    AudienceTold,
    CompleteTask,
    Decision,
    FixAudience,
    LettersPosted,
    Notify,
    RecordFacts,
    Send,
    SendToAll,
    StartCase,
)
from engine.model.office import Office, Reference
from engine.proof.prove import check
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
    asked = [effect for effect in decision.effects if isinstance(effect, Notify) and effect.task_id == after.id]
    assert [line.recipient for line in asked] == ["party:operator"]


@pytest.mark.parametrize(("old", "new", "message"), [
    ("that: has(happened_on) || has(from_on)", "that: has(nothing)", "unknown fact 'nothing'"),
    ("fresh: agencies, months: 12", "fresh: agencys, months: 12", "did you mean 'agencies'?"),
    ("fresh: agencies, months: 12", "fresh: agencies", "a requirement is {that: guard, say: …} or"),
    ("fresh: agencies, months: 12", "passed: tell, when: has(from_on)", "or {uncounted: [facts], when: guard"),
    ("fresh: agencies, months: 12", "uncounted: [from_on]", "fact 'from_on' is a date, but must be a text"),
    ("fresh: agencies, months: 12", "passed: tel", "did you mean 'tell'?"),
    ("fresh: agencies, months: 12", "fresh: agencies, months: 12, passed: tell", "a requirement is {that: guard"),
    ("{type: contacts, label", "{type: contacts, past: true, label", "past: only a date or an instant"),
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


MANY = """
process: sample
version: 1
title: Sample
cites: [105 ILCS 85/27]
start: {needs: [received_on], by: [privacy]}
audiences: {families: {label: Families, counted: how_many, channel: channel}}
facts:
  received_on: {type: date, label: Received}
  how_many: {type: int, label: Families}
  residents: {type: int, label: Residents}
  channel: {type: choice, of: [as_wished, post_without_consent], label: Channel}
clocks:
  tell: {rule: R-BREACH-PARENT, title: Tell, anchor: received_on, satisfied_by: [told.letter], ladder: MID,
         owner: privacy}
  attorney: {rule: R-BREACH-AG, title: Attorney, when: residents > 500, satisfied_by: [file.filed], ladder: SHORT,
             anchor: {earliest: [{event: began.letter}, {clock: tell}]}, owner: legal}
  pipa: {rule: R-BREACH-PIPA, title: Tell residents, anchor: received_on, satisfied_by: [complete.letter], ladder: MID,
         owner: privacy}
mails: {letter: {to: families, paper: custodian, reviewed_by: {es: null}}}
states:
  drafting:
    title: Drafting
    initial: true
    tasks:
      - id: release
        role: privacy
        title: Release
        form: [channel, residents, how_many]
        due: 2 business_days
        outcomes: {released: {to: sending, fix: [families], require: [{that: how_many > 0, say: Import the families.}]}}
  sending: {title: Sending, send: [letter], on: {complete.letter: [{when: residents > 500, to: filing}, {else: sent}]}}
  filing: {title: Filing, tasks: [{id: file, role: legal, title: File, due: 2 business_days, outcomes: {filed: sent}}]}
  sent: {title: Sent, final: sent}
"""
LETTERS = {f"letter.{language}": "Subject: Case {{ case }}\n\nIt happened.\n" for language in ("en", "es")}


def to_many(text: str = MANY) -> Definition:
    return workflows.compile_source(text, "sample.yaml", LETTERS)


def released(residents: int) -> Decision:
    definition = to_many()
    facts: dict[str, FactValue] = {"received_on": MONDAY}
    case = start(definition, StartCase("1", actor("ada"), facts, {}), NOW, office()).case
    given: dict[str, FactValue] = {"channel": "post_without_consent", "residents": residents, "how_many": 3}
    return decide(definition, case, CompleteTask(case.tasks[0].id, "released", given, actor("ada")), NOW, office())


def counted(case: Case, what: str, day: int, count: int = 0) -> Case:
    on = MONDAY + dt.timedelta(days=day)
    command = AudienceTold("letter", what, on, count)  # type: ignore[arg-type]
    return decide(to_many(), case, command, dt.datetime.combine(on, dt.time(18), dt.UTC), office()).case


def test_a_mail_to_many_is_one_effect_and_fixes_who_they_are() -> None:
    decision = released(10)
    effects = [effect for effect in decision.effects if isinstance(effect, SendToAll | FixAudience)]
    assert effects == [FixAudience("families"), SendToAll("letter", "families", "2", "post_without_consent")]


def test_the_duty_is_done_when_each_one_is_told_and_the_residents_when_every_copy_is() -> None:
    case = counted(released(600).case, "began", 1)
    assert case.clocks["attorney"].legal == MONDAY + dt.timedelta(days=1)
    assert case.clocks["tell"].status == "running"
    case = counted(case, "told", 3)
    assert (case.clocks["tell"].status, case.clocks["tell"].ended_on) == ("satisfied", MONDAY + dt.timedelta(days=3))
    assert case.clocks["pipa"].status == "running"
    assert counted(case, "complete", 4).state == "filing"


def test_copies_on_paper_are_a_task_that_outlives_its_state() -> None:
    case = counted(released(10).case, "on_paper", 0, 2)
    task = case.open_task("post_letter")
    assert task is not None
    early = CompleteTask(task.id, "posted", {"posted_on": MONDAY - dt.timedelta(days=1)}, actor("cus"))
    with pytest.raises(UsageError, match=r"posted_on: .* \(when the letter was made\)"):
        decide(to_many(), case, early, NOW, office())
    posted = CompleteTask(task.id, "posted", {"posted_on": MONDAY}, actor("cus"))
    decision = decide(to_many(), case, posted, NOW, office())
    assert LettersPosted("letter", MONDAY) in decision.effects
    assert decision.case.clocks["tell"].status == "running"


def test_nothing_is_to_be_posted_once_every_copy_is_done_in_another_way() -> None:
    case = counted(counted(counted(released(10).case, "on_paper", 0, 1), "began", 0), "told", 1)
    assert case.open_task("post_letter") is not None
    assert counted(case, "complete", 1).open_task("post_letter") is None


def test_a_letter_that_comes_back_opens_the_paper_path_and_what_was_told_stays_told() -> None:
    case = counted(counted(released(10).case, "began", 1), "told", 1)
    back = counted(case, "back", 5, 1)
    assert back.open_task("post_letter") is not None
    assert back.clocks["tell"].status == "satisfied"


def test_a_mail_to_many_is_proved_like_any_other() -> None:
    assert check(to_many()).good, check(to_many()).flaws


@pytest.mark.parametrize(("old", "new", "message"), [
    ("counted: how_many", "counted: received_on", "fact 'received_on' is a date, but must be a int"),
    ("of: [as_wished, post_without_consent]", "of: [as_wished, by_dove]", "channel: 'by_dove' is unknown"),
    ("paper: custodian, ", "", "goes to many: it needs 'paper'"),
    ("fix: [families]", "fix: [family]", "did you mean 'families'?"),
    ("audiences: {families:", "audiences: {nobody: {label: N, counted: how_many}, families:",
     "'nobody' in audiences never reads a mail"),
])  # fmt: skip
def test_a_broken_audience_is_told_with_its_place(old: str, new: str, message: str) -> None:
    assert old in MANY
    with pytest.raises(FaultyInput) as broken:
        to_many(MANY.replace(old, new))
    assert message in str(broken.value)
