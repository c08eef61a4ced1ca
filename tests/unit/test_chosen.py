"""What was chosen in a set is judged row by row, and a set follows from the rows: compiled, asked and shown."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence

import pytest

from engine.deciding.decide import decide, start
from engine.deciding.forms import read_values
from engine.errors import FaultyInput, SoppaError
from engine.model.case import Case, FactValue, TableRow
from engine.model.definition import Definition
from engine.model.messages import CompleteTask, RecordFacts, StartCase
from engine.proof.prove import check
from tests.office import actor, office
from tests.registers import compiled as compiled_of
from web.forms import FieldView, Submission, fields_of, read_submission, typed_from

NOW = dt.datetime(2027, 3, 1, 18, 0, tzinfo=dt.UTC)
NAME, PHOTOS = "Student name: First and/or last name", "Illinois covered information (23 IAC 380.5): Photos"
TEXT = """
process: sample
version: 1
title: Sample
cites: [105 ILCS 85/33]
start: {needs: [taken], by: [privacy]}
facts:
  taken: {type: set, of: agreement.data_elements, label: Taken}
  judged:
    type: table
    of: agreement.data_elements
    rows_of: taken
    label: Judged
    columns: {why: {type: text, label: Why}, kept: {type: bool, label: It stays}}
  agreed: {type: set, of: agreement.data_elements, picked: {from: judged, where: kept}, label: Agreed}
states:
  judging:
    title: Judging
    initial: true
    tasks:
      - id: judge
        role: privacy
        title: Judge
        shows: [agreed]
        form: [judged]
        due: 5 business_days
        outcomes:
          done: {to: judged_all, require: [{that: "judged.exists(one, one.kept)", say: Nothing stays.}]}
  judged_all: {title: Judged, final: judged}
"""


def compiled(text: str = TEXT) -> Definition:
    return compiled_of(text)


def begun(*taken: str) -> tuple[Definition, Case]:
    definition = compiled()
    facts: Mapping[str, FactValue] = {"taken": frozenset(taken)}
    return definition, start(definition, StartCase("2027-0001", actor("ada"), facts, {}), NOW, office()).case


def rows(**kept: bool) -> tuple[TableRow, ...]:
    keys = {"name": NAME, "photos": PHOTOS}
    return tuple(TableRow(keys[name], {"why": "Sign-in", "kept": stays}) for name, stays in kept.items())


def judged(case: Case, definition: Definition, answer: Sequence[TableRow]) -> Case:
    task = case.open_task("judge")
    assert task is not None
    command = CompleteTask(task.id, "done", {"judged": tuple(answer)}, actor("ada"))
    return decide(definition, case, command, NOW, office()).case


def test_the_sample_is_proved() -> None:
    assert check(compiled()).good, check(compiled()).flaws


def test_what_stays_follows_from_the_rows() -> None:
    definition, case = begun(NAME, PHOTOS)
    after = judged(case, definition, rows(name=True, photos=False))
    assert (after.state, after.facts["agreed"]) == ("judged_all", frozenset({NAME}))


def test_none_of_what_was_chosen_is_passed_over() -> None:
    definition, case = begun(NAME, PHOTOS)
    with pytest.raises(SoppaError, match=r"judged: there is no row for 'Illinois.*Photos'"):
        judged(case, definition, rows(name=True))


def test_nobody_types_what_follows() -> None:
    definition, case = begun(NAME)
    with pytest.raises(SoppaError, match="'agreed' is worked out: record judged"):
        decide(definition, case, RecordFacts({"agreed": frozenset({NAME})}, actor("ada"), "so"), NOW, office())


def test_a_row_of_something_that_is_not_in_the_list_is_told() -> None:
    strange = json.dumps([{"key": "Nane", "why": "x", "kept": "yes"}])
    _, errors = read_values(compiled(), ["judged"], {"judged": strange})
    assert "there is no row 'Nane'" in errors["judged"]


@pytest.mark.parametrize(("old", "new", "message"), [
    ("rows_of: taken", "rows_of: token", "rows_of: there is no 'token' in facts (did you mean 'taken'?)"),
    ("    rows_of: taken\n", "", "'of' lists the options of a choice or a set"),
    ("taken: {type: set, of: agreement.data_elements,", "taken: {type: set, of: [cake],", "'cake', which is no row"),
    ("where: kept", "where: why", "no column 'why' of type bool"),
    ("kept: {type: bool, label: It stays}", "kept: {type: bool, label: It stays, optional: true}", "never empty"),
    ("form: [judged]", "form: [judged, agreed]", "is worked out from others: nobody types it"),
    ("agreed: {type: set, of: agreement.data_elements,", "agreed: {type: set, of: [cake],", "have other options"),
    ("agreed: {type: set, of: agreement.data_elements,", "agreed: {type: text,", "is a set"),
])  # fmt: skip
def test_a_fault_in_the_way_it_is_written(old: str, new: str, message: str) -> None:
    assert TEXT.count(old) == 1
    with pytest.raises(FaultyInput) as broken:
        compiled(TEXT.replace(old, new))
    assert message in str(broken.value)


# --- on a page -------------------------------------------------------------------------------------------------------


def shown(definition: Definition, case: Case, sent: Submission | None = None) -> FieldView:
    wanted = definition.states["judging"].tasks[0]
    (field,) = fields_of(definition, wanted, case.facts, office(), "en", personal=True, submission=sent)
    return field


def sent(definition: Definition, case: Case, typed: Mapping[str, Sequence[str]]) -> Submission:
    return read_submission(definition, definition.states["judging"].tasks[0], case.facts, office(), "en", typed, "done")


def test_a_page_asks_of_each_chosen_one_and_reads_it_back() -> None:
    definition, case = begun(PHOTOS, NAME)
    field = shown(definition, case)
    assert [row.label for row in field.rows] == [NAME, PHOTOS]
    names = [cell.name for row in field.rows for cell in row.fields]
    back = sent(definition, case, {name: ["no" if name.endswith("kept") else "For class"] for name in names})
    assert back.values["judged"] == tuple(TableRow(key, {"why": "For class", "kept": False}) for key in (NAME, PHOTOS))
    assert [cell.typed for cell in shown(definition, case, back).rows[0].fields] == ["For class", "no"]
    assert typed_from(definition.facts["judged"], back.values["judged"], office()) == back.typed


def test_what_is_left_empty_is_told_by_its_row() -> None:
    definition, case = begun(NAME)
    names = [cell.name for row in shown(definition, case).rows for cell in row.fields]
    assert sent(definition, case, {name: [""] for name in names}).errors["judged"] == f"row {NAME}: why: is missing"


def test_before_anything_is_chosen_the_page_says_where_to() -> None:
    field = shown(begun()[0], begun()[1])
    assert field.rows == () and "Choose in “Taken” first" in field.help


def test_many_boxes_come_in_groups_and_those_with_a_tick_say_so() -> None:
    definition = compiled(TEXT.replace("form: [judged]", "form: [taken, judged]"))
    case = start(definition, StartCase("1", actor("ada"), {"taken": frozenset({NAME})}, {}), NOW, office()).case
    wanted = definition.states["judging"].tasks[0]
    field, _ = fields_of(definition, wanted, case.facts, office(), "en", personal=True)
    assert [(group.label, group.chosen) for group in field.groups if group.chosen] == [("Student name", 1)]
    assert sum(len(group.options) for group in field.groups) == len(field.options) == 90
    assert {option.label for group in field.groups for option in group.options if option.chosen} == {
        "First and/or last name"}
