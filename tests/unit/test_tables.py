"""Decision tables, which give a fact, and facts that are tables: how they are read, asked about and proved."""

import datetime as dt
import json

import pytest

import workflows
from engine.deciding.decide import decide, start
from engine.deciding.forms import read_values
from engine.errors import FaultyInput, SoppaError
from engine.language.guard_parser import GuardError, compile_guard
from engine.model.case import Case, FactValue, TableRow
from engine.model.decisions import reasons
from engine.model.definition import Definition, say
from engine.model.guards import evaluate
from engine.model.messages import CompleteTask, RecordFacts, StartCase
from engine.proof.prove import check
from engine.words import written
from storage.rows import pack_fact, unpack_fact
from tests.office import actor, office
from web.forms import fields_of, read_submission

NOW = dt.datetime(2027, 3, 1, 18, 0, tzinfo=dt.UTC)
YES_NO = {"yes", "no", "unsure"}
TEXT = """
process: sample
version: 1
title: Sample
cites: [105 ILCS 85/15]
start: {needs: [login, exchanged], by: [privacy]}
facts:
  login: {type: choice, of: ['yes', 'no', unsure], label: Does anybody log in?}
  exchanged: {type: choice, of: ['yes', 'no', unsure], label: Is data exchanged?}
  contract: {type: bool, label: A contract is needed}
  clauses:
    type: table
    label: Clauses
    columns:
      status: {type: choice, of: [present, missing, not_applicable], label: Status}
      page: {type: int, label: Page, optional: true}
    rows: {a: "A: categories", b: "B: service"}
  items:
    type: table
    label: Items
    columns: {item: {type: text, label: Item}, kept: {type: bool, label: Kept elsewhere}}
decisions:
  contract:
    rows:
      - {when: "login == 'no' && exchanged == 'no'", give: false}
      - {when: "login != 'no' || exchanged != 'no'", give: true}
    because:
      - {when: login != 'no', say: {en: "Somebody logs in.", es: "Alguien inicia sesión."}}
      - {when: exchanged != 'no', say: "Data is exchanged."}
states:
  triage:
    title: Triage
    initial: true
    tasks:
      - id: look
        role: privacy
        title: Look
        shows: [contract]
        form: [clauses, items]
        due: 2 business_days
        outcomes:
          go:
            to:
              - {when: "contract && clauses.all(row, row.status == 'present')", to: signed}
              - {when: "contract && !clauses.all(row, row.status == 'present')", to: refused}
              - {when: "!contract && items.exists(row, !row.kept) && size(items) > 1", to: refused}
              - {else: signed}
  signed: {title: Signed, final: signed}
  refused: {title: Refused, final: refused}
"""


def compiled(text: str = TEXT) -> Definition:
    return workflows.compile_source(text, "sample.yaml", {})


def begun(login: str = "no", exchanged: str = "no") -> tuple[Definition, Case]:
    definition = compiled()
    command = StartCase("1", actor("ada"), {"login": login, "exchanged": exchanged}, {})
    return definition, start(definition, command, NOW, office()).case


def row(key: str, **cells: bool | int | str) -> TableRow:
    return TableRow(key, cells)


ITEMS = (row("1", item="Reading log", kept=True),)


@pytest.mark.parametrize(("login", "exchanged", "needed"), [
    ("no", "no", False), ("yes", "no", True), ("unsure", "no", True), ("no", "unsure", True), ("yes", "yes", True),
])  # fmt: skip
def test_a_decision_follows_from_the_facts_that_it_reads(login: str, exchanged: str, needed: bool) -> None:
    assert begun(login, exchanged)[1].facts["contract"] is needed


def test_a_decision_tells_why() -> None:
    definition, case = begun("yes", "unsure")
    assert [say(reason, "es") for reason in reasons(definition, case, "contract")] == ["Alguien inicia sesión.",
                                                                                       "Data is exchanged."]
    assert reasons(*begun("no", "no"), "contract") == ()


