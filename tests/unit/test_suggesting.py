"""Last time's answers: suggested, shown beside the new ones, and no facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import pytest

from engine.deciding.decide import decide, start
from engine.deciding.suggesting import differences, suggestions, unchanged
from engine.errors import FaultyInput, Refused
from engine.model.case import Case, FactValue, Suggestion, TableRow
from engine.model.definition import Definition, TaskDef
from engine.model.messages import CompleteTask, StartCase
from storage.rows import case_row, pack_secrets, read_case
from tests.office import actor, office
from tests.registers import CHECK_IN, D, compiled, entry
from web.forms import FieldView, fields_of

NOW = dt.datetime(2026, 12, 1, 13, 0, tzinfo=dt.UTC)
HOUSE = replace(office(), register={"A-0001": entry()})
SAME = (TableRow("data", {"state": "same"}), TableRow("security", {"state": "same"}))
ANSWERS: Mapping[str, FactValue] = {"uses": 12, "changed": False, "areas": SAME}
LAST = {name: Suggestion(value, D(2025, 12, 9), "2025-0001") for name, value in ANSWERS.items()}


def begun(suggested: Mapping[str, Suggestion] = LAST, text: str = CHECK_IN) -> tuple[Definition, Case]:
    definition = compiled(text)
    facts: Mapping[str, FactValue] = {"agreement": "A-0001", "cycle_on": D(2027, 3, 1), "why": "yearly"}
    command = StartCase("2026-0001", actor("ada"), facts, {}, after="2025-0001", suggested=suggested)
    return definition, start(definition, command, NOW, HOUSE).case


def answered(case: Case, definition: Definition, **values: FactValue) -> Case:
    task = case.open_task("attest")
    assert task is not None
    return decide(definition, case, CompleteTask(task.id, "sent", values, actor("ada")), NOW, HOUSE).case


def test_the_next_case_is_suggested_what_is_prefilled_and_nothing_else() -> None:
    definition, case = begun({})
    ended = replace(answered(case, definition, **ANSWERS), ended_at=NOW)
    recorded = {"uses": dt.datetime(2026, 12, 3, 3, 0, tzinfo=dt.UTC)}
    found = suggestions(definition, ended, definition, recorded, office())
    assert set(found) == {"uses", "changed", "areas"}
    assert found["uses"] == Suggestion(12, D(2026, 12, 2), "2026-0001")
    assert found["areas"].on == D(2026, 12, 1)


@pytest.mark.parametrize(("old", "new", "kept"), [
    ("uses: {type: int", "uses: {type: text", {"changed", "areas"}),
    ("what: {type: text, label: What, optional: true}", "what: {type: int, label: What, optional: true}",
     {"uses", "changed"}),
    ("label: Teachers who use it, prefill: true", "label: Teachers", {"changed", "areas"}),
])  # fmt: skip
def test_what_has_another_type_now_is_not_suggested(old: str, new: str, kept: set[str]) -> None:
    was, case = begun({})
    assert old in CHECK_IN
    ended = answered(case, was, **ANSWERS)
    assert set(suggestions(compiled(CHECK_IN.replace(old, new)), ended, was, {}, office())) == kept


def test_an_option_that_is_still_there_is_suggested() -> None:
    text = CHECK_IN.replace("why: {type: choice, of: [yearly, breach], label: Why}",
                            "why: {type: choice, of: [yearly, breach], label: Why, prefill: true}")
    was, case = begun({}, text)
    more, fewer = (compiled(text.replace("[yearly, breach]", options)) for options in
                   ("[yearly, breach, merger]", "[yearly, merger]"))
    assert "why" in suggestions(more, case, was, {}, office())
    breach = replace(case, facts={**case.facts, "why": "breach"})
    assert "why" not in suggestions(fewer, breach, was, {}, office())


def test_a_suggestion_is_no_fact() -> None:
    definition, case = begun()
    assert set(ANSWERS) & case.facts.keys() == set()
    with pytest.raises(Refused, match="needs areas, changed, uses"):
        answered(case, definition)
    optional = CHECK_IN.replace("form: [uses, changed", "form: [{fact: uses, optional: true}, changed")
    guarded = optional.replace("{sent: reviewing}", "{sent: {to: reviewing, when: has(uses)}}")
    definition, case = begun(LAST, guarded)
    with pytest.raises(Refused, match=r"it needs has\(uses\)"):
        answered(case, definition, changed=False, areas=SAME)


def form_of(definition: Definition, wanted: TaskDef, case: Case, language: str = "en", *, personal: bool = True
            ) -> tuple[FieldView, ...]:
    return fields_of(definition, wanted, case.facts, office(), language, personal=personal, suggested=case.suggested)


def test_a_form_is_filled_with_the_last_answer_and_says_of_when_it_is() -> None:
    definition, case = begun()
    wanted = definition.states["asking"].tasks[0]
    shown = {field.name: field for field in form_of(definition, wanted, case)}
    assert (shown["uses"].typed, shown["uses"].note) == ("12", "last answer, of Tuesday, December 9, 2025")
    assert [option.chosen for option in shown["changed"].options] == [False, True]
    assert shown["areas"].rows[0].fields[0].options[0].chosen
    spanish = form_of(definition, wanted, case, "es")[0]
    assert spanish.note == "última respuesta, del martes, 9 de diciembre de 2025"


def test_what_is_on_file_is_not_overwritten_by_a_suggestion() -> None:
    definition, case = begun()
    known = replace(case, facts={**case.facts, "uses": 40})
    field = form_of(definition, definition.states["asking"].tasks[0], known)[0]
    assert (field.typed, field.note) == ("40", "")


def test_a_personal_suggestion_is_not_shown_before_the_code() -> None:
    definition, case = begun(LAST, CHECK_IN.replace("label: Teachers who use it,", "label: Teachers, personal: true,"))
    field = form_of(definition, definition.states["asking"].tasks[0], case, personal=False)[0]
    assert (field.typed, field.note) == ("", "")


CHANGED = (TableRow("data", {"state": "changed", "what": "Photos"}), TableRow("security", {"state": "same"}))


@pytest.mark.parametrize(("was", "now", "found"), [
    (12, 12, ()),
    (12, 40, ((12, 40),)),
    (False, True, ((False, True),)),
    (SAME, SAME, ()),
    (SAME, CHANGED, ((SAME[:1], CHANGED[:1]),)),
    (SAME, SAME[:1], ((SAME[1:], None),)),
    (SAME[:1], SAME, ((None, SAME[1:]),)),
    (frozenset({"a"}), frozenset({"a", "b"}), ((frozenset({"a"}), frozenset({"a", "b"})),)),
])  # fmt: skip
def test_differences_are_told_row_by_row_for_tables(was: FactValue, now: FactValue, found: tuple[object, ...]) -> None:
    assert differences(was, now) == found


def test_suggestions_are_kept_apart_from_the_facts_and_come_back() -> None:
    _, case = begun()
    secrets = pack_secrets(case)
    back = read_case({**case_row(case), "process": case.process}, secrets, case.tasks, ())
    assert (back.suggested, back.after, back.subject) == (case.suggested, "2025-0001", "A-0001")
    assert "suggested" not in str(case_row(case))


@pytest.mark.parametrize(("old", "new", "message"), [
    ("product: {type: text, from: agreement.product, label: Product}",
     "product: {type: text, from: agreement.product, label: Product, prefill: true}", "leave 'prefill' out"),
    ("uses: {type: int, label: Teachers who use it, prefill: true}",
     "uses: {type: document, label: Teachers, prefill: true}", "a document is handed in anew"),
])  # fmt: skip
def test_what_nobody_can_answer_again_is_not_prefilled(old: str, new: str, message: str) -> None:
    with pytest.raises(FaultyInput) as broken:
        compiled(CHECK_IN.replace(old, new))
    assert message in str(broken.value)


@pytest.mark.parametrize(("given", "same"), [
    (ANSWERS, True),
    ({**ANSWERS, "uses": 13}, False),
    ({**ANSWERS, "areas": (replace(SAME[0], cells={"state": "changed"}), SAME[1])}, False),
])  # fmt: skip
def test_a_case_is_unchanged_where_all_was_answered_as_last_time(given: Mapping[str, FactValue], same: bool) -> None:
    definition, case = begun()
    assert unchanged(definition, answered(case, definition, **given)) is same


def test_what_was_left_out_is_a_change_and_what_nobody_asked_is_none() -> None:
    optional = CHECK_IN.replace("form: [uses,", "form: [{fact: uses, optional: true},")
    definition, case = begun(text=optional)
    assert unchanged(definition, case)
    left_out = {name: value for name, value in ANSWERS.items() if name != "uses"}
    assert not unchanged(definition, answered(case, definition, **left_out))


def test_without_last_answers_nothing_is_unchanged() -> None:
    definition, case = begun({})
    assert not unchanged(definition, answered(case, definition, **ANSWERS))
