"""Definitions: what is refused, where, with which words; and what the hash of a definition means."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from engine.errors import FaultyInput, UsageError, WrongEnvironment
from engine.faults import Fault
from engine.model.definition import Definition
from workflows import Catalogue, compile_source, from_source, lawbook

BROKEN = Path(__file__).parent / "broken"
SOUND = (BROKEN / "sound.yaml").read_text(encoding="utf-8")
TEXTS = {"told_lent.en": "Subject: Lent\n\nYou have it.\n", "told_lent.es": "Subject: Prestado\n\nYa lo tiene.\n"}

# name of the file, line and column of the fault, its sentence
TABLE = [
    ("unknown_key", 2, 1,
     "unknown key 'verson' in a process (did you mean 'version'?)"),
    ("missing_title", 1, 1,
     "a process needs the key 'title'"),
    ("version_zero", 2, 10,
     "version must be 1 or more"),
    ("version_text", 2, 10,
     "version must be a whole number"),
    ("fact_type", 12, 18,
     "type: 'boolean' is unknown (did you mean 'bool'?)"),
    ("choice_without_options", 10, 11,
     "fact 'device': 'of' lists the options of a choice or a set, and of nothing else"),
    ("options_of_a_text", 11, 26,
     "fact 'note': 'of' lists the options of a choice or a set, and of nothing else"),
    ("option_twice", 10, 39,
     "the option 'tablet' is here twice"),
    ("fact_name", 12, 3,
     "'Agreed' in facts: write names in small letters, digits and '_'"),
    ("party_kind", 6, 18,
     "kind: 'parents' is unknown (did you mean 'parent'?)"),
    ("start_needs", 7, 25,
     "needs: there is no 'asked_at' in facts (did you mean 'asked_on'?)"),
    ("start_by", 7, 41,
     "by: 'custodain' is unknown (did you mean 'custodian'?)"),
    ("unknown_rule", 15, 11,
     "unknown rule 'R-CORR-DISTRIKT' (did you mean 'R-CORR-DISTRICT'?)"),
    ("quota_rule", 15, 11,
     "rule 'R-COPY-LIMIT' is a quota and has no date: it can't be a clock"),
    ("anchor_not_a_date", 17, 13,
     "anchor: fact 'device' is a choice, but must be a date or instant"),
    ("anchor_two_kinds", 17, 13,
     "anchor is a date fact, {event: …}, {clock: …}, or {earliest: [several of these]}"),
    ("unknown_event", 18, 20,
     "nothing named 'told_lend' can happen (did you mean 'told_lent'?)"),
    ("duty_never_met", 15, 5,
     "clock 'lend' is a duty: say in satisfied_by what fulfils it"),
    ("unknown_ladder", 20, 13,
     "unknown ladder 'LONGER' (did you mean 'LONG'?)"),
    ("window_with_ladder", 20, 13,
     "clock 'lend' is another party's right: nobody is chased, so it has no ladder"),
    ("owner_nobody", 21, 12,
     "owner: 'custodians' is no role, party or person fact (did you mean 'custodian'?)"),
    ("mail_reader", 23, 19,
     "to: 'parents' is no role, party or person fact (did you mean 'parent'?)"),
    ("paper_role", 23, 34,
     "paper: 'clerk' is unknown (did you mean 'board_clerk'?)"),
    ("two_initial", 38, 3,
     "state 'telling' is a second initial state: 'asked' is one already"),
    ("no_initial", 1, 1,
     "no state is initial: mark the first one with 'initial: true'"),
    ("no_final", 1, 1,
     "no state is final: a case could never end"),
    ("task_in_final", 43, 52,
     "state 'refused' is final: it can have no tasks"),
    ("dead_end", 38, 3,
     "state 'telling' has no way on: give it a task, 'on', 'after' or 'always', or make it final"),
    ("unknown_target", 37, 22,
     "a target: there is no 'refusd' in states (did you mean 'refused'?)"),
    ("unreachable", 43, 3,
     "state 'refused' can never be reached"),
    ("else_not_last", 36, 15,
     "'else' must be the last way on"),
    ("guard_fact", 36, 22,
     "guard: unknown fact 'agreeed' (did you mean 'agreed'?)"),
    ("guard_option", 36, 32,
     "guard: 'phone' is no value of 'device' (known: laptop, tablet)"),
    ("guard_call", 36, 22,
     "guard: unknown fact 'now' (known: agreed, asked_on, device, note)"),
    ("open_link", 32, 15,
     "task 'decide' shows, asks or decides something: its link must be 'code' or 'second'"),
    ("parent_sees_personal", 43, 15,
     "task 'read_note' shows 'note', which is personal, to a parent: its link must be 'second'"),
    ("order_of_a_text", 11, 63,
     "not_before: only a date or an instant that people enter comes after another"),
    ("order_unknown", 9, 67,
     "nothing named 'asked_at' can happen (did you mean 'asked'?)"),
    ("order_circle", 9, 3,
     "not_before: 'asked_on' would have to come before itself"),
    ("two_readers", 29, 9,
     "task 'decide' needs exactly one of role, person and party"),
    ("due_unit", 33, 14,
     "due: unknown unit 'days' (known: business_days, calendar_days, school_days)"),
    ("due_words", 33, 14,
     "due: 'soon' is no length: write a number and a unit, such as 5 business_days"),
    ("form_twice", 32, 38,
     "the form asks for 'device' twice"),
    ("unused_fact", 13, 3,
     "'colour' in facts is never asked, read, shown or mailed: use it or take it out"),
    ("unused_mail", 24, 3,
     "'thanks' in mails is never sent: use it or take it out"),
    ("no_text", 24, 3,
     "'thanks' in mails is never sent: use it or take it out"),
    ("duplicate_state", 44, 3,
     "the key 'lent' is here twice, first on line 42: keep one of them"),
    ("expires_a_duty", 14, 3,
     "clock 'lend' is a duty: only a window expires"),
    ("needs_not_asked", 38, 11,
     "outcome 'refuse' needs 'note', which the form of 'decide' does not ask for: "
     "add {fact: note, optional: true} to it"),
    ("form_fact", 32, 24,
     "form: there is no 'notes' in facts (did you mean 'note'?)"),
]


def faults(source: str, texts: dict[str, str] | None = None) -> tuple[Fault, ...]:
    with pytest.raises(FaultyInput) as refused:
        compile_source(source, "lending.yaml", TEXTS if texts is None else texts)
    return refused.value.faults


def sound(source: str = SOUND) -> Definition:
    return compile_source(source, "lending.yaml", TEXTS)


@pytest.mark.parametrize(("name", "line", "column", "message"), TABLE, ids=[row[0] for row in TABLE])
def test_a_broken_definition_names_its_fault(name: str, line: int, column: int, message: str) -> None:
    found = faults((BROKEN / f"{name}.yaml").read_text(encoding="utf-8"))
    assert (line, column, message) in [(fault.mark.line, fault.mark.column, fault.message) for fault in found]


@pytest.mark.parametrize("name", [row[0] for row in TABLE])
def test_one_mistake_is_one_fault(name: str) -> None:
    assert len(faults((BROKEN / f"{name}.yaml").read_text(encoding="utf-8"))) == 1


@pytest.mark.parametrize(("old", "new", "line", "message"), [
    ("send: [told_lent]", "send: told_lent", 40, "send must be a list: write [a, b] or one '- item' a line"),
    ("on: {told.told_lent: lent}", "after: {asked_on: lent}", 41,
     "after: a state is left by a date with {day: 0, of: asked_on, to: …}"),
    ("on: {told.told_lent: lent}", "after: {soon: lent}", 41,
     "after: 'soon' is no length: write a number and a unit, such as 5 business_days"),
    ("told_lent: {to: parent, paper: custodian}", "told_lent: {to: parent, paper: custodian, task: decide}", 1,
     "this mail asks for task 'decide': write {{ link }} into the text"),
    ("clocks:\n", "decisions: {late: {rows: [{when: agreed, give: true}]}}\nclocks:\n", 13,
     "decisions: declare 'late' in facts too, with its type and label"),
])  # fmt: skip
def test_what_a_newcomer_writes_is_told_once_with_what_to_write(old: str, new: str, line: int, message: str) -> None:
    assert SOUND.count(old) == 1
    found = {(fault.mark.line, fault.message) for fault in faults(SOUND.replace(old, new))}
    assert found == {(line, message)}


MISSPELT = ["facts", "start", "parties", "clocks", "states", "mails", "tasks", "outcomes", "satisfied_by", "needs",
            "label", "final", "initial", "rule"]  # fmt: skip


@pytest.mark.parametrize("key", MISSPELT)
def test_a_misspelt_key_is_told_and_not_what_follows_from_it(key: str) -> None:
    wrong = key[:-2] + key[-1] + key[-2]
    found = faults(re.sub(rf"\b{key}:", f"{wrong}:", SOUND, count=1))
    assert [fault.message.partition(" in ")[0] for fault in found] == [f"unknown key '{wrong}'"]


def test_misspelt_keys_within_one_another_are_all_told() -> None:
    found = faults(SOUND.replace("states:", "sattes:").replace("tasks:", "taskz:").replace("outcomes:", "outcoms:"))
    assert [fault.message.split("'")[1] for fault in found] == ["sattes", "taskz", "outcoms"]


def test_every_broken_file_is_in_the_table() -> None:
    assert {path.stem for path in BROKEN.glob("*.yaml")} - {"sound"} == {row[0] for row in TABLE}


def test_all_faults_come_at_once_in_the_order_of_the_file() -> None:
    found = faults(SOUND.replace("version: 1", "version: 0").replace("ladder: LONG", "ladder: LANG"))
    assert [fault.mark.line for fault in found] == [2, 20]


@pytest.mark.parametrize(("text", "line", "message"), [
    ("You have it.", 1, "a mail begins with its subject: write 'Subject: …' on the first line"),
    ("Subject: Lent\nYou have it.\n", 2, "an empty line must stand between the subject and the text"),
    ("Subject: Lent\n\n{{ cse }}\n", 3, "unknown placeholder 'cse' (did you mean 'case'?)"),
    ("Subject: Lent\n\n{{ fact_note }}\n", 3,
     "fact 'note' is personal and never stands in a mail: show it on the page behind the link"),
    ("Subject: Lent\n\n{% if has(fact_note) %}x{% endif %}\n", 3,
     "fact 'note' is personal and never stands in a mail: show it on the page behind the link"),
    ("Subject: Lent\n\n{% for x in case %}\n", 3,
     "'{% for x in case %}' is not allowed: only if has(name), else and endif are"),
    ("Subject: Lent\n\n{% if has(legal_due) %}\n", 4, "each '{% if has(…) %}' needs one '{% endif %}'"),
    ("Subject: Lent\n\n{{ legal_due }}\n", 3,
     "'legal_due' is not known in each such mail: write it inside {% if has(legal_due) %} … {% endif %}"),
    ("Subject: Lent\n\n{% if has(legal_due) %}a{% else %}\nb {{ legal_due }}{% endif %}\n", 4,
     "'legal_due' is not known in each such mail: write it inside {% if has(legal_due) %} … {% endif %}"),
    ("Subject: Lent\n\n{% if has(on_screen) %}{{ on_screen }}{% endif %}\n", 3,
     "'on_screen' has no words: ask {% if has(on_screen) %} … {% endif %}"),
    ("Subject: Lent\n\n{{ task }}\n", 3, "'task' needs a task: name it in the mail's `task`"),
    ("Subject: Lent\n\n{% if has('case') %}x{% endif %}\n", 3,
     "'{% if has('case') %}' is not allowed: only if has(name), else and endif are"),
    ("Subject: Lent\n\n{# hidden #}\n", 3,
     "'{#' is not closed, or is a comment: use {{ name }} or {% if has(name) %}"),
])
def test_a_mail_says_only_what_it_may(text: str, line: int, message: str) -> None:
    found = faults(SOUND, {**TEXTS, "told_lent.en": text})
    assert ("mails/told_lent.en.md", line, message) in [(f.mark.file, f.mark.line, f.message) for f in found]


def test_a_mail_to_a_parent_exists_in_both_languages() -> None:
    (fault,) = faults(SOUND, {"told_lent.en": TEXTS["told_lent.en"]})
    assert fault.message == "mail 'told_lent' has no text in 'es': write mails/told_lent.es.md"


def test_the_hash_leaves_the_words_for_people_out() -> None:
    other_words = SOUND.replace("title: Lending of a device", "title: Lending").replace("label: Device", "label: Thing")
    assert sound(other_words).hash == sound().hash


@pytest.mark.parametrize(("old", "new"), [
    ("when: agreed", "when: \"!agreed\""),
    ("5 business_days", "6 business_days"),
    ("ladder: LONG", "ladder: SHORT"),
    ("[device, note, agreed]", "[device, {fact: note, optional: true}, agreed]"),
])
def test_the_hash_changes_with_what_decides(old: str, new: str) -> None:
    assert sound(SOUND.replace(old, new)).hash != sound().hash


@pytest.mark.parametrize(("due", "message"), [
    ("{before: 5 business_days}", "due needs the key 'of'"),
    ("{day: 30, days: device}", "days: fact 'device' is a choice, but must be a int"),
    ("{day: 30, before: 5 business_days, of: lend}", "unknown key 'day' in due (known: before, of)"),
    ("5 business_days\n        ladder: LONGER", "unknown ladder 'LONGER' (did you mean 'LONG'?)"),
])
def test_a_target_that_cannot_be_counted(due: str, message: str) -> None:
    assert message in [fault.message for fault in faults(SOUND.replace("due: 5 business_days", f"due: {due}", 1))]


def test_bare_names_become_events() -> None:
    clock = sound().clocks["lend"]
    assert (clock.satisfied_by, clock.void_by) == (("told.told_lent",), ("entered.refused",))


def test_the_shipped_processes_compile() -> None:
    catalogue = Catalogue()
    assert {"correction_request", "operator_fix"} <= set(catalogue.processes())
    for process in catalogue.processes():
        assert catalogue.newest(process).process == process


def test_children_get_the_facts_and_parties_they_need() -> None:
    catalogue = Catalogue()
    for process in catalogue.processes():
        for child in catalogue.newest(process).children.values():
            if child.process not in catalogue.processes():
                assert child.otherwise
                continue
            columns = {column for fact in child.each for column in catalogue.newest(process).facts[fact].columns}
            given = {*child.facts, *child.dates, *child.parties, child.party, child.person, *columns}
            assert set(catalogue.newest(child.process).start_needs) <= given


def test_a_kept_source_gives_the_same_definition() -> None:
    catalogue = Catalogue()
    definition = catalogue.newest("correction_request")
    assert from_source(catalogue.source(definition)).hash == definition.hash
    assert from_source(catalogue.source(definition)).mails == definition.mails
    assert catalogue.pinned("correction_request", 1, definition.hash) is definition


def kept_under(version: str, length: int) -> str:
    """The kept source of the correction, under a pack of another version and with another length of R-CORR-DISTRICT."""
    catalogue = Catalogue()
    kept = json.loads(catalogue.source(catalogue.newest("correction_request")))
    rules = kept["law"]["rules/illinois-soppa.yaml"]
    head, rule = rules.split("  R-CORR-DISTRICT:\n")
    assert "length: 90" in rule
    head = re.sub(r'(?m)^version: .*$', f'version: "{version}"', head)
    kept["law"]["rules/illinois-soppa.yaml"] = head + "  R-CORR-DISTRICT:\n" + rule.replace("90", str(length), 1)
    return json.dumps(kept)


def test_a_kept_source_is_compiled_under_the_law_of_its_adoption() -> None:
    today = Catalogue().newest("correction_request")
    shorter = from_source(kept_under("2020-01", 60))
    assert shorter.clocks["district_fix"].rule.length == 60
    assert shorter.hash != today.hash


def test_a_new_version_of_a_rule_pack_alone_changes_no_definition() -> None:
    kept = from_source(kept_under("2020-01", 90))
    assert kept.clocks["district_fix"].rule.version == "2020-01"
    assert kept.hash == Catalogue().newest("correction_request").hash


def test_an_overlay_takes_the_place_of_a_shipped_process(tmp_path: Path) -> None:
    folder = tmp_path / "lending"
    (folder / "mails").mkdir(parents=True)
    (folder / "process.yaml").write_text(SOUND, encoding="utf-8")
    for name, text in TEXTS.items():
        (folder / "mails" / f"{name}.md").write_text(text, encoding="utf-8")
    catalogue = Catalogue(tmp_path)
    assert "lending" in catalogue.processes()
    assert catalogue.newest("lending").hash == sound().hash


def test_an_unknown_process_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'correction_request'"):
        Catalogue().newest("corection_request")


def test_a_pinned_version_that_is_gone_stops_the_work() -> None:
    with pytest.raises(WrongEnvironment, match="not on file any more"):
        Catalogue().pinned("correction_request", 1, "0" * 64)


def test_the_law_has_its_calendars_and_ladders() -> None:
    law = lawbook()
    assert {"il-statutory", "il-strict"} <= law.calendars.keys()
    assert {"SHORT", "MID", "LONG", "SOFT", "DATE"} <= law.ladders.keys()


def test_a_title_says_what_its_case_is_about() -> None:
    definition = Catalogue().newest("annual_attestation")
    title = {"en": "Is it still used?"}
    facts = {"product": "Reader", "operator_name": "Reader Inc"}
    assert definition.named(title, facts, "en") == "Is it still used? (Reader, Reader Inc)"
    assert definition.named(title, {"product": f"Reader {'x ' * 40}"}, "es").endswith("x…)")
    assert definition.named(title, {}, "en") == "Is it still used?"


@pytest.mark.parametrize(("about", "message"), [
    ("[note]", "about: fact 'note' is personal and never stands in a mail"),
    ("[device]", "about: fact 'device' is a choice, but must be a text"),
    ("[devise]", "about: there is no 'devise' in facts (did you mean 'device'?)"),
])  # fmt: skip
def test_what_a_case_is_about_can_be_mailed(about: str, message: str) -> None:
    assert message in [fault.message for fault in faults(f"about: {about}\n{SOUND.lstrip()}")]