def test_a_decision_is_made_again_when_what_it_rests_on_changes() -> None:
    definition, case = begun("no", "no")
    decision = decide(definition, case, RecordFacts({"login": "yes"}, actor("ada"), "asked again"), NOW, office())
    assert decision.case.facts["contract"] is True
    assert [(event.kind, dict(event.detail)) for event in decision.events if event.kind == "fact_decided"] == [
        ("fact_decided", {"fact": "contract", "value": "true", "row": "2"})]


def test_nobody_types_what_is_decided() -> None:
    definition, case = begun()
    with pytest.raises(SoppaError, match="follows from its decision table: record what it rests on"):
        decide(definition, case, RecordFacts({"contract": False}, actor("ada"), "no"), NOW, office())


@pytest.mark.parametrize(("old", "new", "message"), [
    ("form: [clauses, items]", "form: [clauses, items, contract]", "follows from its decision table: nobody types it"),
    ("give: true}", "give: maybe}", "give must be true or false"),
    ("when: \"login != 'no' || exchanged != 'no'\"", "when: \"contract\"", "which is decided after it"),
    ("columns: {item:", "rows: [x]\n    of: [y]\n    columns: {item:", "'of' lists the options of a choice or a set"),
    ("kept: {type: bool,", "kept: {type: contacts,", "'contacts' is unknown"),
    ("row.status ==", "row.page ==", "unknown fact 'page'"),
    ("clauses.all(row, row.status == 'present')\", to: signed",
     "clauses.most(row, row.status == 'present')\", to: signed",
     "only a table has rows to ask about, once"),
    ("row, !row.kept", "row, !kept", "only the row is asked about here: write row.column"),
    ("row.status == 'present'", "row.status == 'there'", "'there' is no value of 'status'"),
    ("columns: {item:", "columns: {key: {type: text, label: Key}, item:", "a column cannot be called 'key'"),
])  # fmt: skip
def test_a_broken_table_is_told_with_its_place(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(FaultyInput) as broken:
        compiled(TEXT.replace(old, new))
    assert message in str(broken.value)


def test_a_sound_table_is_proved() -> None:
    assert check(compiled()).good, check(compiled()).flaws


@pytest.mark.parametrize(("old", "new", "message"), [
    ("login != 'no' || exchanged != 'no'", "login == 'yes' || exchanged == 'yes'",
     "decision 'contract': there are cases in which no guard holds"),
    ("login == 'no' && exchanged == 'no'", "login == 'no'", "can hold together"),
    ("contract && !clauses.all(row, row.status == 'present')",
     "contract && clauses.exists(row, row.status == 'missing')", "can hold together"),
])  # fmt: skip
def test_a_gap_or_an_overlap_of_a_table_is_a_flaw(old: str, new: str, message: str) -> None:
    assert old in TEXT
    assert any(message in flaw.message for flaw in check(compiled(TEXT.replace(old, new))).flaws)


@pytest.mark.parametrize(("login", "statuses", "items", "state"), [
    ("yes", ("present", "present"), ITEMS, "signed"),
    ("yes", ("present", "missing"), ITEMS, "refused"),
    ("no", ("missing", "missing"), ITEMS, "signed"),
    ("no", ("missing", "missing"), (*ITEMS, row("2", item="Photo", kept=False)), "refused"),
])  # fmt: skip
def test_guards_ask_about_rows(
    login: str, statuses: tuple[str, str], items: tuple[TableRow, ...], state: str
) -> None:
    definition, case = begun(login)
    task = case.open_task("look")
    assert task is not None
    clauses = tuple(row(key, status=status) for key, status in zip("ab", statuses, strict=True))
    values: dict[str, FactValue] = {"clauses": clauses, "items": items}
    after = decide(definition, case, CompleteTask(task.id, "go", values, actor("ada")), NOW, office()).case
    assert after.state == state


def test_a_guard_may_ask_which_fixed_row_it_is() -> None:
    clauses = compiled().facts["clauses"].type
    guard = compile_guard("clauses.exists(row, row.key == 'b' && row.status == 'missing')", {"clauses": clauses})
    assert evaluate(guard, {"clauses": (row("a", status="missing"), row("b", status="present"))}) is False
    assert evaluate(guard, {"clauses": (row("a", status="present"), row("b", status="missing"))}) is True
    with pytest.raises(GuardError, match="'z' is no value of 'key'"):
        compile_guard("clauses.exists(row, row.key == 'z')", {"clauses": clauses})


def test_rows_are_read_from_json_and_stored_as_they_were() -> None:
    typed = {"clauses": json.dumps([{"key": "b", "status": "missing"}, {"key": "a", "status": "present", "page": "4"}])}
    values, errors = read_values(compiled(), ["clauses"], typed)
    assert not errors
    assert values["clauses"] == (row("a", status="present", page=4), row("b", status="missing"))
    assert unpack_fact(json.loads(json.dumps(pack_fact(values["clauses"])))) == values["clauses"]
    assert written(values["clauses"]) == "a: status present, page 4; b: status missing"


@pytest.mark.parametrize(("rows", "message"), [
    ([{"key": "a", "status": "present"}], "these rows are missing: b"),
    ([{"key": "c", "status": "present"}], "there is no row 'c'"),
    ([{"key": "a", "status": "present"}, {"key": "a", "status": "missing"}], "row 'a' is there twice"),
    ([{"key": "a"}], "row a: status: is missing"),
    ([{"key": "a", "status": "gone"}], "row a: status: 'gone' is no choice"),
    ([{"key": "a", "status": "present", "side": "4"}], "row a: there is no field 'side' here"),
    ([["a"]], "is no row: write it as"),
    ([{"key": "a", "status": 4}], "is no row: write it as"),
])  # fmt: skip
def test_a_row_that_cannot_be_read_is_named(rows: list[object], message: str) -> None:
    _, errors = read_values(compiled(), ["clauses"], {"clauses": json.dumps(rows)})
    assert message in errors["clauses"]


def test_a_form_asks_for_each_cell_and_reads_it_back() -> None:
    definition, case = begun("yes")
    wanted = definition.states["triage"].tasks[0]
    typed = {"clauses.a.status": ["present"], "clauses.a.page": ["4"], "clauses.b.status": ["missing"],
             "clauses.b.page": [""], "items.1.item": ["Log"], "items.1.kept": ["yes"], "items.2.item": [""]}
    sent = read_submission(definition, wanted, case.facts, office(), "en", typed, "go")
    assert not sent.errors
    assert sent.values["items"] == (row("1", item="Log", kept=True),)
    shown = {field.name: field for field in fields_of(definition, wanted, case.facts, office(), "en", personal=True,
                                                      submission=sent)}
    assert [row.label for row in shown["clauses"].rows] == ["A: categories", "B: service"]
    assert shown["clauses"].rows[0].fields[1].typed == "4"
    assert len(shown["items"].rows) == 4


def test_a_choice_in_rows_that_people_add_is_a_short_list() -> None:
    definition = workflows.Catalogue().newest("school_messaging_tools")
    shown = {field.name: field for field in fields_of(definition, definition.states["surveyed"].tasks[0], {}, office(),
                                                      "en", personal=True)}
    kinds = {field.name: field.kind for field in shown["tools"].rows[0].fields}
    assert (kinds["tools.1.recipients"], kinds["tools.1.product"]) == ("list", "line")


def test_a_form_says_which_cell_is_missing_beside_its_table() -> None:
    definition, case = begun("yes")
    typed = {"clauses.a.status": ["present"], "clauses.b.status": [""]}
    sent = read_submission(definition, definition.states["triage"].tasks[0], case.facts, office(), "en", typed, "go")
    assert sent.errors["clauses"] == "row b: status: is missing"
    assert "items" in sent.errors
