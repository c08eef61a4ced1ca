"""Facts that are worked out (a charge, the day after a quarter) or counted among cases, and dates of children."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import pytest

from engine.deciding.decide import decide, start
from engine.errors import FaultyInput, Refused, UsageError
from engine.law.quarters import fiscal_quarter, quarter_days
from engine.model.case import Case, Contact, FactValue, Suggestion
from engine.model.messages import CompleteTask, RecordFacts, StartCase, StartChild
from engine.model.office import Office
from engine.proof.prove import check
from tests.office import actor, office
from tests.registers import D, compiled

NOW = dt.datetime(2026, 11, 30, 18, 0, tzinfo=dt.UTC)
LENDING = """
process: copies
version: 1
title: Copies
cites: [District policy]
parties:
  parent: {kind: other, label: Who asks}
start: {needs: [parent, asked_on, student]}
facts:
  asked_on: {type: date, label: Asked}
  student: {type: text, personal: true, label: Student}
  dropped: {type: bool, label: Dropped}
  earlier:
    {type: int, label: Earlier ones,
     counts: {rule: R-COPY-LIMIT, on: asked_on, same: [parent, student], where: "!dropped"}}
  from_then_on: {type: date, label: Next quarter, quarter_after: asked_on}
  pages: {type: int, label: Pages}
  cents: {type: int, threshold: 20, label: Cost of a page}
  cannot_pay: {type: bool, label: Cannot pay}
  fee: {type: text, label: Fee, charge: {of: pages, price: cents, free: 50, most: 15, waived: cannot_pay}}
  more: {type: text, label: More}
clocks:
  give: {rule: R-COPY-SOPPA, title: Give, anchor: asked_on, satisfied_by: [look.given, look.late], ladder: LONG,
         owner: custodian}
children:
  errand: {process: errand, joined: false, otherwise: Run it,
           facts: {what: student, begun_on: {day: 0}, done_by: {before: 10 business_days, of: give}}}
states:
  open:
    title: Open
    initial: true
    tasks:
      - id: look
        role: custodian
        title: Look
        form: [earlier, {fact: pages, optional: true}, {fact: cannot_pay, optional: true},
               {fact: dropped, optional: true}]
        due: 5 business_days
        outcomes:
          given: {to: ended, start: [errand], require: [{before: give, say: The legal date has come.}]}
          late: {to: ended, when: earlier >= 2}
      - {id: show, role: custodian, offered: true, title: Show, shows: [fee, from_then_on, more],
         form: [{fact: more, optional: true}], outcomes: {seen: {}}}
  ended: {title: Ended, final: ended}
"""
ERRAND = """
process: errand
version: 1
title: Errand
cites: [District policy]
start: {needs: [what, begun_on]}
facts:
  what: {type: text, personal: true, label: What}
  begun_on: {type: date, label: Begun}
  done_by: {type: date, label: Wanted by}
states:
  open:
    title: Open
    initial: true
    tasks:
      - {id: run, role: custodian, title: Run, shows: [what, begun_on], due: {day: 0, of: done_by},
         outcomes: {done: ended}}
  ended: {title: Ended, final: ended}
