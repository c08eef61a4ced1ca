"""Notes, nudges and snoozes: what they write down, whom they reach, what they refuse. None moves a case."""

import datetime as dt
from dataclasses import replace

import pytest

import workflows
from engine.deciding.decide import decide, start
from engine.deciding.readers import supervisors
from engine.deciding.turn import Turn
from engine.errors import NotAllowed, Refused, SoppaError, UsageError
from engine.model.case import Actor, Case, Contact, FactValue, Task
from engine.model.definition import Who
from engine.model.messages import AddNote, CompleteTask, Decision, HideTask, Nudge, Send, Snooze, StartCase
from tests.office import actor, office
from tests.unit.test_decide import FACTS, NOW, VERIFIED

DEFINITION = workflows.Catalogue().newest("correction_request")
PARENT = Contact("Pat", "pat@home.example")
TODAY = dt.date(2028, 1, 12)
Command = AddNote | Nudge | Snooze


def begun() -> Case:
    command = StartCase("2028-0001", actor("ada"), FACTS, {"parent": PARENT})
    return start(DEFINITION, command, NOW, office()).case


CASE = begun()
VERIFY = next(task for task in CASE.tasks if task.name == "verify")
DUE = dt.date(2028, 1, 20)


def done(command: Command, case: Case = CASE, now: dt.datetime = NOW) -> Decision:
    return decide(DEFINITION, case, command, now, office())


def refusal(command: Command, case: Case = CASE) -> SoppaError:
    with pytest.raises(SoppaError) as refused:
        done(command, case)
    return refused.value


def unmoved(case: Case, **changed: object) -> Case:
    return replace(case, revision=case.revision + 1, **changed)  # type: ignore[arg-type]


def of_party(case: Case = CASE, contact: Contact = PARENT) -> Case:
    """The same task, as if it were the parent's."""
    task = replace(VERIFY, party="parent", role=None, assignees=())
    return replace(case, tasks=(task,), parties={"parent": contact})


# --- whom the lateness of a task goes up to ---------------------------------------------------------------------------


@pytest.mark.parametrize(("boss", "reads"), [
    ({}, "dan"),
    ({"active": False}, "ada"),
    ({"absent": (TODAY, TODAY), "deputy": "leg"}, "leg"),
    ({"absent": (TODAY, TODAY)}, "dan"),
    (None, "ada"),
])
def test_a_supervisor_who_has_left_or_is_away_has_somebody_in_their_place(
    boss: dict[str, object] | None, reads: str
) -> None:
    house = office()
    people = {**house.people, "cus": replace(house.people["cus"], supervisor="dan")}
    if boss is None:
        del people["dan"]
    else:
        people["dan"] = replace(people["dan"], **boss)  # type: ignore[arg-type]
    turn = Turn(DEFINITION, replace(house, people=people), actor("ada"), NOW, CASE)
    assert turn.today == TODAY
    assert supervisors(turn, Who("role", "custodian")) == (f"person:{reads}",)


# --- notes -----------------------------------------------------------------------------------------------------------


def test_a_note_is_a_personal_line_of_history_and_nothing_else() -> None:
    decision = done(AddNote("  She rang:\r\nthe letter was lost.\n", actor("dan")))
    (event,) = decision.events
    assert (event.kind, event.detail) == ("note_added", {"by": "Dan Owner"})
    assert event.personal == {"text": "She rang:\nthe letter was lost."}
    assert (decision.case, decision.effects) == (unmoved(CASE), ())


def test_an_ended_case_takes_notes_too() -> None:
    ended = replace(CASE, ended_at=NOW, tasks=())
    assert done(AddNote("She rang again", actor("cus")), ended).events[0].kind == "note_added"


@pytest.mark.parametrize(("text", "says"), [
    (" \n ", "the note says nothing"), ("a" * 4001, "at most 4,000 characters"), ("a\x07b", "a control character"),
])  # fmt: skip
def test_a_note_that_cannot_be_kept_is_refused(text: str, says: str) -> None:
    error = refusal(AddNote(text, actor("cus")))
    assert isinstance(error, UsageError) and says in str(error)


# --- nudges ----------------------------------------------------------------------------------------------------------


def nudge(case: Case = CASE, by: str = "ada", now: dt.datetime = NOW, task: Task = VERIFY) -> Decision:
    return done(Nudge(task.id, actor(by)), case, now)


def test_a_nudge_mails_who_is_asked_at_once_and_says_who_asks() -> None:
    decision = nudge()
    assert decision.effects == (
        Send("nudge", VERIFY.id, "2028-01-12", "person:cus", VERIFY.id, words={"nudged_by": "Ada Priv"}),
    )
    assert decision.case == unmoved(CASE, nudged={f"{VERIFY.id}/person:cus": TODAY})
    assert [event.kind for event in decision.events] == ["task_nudged"]


def test_once_a_day_a_person_and_task() -> None:
    first = nudge()
    error = refusal(Nudge(VERIFY.id, actor("ada")), first.case)
    assert isinstance(error, Refused)
    assert str(error) == "Cus Todian was asked once more about task 'verify' today already: once a day is enough"
    tomorrow = nudge(first.case, now=NOW + dt.timedelta(days=1))
    assert [effect.occurrence for effect in tomorrow.effects if isinstance(effect, Send)] == ["2028-01-13"]
    assert tomorrow.case.nudged == {f"{VERIFY.id}/person:cus": TODAY + dt.timedelta(days=1)}


