"""What the proof finds on the ways that cases take; each promise broken once is in `test_promises`."""

import datetime as dt
from dataclasses import replace

import pytest

import workflows
from engine.deciding.decide import decide, start
from engine.errors import UsageError
from engine.model.case import SYSTEM, FactValue
from engine.model.messages import CompleteTask, Effect, Notify, StartCase
from engine.proof.prove import Report, check
from tests.office import actor, office

HEAD = """
process: sample
version: 1
title: Sample
cites: [105 ILCS 85/33]
parties: {parent: {kind: parent, label: Parent}}
start: {needs: [parent, received_on], by: [custodian]}
facts:
  received_on: {type: date, label: Received}
  good: {type: bool, label: Good}
  size: {type: int, label: Size}
clocks:
  fix: {rule: R-CORR-DISTRICT, title: Fix, anchor: received_on, satisfied_by: [told.answer], void_by: [entered.dropped],
        ladder: LONG, owner: custodian}
mails:
  answer: {to: parent, paper: custodian, reviewed_by: {es: null}}
"""
TEXTS = {f"answer.{language}": "Subject: Case {{ case }}\n\nIt is done.\n" for language in ("en", "es")}
SOUND = """
states:
  open:
    title: Open
    initial: true
    tasks:
      - {id: look, role: custodian, title: Look, form: [good, size], due: 5 business_days,
         outcomes: {done: [{when: good && size > 3, to: telling}, {else: dropped}], drop: dropped}}
  telling: {title: Telling, send: [answer], on: {told.answer: ended}}
  ended: {title: Ended, final: ended}
  dropped: {title: Dropped, final: dropped}
"""


def proof(states: str, says: str = "It is done.") -> Report:
    texts = {**TEXTS, "answer.en": f"Subject: Case {{{{ case }}}}\n\n{says}\n"}
    return check(workflows.compile_source(HEAD + states, "sample.yaml", texts))


def test_a_sound_definition_has_no_flaw() -> None:
    report = proof(SOUND)
    assert report.good, report.flaws
    assert report.configurations == 4


def test_a_clock_may_come_to_apply_when_what_it_asks_is_recorded_anew() -> None:
    """No task asks for `size` again, and nothing but `telling` ends the clock: recorded late, it holds the case up."""
    only_big = HEAD.replace("anchor: received_on, satisfied_by", "when: size > 3, anchor: received_on, satisfied_by")
    once = SOUND.replace("good && size > 3, to: telling}, {else: dropped}", "size > 3, to: telling}, {else: small}")
    states = once + """
  small:
    title: Small
    tasks: [{id: wait, role: custodian, title: Wait, due: 2 business_days, outcomes: {done: ended}}]
"""
    (flaw,) = check(workflows.compile_source(only_big + states, "sample.yaml", TEXTS)).flaws
    assert flaw.message == "'ended' ends the case while clock 'fix' runs: satisfy or void it"
    assert flaw.story == ("start", "look.done", "recorded: size", "wait.done")


def test_a_guard_may_not_read_what_some_path_does_not_set() -> None:
    optional = SOUND.replace("form: [good, size]", "form: [good, {fact: size, optional: true}]")
    states = optional.replace("good && size > 3", "good").replace(
        "{told.answer: ended}", "{told.answer: [{when: size > 3, to: ended}, {else: dropped}]}"
    )
    assert any("a guard reads size, not set on every path" in flaw.message for flaw in proof(states).flaws)



def test_a_circle_without_an_end_is_stuck() -> None:
    again = """
  again:
    title: Again
    tasks:
      - {id: retry, role: custodian, title: Retry, due: 2 business_days, outcomes: {retry: again}}
      - {id: stop, role: custodian, offered: true, title: Stop, form: [size], outcomes: {stop: again}}
"""
    flaws = proof(SOUND.replace("to: telling}, {else: dropped}", "to: telling}, {else: again}") + again).flaws
    stuck = [flaw for flaw in flaws if "no end can be reached" in flaw.message]
    assert [flaw.story for flaw in stuck] == [("start", "look.done")]


OPTIONAL = SOUND.replace("form: [good, size]", "form: [{fact: good, optional: true}, {fact: size, optional: true}]")


def test_a_mail_may_not_read_what_some_path_does_not_set() -> None:
    early = OPTIONAL.replace("[{when: good && size > 3, to: telling}, {else: dropped}]", "telling")
    (flaw,) = [flaw for flaw in proof(early, "Size {{ fact_size }}.").flaws if "mail 'answer'" in flaw.message]
    assert flaw.message.startswith("mail 'answer' reads fact_size, not set on every path to it")
    assert flaw.story == ("start", "look.done")


