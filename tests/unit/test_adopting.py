"""Adopting a case: it counts from true dates, does nothing twice, and stands only where its definition can come to."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache

import pytest

from engine.deciding.adopting import adopt
from engine.deciding.decide import decide
from engine.errors import Refused, UsageError
from engine.model.case import Case, Contact, FactValue
from engine.model.messages import AdoptCase, CompleteTask, Decision, FireTimer, Notify, Send, SetTimer, StartChild
from engine.proof.footing import Footing, footing
from tests.office import actor, office
from workflows import Catalogue

NOW = dt.datetime(2026, 11, 30, 16, 0, tzinfo=dt.UTC)
TODAY = dt.date(2026, 11, 30)
ADA = actor("ada")
PAPER = f"{'0' * 32}.pdf sha256:{'1' * 64}"
PARENT = {"parent": Contact("Ana Ruiz", "ana@families.example")}
CATALOGUE = Catalogue(None)


@cache
def standing(process: str) -> Footing:
    return footing(CATALOGUE.newest(process), {name: CATALOGUE.newest(name) for name in CATALOGUE.processes()})


def posting(entered_on: dt.date, **given: object) -> AdoptCase:
    command = AdoptCase("T-1", ADA, ("preparing",), {"product": "Reader", "entered_on": entered_on},
                        {"operator": Contact("Acme", "p@acme.example")}, evidence={"entered_on": PAPER})  # fmt: skip
    return replace(command, **given)  # type: ignore[arg-type]


def correction(state: str, facts: dict[str, FactValue] | None = None, **given: object) -> AdoptCase:
    known: dict[str, FactValue] = {"received_on": dt.date(2026, 9, 14), "item": "Birth date"}
    command = AdoptCase("T-1", ADA, (state,), known | (facts or {}), PARENT, evidence={"received_on": PAPER})
    return replace(command, **given)  # type: ignore[arg-type]


def adopted(command: AdoptCase, process: str = "contract_posting", now: dt.datetime = NOW) -> Decision:
    decision = adopt(CATALOGUE.newest(process), command, now, office())
    standing(process).check(decision)
    return decision


def kinds(decision: Decision, kind: str) -> list[str]:
    return [event.detail.get("rung", "") for event in decision.events if event.kind == kind]


def lines(decision: Decision) -> set[tuple[str, str]]:
    return {(effect.recipient, effect.kind) for effect in decision.effects if isinstance(effect, Notify)}


def later(case: Case, key: str, day: dt.date) -> Decision:
    """What a timer of an adopted case does on the morning of a day."""
    return decide(CATALOGUE.newest(case.process), case, FireTimer(key), office().at_local(day, 7), office())


def test_a_clock_counts_from_its_true_date_and_past_rungs_are_not_sent() -> None:
    decision = adopted(posting(dt.date(2026, 9, 14)))
    clock = decision.case.clocks["posting"]
    assert (clock.legal, clock.status, clock.generation) == (dt.date(2026, 9, 28), "running", 1)
    assert kinds(decision, "rung_before_adoption") == [
        "halfway", "before_2", "before_1", "target", "legal", "digest", "legal_3"]
    assert kinds(decision, "rung_fired") == []
    assert decision.case.flags == ("adopted",)


def test_that_a_date_has_passed_stands_in_the_brief_of_those_who_see_to_it() -> None:
    """The clock's owner (web: its) and the privacy officer; nobody above them."""
    assert lines(adopted(posting(dt.date(2026, 9, 14)))) == {
        ("person:its", "repeat"), ("person:ada", "repeat"), ("person:ada", "task")}
    assert lines(adopted(posting(dt.date(2026, 11, 25)))) == {("person:ada", "task")}


def test_rungs_still_to_come_are_timers_as_ever() -> None:
    timers = [e.key for e in adopted(posting(dt.date(2026, 11, 25))).effects if isinstance(e, SetTimer)]
    assert "rung/posting/1/legal/2026-12-11" in timers
    assert not [key for key in timers if key.endswith("2026-11-27")]


def test_mails_wait_for_the_next_business_day() -> None:
    decision = adopted(correction("opening"), "correction_request", dt.datetime(2026, 11, 27, 16, tzinfo=dt.UTC))
    (receipt,) = [effect for effect in decision.effects if isinstance(effect, Send)]
    assert (receipt.mail, receipt.not_before) == ("receipt", dt.datetime(2026, 11, 30, 14, tzinfo=dt.UTC))