def test_who_came_to_be_asked_since_is_nudged_and_the_others_are_not_again() -> None:
    case = nudge().case
    both = replace(case, tasks=(replace(VERIFY, assignees=("cus", "dan")),))
    assert [effect.recipient for effect in nudge(both).effects if isinstance(effect, Send)] == ["person:dan"]


def test_a_party_is_nudged_where_it_reads_mail() -> None:
    (send,) = nudge(of_party()).effects
    assert isinstance(send, Send) and send.recipient == "party:parent"


@pytest.mark.parametrize("contact", [Contact("Pat"), replace(PARENT, paper=True)])
def test_one_that_reads_none_is_told_otherwise(contact: Contact) -> None:
    error = refusal(Nudge(VERIFY.id, actor("ada")), of_party(contact=contact))
    assert str(error) == "Pat reads no mail: call or write, and keep it with soppa note 2028-0001"


def test_nobody_nudges_themselves_or_a_task_that_waits_for_nobody() -> None:
    assert "waits for you: there is nobody to nudge" in str(refusal(Nudge(VERIFY.id, actor("cus"))))
    offered = replace(CASE, tasks=(replace(VERIFY, offered=True),))
    assert "nobody is asked" in str(refusal(Nudge(VERIFY.id, actor("ada")), offered))
    answered = done_task(CASE)
    assert "is not open" in str(refusal(Nudge(VERIFY.id, actor("ada")), answered))


def test_an_operator_is_nudged_about_its_duty_though_its_task_is_only_offered() -> None:
    definition = workflows.Catalogue().newest("operator_fix")
    parties = {"operator": Contact("Learn Inc", "privacy@learn.example"), "parent": PARENT}
    facts: dict[str, FactValue] = {"item": "x", "where_seen": "The app", "right_value": "B"}
    case = start(definition, StartCase("2028-0002", actor("cus"), facts, parties), NOW, office()).case
    case = decide(definition, case, CompleteTask(case.tasks[0].id, "send", {}, actor("cus")), NOW, office()).case
    operator = Actor("party", "operator", "Learn Inc")
    for name, outcome, values, by in (("answer", "dispute", {"dispute_reason": "x"}, operator),
                                      ("legal_opinion", "decided", {"legal_view": "insist"}, actor("leg")),
                                      ("privacy_opinion", "decided", {"privacy_view": "insist"}, actor("ada"))):
        task = case.open_task(name)
        assert task is not None
        case = decide(definition, case, CompleteTask(task.id, outcome, values, by), NOW, office()).case
    answer = case.open_task("answer_again")
    assert answer is not None and answer.offered
    (send,) = decide(definition, case, Nudge(answer.id, actor("ada")), NOW, office()).effects
    assert isinstance(send, Send) and (send.recipient, send.pace) == ("party:operator", "now")
    other = replace(definition, from_parent=False)
    (send,) = decide(other, case, Nudge(answer.id, actor("ada")), NOW, office()).effects
    assert isinstance(send, Send) and send.pace == "free"


def done_task(case: Case) -> Case:
    return decide(DEFINITION, case, CompleteTask(VERIFY.id, "complete", VERIFIED, actor("cus")), NOW, office()).case


def test_a_stranger_nudges_nobody() -> None:
    assert isinstance(refusal(Nudge(VERIFY.id, actor("pro"))), NotAllowed)


# --- snoozes ---------------------------------------------------------------------------------------------------------


def test_a_snooze_hides_the_task_from_who_asks_and_moves_nothing() -> None:
    decision = done(Snooze(VERIFY.id, DUE, actor("ada")))
    assert decision.effects == (HideTask(VERIFY.id, 1, "ada", DUE),)
    assert decision.case == unmoved(CASE)
    (event,) = decision.events
    assert (event.kind, event.detail["until"]) == ("task_snoozed", str(DUE))


@pytest.mark.parametrize("day", [TODAY, TODAY - dt.timedelta(days=1)])
def test_a_snooze_ends_after_today(day: dt.date) -> None:
    assert isinstance(refusal(Snooze(VERIFY.id, day, actor("ada"))), UsageError)


def test_past_the_target_it_takes_the_word_for_it_and_a_reason() -> None:
    after = DUE + dt.timedelta(days=1)
    error = refusal(Snooze(VERIFY.id, after, actor("ada")))
    assert isinstance(error, Refused) and f"past its district target, {DUE}" in str(error)
    assert "needs a reason" in str(refusal(Snooze(VERIFY.id, after, actor("ada"), past_date=True, reason=" ")))
    decision = done(Snooze(VERIFY.id, after, actor("ada"), past_date=True, reason="Pat is away"))
    assert decision.effects == (HideTask(VERIFY.id, 1, "ada", after, past_date=True),)
    assert decision.events[0].personal["reason"] == "Pat is away"


def test_so_it_does_past_a_legal_date() -> None:
    legal = CASE.clocks["district_fix"].legal
    assert legal is not None
    no_target = replace(CASE, tasks=(replace(VERIFY, due=None),))
    assert done(Snooze(VERIFY.id, legal, actor("ada")), no_target).effects
    error = refusal(Snooze(VERIFY.id, legal + dt.timedelta(days=1), actor("ada")), no_target)
    assert f"past its legal deadline (district_fix), {legal}" in str(error)


def test_it_is_ended_at_will() -> None:
    decision = done(Snooze(VERIFY.id, None, actor("ada")))
    assert decision.effects == (HideTask(VERIFY.id, 1, "ada", None),)
    assert decision.events[0].kind == "task_shown_again"