@pytest.mark.parametrize("says", ["{% if has(fact_size) %}Size {{ fact_size }}.{% endif %}", "By {{ clock_fix }}."])
def test_a_mail_may_read_what_is_there_and_ask_for_the_rest(says: str) -> None:
    early = OPTIONAL.replace("[{when: good && size > 3, to: telling}, {else: dropped}]", "telling")
    assert not [flaw for flaw in proof(early, says).flaws if "mail 'answer'" in flaw.message]


def test_a_mail_may_read_a_required_field_of_the_form_before_it() -> None:
    assert proof(SOUND, "Size {{ fact_size }}.").good


AGREE = """
states:
  open:
    title: Open
    initial: true
    tasks:
      - id: look
        role: custodian
        title: Look
        form: [good]
        due: 5 business_days
        outcomes: {yes: {to: sizing, when: good}, no: {to: telling, when: "!good"}}
  sizing: {title: Sizing, tasks: [
    {id: measure, role: custodian, title: Measure, form: [size], due: 2 business_days, outcomes: {done: telling}}]}
  telling: {title: Telling, send: [answer], on: {told.answer: [{when: good, to: big}, {else: ended}]}}
  big: {title: Big, always: [{when: size > 3, to: ended}, {else: dropped}]}
  ended: {title: Ended, final: ended}
  dropped: {title: Dropped, final: dropped}
"""


def test_guards_about_one_fact_agree_until_it_is_recorded_again() -> None:
    assert proof(AGREE).good, proof(AGREE).flaws
    again = AGREE.replace("form: [size]", "form: [size, good]").replace("to: telling, when: \"!good\"", "to: sizing")
    assert proof(again).good, proof(again).flaws


def test_a_fact_that_is_recorded_again_may_answer_otherwise() -> None:
    correct = "{id: correct, role: custodian, title: C, form: [good], due: 2 business_days, outcomes: {done: telling}}"
    later = AGREE.replace("send: [answer],", f"send: [answer], tasks: [{correct}],")
    stories = {flaw.message: flaw.story for flaw in proof(later).flaws}
    wrong = "big, always: a guard reads size, not set on every path"
    assert stories[wrong] == ("start", "look.no", "correct.done", "told.answer")


BRANCHING = """
process: branching
version: 1
title: Branching
cites: [105 ILCS 85/27]
facts:
  a: {type: bool, label: A}
  b: {type: bool, label: B}
  c: {type: bool, label: C}
  last: {type: bool, label: Last}
states:
  open:
    title: Open
    initial: true
    join: veto
    tasks:
      - {id: one, role: privacy, title: One, form: [{fact: a, optional: true}], due: 5 business_days,
         outcomes: {told: {label: Told}, away: {to: early}}}
      - {id: two, role: legal, title: Two, form: [b, {fact: c, optional: true}], due: 5 business_days,
         outcomes: {told: {label: Told}}}
    joined: asked
  asked:
    title: Asked
    tasks:
      - {id: ask, role: privacy, title: Ask, form: [last], due: 5 business_days,
         outcomes: {ask: [{when: last, to: done}, {else: gone}]}}
  early: {title: Early, always: [{when: has(b), to: with_b}, {else: gone}]}
  with_b: {title: With b, always: [{when: b, to: done}, {else: gone}]}
  done: {title: Done, final: done}
  gone: {title: Gone, final: gone}
"""


def branching(**changes: tuple[str, str]) -> Report:
    text = BRANCHING
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    return check(workflows.compile_source(text, "branching.yaml", {}))


def test_an_answer_that_leaves_may_come_after_any_of_the_others() -> None:
    assert branching().good, branching().flaws
    blind = branching(form=("[b, {fact: c, opt", "[c, {fact: b, opt"), has=("has(b)", "has(c)"))
    assert "with_b, always: a guard reads b, not set on every path" in {flaw.message for flaw in blind.flaws}


def test_what_nothing_asks_for_any_more_tells_no_configurations_apart() -> None:
    fuller = branching(form=("{fact: a, optional: true}", "a"), sets=("Told}, away", "Told, set: {c: true}}, away"))
    assert fuller.configurations == branching().configurations


CHILD = """
process: helper
version: 1
title: Helper
cites: [105 ILCS 85/33]
parties: {operator: {kind: operator, label: Operator}}
start: {needs: [operator, wanted], by: [custodian]}
facts:
  wanted: {type: choice, of: [book, map], label: Wanted}
  size: {type: int, label: Size}
states:
  open:
    title: Open
    initial: true
    tasks:
      - {id: give, role: custodian, title: Give, shows: [wanted, size], due: 5 business_days, outcomes: {given: ended}}
  ended: {title: Ended, final: ended}
"""
STARTING = """
process: sample
version: 1
title: Sample
cites: [105 ILCS 85/33]
start: {needs: [size], by: [custodian]}
facts:
  size: {type: int, label: Size}
  what: {type: choice, of: [book], label: What}
children:
  helper: {process: helper, facts: {wanted: what, size: size}}
states:
  open:
    title: Open
    initial: true
    tasks:
      - {id: look, role: custodian, title: Look, form: [what], due: 5 business_days, outcomes: {done: waiting}}
  waiting: {title: Waiting, start: [helper], on: {ended.helper: ended}}
  ended: {title: Ended, final: ended}
"""