def test_what_was_told_is_not_told_again_and_stands_in_the_history() -> None:
    told = {"told.told_no": dt.date(2026, 10, 1), "told.reasons_ready": dt.date(2026, 10, 2)}
    command = correction("reasons_open", {"reasons": "It is a grade"}, happened=told, since=dt.date(2026, 10, 1),
                         evidence={"received_on": PAPER, "told.told_no": PAPER})
    decision = adopted(command, "correction_request", dt.datetime(2026, 10, 12, 16, tzinfo=dt.UTC))
    assert [effect for effect in decision.effects if isinstance(effect, Send)] == []
    before = [event.detail for event in decision.events if event.kind == "happened_before"]
    assert before == [{"event": name, "on": str(on), "to": "party:parent"} for name, on in told.items()]
    assert {event.detail["of"] for event in decision.events if event.kind == "evidence_given"} == set(command.evidence)
    moves = [effect for effect in decision.effects if isinstance(effect, SetTimer) and effect.key.startswith("after/")]
    assert [office().today(timer.at) for timer in moves] == [dt.date(2026, 10, 30)]


def test_a_mail_of_the_state_that_nobody_was_told_leaves() -> None:
    command = correction("reasons_open", {"reasons": "A grade"}, happened={"told.told_no": dt.date(2026, 11, 20)},
                         since=dt.date(2026, 11, 20), evidence={"received_on": PAPER, "told.told_no": PAPER})
    assert [e.mail for e in adopted(command, "correction_request").effects if isinstance(e, Send)] == ["reasons_ready"]


def test_a_clock_is_met_only_by_a_document() -> None:
    on, address = dt.date(2026, 9, 21), "district.example/acme"
    facts: dict[str, FactValue] = {"product": "Reader", "entered_on": dt.date(2026, 9, 14), "posted_on": on,
                                   "posted_url": address, "searchable": True}
    published = posting(dt.date(2026, 9, 14), states=("published",), facts=facts,
                        happened={"publish.published": on})
    with pytest.raises(UsageError, match=r"would count as satisfied by publish\.published without a document"):
        adopted(published)
    met = adopted(replace(published, evidence={"entered_on": PAPER, "publish.published": PAPER}))
    assert (met.case.clocks["posting"].status, met.case.clocks["posting"].ended_on) == ("satisfied", on)


def test_a_clock_that_every_way_there_has_ended_must_have_ended() -> None:
    with pytest.raises(Refused, match=r"clock 'district_fix' has ended: give what ended it \(.*told.told_no"):
        adopted(correction("reasons_open", {"reasons": "x"}, since=dt.date(2026, 11, 20)), "correction_request")


def test_facts_that_every_way_there_has_recorded_are_named() -> None:
    with pytest.raises(Refused, match="state 'district_fixing' needs held_by: give a value"):
        adopted(correction("district_fixing"), "correction_request")
    assert adopted(correction("district_fixing", {"held_by": "district"}), "correction_request").case.state


def test_a_state_that_waits_for_children_takes_them_along() -> None:
    gone = dt.date(2026, 9, 21)
    command = correction("waiting_for_holders", {"held_by": "outside"}, happened={"confirm_notified.notified": gone},
                         evidence={"received_on": PAPER, "confirm_notified.notified": PAPER})
    with pytest.raises(UsageError, match="waits for cases of operator_fix: adopt them too"):
        adopted(command, "correction_request")
    decision = adopted(replace(command, children={"operator_fix": 2}), "correction_request")
    assert (decision.case.state, decision.case.children) == ("waiting_for_holders", {"operator_fix": 2})
    assert not [effect for effect in decision.effects if isinstance(effect, StartChild)]


def test_it_goes_on_as_any_other_case() -> None:
    case = adopted(correction("received"), "correction_request").case
    (task,) = [task for task in case.tasks if task.name == "verify"]
    values: dict[str, FactValue] = {"requester_kind": "parent", "identity_ok": True, "where_seen": "x",
                                    "right_value": "y", "data_owner": "dan"}
    answer = CompleteTask(task.id, "complete", values, actor("cus"))
    assert decide(CATALOGUE.newest(case.process), case, answer, NOW, office()).case.state == "asking_owner"


