"""What a decision refuses, and what it writes down."""

import datetime as dt
from dataclasses import replace

import pytest

import workflows
from engine.deciding.decide import decide, start
from engine.deciding.turn import Turn
from engine.errors import AlreadyDecided, NotAllowed, Refused, SoppaError, Stale, UsageError
from engine.model.case import Actor, Case, Contact, FactValue, changed
from engine.model.messages import (
    CompleteTask,
    Decision,
    FireTimer,
    MailSettled,
    Notify,
    Reassign,
    RecordFacts,
    Send,
    SetTimer,
    StartCase,
)
from tests.office import PEOPLE, office

DEFINITION = workflows.Catalogue().newest("correction_request")
NOW = dt.datetime(2028, 1, 12, 16, 0, tzinfo=dt.UTC)
FACTS: dict[str, FactValue] = {"received_on": dt.date(2028, 1, 10), "item": "birth date"}
VERIFIED: dict[str, FactValue] = {
    "requester_kind": "parent",
    "identity_ok": True,
    "where_seen": "gradebook",
    "right_value": "2012-03-04",
    "data_owner": "dan",
}


def actor(person: str) -> Actor:
    known = PEOPLE[person]
    return Actor("person", known.id, known.name, known.roles)


def started(facts: dict[str, FactValue] | None = None) -> Decision:
    parties = {"parent": Contact("Pat", "pat@home.example")}
    return start(DEFINITION, StartCase("2028-0001", actor("ada"), facts or FACTS, parties), NOW, office())


CASE = started().case
VERIFY = CASE.open_task("verify")
assert VERIFY is not None
VERIFY_ID = VERIFY.id


def verify(case: Case = CASE, by: str = "cus", outcome: str = "complete", generation: int | None = None) -> Decision:
    command = CompleteTask(VERIFY_ID, outcome, VERIFIED, actor(by), seen_generation=generation)
    return decide(DEFINITION, case, command, NOW, office())


def refusal(case: Case, command: CompleteTask | RecordFacts | Reassign) -> SoppaError:
    with pytest.raises(SoppaError) as refused:
        decide(DEFINITION, case, command, NOW, office())
    return refused.value


def test_a_changed_case_is_another_and_what_no_case_has_is_refused() -> None:
    other = changed(CASE, {"revision": 7})
    assert other == replace(CASE, revision=7) and CASE.revision != 7
    with pytest.raises(TypeError, match="a case has no mood"):
        changed(CASE, {"mood": "fine"})


def test_a_start_asks_the_custodian_and_runs_the_clock() -> None:
    decision = started()
    sends = {(effect.mail, effect.recipient) for effect in decision.effects if isinstance(effect, Send)}
    assert sends == {("receipt", "party:parent"), ("task", "person:cus")}
    assert decision.case.clocks["district_fix"].legal == dt.date(2028, 4, 10)
    timers = [effect.key for effect in decision.effects if isinstance(effect, SetTimer)]
    assert "rung/district_fix/1/legal/2028-04-11" in timers
    assert len(timers) == len(set(timers))