@pytest.mark.parametrize(("old", "new", "message"), [
    ("", "", None),
    ("form: [what]", "form: [{fact: what, optional: true}]",
     "child 'helper' needs what, not set on every path to its start"),
    ("{wanted: what, size: size}", "{size: size}", "child 'helper': helper needs 'wanted' to start: give it in facts"),
    ("size: size}", "sice: size}", "child 'helper': helper has no fact 'sice' (did you mean 'size'?)"),
    ("of: [book]", "of: [book, globe]", "child 'helper': 'what' is not what 'wanted' may be in helper"),
    ("process: helper", "process: helpers", "child 'helper': there is no process 'helpers' (did you mean 'helper'?)"),
])  # fmt: skip
def test_a_child_gets_what_it_needs_on_every_path(old: str, new: str, message: str | None) -> None:
    assert old in STARTING
    others = {"helper": workflows.compile_source(CHILD, "helper.yaml", {})}
    flaws = check(workflows.compile_source(STARTING.replace(old, new), "sample.yaml", {}), others).flaws
    assert message in [flaw.message for flaw in flaws] if message else not flaws


def test_a_child_may_lack_a_party_and_a_case_of_its_own_may_not() -> None:
    definition, house = workflows.compile_source(CHILD, "helper.yaml", {}), office()
    begun = StartCase("2027-0002", SYSTEM, {"wanted": "book"}, {}, parent="2027-0001", child_name="helper")
    now = dt.datetime(2027, 3, 1, 18, 0, tzinfo=dt.UTC)
    assert start(definition, begun, now, house).case.state == "open"
    with pytest.raises(UsageError, match="helper needs operator to start"):
        start(definition, replace(begun, parent=None, actor=actor("cus")), now, house)


MAYBE = """
process: sample
version: 1
title: Sample
cites: [105 ILCS 85/33]
start: {needs: [size], by: [custodian]}
facts:
  size: {type: int, label: Size}
  received_on: {type: date, label: Received}
clocks:
  fix: {rule: R-CORR-DISTRICT, title: Fix, anchor: received_on, satisfied_by: [mend.mended], ladder: LONG,
        owner: custodian}
states:
  open:
    title: Open
    initial: true
    tasks:
      - {id: look, role: custodian, title: Look, shows: [size], form: [{fact: received_on, optional: true}],
         due: 5 business_days, outcomes: {done: mending, drop: ended}}
  mending:
    title: Mending
    tasks: [{id: mend, role: custodian, title: Mend, due: 5 business_days, outcomes: {mended: ended}}]
  ended: {title: Ended, final: ended}
"""


def test_a_field_that_may_stay_empty_and_starts_a_clock_is_walked_both_ways() -> None:
    (flaw,) = check(workflows.compile_source(MAYBE, "sample.yaml", {})).flaws
    assert flaw.message == "'ended' ends the case while clock 'fix' runs: satisfy or void it"
    assert flaw.story == ("start", "look.drop")
    dropped = "drop: {to: ended, require: [{that: '!has(received_on)', say: It counts.}]}}"
    needed = MAYBE.replace("drop: ended}", dropped)
    assert check(workflows.compile_source(needed, "sample.yaml", {})).good


def test_a_date_that_is_entered_after_what_satisfies_its_clock_leaves_nothing_running() -> None:
    late = MAYBE.replace("done: mending, drop: ended", "done: mending").replace(
        "outcomes: {mended: ended}}]", "outcomes: {mended: dating}}]").replace(
        "  ended:", "  dating: {title: Dating, tasks: [{id: date, role: custodian, title: Date, form: [received_on],\n"
        "    due: 5 business_days, outcomes: {dated: ended}}]}\n  ended:")  # fmt: skip
    assert check(workflows.compile_source(late, "sample.yaml", {})).good
    house, definition = office(), workflows.compile_source(late, "sample.yaml", {})
    now, day = dt.datetime(2027, 3, 1, 18, 0, tzinfo=dt.UTC), dt.date(2027, 3, 1)
    case = start(definition, StartCase("1", actor("cus"), {"size": 1}, {}), now, house).case
    values: dict[str, FactValue] = {}
    effects: list[Effect] = []
    for outcome in ("done", "mended", "dated"):
        values = {"received_on": day} if outcome == "dated" else {}
        done = decide(definition, case, CompleteTask(case.tasks[-1].id, outcome, values, actor("cus")), now, house)
        case, effects = done.case, [*done.effects]
    assert case.clocks["fix"].status == "satisfied"
    assert not [effect for effect in effects if isinstance(effect, Notify)]
