"""Taking an answer back: what is so again, what stays written down, and when nothing is taken back. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

import workflows
from engine.deciding.decide import decide, start
from engine.errors import NotAllowed, Refused, SoppaError
from engine.model.case import Actor, Case, Contact, FactValue
from engine.model.messages import CancelTimers, CompleteTask, Decision, Notify, Send, SetTimer, StartCase
from engine.model.undoable import TAKEN_BACK, Kept, Undo
from tests.office import actor, office
from tests.unit.test_decide import FACTS, NOW, VERIFIED

CATALOGUE = workflows.Catalogue()
CORRECTION = CATALOGUE.newest("correction_request")
PARENT = Contact("Pat", "pat@home.example")
OFFICE = replace(office(), undo_minutes=10)
LATER = NOW + dt.timedelta(minutes=9, seconds=59)


def begun(facts: dict[str, FactValue] | None = None) -> Case:
    command = StartCase("2028-0001", actor("ada"), facts or FACTS, {"parent": PARENT})
    return start(CORRECTION, command, NOW, OFFICE).case


CASE = begun()


def answer(case: Case, task: str, outcome: str, values: dict[str, FactValue], now: dt.datetime = NOW) -> Decision:
    found = case.open_task(task)
    assert found is not None
    return decide(CORRECTION, case, CompleteTask(found.id, outcome, values, actor("cus")), now, OFFICE)


def kept(before: Case, decision: Decision, /, **changed: object) -> Kept:
    """As the store keeps it: with the timers that waited, here those that its own start has set."""
    given = decision.answered
    assert given is not None
    timers = {"rung/district_fix/1/third_1/2028-02-08": dt.datetime(2028, 2, 8, 13, tzinfo=dt.UTC),
              "due/2028-0001-1/half/2028-01-14": dt.datetime(2028, 1, 14, 13, tzinfo=dt.UTC)}  # fmt: skip
    found = Kept("cus", NOW, given.until, decision.case.revision, given.answers, given.barred,
                 None if given.barred else before, timers)  # fmt: skip
    return replace(found, **changed)  # type: ignore[arg-type]


def take_back(after: Case, back: Kept | None, by: Actor | None = None, now: dt.datetime = LATER) -> Decision:
    return decide(CORRECTION, after, Undo(by or actor("cus"), "wrong child", back), now, OFFICE)


VERIFIED_CASE = answer(CASE, "verify", "complete", VERIFIED)
UNDONE = take_back(VERIFIED_CASE.case, kept(CASE, VERIFIED_CASE))


def lines(decision: Decision, kind: str) -> list[dict[str, str]]:
    return [{**event.detail, **event.personal} for event in decision.events if event.kind == kind]


# --- what is so again ------------------------------------------------------------------------------------------------


def test_the_case_is_as_it_was_but_for_what_counts_on() -> None:
    assert VERIFIED_CASE.case.state != CASE.state
    tasks = tuple(replace(task, generation=2) for task in CASE.tasks)
    assert UNDONE.case == replace(CASE, revision=3, entries=VERIFIED_CASE.case.entries,
                                  next_task=VERIFIED_CASE.case.next_task, tasks=tasks)  # fmt: skip


def test_the_same_answer_may_be_given_again_and_takes_new_numbers() -> None:
    again = answer(UNDONE.case, "verify", "complete", VERIFIED, LATER)
    assert again.case.facts == VERIFIED_CASE.case.facts
    assert again.case.entry > VERIFIED_CASE.case.entry
    assert not {task.id for task in again.case.tasks} & {task.id for task in VERIFIED_CASE.case.tasks}


def test_who_was_asked_is_asked_again_by_a_new_link() -> None:
    sends = [(effect.mail, effect.recipient, effect.task_id, effect.occurrence) for effect in UNDONE.effects
             if isinstance(effect, Send)]  # fmt: skip
    assert sends == [("task", "person:cus", "2028-0001-1", "2")]
    assert [(line["name"], line["to"]) for line in lines(UNDONE, "task_reopened")] == [
        ("verify", "cus"), ("withdraw", "cus")]  # fmt: skip


def test_the_timers_of_before_wait_again_and_no_others() -> None:
    timers = [effect for effect in UNDONE.effects if isinstance(effect, CancelTimers | SetTimer)]
    assert timers[0] == CancelTimers("")
    assert [effect for effect in timers[1:] if isinstance(effect, SetTimer) and not effect.again] == []
    assert {effect.key for effect in timers[1:] if isinstance(effect, SetTimer)} == {
        "rung/district_fix/1/third_1/2028-02-08", "due/2028-0001-1/half/2028-01-14",
    }


def test_no_reminder_fires_a_second_time() -> None:
    assert not lines(UNDONE, "rung_fired") and not [e for e in UNDONE.effects if isinstance(e, Notify) and e.legal]


# --- what stays written down -----------------------------------------------------------------------------------------


def test_what_was_recorded_stays_in_the_history_as_taken_back() -> None:
    (undone,) = lines(UNDONE, "answer_undone")
    assert undone == {"task": "2028-0001-1", "name": "verify", "outcome": "complete", "since": NOW.isoformat(),
                      "by": "Cus Todian", "reason": "wrong child"}  # fmt: skip
    back = {line["fact"]: line for line in lines(UNDONE, "fact_taken_back")}
    assert set(back) == VERIFIED_CASE.case.facts.keys() - CASE.facts.keys()
    assert back["identity_ok"] == {"fact": "identity_ok", "was": "true"}
    plain = [value for event in UNDONE.events for value in event.detail.values()]
    assert "2012-03-04" not in plain and "wrong child" not in plain
    assert lines(UNDONE, "state_restored") == [{"state": "received"}]
    closed = {line["task"] for line in lines(UNDONE, "task_closed")}
    assert closed == {task.id for task in VERIFIED_CASE.case.tasks if task.is_open}


def test_a_changed_fact_says_what_it_is_again() -> None:
    before = replace(CASE, facts={**CASE.facts, "identity_ok": False})
    undone = take_back(VERIFIED_CASE.case, kept(before, VERIFIED_CASE))
    back = {line["fact"]: line for line in lines(undone, "fact_taken_back")}
    assert back["identity_ok"] == {"fact": "identity_ok", "value": "false", "was": "true"}
    assert undone.case.facts["identity_ok"] is False


def test_an_ended_case_is_open_again_and_its_duty_runs_again_with_the_same_date() -> None:
    ended = answer(CASE, "withdraw", "withdrawn", {"withdrawn_on": dt.date(2028, 1, 12)})
    assert not ended.case.is_open and ended.case.clocks["district_fix"].status == "void"
    undone = take_back(ended.case, kept(CASE, ended))
    assert undone.case.is_open and undone.case.outcome is None
    assert lines(undone, "case_reopened") == [{}]
    clock = undone.case.clocks["district_fix"]
    assert (clock.status, clock.generation, clock.reason) == ("running", 2, TAKEN_BACK)
    assert clock.legal == CASE.clocks["district_fix"].legal
    (moved,) = lines(undone, "clock_moved")
    assert (moved["was"], moved["legal"]) == (str(clock.legal), str(clock.legal))
    keys = [effect.key for effect in undone.effects if isinstance(effect, SetTimer)]
    assert "rung/district_fix/2/third_1/2028-02-08" in keys


def test_a_clock_that_the_answer_began_is_void_and_may_begin_anew() -> None:
    after = VERIFIED_CASE.case
    hearing = replace(after.clocks["district_fix"], name="conference", generation=1)
    began = replace(VERIFIED_CASE, case=replace(after, clocks={**after.clocks, "conference": hearing}))
    undone = take_back(began.case, kept(CASE, began))
    clock = undone.case.clocks["conference"]
    assert (clock.status, clock.generation, clock.reason) == ("void", 1, TAKEN_BACK)
    assert lines(undone, "clock_voided")[0]["by"] == TAKEN_BACK


# --- which mails wait ------------------------------------------------------------------------------------------------


def test_the_mails_of_an_answer_wait_for_ten_minutes() -> None:
    given = VERIFIED_CASE.answered
    assert given is not None and given.waits and given.until == NOW + dt.timedelta(minutes=10)
    assert given.answers == (("2028-0001-1", "complete"),)


def at(case: Case, now: dt.datetime) -> Decision:
    return answer(case, "verify", "complete", VERIFIED, now)


def test_nothing_waits_past_midnight_of_the_district() -> None:
    late = at(CASE, dt.datetime(2028, 1, 13, 5, 51, tzinfo=dt.UTC)).answered
    assert late is not None and not late.waits and not late.barred
    early = at(CASE, dt.datetime(2028, 1, 13, 5, 49, tzinfo=dt.UTC)).answered
    assert early is not None and early.waits


@pytest.mark.parametrize(("day", "waits"), [(9, True), (10, False), (11, False)])
def test_nothing_waits_on_a_legal_date_or_after_it(day: int, waits: bool) -> None:
    given = at(CASE, dt.datetime(2028, 4, day, 16, tzinfo=dt.UTC)).answered
    assert CASE.clocks["district_fix"].legal == dt.date(2028, 4, 10)
    assert given is not None and given.waits is waits


def test_nothing_is_kept_where_the_office_or_the_process_takes_nothing_back() -> None:
    task = CASE.open_task("verify")
    assert task is not None
    command = CompleteTask(task.id, "complete", VERIFIED, actor("cus"))
    assert decide(CORRECTION, CASE, command, NOW, office()).answered is None
    assert decide(replace(CORRECTION, undo=False), CASE, command, NOW, OFFICE).answered is None
    assert not CATALOGUE.newest("breach_response").undo


# --- when nothing is taken back --------------------------------------------------------------------------------------


def refusal(after: Case, back: Kept | None, by: str = "cus", now: dt.datetime = LATER) -> SoppaError:
    with pytest.raises(SoppaError) as refused:
        take_back(after, back, actor(by), now)
    return refused.value


@pytest.mark.parametrize(("changed", "says"), [
    ({"revision": 7}, "something else has happened in it since"),
    ({"until": LATER}, "nothing was answered in it within the last 10 minutes"),
    ({"left": "a mail of the last answer has left already"}, "a mail of the last answer has left already"),
    ({"barred": "it has written into the register", "before": None}, "stays, since it has written into the register"),
])  # fmt: skip
def test_it_is_refused_with_the_reason_and_what_to_do(changed: dict[str, object], says: str) -> None:
    error = refusal(VERIFIED_CASE.case, kept(CASE, VERIFIED_CASE, **changed))
    assert isinstance(error, Refused)
    assert says in str(error) and "'soppa record 2028-0001' corrects a fact" in str(error)


def test_nothing_kept_is_nothing_to_take_back() -> None:
    assert "nothing was answered" in str(refusal(VERIFIED_CASE.case, None))


def test_only_who_answered_takes_it_back() -> None:
    error = refusal(VERIFIED_CASE.case, kept(CASE, VERIFIED_CASE), by="ada")
    assert isinstance(error, NotAllowed) and "Cus Todian's: only they may" in str(error)


def test_where_the_office_or_the_process_forbids_it_that_is_the_reason() -> None:
    back = kept(CASE, VERIFIED_CASE)
    with pytest.raises(Refused, match="'undo_minutes' of its"):
        decide(CORRECTION, VERIFIED_CASE.case, Undo(actor("cus"), "", back), LATER, office())
    with pytest.raises(Refused, match="no answer of 'correction_request' is taken back"):
        decide(replace(CORRECTION, undo=False), VERIFIED_CASE.case, Undo(actor("cus"), "", back), LATER, OFFICE)