def test_rungs_fire_at_seven_local_on_both_sides_of_the_change_of_the_clocks() -> None:
    at = {effect.key.split("/")[3]: effect.at for effect in started().effects
          if isinstance(effect, SetTimer) and effect.key.startswith("rung/")}  # fmt: skip
    assert at["third_1"] == dt.datetime(2028, 2, 8, 13, tzinfo=dt.UTC)
    assert at["target"] == dt.datetime(2028, 4, 7, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize("missing", ["received_on", "item"])
def test_a_start_names_what_it_needs(missing: str) -> None:
    with pytest.raises(UsageError, match=f"needs {missing} to start"):
        started({name: value for name, value in FACTS.items() if name != missing})


def test_a_request_cannot_have_arrived_tomorrow() -> None:
    with pytest.raises(UsageError, match="received_on: 2028-01-13 is in the future"):
        started({**FACTS, "received_on": dt.date(2028, 1, 13)})


def test_the_same_arguments_give_the_same_decision() -> None:
    assert verify() == verify()


def test_personal_facts_stand_in_no_plain_line_of_history() -> None:
    lines = [event for event in started().events if event.detail.get("fact") == "item"]
    assert [line.personal for line in lines] == [{"value": "birth date"}]
    assert all("birth date" not in value for event in started().events for value in event.detail.values())


def test_names_of_outsiders_and_what_somebody_typed_are_sealed() -> None:
    parent = Actor("party", "parent", "Eva Ruiz", on_behalf_of="Jo Ruiz")
    turn = Turn(DEFINITION, office(), parent, NOW, CASE)
    turn.tell("task_completed", task="1", by="Eva Ruiz", reason="my son moved", on_behalf_of="Jo Ruiz")
    turn.tell("clock_moved", clock="district_fix", reason="day 0 is earlier", by="told.receipt")
    answered, moved = turn.events
    assert answered.detail == {"task": "1"}
    assert answered.told == {"task": "1", "by": "Eva Ruiz", "reason": "my son moved", "on_behalf_of": "Jo Ruiz"}
    assert moved.personal == {}


def test_documents_and_contacts_are_sealed_whatever_their_definition_says() -> None:
    known = {name: replace(fact, personal=False) for name, fact in DEFINITION.facts.items()}
    turn = Turn(replace(DEFINITION, facts=known), office(), actor("cus"), NOW, CASE)
    hashed = "ab" * 32
    kept, holders = f"{'0' * 32}.pdf sha256:{hashed}", (Contact("Jo Doe", "jo@x.example"),)
    turn.record({"evidence": kept, "outside_holders": holders})
    assert [event.detail for event in turn.events] == [{"fact": "evidence"}, {"fact": "outside_holders"}]
    assert turn.events[0].told == {"fact": "evidence", "sha256": hashed}
    assert "Jo Doe" not in str(turn.events[1].told)


def test_only_whom_the_task_is_for_may_answer() -> None:
    with pytest.raises(NotAllowed, match="Sup Intendent may not answer task 'verify': it is for Cus Todian"):
        verify(by="sup")


def test_the_second_answer_learns_who_was_first() -> None:
    answered = replace(VERIFY, outcome="complete", done_by="Cus Todian") if VERIFY else None
    assert answered is not None
    with pytest.raises(AlreadyDecided, match="already decided by Cus Todian: complete"):
        verify(replace(CASE, tasks=(answered,)))


def test_a_task_of_a_state_that_was_left_is_stale() -> None:
    with pytest.raises(Stale, match="has moved on to 'Being looked into'"):
        verify(verify().case)


def test_a_form_opened_before_a_reassignment_is_stale() -> None:
    moved = decide(DEFINITION, CASE, Reassign(VERIFY_ID, "ada", actor("ada"), "holiday"), NOW, office())
    assert [e.recipient for e in moved.effects if isinstance(e, Send)] == ["person:ada"]
    with pytest.raises(Stale, match="has changed since you opened it"):
        verify(moved.case, generation=1)


@pytest.mark.parametrize("by", ["cus", "ada"], ids=["whom it is for", "the privacy officer"])
def test_a_task_is_given_away_by_those_it_concerns(by: str) -> None:
    moved = decide(DEFINITION, CASE, Reassign(VERIFY_ID, "dan", actor(by), "holiday"), NOW, office()).case
    task = moved.task(VERIFY_ID)
    assert task is not None and task.assignees == ("dan",)


def test_a_stranger_may_not_give_a_task_away_and_nobody_without_a_reason() -> None:
    stranger = refusal(CASE, Reassign(VERIFY_ID, "dan", actor("dan"), "I want it"))
    assert isinstance(stranger, NotAllowed) and "it is for Cus Todian, who may" in str(stranger)
    assert "add --reason" in str(refusal(CASE, Reassign(VERIFY_ID, "dan", actor("cus"), " ")))


def test_unknown_outcomes_fields_and_people_are_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no outcome 'complet' .did you mean 'complete'"):
        verify(outcome="complet")
    wrong = CompleteTask(VERIFY_ID, "complete", {"identity": True}, actor("cus"))
    assert "does not ask for 'identity'" in str(refusal(CASE, wrong))
    assert "unknown person 'sub'" in str(refusal(CASE, Reassign(VERIFY_ID, "sub", actor("ada"), "x")))


def test_a_legal_date_moves_earlier_freely_and_supersedes_with_a_reason() -> None:
    command = RecordFacts({"received_on": dt.date(2028, 1, 3)}, actor("cus"), "found the stamp")
    decision = decide(DEFINITION, CASE, command, NOW, office())
    clock = decision.case.clocks["district_fix"]
    assert (clock.generation, clock.legal) == (2, dt.date(2028, 4, 3))
    assert clock.reason == "day 0 was 2028-01-10, is 2028-01-03"
    (moved,) = [event for event in decision.events if event.kind == "clock_moved"]
    assert moved.detail["was"] == "2028-04-10"


def test_day_0_may_move_later_where_the_legal_date_stays() -> None:
    command = RecordFacts({"received_on": dt.date(2028, 1, 11)}, actor("cus"), "typed wrong")
    clock = decide(DEFINITION, CASE, command, NOW, office()).case.clocks["district_fix"]
    assert (clock.generation, clock.nominal, clock.legal) == (2, dt.date(2028, 4, 10), dt.date(2028, 4, 10))


@pytest.mark.parametrize("second", [None, "cus"])
def test_a_legal_date_moves_later_only_with_a_second_person(second: str | None) -> None:
    later = RecordFacts({"received_on": dt.date(2028, 1, 12)}, actor("cus"), "typed wrong", second)
    refused = refusal(CASE, later)
    assert isinstance(refused, Refused)
    assert "district_fix: 2028-04-10 becomes 2028-04-11" in str(refused)


def test_the_superintendent_is_told_of_a_legal_date_moved_later() -> None:
    two = RecordFacts({"received_on": dt.date(2028, 1, 12)}, actor("cus"), "typed wrong", "sup")
    decision = decide(DEFINITION, CASE, two, NOW, office())
    assert any(isinstance(e, Notify) and e.recipient == "person:sup" for e in decision.effects)


@pytest.mark.parametrize(("command", "says"), [
    (RecordFacts({"item": "x"}, actor("sup"), "x"), "may not record facts"),
    (RecordFacts({"item": "x"}, actor("cus"), " "), "needs a reason"),
    (RecordFacts({"itme": "x"}, actor("cus"), "x"), "did you mean 'item'"),
])  # fmt: skip
def test_recording_refuses_with_a_sentence(command: RecordFacts, says: str) -> None:
    assert says in str(refusal(CASE, command))


def test_a_timer_of_an_older_generation_does_nothing() -> None:
    key = "rung/district_fix/7/legal/2028-04-11"
    decision = decide(DEFINITION, CASE, FireTimer(key), NOW, office())
    assert (decision.effects, decision.events) == ((), ())


def test_a_mail_that_failed_becomes_a_letter_and_does_not_count_as_told() -> None:
    settled = MailSettled("receipt", "1", "failed", dt.date(2028, 1, 12))
    decision = decide(DEFINITION, CASE, settled, NOW, office())
    letter = decision.case.open_task("post_receipt")
    assert letter is not None
    assert letter.assignees == ("cus",)
    assert "told.receipt" not in decision.case.happened


def test_an_uncertain_mail_waits_for_the_privacy_officer() -> None:
    settled = MailSettled("receipt", "1", "uncertain", dt.date(2028, 1, 12))
    decision = decide(DEFINITION, CASE, settled, NOW, office())
    assert [e.recipient for e in decision.effects if isinstance(e, Notify)] == ["person:ada"]


def test_rungs_that_are_late_when_a_clock_starts_go_out_as_one_to_all_their_readers() -> None:
    decision = started({**FACTS, "received_on": dt.date(2027, 9, 1)})
    fired = [event.detail for event in decision.events if event.kind == "rung_fired"]
    assert [line["rung"] for line in fired] == ["legal_10"]
    assert fired[0]["to"] == "person:ada, person:cus, person:leg, person:sup"
    not_due = [event.detail["rung"] for event in decision.events if event.kind == "rung_not_due"]
    assert not_due == ["third_1", "third_2", "before_10", "before_5", "before_1"]
