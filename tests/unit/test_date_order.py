"""Dates in a wrong order are told of the field that was typed; dates are told before they are sure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pytest

import workflows
from engine.deciding.adopting import adopt
from engine.deciding.decide import decide, start
from engine.deciding.expecting import started_by, state_until
from engine.errors import UsageError, WrongDate
from engine.model.case import Actor, Case, Contact, FactValue
from engine.model.definition import Definition, posting_task
from engine.model.messages import AdoptCase, CompleteTask, MailSettled, RecordFacts, StartCase, StartChild
from engine.model.own_tasks import subject_of
from tests.office import actor, office

D = dt.date
CATALOGUE = workflows.Catalogue()
CORRECTION, FIX = CATALOGUE.newest("correction_request"), CATALOGUE.newest("operator_fix")
PARENT, OPERATOR = Contact("Pat Parent", "pat@home.example"), Contact("Acme", "privacy@acme.example")
BEGIN = D(2027, 1, 11)


def at(day: D) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, 18, 0, tzinfo=dt.UTC)


class Story(NamedTuple):
    """A case and its definition; each step gives the next one."""

    definition: Definition
    case: Case

    def does(self, day: D, name: str, outcome: str, by: str | Actor = "cus", **values: FactValue) -> Story:
        task = self.case.open_task(name)
        assert task is not None, name
        command = CompleteTask(task.id, outcome, values, actor(by) if isinstance(by, str) else by)
        return self._replace(case=decide(self.definition, self.case, command, at(day), office()).case)

    def hears(self, day: D, mail: str) -> Story:
        return self._replace(case=decide(self.definition, self.case, MailSettled(mail, "1", "accepted", day), at(day),
                                         office()).case)

    def records(self, day: D, **values: FactValue) -> Story:
        command = RecordFacts(values, actor("ada"), "It was misread", "sup")
        return self._replace(case=decide(self.definition, self.case, command, at(day), office()).case)


def correction() -> Story:
    facts: dict[str, FactValue] = {"received_on": BEGIN, "item": "Birth date"}
    return Story(CORRECTION, start(CORRECTION, StartCase("1", actor("ada"), facts, {"parent": PARENT}), at(BEGIN),
                                   office()).case)


def refused() -> Story:
    """A request that was decided on January 25: no inaccuracy, and the parent was told on that day."""
    story = correction().does(D(2027, 1, 13), "verify", "complete", requester_kind="parent", identity_ok=True,
                              where_seen="Gradebook", right_value="x", data_owner="dan")
    story = story.does(D(2027, 1, 19), "advise", "answered", "dan", owner_view="right", owner_basis="Register")
    story = story.does(D(2027, 1, 25), "decide", "no_inaccuracy", basis="Register", reasons="x", is_school_record=True,
                       subject="fact")
    return story.hears(D(2027, 1, 25), "told_no_hearing")


BY_PARENT = Actor("party", "parent", "Pat Parent")


def decided() -> Story:
    """The hearing was on February 24, and its decision was told on March 3."""
    story = refused().does(D(2027, 2, 1), "ask_hearing", "ask", BY_PARENT)
    story = story.does(D(2027, 2, 2), "plan_conference", "planned", conference_at=at(D(2027, 2, 10)),
                       conference_place="Room 1")
    story = story.does(D(2027, 2, 10), "hold_conference", "hearing", conference_on=D(2027, 2, 10),
                       hearing_officer="hea")
    story = story.does(D(2027, 2, 11), "plan_hearing", "planned", "hea", hearing_at=at(D(2027, 2, 24)),
                       hearing_place="Room 2")
    story = story.does(D(2027, 2, 24), "hold_hearing", "held", "hea", hearing_ended_on=D(2027, 2, 24))
    story = story.does(D(2027, 3, 3), "decide_hearing", "decided", "hea", hearing_decision="retain", decision_text="x")
    return story.hears(D(2027, 3, 3), "told_hearing_decision")


def notified(contract_days: int | None = None) -> Story:
    """An operator's case whose notice was queued on January 12."""
    facts: dict[str, FactValue] = {"item": "x", "where_seen": "y", "right_value": "z"}
    parties = {"operator": OPERATOR, "parent": PARENT}
    story = Story(FIX, start(FIX, StartCase("1", actor("ada"), facts, parties), at(D(2027, 1, 11)), office()).case)
    days: dict[str, FactValue] = {} if contract_days is None else {"contract_days": contract_days}
    return story.does(D(2027, 1, 12), "notify", "send", "cus", **days)


