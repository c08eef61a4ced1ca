"""What `check` promises: each promise broken once, told in one sentence with its place and the shortest story.

What a definition says wrongly by itself is refused as it is read (`test_compile`); a mail that renders in no language,
and a story that ends otherwise, are found beside the proof (`test_compose`, `test_rehearse`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import pytest

import workflows
from engine.law.calendar import SchoolDays
from engine.law.clocks import Calendars
from engine.law.ladders import Ladder
from engine.model.definition import Definition
from engine.proof.prove import check
from workflows import lawbook

SOUND = """
process: sample
version: 1
title: Sample
cites: [105 ILCS 85/33]
parties:
  parent: {kind: parent, label: Parent}
  firm: {kind: operator, label: Firm, from: firms}
start: {needs: [parent, received_on], by: [custodian]}
facts:
  received_on: {type: date, label: Received}
  good: {type: bool, label: Good}
  size: {type: int, label: Size}
  later: {type: date, label: Later}
  firms: {type: contacts, label: Firms}
  big: {type: bool, label: Big}
  taken: {type: set, of: [names, grades], label: Taken}
  judged: {type: table, of: [names, grades], rows_of: taken, label: Judged, columns: {kept: {type: bool, label: Kept}}}
decisions:
  big:
    rows:
      - {when: size > 3, give: true}
      - {when: size <= 3, give: false}
clocks:
  fix: {rule: R-CORR-DISTRICT, title: Fix, anchor: received_on, satisfied_by: [told.answer],
        void_by: [entered.dropped], ladder: LONG, owner: custodian}
mails:
  answer: {to: parent, paper: custodian, reviewed_by: {es: null}}
  asked: {to: firm, paper: custodian}
children:
  errand: {process: errand}
states:
  open:
    title: Open
    initial: true
    tasks:
      - id: look
        role: custodian
        title: Look
        form: [good, size, taken, {fact: later, optional: true}, {fact: firms, optional: true}]
        due: 5 business_days
        outcomes: {done: [{when: good && big, to: asking}, {else: dropped}], drop: dropped}
  asking:
    title: Asking
    send: [asked]
    start: [errand]
    on: {ended.errand: fixing}
  fixing:
    title: Fixing
    tasks:
      - id: fix
        role: custodian
        title: Fix
        form: [later, judged]
        due: 5 business_days
        outcomes: {fixed: telling}
      - {id: help, role: privacy, title: Help, when: good, due: 5 business_days, outcomes: {helped: {label: Helped}}}
  telling: {title: Telling, send: [answer], on: {told.answer: ended}}
  ended: {title: Ended, final: ended}
  dropped: {title: Dropped, final: dropped}
"""

ERRAND = """
process: errand
version: 1
title: Errand
cites: [105 ILCS 85/33]
start: {by: [custodian]}
clocks:
  run: {rule: R-CORR-OPERATOR, title: Run, anchor: {event: entered.open}, satisfied_by: [go.gone], ladder: LONG,
        owner: custodian}
states:
  open: {title: Open, initial: true, tasks: [{id: go, role: custodian, title: Go, outcomes: {gone: ended}}]}
  ended: {title: Ended, final: ended}
