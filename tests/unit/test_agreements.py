"""Facts that name an agreement, what a case takes from it, and what a process writes into the register."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from engine.deciding.decide import decide, start
from engine.deciding.forms import read_values
from engine.deciding.moves import enter
from engine.deciding.turn import Turn
from engine.errors import FaultyInput, NeedsSecond, Refused, Unmet, UsageError
from engine.model.case import SYSTEM, Case, Contact, FactValue, TableRow
from engine.model.definition import Definition
from engine.model.messages import CompleteTask, Decision, RecordFacts, Send, StartCase, StartChild, WriteRegister
from engine.model.office import Office
from engine.model.parts import Picked
from engine.model.register import Entry
from engine.proof.prove import check
from engine.proof.simulate import Answer, play
from registry.fields import FIELDS, entry_of
from registry.likeness import by_likeness
from registry.values import Holding, Operator, Product
from tests.office import actor, office
from tests.registers import ACME, DELETION, GRADE, NAME, POSTING, SIGNING, D, Shelf, compiled, deletion, entry
from web.forms import fields_of, read_submission
from workflows import Catalogue

NOW = dt.datetime(2026, 11, 23, 18, 0, tzinfo=dt.UTC)
TODAY = D(2026, 11, 23)
WITHOUT = entry("A-0002", deletion_days=(), contact=(), data_elements=(), product="Zed Notes", signed_on=D(2026, 11, 9))


def house(*entries: Entry, next_agreement: int = 1) -> Office:
    register = {one.id: one for one in entries}
    return replace(office(), register=register, next_agreement=next_agreement, processes=frozenset({"posting"}))


def begun(definition: Definition, where: Office, **facts: FactValue) -> Decision:
    return start(definition, StartCase("2026-0001", actor("cus"), facts, {}), NOW, where)


def answer(definition: Definition, case: Case, where: Office, task: str, outcome: str,
           **values: FactValue) -> Decision:  # fmt: skip
    found = case.open_task(task)
    assert found is not None
    person = {"privacy": "ada", "web": "its"}.get(found.role or "", "cus")
    return decide(definition, case, CompleteTask(found.id, outcome, values, actor(person)), NOW, where)


def ordered(*entries: Entry, named: str = "A-0001") -> tuple[Definition, Case]:
    definition, where = deletion(), house(*(entries or (entry(),)))
    case = begun(definition, where, received_on=TODAY).case
    return definition, answer(definition, case, where, "find", "found", agreement=named).case


def directed(**named: FactValue) -> Decision:
    """A parent asked, and the privacy officer sends the directive to an operator."""
    definition, where = Catalogue().newest("deletion_order"), house(entry(deletion_days=10, sponsor="dan"))
    given: Mapping[str, FactValue] = {"why": "parent", "scope": "Account 4711"}
    case = start(definition, StartCase("2026-0001", actor("cus"), given, {"operator": ACME}), NOW, where).case
    return answer(definition, case, where, "direct", "send", scope="Account 4711", **named)


@pytest.mark.parametrize(("named", "due", "told"), [
    ({"agreement": "A-0001"}, D(2026, 12, 3), "person:dan"),
    ({"no_agreement": "A teacher clicked it"}, D(2026, 12, 23), "person:ada"),
])  # fmt: skip
def test_a_deletion_counts_the_days_of_its_agreement_and_tells_the_sponsor(
        named: Mapping[str, FactValue], due: D, told: str) -> None:
    decision = directed(**named)
    certify = decision.case.open_task("certify")
    assert certify is not None and certify.due == due
    sent = {effect.mail: effect.recipient for effect in decision.effects if isinstance(effect, Send)}
    assert sent["account_closes"] == told


def test_a_directive_without_the_agreement_says_why_there_is_none() -> None:
    with pytest.raises(Unmet, match="or say why the register has none"):
        directed()


def decided_to_delete(chosen: FactValue, *contacts: Contact) -> Decision:
    """The custodian has chosen from the register, the privacy officer agrees."""
    definition, where = Catalogue().newest("deletion_request"), house(entry(), WITHOUT)
    parties = {"parent": Contact("Pat", "pat@families.example")}
    case = start(definition, StartCase("2026-0001", actor("cus"), {"received_on": TODAY, "wanted": "All"}, parties),
                 NOW, where).case
    case = answer(definition, case, where, "verify", "complete", identity_ok=True, requester_kind="parent",
                  wants_copy=False).case
    item = TableRow("1", {"item": "Answers", "held_by": "Reader", "record": "none", "copy_kept": False,
                          "preserved": False, "decision": "delete", "ground": "none"})
    named: dict[str, FactValue] = {"agreements": chosen} if chosen else {}
    named |= {"operators": contacts} if contacts else {}
    case = answer(definition, case, where, "analyse", "all", items=(item,), directive="Account 4711",
                  consequences="The work is lost", **named).case
    return answer(definition, case, where, "agree", "agree")


def test_a_deletion_is_ordered_of_each_product_that_was_chosen_and_of_each_operator_besides() -> None:
    sam = Contact("Sam", "sam@sums.example")
    decision = decided_to_delete(frozenset({"A-0002", "A-0001"}), sam)
    started = [(one.facts.get("agreement"), one.parties.get("operator")) for one in decision.effects
               if isinstance(one, StartChild)]
    assert started == [("A-0001", None), ("A-0002", None), (None, sam)]
    assert decision.case.children == {"deletion_order": 3}


def test_what_the_register_has_not_is_chosen_by_nobody() -> None:
    with pytest.raises(UsageError, match="there is no agreement 'A-0009' in the register"):
        decided_to_delete(frozenset({"A-0001", "A-0009"}))


def test_nobody_to_delete_is_not_decided() -> None:
    with pytest.raises(Refused, match="is not open now: it needs has\\(agreements\\) \\|\\| has\\(operators\\)"):
        decided_to_delete(())


def test_the_order_takes_its_operator_and_its_days_from_the_agreement() -> None:
    given: Mapping[str, FactValue] = {"why": "parent", "scope": "All", "agreement": "A-0001"}
    child = StartCase("2026-0002", SYSTEM, given, {}, "2026-0001", "deletion_order")
    case = start(Catalogue().newest("deletion_order"), child, NOW, house(entry(deletion_days=10))).case
    assert (case.parties["operator"], case.facts["deletion_days"]) == (ACME, 10)


def test_the_register_is_offered_with_the_named_products_first_and_ticked() -> None:
    definition = Catalogue().newest("deletion_request")
    task = definition.states["analysing"].tasks[0]
    labels = {"A-0001": "Sums – Sums Inc", "A-0002": "Reader – Readwell", "A-0003": "Reader Plus – Readwell"}
    fields = fields_of(definition, task, {"where_held": "the reader plus, and Maths"}, office(), "en", personal=True,
                       agreements=labels)
    (field,) = (one for one in fields if one.name == "agreements")
    assert field.kind == "set"
    assert [(one.value, one.chosen) for one in field.options] == [
        ("A-0003", True), ("A-0002", False), ("A-0001", False)]


@pytest.mark.parametrize(("typed", "known", "wrong"), [
    (["A-0001", "A-0002"], frozenset({"A-0001", "A-0002"}), ""),
    (["A-0001, A-0002"], frozenset({"A-0001", "A-0002"}), ""),
    (["A-0009"], None, "there is no agreement 'A-0009' in the register"),
])  # fmt: skip
def test_agreements_are_read_by_their_ids(typed: list[str], known: FactValue, wrong: str) -> None:
    definition = Catalogue().newest("deletion_request")
    values, errors = read_values(definition, ["agreements"], {"agreements": typed}, agreements=["A-0001", "A-0002"])
    assert values.get("agreements") == known and errors.get("agreements", "").startswith(wrong)


# --- taken from the register -----------------------------------------------------------------------------------------


def test_a_named_agreement_brings_its_facts_and_its_party() -> None:
    _, case = ordered()
    assert case.facts["product"] == "Acme Maths"
    assert case.facts["deletion_days"] == 30
    assert case.facts["elements"] == {NAME}
    assert case.facts["soon"] is True
    assert case.parties["operator"] == ACME


def test_what_the_register_has_not_is_not_known() -> None:
    _, case = ordered(WITHOUT, named="A-0002")
    assert case.facts["product"] == "Zed Notes"
    assert {"deletion_days", "elements", "clauses", "soon"} & case.facts.keys() == set()


def test_a_party_of_whom_the_register_knows_no_contact_is_told_on_paper() -> None:
    _, case = ordered(WITHOUT, named="A-0002")
    assert case.parties["operator"] == Contact("Acme Maths – Acme Learning")
    assert [task.name for task in case.tasks if task.mail] == ["post_order"]


def test_another_agreement_supersedes_what_the_first_one_brought_and_withdraws_the_rest() -> None:
    definition, case = ordered()
    decision = answer(definition, case, house(WITHOUT), "other", "again", agreement="A-0002")
    assert decision.case.facts["product"] == "Zed Notes"
    assert {"deletion_days", "elements", "soon"} & decision.case.facts.keys() == set()
    withdrawn = [event.detail for event in decision.events if event.kind == "fact_withdrawn"]
    assert withdrawn == [{"fact": name, "because": "agreement is A-0002"}
                         for name in ("deletion_days", "elements", "soon")]
    assert decision.case.parties["operator"].email is None
    assert decision.case.open_task("certify").generation == 2  # type: ignore[union-attr]


def test_the_same_agreement_named_again_brings_what_the_register_has_now() -> None:
    definition, case = ordered()
    again = RecordFacts({"agreement": "A-0001"}, actor("cus"), "the contract was amended")
    after = decide(definition, case, again, NOW, house(entry(deletion_days=60))).case
    assert (after.facts["deletion_days"], after.facts["soon"]) == (60, False)


def test_a_taken_date_that_moves_a_legal_date_later_takes_a_second_person() -> None:
    definition = compiled(POSTING)
    case = begun(definition, house(entry(signed_on=D(2026, 11, 16))), agreement="A-0001").case
    assert case.clocks["post"].anchor == D(2026, 11, 16)
    later = RecordFacts({"agreement": "A-0002"}, actor("cus"), "it was another one")
    with pytest.raises(NeedsSecond, match="a legal date would move later"):
        decide(definition, case, later, NOW, house(entry("A-0002", signed_on=D(2026, 11, 20))))


def test_an_unknown_agreement_is_refused_with_the_nearest() -> None:
    definition = deletion()
    case = begun(definition, house(), received_on=TODAY).case
    with pytest.raises(UsageError, match=r"there is no agreement 'A-001' in the register \(did you mean 'A-0001'\?\)"):
        answer(definition, case, house(entry()), "find", "found", agreement="A-001")


@pytest.mark.parametrize("facts", [{"deletion_days": 30}, {"product": "Acme"}])
def test_nobody_types_what_the_register_gives(facts: dict[str, FactValue]) -> None:
    definition, case = ordered()
    with pytest.raises(UsageError, match="is taken from the agreement in 'agreement'"):
        decide(definition, case, RecordFacts(facts, actor("cus"), "typed"), NOW, house())
    with pytest.raises(UsageError, match="is taken from the agreement in 'agreement'"):
        begun(definition, house(), received_on=TODAY, **facts)


def test_a_holding_is_seen_with_its_sponsor_only_if_that_is_a_person_here() -> None:
    product = Product("P-0001", "O-0001", "Acme Maths", "approved", sponsor="eve@district.example", notes="ask Eve")
    acme = Operator("O-0001", "Acme Learning", "1 Oak St", Contact("Acme Learning", "p@acme.example"))
    holding = Holding(acme, product)
    assert entry_of(holding, {"eve@district.example": "eve"}).values["sponsor"] == "eve"
    seen = entry_of(holding, {}).values
    assert {"sponsor", "notes"} & seen.keys() == set()
    assert seen["contact"] == (Contact("Acme Learning", "p@acme.example", address="1 Oak St"),)
    assert entry_of(replace(holding, product=replace(product, sponsor="eve")), {"x@y.example": "eve"}).values[
        "sponsor"] == "eve"


# --- shown and typed -------------------------------------------------------------------------------------------------

LABELS = {"A-0001": "Acme Maths – Acme Learning", "A-0002": "Zed Notes – Zed", "A-0003": "Acme Reading – Acme Learning"}


def test_agreements_are_listed_by_their_likeness_to_a_text() -> None:
    assert next(iter(by_likeness("the zed notes app", LABELS))) == "A-0002"
    assert list(by_likeness("acme reading", LABELS))[:2] == ["A-0003", "A-0001"]
    assert list(by_likeness("", LABELS)) == list(LABELS)


def test_a_form_offers_the_agreements_and_reads_the_chosen_one() -> None:
    definition = deletion()
    case = begun(definition, house(), received_on=TODAY, about="Acme Reading").case
    wanted = definition.states["received"].tasks[0]
    shown = {field.name: field for field in fields_of(definition, wanted, case.facts, office(), "en", personal=True,
                                                      agreements=LABELS)}
    assert shown["agreement"].kind == "list"
    assert shown["agreement"].options[0].label == "A-0003: Acme Reading – Acme Learning"
    sent = read_submission(definition, wanted, case.facts, office(), "en", {"agreement": ["A-0002"]}, "found", LABELS)
    assert (sent.values["agreement"], dict(sent.errors)) == ("A-0002", {})


@pytest.mark.parametrize(("language", "message"), [
    ("en", "there is no agreement 'A-001' in the register (did you mean 'A-0001'?)"),
    ("es", "no hay ningún acuerdo 'A-001' en el registro (did you mean 'A-0001'?)"),
])  # fmt: skip
def test_a_typed_agreement_is_checked_against_the_register(language: str, message: str) -> None:
    _, errors = read_values(deletion(), ["agreement"], {"agreement": "A-001"}, language, agreements=LABELS)
    assert errors == {"agreement": message}


# --- written into the register ---------------------------------------------------------------------------------------


def signed(**values: FactValue) -> Decision:
    definition, where = compiled(SIGNING), house(next_agreement=42)
    facts: Mapping[str, FactValue] = {"product": "Acme Maths", "operator": "Acme Learning", "entered_on": TODAY}
    case = begun(definition, where, **facts).case
    return answer(definition, case, where, "sign", "signed", elements=frozenset({NAME, GRADE}), **values)


def test_a_state_enters_an_agreement_and_the_case_and_its_child_learn_its_number() -> None:
    decision = signed(days=45)
    (written,) = (effect for effect in decision.effects if isinstance(effect, WriteRegister))
    assert (written.agreement, written.is_new) == ("A-0042", True)
    assert written.values == {
        "product": "Acme Maths", "operator": "Acme Learning", "signed_on": TODAY, "deletion_days": 45,
        "data_elements": frozenset({NAME, GRADE}), "type": "vendor_dpa", "listing": "approved",
    }  # fmt: skip
    assert decision.case.facts["agreement"] == "A-0042"
    (child,) = (effect for effect in decision.effects if isinstance(effect, StartChild))
    assert child.facts == {"agreement": "A-0042"}
    assert [event.detail["agreement"] for event in decision.events if event.kind == "agreement_entered"] == ["A-0042"]


def test_an_optional_field_that_nobody_knows_is_left_out() -> None:
    (written,) = (effect for effect in signed().effects if isinstance(effect, WriteRegister))
    assert "deletion_days" not in written.values


def test_a_state_changes_the_agreement_that_a_fact_names() -> None:
    definition, where = compiled(POSTING), house(entry(signed_on=TODAY))
    case = begun(definition, where, agreement="A-0001").case
    values: Mapping[str, FactValue] = {"posted_on": TODAY, "url": "https://d.example/a.pdf"}
    decision = answer(definition, case, where, "publish", "done", **values)
    (written,) = (effect for effect in decision.effects if isinstance(effect, WriteRegister))
    assert written == WriteRegister("A-0001", False, {"posted_on": TODAY, "posted_url": "https://d.example/a.pdf"})


def test_a_state_lists_a_product_that_has_no_agreement() -> None:
    definition, where = compiled(SIGNING), house()
    case = begun(definition, where, product="Acme Maths", operator="Acme Learning", entered_on=TODAY).case
    decision = answer(definition, case, where, "sign", "dropped", elements=frozenset({NAME}))
    (written,) = (effect for effect in decision.effects if isinstance(effect, WriteRegister))
    assert written == WriteRegister("", False, {"product": "Acme Maths", "operator": "Acme Learning",
                                                "listing": "declined"})
    assert "agreement" not in decision.case.facts


def test_nobody_types_the_number_of_an_agreement_that_is_entered() -> None:
    with pytest.raises(UsageError, match="is given by the register when the agreement is entered"):
        begun(compiled(SIGNING), house(), product="x", operator="y", entered_on=TODAY, agreement="A-0001")


def test_a_story_enters_an_agreement_and_its_child_takes_from_it() -> None:
    signing, posting = compiled(SIGNING), compiled(POSTING)
    facts: Mapping[str, FactValue] = {"product": "Acme Maths", "operator": "Acme Learning", "entered_on": TODAY}
    sign = Answer(TODAY, "sign", "signed", {"elements": frozenset({NAME})})
    story = play(signing, Shelf(signing, posting), office(), TODAY, facts, {}, [sign], days=2)
    child = story.cases["S-1.1"]
    assert (child.facts["agreement"], child.facts["signed_on"]) == ("A-0001", TODAY)
    assert child.clocks["post"].legal == D(2026, 12, 8)


def test_a_story_takes_from_the_agreements_it_names_what_is_given_of_them() -> None:
    definition = deletion()
    found = Answer(TODAY, "find", "found", {"agreement": "A-0007"})
    given: Mapping[str, FactValue] = {"received_on": TODAY, "deletion_days": 60, "product": "Acme Maths"}
    story = play(definition, Shelf(definition), office(), TODAY, given, {}, [found], days=2)
    assert (story.case.facts["deletion_days"], story.case.facts["soon"]) == (60, False)
    with pytest.raises(UsageError, match="product, deletion_days: these are taken from an agreement, so name one"):
        play(definition, Shelf(definition), office(), TODAY, given, {}, [], days=2)


# --- compiled and proved ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("definition", [compiled(SIGNING), compiled(POSTING), deletion()], ids=lambda d: d.process)
def test_the_sample_processes_are_proved(definition: Definition) -> None:
    assert check(definition).good, check(definition).flaws


def test_a_taken_fact_has_the_options_and_columns_of_its_field() -> None:
    facts = deletion().facts
    assert facts["elements"].type.options == FIELDS["data_elements"].type.options
    assert [column.name for column in facts["clauses"].type.columns][:2] == ["status", "page"]
    assert facts["clauses"].option_labels["a"] == {"en": "A: categories of covered information"}


@pytest.mark.parametrize(("text", "old", "new", "message"), [
    (DELETION, "from: agreement.deletion_days", "from: agreement.delete_days",
     "the register has no field 'delete_days' (did you mean 'deletion_days'?)"),
    (DELETION, "type: int, from: agreement.deletion_days", "type: text, from: agreement.deletion_days",
     "fact 'deletion_days' is a text, but 'deletion_days' of the register is a int"),
    (DELETION, "from: agreement.product,", "from: agreemnt.product,", "there is no 'agreemnt' in facts"),
    (DELETION, "from: agreement.product,", "from: about.product,", "fact 'about' names no agreement: its type is text"),
    (DELETION, "from: agreement.product,", "from: product,", "from is a field of the register"),
    (DELETION, "type: set, from:", "type: set, of: [a], from:", "is taken from the register: leave 'of' out"),
    (DELETION, "from: agreement.contact", "from: agreement.product", "'product' of the register is a text, but"),
    (DELETION, "like: about", "like: received_on", "fact 'received_on' is a date, but must be a text"),
    (DELETION, "{type: text, label: What", "{type: text, like: product, label: What",
     "'like' puts agreements in order"),
    (DELETION, "form: [{fact: about, optional: true}, agreement]", "form: [about, agreement, deletion_days]",
     "fact 'deletion_days' is taken from fact 'agreement': nobody types it"),
    (DELETION, "needs: [received_on]", "needs: [received_on, product]", "is taken from fact 'agreement'"),
    (DELETION, "when: has(agreement)", "when: agreement == 'A-0001'", "write has(fact)"),
    (SIGNING, "deletion_days: {fact: days", "deletion_day: {fact: days",
     "the register has no field 'deletion_day' (did you mean 'deletion_days'?)"),
    (SIGNING, "signed_on: entered_on", "signed_on: product", "cannot hold fact 'product', which is a text, but must"),
    (SIGNING, "signed_on: entered_on, ", "", "which needs the field 'signed_on'"),
    (SIGNING, "signed_on: entered_on", "signed_on: {fact: entered_on, optional: true}", "needs the field 'signed_on'"),
    (SIGNING, "of: agreement.data_elements", "of: [a, b]", "which has 'a', which the register does not know"),
    (SIGNING, "of: agreement.data_elements", "of: agreement.product", "of: 'product' is unknown"),
    (SIGNING, "set: {type: vendor_dpa", "set: {type: vendor", "set: 'vendor' is unknown (did you mean 'vendor_dpa'?)"),
    (SIGNING, "listing: approved}", "listing: approved, product: x}", "takes 'product' from a fact and sets it too"),
    (SIGNING, "kind: agreement\n", "kind: contract\n", "kind: 'contract' is unknown"),
    (SIGNING, "kind: agreement\n", "kind: product\n", "'signed_on' belongs to an agreement: write it with"),
    (SIGNING, "{kind: product, ", "{kind: product, of: product, ", "register 'declined': "),
    (SIGNING, "facts: {product: product, operator: operator}, set", "facts: {product: product}, set",
     "register 'declined' enters a product, which needs the field 'operator'"),
    (DELETION, "needs: [received_on]", "needs: [received_on, operator]", "party 'operator' is taken from the register"),
    (SIGNING, "form: [elements,", "form: [elements, agreement,", "fact 'agreement' is given by the register"),
    (SIGNING, "register: [agreement], ", "", "'agreement' in registers is never written"),
    (SIGNING, "register: [agreement]", "register: [agreemnt]", "there is no 'agreemnt' in registers"),
    (SIGNING, "agreement: {type: agreement, label", "agreement: {type: text, label", "is a text, but must be"),
    (POSTING, "posted_url: url}", "posted_url: url, supersedes: agreement}", "of an agreement is never changed"),
    (POSTING, "of: agreement, facts", "of: url, facts", "fact 'url' is a text, but must be a agreement"),
])  # fmt: skip
def test_a_faulty_definition_is_told_with_its_place(text: str, old: str, new: str, message: str) -> None:
    assert old in text
    with pytest.raises(FaultyInput) as broken:
        deletion(text.replace(old, new)) if text is DELETION else compiled(text.replace(old, new))
    assert message in str(broken.value)


@pytest.mark.parametrize(("text", "old", "new", "message"), [
    (SIGNING, "form: [elements, {fact: days", "form: [{fact: elements, optional: true}, {fact: days",
     "state 'executed' registers 'agreement', which needs elements, not set on every path"),
    (POSTING, "needs: [agreement]", "needs: []", "registers 'posted', which needs agreement, not set on every path"),
])  # fmt: skip
def test_what_is_registered_must_be_set_on_every_path(text: str, old: str, new: str, message: str) -> None:
    assert any(message in flaw.message for flaw in check(compiled(text.replace(old, new))).flaws)


NEVER = POSTING.replace("satisfied_by: [publish.done]", "satisfied_by: [other.done]").replace(
    "outcomes: {done: posted}}",
    "outcomes: {done: posted}}\n      - {id: other, role: web, offered: true, title: Other, outcomes: {done: {}}}",
)
OPEN = "ends the case while clock 'post' runs"


def test_a_clock_on_what_every_agreement_has_runs_in_the_proof() -> None:
    assert any(OPEN in flaw.message for flaw in check(compiled(NEVER)).flaws)


def test_a_clock_on_what_an_agreement_may_lack_is_proved_both_ways() -> None:
    maybe = POSTING.replace("from: agreement.signed_on", "from: agreement.expires_on")
    assert check(compiled(maybe)).good
    never = NEVER.replace("from: agreement.signed_on", "from: agreement.expires_on")
    assert any(OPEN in flaw.message for flaw in check(compiled(never)).flaws)


def test_a_mail_reads_what_an_agreement_may_lack_inside_has_only() -> None:
    plain = "Subject: {{ case }}\n\n{{ fact_deletion_days }}\n"
    flaws = check(compiled(DELETION, order=plain)).flaws
    assert any("mail 'order' reads fact_deletion_days, not set on every path" in flaw.message for flaw in flaws)


def test_a_state_that_lacks_a_fact_for_the_register_refuses() -> None:
    text = SIGNING.replace("form: [elements, {fact: days", "form: [{fact: elements, optional: true}, {fact: days")
    definition, where = compiled(text), house()
    case = begun(definition, where, product="x", operator="y", entered_on=TODAY).case
    with pytest.raises(Refused, match="the register needs to know elements: record it first"):
        answer(definition, case, where, "sign", "signed")


def test_every_field_of_the_register_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "definitions.md").read_text("utf-8")
    assert [name for name in FIELDS if f"`{name}`" not in text] == []


def test_a_sponsorship_enters_what_it_found_out_and_the_posting_begins_with_it() -> None:
    definition, where = Catalogue().newest("vendor_sponsorship"), house()
    where = replace(where, processes=frozenset({"contract_posting"}))
    clauses = tuple(TableRow(key, {"status": "present", "page": "3, second passage"}) for key in "abcdefg")
    facts: Mapping[str, FactValue] = {
        "sponsor": "dan", "product": "Reader", "vendor_name": "Reader Inc", "vendor_contact": (ACME,),
        "purpose": "Reading",
        "agreement_type": "vendor_dpa", "entered_on": TODAY, "signed_on": TODAY, "breach_notice_days": 30,
        "deletion_days": 10, "subcontractors": "None", "business_address": "1 Main St, Springfield", "clauses": clauses,
        "elements": tuple(TableRow(key, {"needed_for": "Sign-in", "kept": True}) for key in (NAME, GRADE)),
        "messaging": "no",
    }  # fmt: skip
    case = start(definition, StartCase("2026-0001", actor("ada"), facts, {}), NOW, where).case
    turn = Turn(definition, where, actor("ada"), NOW, case)
    enter(turn, "executed")
    (written,) = (effect for effect in turn.effects if isinstance(effect, WriteRegister))
    assert written.values["data_elements"] == frozenset({NAME, GRADE}) and written.values["clauses"] == clauses
    assert written.values["business_address"] == "1 Main St, Springfield"
    (child,) = (effect for effect in turn.effects if isinstance(effect, StartChild))
    given = {name: child.facts[name] for name in ("operator_name", "business_address", "uses", "subcontractors")}
    assert given == {"operator_name": "Reader Inc", "business_address": "1 Main St, Springfield", "uses": "Reading",
                     "subcontractors": "None"}


def test_privacy_ends_its_review_only_with_the_data_elements() -> None:
    definition = Catalogue().newest("vendor_sponsorship")
    (review,) = (task for state in definition.states.values() for task in state.tasks if task.name == "review_privacy")
    assert [field.fact for field in review.form if field.required] == ["elements"]
    assert definition.facts["data_elements"].picked == Picked("elements", "kept")
    assert definition.facts["elements"].type.options == FIELDS["data_elements"].type.options