"""
ANA = Contact("Ana Ruiz", "ana@example.org")


TODAY = D(2026, 11, 30)


def begun(number: int, on: dt.date = TODAY, parent: Contact = ANA, student: str = "Leo Ruiz",
          house: Office | None = None) -> Case:  # fmt: skip
    command = StartCase(f"2026-{number:04}", actor("ada"), {"asked_on": on, "student": student}, {"parent": parent})
    return start(compiled(LENDING), command, NOW, house or office()).case


def among(*others: Case) -> Office:
    return replace(office(), others=others, processes=frozenset({"errand"}))


def recorded(case: Case, **values: FactValue) -> Case:
    return decide(compiled(LENDING), case, RecordFacts(values, actor("ada"), "it was told", "sup"), NOW, among()).case


@pytest.mark.parametrize(("facts", "fee"), [
    ({"pages": 50}, "$0.00"),
    ({"pages": 51}, "$0.15"),  # 20 cents are the district's cost, 15 the most that may be asked
    ({"pages": 9050}, "$1,350.00"),
    ({"pages": 73, "cannot_pay": False}, "$3.45"),
    ({"pages": 73, "cannot_pay": True}, "$0.00"),
])  # fmt: skip
def test_a_charge_is_for_what_is_not_free_at_the_price_or_the_most(facts: Mapping[str, FactValue], fee: str) -> None:
    assert recorded(begun(1), **facts).facts["fee"] == fee


def test_the_districts_own_price_counts_where_it_is_lower() -> None:
    case = begun(1, house=replace(office(), thresholds={"cents": 7}))
    assert recorded(case, pages=60).facts["fee"] == "$0.70"


def test_what_is_worked_out_is_unknown_until_it_can_be_and_follows_what_it_rests_on() -> None:
    case = begun(1)
    assert "fee" not in case.facts
    assert recorded(recorded(case, pages=60), pages=70).facts["fee"] == "$3.00"


@pytest.mark.parametrize(("day", "first", "after"), [
    (D(2026, 9, 30), D(2026, 7, 1), D(2026, 10, 1)),
    (D(2026, 10, 1), D(2026, 10, 1), D(2027, 1, 1)),
    (D(2026, 12, 31), D(2026, 10, 1), D(2027, 1, 1)),
    (D(2028, 2, 29), D(2028, 1, 1), D(2028, 4, 1)),
    (D(2027, 6, 30), D(2027, 4, 1), D(2027, 7, 1)),
])  # fmt: skip
def test_quarters_of_the_state_fiscal_year(day: dt.date, first: dt.date, after: dt.date) -> None:
    assert quarter_days(day) == (first, after)
    assert fiscal_quarter(first) == fiscal_quarter(day) != fiscal_quarter(after)


def test_the_day_after_the_quarter_is_known_with_the_date() -> None:
    assert begun(1).facts["from_then_on"] == D(2027, 1, 1)


def test_nobody_types_what_is_worked_out() -> None:
    with pytest.raises(UsageError, match="fact 'fee' is worked out: record cannot_pay or cents or pages"):
        recorded(begun(1), fee="$1.00")


COUNTED = [
    ("the same", begun(1, D(2026, 10, 5)), 1),
    ("on the same day, before it", begun(1), 1),
    ("on the same day, after it", begun(9), 0),
    ("typed in another way", begun(1, parent=Contact("A. Ruiz", "Ana@Example.org"), student="leo  ruiz"), 1),
    ("the quarter before", begun(1, D(2026, 9, 30)), 0),
    ("another child", begun(1, student="Mia Ruiz"), 0),
    ("another parent", begun(1, parent=Contact("Ben Ruiz", "ben@example.org")), 0),
    ("dropped", recorded(begun(1), dropped=True), 0),
    ("not known whether it was dropped", begun(1), 1),
]


@pytest.mark.parametrize(("why", "other", "count"), COUNTED, ids=[row[0] for row in COUNTED])
def test_earlier_cases_are_counted_by_quarter_and_by_who_and_whom(why: str, other: Case, count: int) -> None:
    found = begun(5, house=among(other)).suggested["earlier"]
    assert (found.value, found.case) == (count, other.id if count else ""), why


def test_on_paper_a_parent_is_known_by_name_and_postal_address() -> None:
    there, moved = (Contact("Ana Ruiz", address=street) for street in ("12 Oak St", "9 Elm St"))
    house = among(begun(1, parent=there), begun(2, parent=moved))
    assert begun(5, parent=there, house=house).suggested["earlier"] == Suggestion(1, TODAY, "2026-0001")


def test_a_number_that_somebody_gave_is_not_counted_again() -> None:
    case = recorded(begun(5, house=among(begun(1))), earlier=3)
    assert (case.suggested["earlier"].value, case.facts["earlier"]) == (1, 3)


def test_a_decision_that_records_nothing_counts_nothing() -> None:
    assert begun(5).suggested == {}


def test_an_answer_waits_for_no_day_on_which_it_would_be_too_late() -> None:
    case = begun(1, D(2026, 10, 1))
    task = case.open_task("look")
    assert task is not None
    answer = CompleteTask(task.id, "given", {"earlier": 0}, actor("cus"))
    legal = case.clocks["give"].legal
    assert legal is not None
    before, on_it = (dt.datetime.combine(day, dt.time(18), dt.UTC) for day in (legal - dt.timedelta(days=1), legal))
    assert not decide(compiled(LENDING), case, answer, before, among()).case.is_open
    with pytest.raises(Refused, match="The legal date has come"):
        decide(compiled(LENDING), case, answer, on_it, among())


def test_a_child_gets_dates_that_are_reckoned_on_the_day_of_its_start() -> None:
    case = begun(1)
    task = case.open_task("look")
    assert task is not None
    answer = CompleteTask(task.id, "given", {"earlier": 0}, actor("cus"))
    effects = decide(compiled(LENDING), case, answer, NOW, among()).effects
    facts = next(effect.facts for effect in effects if isinstance(effect, StartChild))
    assert facts == {"what": "Leo Ruiz", "begun_on": D(2026, 11, 30), "done_by": D(2026, 12, 30)}


def test_a_definition_with_all_of_it_is_proved() -> None:
    assert check(compiled(LENDING), {"errand": compiled(ERRAND)}).flaws == ()


@pytest.mark.parametrize(("old", "new", "said"), [
    ("begun_on: {day: 0}", "begun_on: {before: 10 business_days, of: give}", "what it is counted from may be unknown"),
    ("begun_on: {day: 0}", "started_on: {day: 0}", "errand has no fact 'started_on'"),
    ("begun_on: {day: 0}", "what: {day: 0}, begun_on: asked_on", "'what' of errand is no date"),
])  # fmt: skip
def test_a_childs_dates_are_dates_that_will_be_known(old: str, new: str, said: str) -> None:
    text = LENDING.replace("what: student, ", "") if "what:" in new else LENDING
    flaws = check(compiled(text.replace(old, new)), {"errand": compiled(ERRAND)}).flaws
    assert any(said in flaw.message for flaw in flaws), flaws


@pytest.mark.parametrize(("old", "new", "said"), [
    ("free: 50, ", "", "a charge needs the key 'free'"),
    ("free: 50", "free: -1", "free: -1 is less than nothing"),
    ("of: pages", "of: asked_on", "of: fact 'asked_on' is a date, but must be a int"),
    ("waived: cannot_pay", "waived: pages", "waived: fact 'pages' is a int, but must be a bool"),
    ("fee: {type: text", "fee: {type: int", "fact 'fee' is a int, but one with 'charge' is a text"),
    ("quarter_after: asked_on", "quarter_after: student", "fact 'student' is a text, but must be a date"),
    ("quarter_after: asked_on", "quarter_after: asked_on, past: true", "has 'quarter_after' and 'past': keep one"),
    ("rule: R-COPY-LIMIT", "rule: R-COPY-LIMITS", "rule 'R-COPY-LIMITS' is unknown (did you mean 'R-COPY-LIMIT'?)"),
    ("rule: R-COPY-LIMIT", "rule: R-COPY-SOPPA", "counts: rule 'R-COPY-SOPPA' sets a date, not a limit"),
    ("same: [parent, student]", "same: [parent, asked_on]", "same: fact 'asked_on' is a date, but must be a text"),
    ('where: "!dropped"', 'where: "!droped"', "unknown fact 'droped' (did you mean 'dropped'?)"),
    ("int, label: Earlier", "text, label: Earlier", "fact 'earlier' is a text, but one with 'counts' is a int"),
    ("form: [{fact: more", "form: [fee, {fact: more", "form: fact 'fee' is worked out from others: nobody types it"),
    ("before: give,", "before: gives,", "before: there is no 'gives' in clocks (did you mean 'give'?)"),
    ("before: give,", "before: give, passed: give,", "or {before: clock, say: …}"),
])  # fmt: skip
def test_what_is_wrong_is_said(old: str, new: str, said: str) -> None:
    assert old in LENDING
    with pytest.raises(FaultyInput) as wrong:
        compiled(LENDING.replace(old, new))
    assert said in str(wrong.value)
