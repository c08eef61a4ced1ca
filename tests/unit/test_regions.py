"""Parallel regions: several tracks of one case, what they know of each other, and what the proof says of them."""

import datetime as dt
import re

import pytest

import workflows
from engine.deciding.decide import decide, start
from engine.errors import FaultyInput, Stale
from engine.model.case import Contact, FactValue
from engine.model.definition import Definition
from engine.model.messages import CompleteTask, StartCase
from engine.proof.prove import check
from engine.proof.simulate import Answer, Story, play
from tests.office import actor, office
from tests.unit.test_small_processes import One

MONDAY = dt.date(2027, 3, 1)
NOW = dt.datetime(2027, 3, 1, 18, 0, tzinfo=dt.UTC)
PARENT = {"parent": Contact("Eva", "eva@example.org")}
LETTERS = {f"letter.{language}": "Subject: Case {{ case }}\n\nIt happened.\n" for language in ("en", "es")}
TRACKS = """
process: sample
version: 1
title: Sample
cites: [105 ILCS 85/27]
parties: {parent: {kind: parent, label: Parent}}
start: {needs: [parent, received_on], by: [privacy]}
facts:
  received_on: {type: date, label: Received}
  cause: {type: text, label: Cause}
clocks:
  tell: {rule: R-BREACH-PARENT, title: Tell, anchor: received_on, satisfied_by: [told.letter], ladder: MID,
         owner: privacy}
mails:
  letter: {to: parent, paper: privacy, reviewed_by: {es: null}}
states:
  assess:
    title: Assess
    initial: true
    tasks: [{id: assess, role: privacy, title: Assess, due: 3 business_days, outcomes: {confirm: responding}}]
  responding:
    title: Responding
    parallel:
      contain:
        title: Contain
        states:
          working: {title: Working, initial: true, tasks: [
            {id: contain, role: itsec, title: Contain it, form: [cause], due: 2 business_days,
             outcomes: {contained: clean}}]}
          clean: {title: Clean, final: contained}
      parents:
        title: Parents
        states:
          drafting: {title: Drafting, initial: true, tasks: [
            {id: draft, role: privacy, title: Draft, due: 5 business_days, outcomes: {ready: sending}}]}
          sending: {title: Sending, send: [letter], on: {told.letter: sent}}
          sent: {title: Sent, final: told}
      listing:
        title: Public list
        states:
          waiting: {title: Waiting, initial: true, always: [{when: "at('parents.sent')", to: open}]}
          open: {title: Open, tasks: [
            {id: list, role: web, title: Put it on the list, due: 10 business_days, outcomes: {listed: listed}}]}
          listed: {title: Listed, final: listed}
    done: ended
  ended: {title: Ended, final: ended}
"""


def compiled(text: str = TRACKS) -> Definition:
    return workflows.compile_source(text, "sample.yaml", LETTERS)


def told(*answers: Answer) -> Story:
    definition = compiled()
    return play(definition, One(definition), office(), MONDAY, {"received_on": MONDAY}, PARENT, answers, days=60)


def day(number: int, task: str, outcome: str, **values: str) -> Answer:
    return Answer(MONDAY + dt.timedelta(days=number), task, outcome, values)


def test_every_region_begins_in_its_first_state() -> None:
    case = told(day(0, "assess", "confirm")).case
    assert case.at == {"responding", "contain.working", "parents.drafting", "listing.waiting"}
    assert {task.name for task in case.tasks if task.is_open} == {"contain", "draft"}


def test_a_region_moves_alone_and_keeps_the_tasks_of_the_others() -> None:
    case = told(day(0, "assess", "confirm"), day(1, "contain", "contained", cause="a key was lost")).case
    assert case.at == {"responding", "contain.clean", "parents.drafting", "listing.waiting"}
    assert [task.name for task in case.tasks if task.is_open] == ["draft"]


def test_a_region_goes_on_when_another_stands_where_it_waits_for() -> None:
    case = told(day(0, "assess", "confirm"), day(2, "draft", "ready")).case
    assert case.at == {"responding", "contain.working", "parents.sent", "listing.open"}