"""

TEXT = "Subject: Case {{ case }}\n\nIt is done.\n"
TEXTS = {"answer.en": TEXT, "answer.es": TEXT, "asked.en": TEXT}
SCHOOL = SchoolDays("entered", frozenset(), dt.date(2021, 1, 1), dt.date(2040, 12, 31))
CALENDARS = Calendars(lawbook().calendars["il-statutory"], lawbook().calendars["il-strict"], SCHOOL)

TO_FIXING = ("start", "look.done", "ended.errand")


@dataclass(frozen=True, slots=True)
class Broken:
    """`changes` are pairs of old and new text; `place` is the beginning of the line that is named."""

    changes: tuple[tuple[str, str], ...]
    place: str
    says: str
    story: tuple[str, ...] = ()


def also(after: str, more: str) -> tuple[str, str]:
    return after, f"{after}\n{more}"


LAST = "  dropped: {title: Dropped, final: dropped}"
TO_GONE = (("{else: dropped}]", "{else: gone}]"),
           ("void_by: [entered.dropped]", "void_by: [entered.dropped, entered.gone]"))


def with_state(name: str, task: str) -> tuple[str, str]:
    """One more state, in which legal is asked something."""
    return also(LAST, f"  {name}: {{title: More, tasks: [{{id: {name}, role: legal, title: T, {task}}}]}}")


PROMISES = {
    "an open state has an owner": Broken(
        (("{else: dropped}]", "{else: idle}]"),
         with_state("idle", "offered: true, outcomes: {up: dropped}")),
        "  idle:", "nobody owns state 'idle': give it a task, an event or a time", ("start", "look.done")),
    "what depends on guards alone leaves nobody unasked": Broken(
        (("{else: dropped}]", "{else: small}]"),
         with_state("small", "when: good, due: 5 business_days, outcomes: {s: dropped}")),
        "  small:", "nobody is asked in state 'small' where this does not hold: 'good'", ("start", "look.done")),
    "and leaves no state without a day": Broken(
        (*TO_GONE, also(LAST, "  gone:\n    title: Gone\n    on: {told.answer: dropped}\n    tasks: [{id: g, title: G, "
                              "role: legal, when: good, due: 5 business_days, outcomes: {g: dropped}}]")),
        "  gone:", "state 'gone' has neither a due nor a clock that covers it where this does not hold: 'good'",
        ("start", "look.done")),
    "an open state has a due or a clock that covers it": Broken(
        (*TO_GONE, with_state("gone", "outcomes: {ok: dropped}")),
        "  gone:", "state 'gone' has neither a due nor a clock that covers it", ("start", "look.done")),
    "a due has a date": Broken(
        (*TO_GONE, with_state("gone", "due: {day: 3, of: later}, outcomes: {ok: dropped}")),
        "  gone:", "state 'gone' has neither a due nor a clock that covers it: 'gone' is due by 'later', not set on "
        "every path to it", ("start", "look.done")),
    "no path to an end leaves a legal clock running": Broken(
        (("drop: dropped}", "drop: ended}"),),
        "  ended:", "'ended' ends the case while clock 'fix' runs: satisfy or void it", ("start", "look.drop")),
    "no path to an end leaves the duty of a child": Broken(
        (("    on: {ended.errand: fixing}", "    on: {told.asked: fixing}"),),
        "  ended:", "'ended' ends the case while child 'errand', which has legal duties, is open: wait for "
        "ended.errand",
        ("start", "look.done", "told.asked", "fix.fixed", "told.answer")),
    "guards of one trigger never overlap": Broken(
        (("{when: good && big, to: asking}, {else: dropped}]", "{when: big, to: asking}, {when: good, to: dropped}]"),),
        "  open:", "open, look.done: the guards 'big' and 'good' can hold together: make them exclude each other"),
    "guards never leave a case stuck": Broken(
        (("{told.answer: ended}", "{told.answer: [{when: size > 3, to: ended}, {when: size < 3, to: dropped}]}"),),
        "  telling:", "telling, on told.answer: there are cases in which no guard holds: add an else, or a way for "
        "size <= 3 true, size < 3 false"),
    "a decision table has no gap": Broken(
        (("size <= 3", "size < 3"),),
        "  big:", "decision 'big': there are cases in which no guard holds: add a row for size <= 3 true, size < 3 "
        "false"),
    "a decision table has no overlap": Broken(
        (("size <= 3", "size <= 4"),),
        "  big:", "decision 'big': the guards 'size > 3' and 'size <= 4' can hold together: make them exclude each "
        "other"),
    "every row of a decision table can hold": Broken(
        (also("      - {when: size <= 3, give: false}", "      - {when: size > 3 && size < 3, give: false}"),),
        "  big:", "decision 'big': the row 'size > 3 && size < 3' never holds: mend it or take it out"),
    "from everywhere an end can be reached": Broken(
        (("{else: dropped}]", "{else: again}]"),
         with_state("again", "due: 5 business_days, outcomes: {r: again}")),
        "  again:", "from state 'again' no end can be reached", ("start", "look.done")),
    "nothing turns in a circle by itself": Broken(
        (("{else: dropped}]", "{else: round}]"), also(LAST, "  round: {title: R, always: round}")),
        "  round:", "state 'round' turns in a circle: nothing on the way waits for anybody", ("start", "look.done")),
    "every fact that a guard reads is set": Broken(
        (("{told.answer: ended}", "{told.answer: [{when: size(firms) > 0, to: ended}, {else: dropped}]}"),),
        "  telling:", "telling, on told.answer: a guard reads firms, not set on every path",
        (*TO_FIXING, "fix.fixed", "told.answer")),
    "every fact that decides whether somebody is asked is set": Broken(
        (("when: good, due", "when: size(firms) > 0, due"),),
        "      - {id: help", "state 'fixing', task 'help': whether it is asked depends on firms, not set on every path "
        "to it", TO_FIXING),
    "every set that a form reads is set": Broken(
        (("form: [good, size, taken,", "form: [good, size, {fact: taken, optional: true},"),),
        "      - id: fix", "state 'fixing', task 'fix': the rows of 'judged' come from 'taken', not set on every path "
        "to it", TO_FIXING),
    "every fact that a mail reads is set": Broken(
        (("answer.en", "Size {{ fact_later_month }}, by {{ fact_received_on }}."),
         ("form: [later, judged]", "form: [good, judged]")),
        "  answer:", "mail 'answer' reads fact_later_month, not set on every path to it: record it, or ask has(…)",
        (*TO_FIXING, "fix.fixed")),
    "every mail has a reader": Broken(
        (("asked: {to: firm, paper: custodian}", "asked: {to: firm}"),),
        "  asked:", "mail 'asked' goes to 'firm', whom not every path to it names: name in 'paper' who posts it, or "
        "need the party at the start", ("start", "look.done")),
    "every fact that a state is left by is set": Broken(
        (("on: {told.answer: ended}}", "on: {told.answer: ended}, after: {day: 3, of: later, to: ended}}"),
         ("form: [later, judged]", "form: [good, judged]")),
        "  telling:", "state 'telling' is left by the date in 'later', not set on every path to it",
        (*TO_FIXING, "fix.fixed")),
    "every clock that a state waits for has begun": Broken(
        (("anchor: received_on,", "anchor: later,"),
         ("{else: dropped}]", "{else: idle}]"),
         also(LAST, "  idle: {title: Idle, after: {before: 2 business_days, of: fix, to: dropped}}")),
        "  idle:", "state 'idle' is left before the date of clock 'fix', which has not begun on every path to it",
        ("start", "look.done")),
    "no answer waits for a clock in vain": Broken(
        (("anchor: received_on,", "anchor: later,"), ("{else: dropped}]", "{else: idle}]"),
         with_state("idle", "due: 9 business_days, outcomes: {go: {to: dropped, require: [{passed: fix, say: No}]}}")),
        "  idle:", "from state 'idle' no end can be reached", ("start", "look.done")),
    "every state can happen": Broken(
        (also("    on: {ended.errand: fixing}", "    always: [{when: good && !good, to: idle}]"),
         also(LAST, "  idle: {title: Idle, final: idle}")),
        "  idle:", "state 'idle' is never reached: lead to it or delete it"),
    "every way on can happen": Broken(
        (("{told.answer: ended}", "{told.answer: ended, told.asked: dropped}"), ("    send: [asked]\n", ""),
         ("drop: dropped}", "drop: {to: dropped, send: [asked]}}")),
        "  telling:", "the way from 'telling' by on told.asked to 'dropped' is never taken"),
    "every task can be asked": Broken(
        (("when: good, due", "when: size > 3 && size < 3, due"),),
        "      - {id: help", "task 'help' in state 'fixing' is never asked: its guard cannot hold there"),
    "every answer can be given": Broken(
        (("{label: Helped}", "{label: Helped, require: [{that: \"!good\", say: Too good}]}"),),
        "      - {id: help", "the answer help.helped in state 'fixing' can never be given"),
    "every mail can be sent": Broken(
        (("    send: [asked]\n", ""), ("{label: Helped}", "{label: Helped, when: \"!good\", send: [asked]}")),
        "  asked:", "mail 'asked' is never sent: send it or delete it"),
    "every clock can begin": Broken(
        (("title: Fix, anchor: received_on", "title: Fix, when: size > 3 && size < 3, anchor: received_on"),),
        "  fix:", "clock 'fix' never begins: look at its anchor and its guard"),
    "every rung can fire": Broken(
        (("ladder: LONG", "ladder: DATE"), ("R-CORR-DISTRICT", "R-POST-CONTRACT")),
        "  fix:", "clock 'fix': rung 'before_30' never fires, whatever day 0 is: give it another ladder, or say in "
        "'unnoticed' why fix.rung.before_30 may be missing"),
    "every legal clock has a rung at legal": Broken(
        (("ladder: LONG", "ladder: CERTIFICATE"),),
        "  fix:", "clock 'fix' has no rung when its legal date passes: give it a ladder"),
    "a child gets what it needs": Broken(
        (("errand: {process: errand}", "errand: {process: errant}"),),
        "  errand:", "child 'errand': there is no process 'errant' (did you mean 'errand'?)"),
}  # fmt: skip


def source(broken: Broken | None = None) -> tuple[str, dict[str, str]]:
    text, texts = SOUND, dict(TEXTS)
    for old, new in broken.changes if broken else ():
        if old in texts:
            texts[old] = TEXT.replace("It is done.", new)
        else:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
    return text, texts


def compiled(text: str, texts: dict[str, str]) -> Definition:
    return workflows.compile_source(text, "sample.yaml", texts)


OTHERS = {"errand": compiled(ERRAND, {})}


def test_what_keeps_every_promise_has_no_flaw() -> None:
    report = check(compiled(*source()), OTHERS, CALENDARS)
    assert report.good, report.flaws


@pytest.mark.parametrize("change", [
    (also("  answer: {to: parent, paper: custodian, reviewed_by: {es: null}}", "  note: {to: legal}"),
     *TO_GONE,
     also(LAST, "  gone:\n    title: Gone\n    send: [note]\n    on: {told.note: dropped}\n    tasks: [{id: g, "
                "title: G, role: legal, due: {day: 3, of: later}, outcomes: {g: dropped}}]")),
], ids=["a mail on its way sees to it that a state is left"])  # fmt: skip
def test_what_keeps_them_otherwise_has_no_flaw(change: tuple[tuple[str, str], ...]) -> None:
    text, texts = source(Broken(change, "", ""))
    report = check(compiled(text, {**texts, "note.en": TEXT}), OTHERS, CALENDARS)
    assert report.good, report.flaws


@pytest.mark.parametrize("promise", PROMISES)
def test_a_broken_promise_is_told_with_its_place_and_the_shortest_story(promise: str) -> None:
    broken = PROMISES[promise]
    text, texts = source(broken)
    flaws = {flaw.message: flaw for flaw in check(compiled(text, texts), OTHERS, CALENDARS).flaws}
    assert broken.says in flaws, list(flaws)
    flaw = flaws[broken.says]
    file, line, _ = flaw.place.split(":")
    assert (file, flaw.story) == ("sample.yaml", broken.story)
    assert text.splitlines()[int(line) - 1].startswith(broken.place)


def test_a_task_of_several_lines_is_named_by_its_id() -> None:
    broken = source(Broken((("        due: 5 business_days\n        outcomes: {fixed: telling}",
                             "        when: size > 3 && size < 3\n        outcomes: {fixed: telling}"),), "", ""))
    flaws = check(compiled(*broken), OTHERS).flaws
    places = [flaw.place for flaw in flaws if flaw.message.startswith("task 'fix' in state 'fixing'")]
    assert [broken[0].splitlines()[int(place.split(":")[1]) - 1] for place in places] == ["      - id: fix"]


def test_a_clock_without_a_citation_is_a_flaw() -> None:
    """The reader of a document refuses such a rule already; so does the proof of what is made otherwise."""
    definition = compiled(*source())
    clock = definition.clocks["fix"]
    bare = replace(definition, clocks={"fix": replace(clock, rule=replace(clock.rule, citation=""))})
    assert "clock 'fix' has no citation: name the statute in its rule" in [f.message for f in check(bare, OTHERS).flaws]


def test_a_rung_may_be_missing_for_a_reason() -> None:
    definition = compiled(*source(PROMISES["every rung can fire"]))
    left = [f"fix.rung.{rung.id}" for rung in ladder_of(definition).rungs]
    told = replace(definition, unnoticed=dict.fromkeys(left, "A ladder is shared."))
    assert not [flaw for flaw in check(told, OTHERS, CALENDARS).flaws if "never fires" in flaw.message]


def ladder_of(definition: Definition) -> Ladder:
    ladder = definition.clocks["fix"].ladder
    assert ladder is not None
    return ladder


def test_what_is_found_reads_as_file_line_sentence_and_story() -> None:
    (flaw,) = check(compiled(*source(PROMISES["no path to an end leaves a legal clock running"])), OTHERS).flaws
    assert str(flaw) == ("sample.yaml:59:3: 'ended' ends the case while clock 'fix' runs: satisfy or void it\n"
                         "    story: start → look.drop")