@pytest.mark.parametrize(("given", "sentence"), [
    ({"facts": {"product": "Reader", "entered_on": dt.date(2026, 12, 24)}}, "2026-12-24 is in the future"),
    ({"facts": {"product": "Reader", "entered_on": dt.date(2020, 12, 31)}}, "2020-12-31 is before 2021-01-01"),
    ({"evidence": {}}, "counts from entered_on, 2026-09-14, without a document"),
    ({"facts": {"entered_on": dt.date(2026, 9, 14)}}, "needs product"),
    ({"states": ("prepairing",)}, "did you mean 'preparing'"),
    ({"states": ("verified",)}, "is an end"),
    ({"states": ("preparing", "ready")}, "name the one state"),
    ({"happened": {"publish.publishd": TODAY}}, "did you mean 'publish.published'"),
    ({"happened": {"publish.published": TODAY + dt.timedelta(days=1)}}, "2026-12-01 is in the future"),
    ({"evidence": {"entered_on": PAPER, "posted_on": PAPER}}, "evidence for 'posted_on'"),
    ({"since": dt.date(2030, 1, 1)}, "since: 2030-01-01 is in the future"),
    ({"quiet_until": TODAY}, "it ends after today, 2026-11-30, and at the latest on"),
    ({"quiet_until": dt.date(2027, 1, 30)}, "it ends after today, 2026-11-30, and at the latest on"),
    ({"begun_by": "adda"}, "did you mean 'ada'"),
])  # fmt: skip
def test_what_is_wrong_is_told_by_name(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        adopted(posting(dt.date(2026, 9, 14), **given))
    assert sentence in str(caught.value)


def test_a_state_that_the_calendar_leaves_needs_the_day_it_was_entered() -> None:
    with pytest.raises(UsageError, match="give since"):
        adopted(correction("reasons_open", {"reasons": "x"}), "correction_request")


# --- quiet ------------------------------------------------------------------------------------------------------------

QUIET = dt.date(2026, 12, 18)


def quiet_case() -> Case:
    return adopted(posting(dt.date(2026, 11, 24), quiet_until=QUIET)).case


def test_while_it_is_quiet_only_those_who_see_to_it_hear_that_a_date_has_passed() -> None:
    case = quiet_case()
    assert case.clocks["posting"].legal == dt.date(2026, 12, 9)
    decision = later(case, "rung/posting/1/legal/2026-12-10", dt.date(2026, 12, 10))
    assert lines(decision) == {("person:its", "legal"), ("person:ada", "legal")}
    (hushed,) = [event.detail for event in decision.events if event.kind == "rung_hushed"]
    assert (hushed["rung"], hushed["spared"]) == ("legal", "superintendent")


def test_a_reminder_is_no_escalation() -> None:
    decision = later(quiet_case(), "rung/posting/1/before_1/2026-12-08", dt.date(2026, 12, 8))
    assert [event.kind for event in decision.events] == ["rung_fired"]


def test_when_the_quiet_ends_what_was_held_goes_out_as_one() -> None:
    case = quiet_case()
    timers = [e for e in adopted(posting(dt.date(2026, 11, 24), quiet_until=QUIET)).effects if isinstance(e, SetTimer)]
    (end,) = [timer for timer in timers if timer.key.startswith("quiet/")]
    assert end.at == office().at_local(QUIET + dt.timedelta(days=1), 7)
    decision = later(case, end.key, QUIET + dt.timedelta(days=1))
    assert lines(decision) == {("person:sup", "legal"), ("person:leg", "legal")}
    assert [event.kind for event in decision.events] == ["quiet_ended", "rung_fired"]


def test_a_clock_that_was_met_while_it_was_quiet_tells_nobody() -> None:
    case = quiet_case()
    clock = replace(case.clocks["posting"], status="satisfied")
    decision = later(replace(case, clocks={"posting": clock}), f"quiet/{QUIET}", QUIET + dt.timedelta(days=1))
    assert lines(decision) == set()


def test_after_the_quiet_rungs_go_out_to_all() -> None:
    case = replace(quiet_case())
    decision = later(case, "rung/posting/1/legal/2026-12-10", QUIET + dt.timedelta(days=3))
    assert ("person:sup", "legal") in lines(decision)


# --- regions ----------------------------------------------------------------------------------------------------------


def breach(*states: str) -> AdoptCase:
    """A breach that was found out on November 2; its kinds of data are decided."""
    facts: dict[str, FactValue] = {
        "reporter": "its", "source": "itsec", "first_known_on": dt.date(2026, 10, 30), "report": "A file lay open",
        "district_determined_on": dt.date(2026, 11, 2), "operator_involved": False, "encrypted": "no",
        "pipa_data": "none", "staff_affected": False, "ag_told": False, "covered": True, "acquired": "yes",
    }  # fmt: skip
    return AdoptCase("T-1", ADA, ("responding", *states), facts, {}, evidence={"district_determined_on": PAPER})


def test_each_region_stands_where_it_stood_and_the_others_at_their_beginning() -> None:
    definition = CATALOGUE.newest("breach_response")
    decision = adopt(definition, breach("contain.cleaning", "parents.drafting"), NOW, office())
    places = {name: place.state for name, place in decision.case.regions.items()}
    assert (places["contain"], places["parents"], places["public"]) == (
        "contain.cleaning", "parents.drafting", "public.waiting")
    assert decision.case.clocks["parents"].legal == dt.date(2026, 12, 2)


def test_a_region_that_the_state_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match=r"has no state 'parents\.drafted'"):
        adopted(breach("parents.drafted"), "breach_response")
    with pytest.raises(UsageError, match="name the one state"):
        adopted(breach("parents.drafting", "parents.approving"), "breach_response")


def test_a_breach_stands_in_a_configuration_of_all_its_tracks() -> None:
    definition = CATALOGUE.newest("breach_response")
    standing("breach_response").check(adopt(definition, breach("contain.clean", "parents.drafting"), NOW, office()))
    decision = adopt(definition, breach("parents.drafting"), NOW, office())
    standing("breach_response").check(decision)
    facts = {name: value for name, value in decision.case.facts.items() if name != "operator_involved"}
    with pytest.raises(Refused, match="needs operator_involved"):
        standing("breach_response").check(replace(decision, case=replace(decision.case, facts=facts)))
