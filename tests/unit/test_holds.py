"""Law-enforcement holds: what they stop, who confirms them, and what counts when they end or never counted."""

import datetime as dt
from dataclasses import replace

import pytest

from cli.commands.explain import derived as explained
from engine.deciding.decide import decide, start
from engine.deciding.holds import waits
from engine.errors import Refused, SoppaError
from engine.model.case import Case
from engine.model.messages import (
    Command,
    CompleteTask,
    Decision,
    FireTimer,
    Notify,
    PlaceHold,
    RecordFacts,
    ReleaseHold,
    Send,
    SetTimer,
    StartCase,
)
from tests.office import actor, office
from tests.unit.test_regions import PARENT, TRACKS, compiled

D = dt.date
DEFINITION = compiled()
"""One clock under R-BREACH-PARENT, anchored at `received_on`."""


def noon(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(18), dt.UTC)


MAY_10 = D(2027, 5, 10)
REQUEST = PlaceHold("Sheriff", "Sgt. Roe", "27-118", MAY_10, "kept", actor("leg"))


def begun() -> Case:
    day = D(2027, 5, 3)
    return start(DEFINITION, StartCase("1", actor("ada"), {"received_on": day}, PARENT), noon(day), office()).case


def after(case: Case, command: Command, on: dt.date) -> Case:
    return decide(DEFINITION, case, command, noon(on), office()).case


def placed(case: Case, on: dt.date = MAY_10, **given: object) -> Decision:
    wanted = replace(REQUEST, started=on, **given)  # type: ignore[arg-type]
    return decide(DEFINITION, case, wanted, noon(on), office())


def said(case: Case, name: str, outcome: str, by: str, on: dt.date) -> Case:
    task = case.open_task(name)
    return case if task is None else after(case, CompleteTask(task.id, outcome, {}, actor(by)), on)


def confirmed(case: Case, on: dt.date = MAY_10, answer: str = "confirm") -> Case:
    case = said(case, "confirm_hold_privacy", answer, "ada", on)
    return said(case, "confirm_hold_legal", answer, "leg", on)


def standing(on: dt.date = MAY_10) -> Case:
    return confirmed(placed(begun(), on).case, on)


def released(case: Case, on: dt.date, hold: str = "H1") -> Case:
    return after(case, ReleaseHold(hold, on, "letter", actor("leg")), on)


def test_a_hold_counts_from_the_moment_it_is_placed() -> None:
    case = placed(begun()).case
    clock = case.clocks["tell"]
    assert (clock.legal, clock.target, clock.generation, clock.reason) == (None, None, 2, "held since 2027-05-10")
    assert {task.name for task in case.tasks if task.hold} == {"confirm_hold_privacy", "confirm_hold_legal"}


def mails(decision: Decision) -> list[tuple[str, str, str]]:
    return [(effect.mail, effect.recipient, effect.words["task_titles"]) for effect in decision.effects
            if isinstance(effect, Send) and effect.mail.endswith("_hold")]


def test_whoever_would_tell_the_parents_is_told_at_once_to_wait_and_when_it_goes_on() -> None:
    holdable = compiled(TRACKS.replace("{ready: sending}", "{ready: {to: sending, holdable: true}}"))
    case, day = begun(), D(2027, 5, 3)
    case = decide(holdable, case, CompleteTask("1-1", "confirm", {}, actor("ada")), noon(day), office()).case
    first = decide(holdable, case, REQUEST, noon(MAY_10), office())
    assert mails(first) == [("on_hold", "person:ada", "Draft")]
    draft = first.case.open_task("draft")
    assert draft is not None and waits(holdable, first.case, draft) and not waits(holdable, case, draft)
    second = decide(holdable, first.case, REQUEST, noon(MAY_10), office())
    one_left = decide(holdable, second.case, ReleaseHold("H1", MAY_10, "letter", actor("leg")), noon(MAY_10), office())
    last = decide(holdable, one_left.case, ReleaseHold("H2", MAY_10, "letter", actor("leg")), noon(MAY_10), office())
    assert (mails(second), mails(one_left), mails(last)) == ([], [], [("off_hold", "person:ada", "Draft")])


def test_the_worked_example_e05a_comes_out_on_a_real_case() -> None:
    clock = released(standing(), D(2027, 6, 4)).clocks["tell"]
    assert (clock.legal, clock.target) == (D(2027, 6, 7), D(2027, 6, 4))


def test_a_hold_that_nobody_confirms_never_had_an_effect() -> None:
    decision = placed(begun())
    timer = next(e for e in decision.effects if isinstance(e, SetTimer) and e.key == "hold/H1/confirm")
    assert timer.at == office().at_local(D(2027, 5, 12), 0)
    case = decide(DEFINITION, decision.case, FireTimer(timer.key), timer.at, office()).case
    assert case.holds[0].status == "refused"
    assert case.clocks["tell"].legal == D(2027, 6, 2)
    assert not any(task.hold for task in case.tasks)