@pytest.mark.parametrize("early", [
    lambda: correction().does(BEGIN, "withdraw", "withdrawn", withdrawn_on=BEGIN - dt.timedelta(days=1)),
    lambda: refused().does(D(2027, 2, 1), "record_hearing", "asked", hearing_requested_on=D(2027, 1, 24)),
    lambda: decided().does(D(2027, 3, 10), "record_appeal", "appealed", appeal_told_on=D(2027, 3, 2)),
], ids=["withdrawn before it was received", "hearing asked for before the decision was told",
        "appeal before the decision"])  # fmt: skip
def test_a_date_before_what_comes_first_is_refused_with_its_field(early: Callable[[], Story]) -> None:
    with pytest.raises(WrongDate, match=r" is before 2027-.* \(.*\): correct one of the two dates"):
        early()


def test_the_refusal_says_the_other_date_and_what_it_is_in_the_readers_language() -> None:
    with pytest.raises(WrongDate) as wrong:
        decided().does(D(2027, 3, 10), "record_appeal", "appealed", appeal_told_on=D(2027, 3, 2))
    assert (wrong.value.fact, wrong.value.why, wrong.value.other) == ("appeal_told_on", "before", D(2027, 3, 3))
    assert wrong.value.label == {"en": "the day on which it was told", "es": "el día en que se comunicó"}


def test_a_later_hearing_is_later_than_the_legal_date() -> None:
    story = refused().does(D(2027, 2, 1), "ask_hearing", "ask", BY_PARENT)
    story = story.does(D(2027, 2, 2), "plan_conference", "planned", conference_at=at(D(2027, 2, 10)),
                       conference_place="Room 1")
    story = story.does(D(2027, 2, 10), "hold_conference", "hearing", conference_on=D(2027, 2, 10),
                       hearing_officer="hea")
    assert story.case.clocks["hear_held"].legal == D(2027, 2, 25)
    with pytest.raises(WrongDate, match="2027-02-24 is before 2027-02-25"):
        story.does(D(2027, 2, 11), "agree_later", "agreed", hearing_agreed_until=D(2027, 2, 24), hearing_agreement="x")
    later = story.does(D(2027, 2, 11), "agree_later", "agreed", hearing_agreed_until=D(2027, 3, 13),
                       hearing_agreement="x")
    assert later.case.clocks["hear_held"].legal == D(2027, 3, 13)


def test_a_day_that_others_follow_cannot_move_behind_them() -> None:
    story = decided()
    with pytest.raises(WrongDate, match="conference_on: 2027-02-25 is after 2027-02-24") as wrong:
        story.records(D(2027, 3, 10), conference_on=D(2027, 2, 25))
    assert (wrong.value.fact, wrong.value.why) == ("conference_on", "after")
    moved = story.records(D(2027, 3, 10), conference_on=D(2027, 2, 9))
    assert moved.case.facts["conference_on"] == D(2027, 2, 9)


def test_the_same_day_is_in_order_and_what_is_not_known_says_nothing() -> None:
    assert correction().does(BEGIN, "withdraw", "withdrawn", withdrawn_on=BEGIN).case.outcome == "withdrawn"
    assert notified().does(D(2027, 1, 13), "stamp_receipt", "stamped", operator_received_on=D(2027, 1, 2)).case.is_open


def test_an_adopted_case_has_its_dates_in_order() -> None:
    facts: dict[str, FactValue] = {"received_on": BEGIN, "item": "x", "fixed_on": D(2027, 1, 10)}
    command = AdoptCase("1", actor("ada"), ("determining",), facts, {"parent": PARENT})
    with pytest.raises(UsageError, match="fixed_on: 2027-01-10 is before 2027-01-11"):
        adopt(CORRECTION, command, at(D(2027, 2, 1)), office())


def test_a_hearing_asked_for_on_the_page_starts_its_clock_at_once() -> None:
    story = refused().does(D(2027, 2, 1), "ask_hearing", "ask", BY_PARENT)
    assert (story.case.clocks["hear_conf"].anchor, story.case.state) == (D(2027, 2, 1), "planning_conference")
    earlier = story.does(D(2027, 2, 2), "plan_conference", "planned", conference_at=at(D(2027, 2, 10)),
                         conference_place="Room 1", hearing_requested_on=D(2027, 1, 28))
    assert earlier.case.clocks["hear_conf"].anchor == D(2027, 1, 28)