def test_the_case_goes_on_when_every_region_is_done() -> None:
    story = told(day(0, "assess", "confirm"), day(1, "contain", "contained", cause="x"), day(2, "draft", "ready"),
                 day(3, "list", "listed"))
    assert story.case.outcome == "ended"
    assert story.case.regions == {}


def test_a_clock_is_satisfied_in_a_region_and_outlives_it() -> None:
    case = told(day(0, "assess", "confirm"), day(2, "draft", "ready")).case
    assert case.clocks["tell"].status == "satisfied"


def test_an_answer_in_a_region_left_behind_is_stale() -> None:
    definition = compiled()
    case = start(definition, StartCase("1", actor("ada"), {"received_on": MONDAY}, PARENT), NOW, office()).case
    given: tuple[tuple[str, str, str, dict[str, FactValue]], ...] = (
        ("assess", "confirm", "ada", {}), ("contain", "contained", "its", {"cause": "x"}))
    for name, outcome, by, values in given:
        task = case.open_task(name)
        assert task is not None
        case = decide(definition, case, CompleteTask(task.id, outcome, values, actor(by)), NOW, office()).case
        with pytest.raises(Stale):
            decide(definition, case, CompleteTask(task.id, outcome, values, actor(by)), NOW, office())


def test_regions_that_hang_together_are_proved_together_and_the_others_apart() -> None:
    report = check(compiled())
    assert report.good, report.flaws


@pytest.mark.parametrize(("old", "new", "wrong"), [
    ("when: \"at('parents.sent')\", to: open", "when: \"at('parents.sent') && at('contain.clean')\", to: open", None),
    ("to: open}]}", "to: open}, {when: \"!at('parents.sent')\", to: listed}]}", "'listing.open' is never taken"),
    ("on: {told.letter: sent}}", "on: {told.letter: [{when: cause == 'x', to: sent}, {else: drafting}]}}",
     "parents.sending, on told.letter: a guard reads cause, not set on every path"),
    ("at('parents.sent')", "at('parents.sent') && cause == 'x'", "listing.waiting, always: a guard reads cause"),
    ("    done: ended", "    done: [{when: cause == 'x', to: ended}, {else: assess}]", None),
])  # fmt: skip
def test_what_the_proof_finds_in_regions(old: str, new: str, wrong: str | None) -> None:
    assert old in TRACKS
    flaws = check(compiled(TRACKS.replace(old, new))).flaws
    assert bool(flaws) == (wrong is not None), flaws
    assert wrong is None or re.search(wrong, "\n".join(map(str, flaws)))


def test_a_clock_that_no_region_ends_runs_on_after_all_of_them() -> None:
    skips = TRACKS.replace("{ready: sending}", "{ready: sending, skip: sent}")
    (flaw,) = check(compiled(skips)).flaws
    assert flaw.message == "'ended' ends the case while clock 'tell' runs: satisfy or void it"
    assert flaw.story == ("start", "assess.confirm", "draft.skip", "list.listed")


def test_facts_of_one_region_are_known_when_all_are_done_and_not_before() -> None:
    later = TRACKS.replace("done: ended", "done: closing") + """
  closing: {title: Closing, always: [{when: cause == 'x', to: ended}, {else: ended}]}
"""
    assert check(compiled(later)).good


@pytest.mark.parametrize(("old", "new", "message"), [
    ("    done: ended\n", "", "'parallel' and 'done' belong together"),
    ("{contained: clean}", "{contained: sent}", "there is no 'sent' in region 'contain' (known: clean, working)"),
    ("{confirm: responding}", "{confirm: working}", "there is no 'working' in states"),
    ("at('parents.sent')", "at('parents.gone')", "there is no 'parents.gone'"),
    ("clean: {title: Clean, final: contained}",
     "clean: {title: Clean, tasks: [{id: x, role: web, title: X, outcomes: {y: clean}}]}",
     "region 'contain' has no final state"),
    ("working: {title: Working, initial: true,", "working: {title: Working,",
     "region 'contain' needs exactly one state"),
    ("      listing:\n", "      contain:\n", "the key 'contain' is here twice"),
])  # fmt: skip
def test_a_broken_region_is_told_with_its_place(old: str, new: str, message: str) -> None:
    assert old in TRACKS
    with pytest.raises(FaultyInput) as broken:
        compiled(TRACKS.replace(old, new))
    assert message in str(broken.value)