def test_a_refused_hold_makes_what_has_passed_due_at_once() -> None:
    case = placed(begun(), D(2027, 6, 2)).case
    refused = decide(DEFINITION, case, FireTimer("hold/H1/confirm"), noon(D(2027, 6, 4)), office())
    told = {(effect.recipient, effect.kind) for effect in refused.effects if isinstance(effect, Notify)}
    assert ("person:sup", "legal") in told
    assert ("person:leg", "news") in told


def test_one_refusal_is_enough() -> None:
    assert confirmed(placed(begun()).case, answer="refuse").holds[0].status == "refused"


def test_both_confirmations_make_it_stand_and_set_its_review() -> None:
    case = standing()
    assert case.holds[0].status == "confirmed"
    review = decide(DEFINITION, case, FireTimer("hold/H1/review/2027-05-24"), noon(D(2027, 5, 24)), office())
    assert review.case.open_task("review_hold") is not None
    assert "hold/H1/review/2027-06-07" in {e.key for e in review.effects if isinstance(e, SetTimer)}


def test_a_review_that_finds_no_interference_releases_it() -> None:
    asked = after(standing(), FireTimer("hold/H1/review/2027-05-24"), D(2027, 5, 24))
    case = said(asked, "review_hold", "no_interference", "ada", D(2027, 5, 25))
    assert (case.holds[0].status, case.holds[0].released) == ("released", D(2027, 5, 25))
    assert case.clocks["tell"].legal == D(2027, 6, 2)


def test_the_end_named_in_the_request_releases_it() -> None:
    held = confirmed(placed(begun(), until=D(2027, 6, 4)).case, D(2027, 5, 11))
    case = after(held, FireTimer("hold/H1/until"), D(2027, 6, 5))
    assert case.holds[0].released == D(2027, 6, 4)
    assert case.clocks["tell"].legal == D(2027, 6, 7)


def test_a_told_date_is_explained_by_the_hold_policy_of_its_time() -> None:
    tolling = replace(office(), hold_policy="toll")
    held = decide(DEFINITION, begun(), REQUEST, noon(MAY_10), tolling).case
    clock = decide(DEFINITION, held, ReleaseHold("H1", D(2027, 5, 20), "letter", actor("leg")), noon(D(2027, 5, 20)),
                   tolling).case.clocks["tell"]
    today = explained(clock, DEFINITION.clocks["tell"], office())
    assert office().hold_policy == "asap"
    assert (today.nominal, today.legal, today.target) == (clock.nominal, clock.legal, clock.target)
    assert clock.legal != released(standing(), D(2027, 5, 20)).clocks["tell"].legal


def test_overlapping_holds_end_with_the_last_of_them() -> None:
    case = released(placed(standing(), D(2027, 5, 20)).case, D(2027, 5, 21))
    assert case.clocks["tell"].legal is None
    case = released(confirmed(case, D(2027, 5, 21)), D(2027, 6, 4), "H2")
    assert case.clocks["tell"].legal == D(2027, 6, 7)


def test_a_date_that_becomes_known_while_held_moves_the_clock_when_the_hold_ends() -> None:
    earlier = RecordFacts({"received_on": D(2027, 4, 20)}, actor("ada"), "a teacher had it first")
    case = after(standing(), earlier, D(2027, 5, 12))
    assert released(case, D(2027, 5, 13)).clocks["tell"].legal == D(2027, 5, 20)


@pytest.mark.parametrize(("given", "sentence"), [
    ({"paper": ""}, "without the agency's written request has no effect: hand in the paper"),
    ({"started": D(2027, 5, 11)}, "begins on 2027-05-11, which is in the future; today is 2027-05-10"),
    ({"until": D(2027, 5, 9)}, "ends on 2027-05-09, before it begins on 2027-05-10"),
    ({"actor": actor("cus")}, "Cus Todian may not hold or release a notice"),
])  # fmt: skip
def test_a_hold_without_effect_is_refused(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(SoppaError, match=sentence):
        after(begun(), replace(REQUEST, **given), MAY_10)  # type: ignore[arg-type]


def test_a_hold_after_the_due_date_is_refused() -> None:
    with pytest.raises(Refused, match=r"after the due date has no effect \(tell was due on 2027-06-02\)"):
        placed(begun(), D(2027, 6, 3))


@pytest.mark.parametrize(("command", "sentence"), [
    (ReleaseHold("H2", D(2027, 6, 1), "letter", actor("leg")), r"has no hold 'H2' \(known: H1\)"),
    (ReleaseHold("H1", D(2027, 5, 9), "letter", actor("leg")), "cannot be released on 2027-05-09"),
    (ReleaseHold("H1", D(2027, 6, 2), "letter", actor("leg")), "today is 2027-06-01"),
])  # fmt: skip
def test_a_release_that_makes_no_sense_is_refused(command: ReleaseHold, sentence: str) -> None:
    with pytest.raises(SoppaError, match=sentence):
        after(standing(), command, D(2027, 6, 1))


def test_a_hold_is_released_once() -> None:
    with pytest.raises(Refused, match="hold H1 is released already"):
        released(released(standing(), D(2027, 6, 1)), D(2027, 6, 1))