def test_the_conference_satisfies_on_the_day_on_which_it_was_held() -> None:
    clock = decided().case.clocks["hear_held"]
    assert (clock.status, clock.ended_on) == ("satisfied", D(2027, 2, 24))


def test_an_operators_90_days_begin_when_the_notice_is_told_or_earlier_when_it_came_by_hand() -> None:
    assert "operator_fix" not in notified().case.clocks
    told = notified().hears(D(2027, 1, 13), "notice")
    assert told.case.clocks["operator_fix"].anchor == D(2027, 1, 13)
    by_hand = told.does(D(2027, 1, 14), "stamp_receipt", "stamped", operator_received_on=D(2027, 1, 8))
    assert by_hand.case.clocks["operator_fix"].anchor == D(2027, 1, 8)
    later = told.does(D(2027, 1, 20), "stamp_receipt", "stamped", operator_received_on=D(2027, 1, 20))
    assert later.case.clocks["operator_fix"].anchor == D(2027, 1, 13)


@pytest.mark.parametrize(("by", "task", "said", "anchor"), [
    (Actor("party", "operator", "Acme"), "answer", None, D(2027, 2, 1)),
    ("cus", "record_answer", D(2027, 1, 29), D(2027, 1, 29)),
])  # fmt: skip
def test_the_ten_days_to_tell_the_parent_begin_with_the_operators_confirmation(
        by: str | Actor, task: str, said: D | None, anchor: D) -> None:
    values: dict[str, FactValue] = {"fixed_on": D(2027, 1, 28), "fixed_where": "Reader", "downstream_done": True}
    given = values if said is None else {**values, "confirmed_on": said}
    story = notified().hears(D(2027, 1, 13), "notice").does(D(2027, 2, 1), task, "confirm", by, **given)
    assert story.case.clocks["confirm_parent"].anchor == anchor
    assert story.case.clocks["operator_fix"].ended_on == anchor


@pytest.mark.parametrize(("contract_days", "day"), [(None, D(2027, 4, 12)), (30, D(2027, 2, 11))])
def test_the_notice_and_the_parents_mail_know_the_date_that_counts_if_it_is_told_today(
        contract_days: int | None, day: D) -> None:
    case = notified(contract_days).case
    for mail in ("notice", "told_notified"):
        ((clock, expected),) = started_by(mail, FIX, case, D(2027, 1, 12), office())
        assert (clock.name, expected.day, expected.provisional) == ("operator_fix", day, False)
    assert list(started_by("insist", FIX, case, D(2027, 1, 12), office())) == []


def test_a_clock_that_runs_is_told_as_it_runs() -> None:
    case = notified().hears(D(2027, 1, 13), "notice").case
    assert list(started_by("notice", FIX, case, D(2027, 1, 20), office())) == []


def test_the_last_day_of_a_state_is_known_and_provisional_beyond_the_school_calendar() -> None:
    case = refused().case
    until = state_until(CORRECTION, case, office())
    assert until is not None and (until.day, until.provisional) == (D(2027, 2, 22), False)
    late = dt.datetime(2029, 6, 1, 18, 0, tzinfo=dt.UTC)
    far = state_until(CORRECTION, replace(case, entered_at=late), office())
    assert far is not None and far.provisional
    assert state_until(CORRECTION, correction().case, office()) is None


def test_a_statement_becomes_a_case_of_its_own_and_may_be_given_again() -> None:
    story = refused()
    task = story.case.open_task("give_statement")
    assert task is not None
    command = CompleteTask(task.id, "given", {"statement": "I disagree"}, BY_PARENT)
    decision = decide(CORRECTION, story.case, command, at(D(2027, 2, 1)),
                      replace(office(), processes=frozenset({"record_statement"})))
    (child,) = [effect for effect in decision.effects if isinstance(effect, StartChild)]
    assert (child.process, child.facts) == ("record_statement", {"statement": "I disagree"})
    assert decision.case.state == "hearing_open" and decision.case.open_task("give_statement") is not None


def test_two_letters_to_post_name_what_each_is() -> None:
    titles = {posting_task(mail).title["en"] for mail in CORRECTION.mails.values()}
    assert len(titles) == len(CORRECTION.mails)
    assert "Print the letter “your hearing”, post it, and enter the date of posting" in titles


def test_a_letter_about_a_product_keeps_its_place_in_the_name() -> None:
    mails = CATALOGUE.newest("annual_attestation").mails
    assert subject_of(mails["ending_schools"]) == "… is not used any more from …"
    assert subject_of(mails["attest"]) == "attestation for …"
