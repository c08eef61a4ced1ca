"""Whole stories of a correction on a fake clock: dates, mails and how the case ends."""

import datetime as dt

import pytest

import workflows
from engine.errors import Refused, UsageError
from engine.model.case import Contact, FactValue
from engine.proof.prove import check
from engine.proof.simulate import Answer, Story, play
from tests.office import office

D = dt.date
CATALOGUE = workflows.Catalogue()
PARENT = Contact("Pat Parent", "pat@home.example", "es")
OPERATOR = Contact("Synthetic Learning", "privacy@operator.example")
VERIFIED = Answer(D(2028, 1, 12), "verify", "complete", {
    "requester_kind": "parent", "identity_ok": True, "where_seen": "Report card", "right_value": "B",
    "data_owner": "dan",
})  # fmt: skip
ADVISED = Answer(D(2028, 1, 14), "advise", "answered", {"owner_view": "wrong", "owner_basis": "the register"})


def correction(*answers: Answer, parent: Contact = PARENT, days: int = 400) -> Story:
    facts: dict[str, FactValue] = {"received_on": D(2028, 1, 10), "item": "grade level"}
    definition = CATALOGUE.newest("correction_request")
    return play(definition, CATALOGUE, office(), D(2028, 1, 10), facts, {"parent": parent}, answers, days)


def mails(story: Story, to: str = "party:parent") -> list[str]:
    return [happening.detail["mail"] for happening in story.of("mail") if happening.detail["to"] == to]


@pytest.mark.parametrize("process", CATALOGUE.processes())
def test_every_shipped_process_is_proved(process: str) -> None:
    definition = CATALOGUE.newest(process)
    report = check(definition, {name: CATALOGUE.newest(name) for name in CATALOGUE.processes()})
    assert report.good, "\n".join(map(str, report.flaws))
    assert report.configurations >= len([state for state in definition.states.values() if not state.regions])


def test_the_district_corrects_and_tells() -> None:
    story = correction(
        VERIFIED,
        ADVISED,
        Answer(D(2028, 1, 20), "decide", "wrong_district", {"basis": "the register"}),
        Answer(D(2028, 2, 1), "fix", "fixed", {"fixed_on": D(2028, 2, 1), "fixed_where": "student register"}),
    )
    clock = story.case.clocks["district_fix"]
    assert (story.case.outcome, clock.status, clock.ended_on) == ("corrected", "satisfied", D(2028, 2, 1))
    assert (clock.legal, clock.target) == (D(2028, 4, 10), D(2028, 4, 7))
    assert mails(story) == ["receipt", "told_wrong_district", "told_corrected"]


def test_an_operator_corrects_in_a_case_of_its_own() -> None:
    story = correction(
        VERIFIED,
        ADVISED,
        Answer(D(2028, 1, 20), "decide", "wrong_outside", {"basis": "x", "outside_holders": (OPERATOR,)}),
        Answer(D(2028, 1, 21), "confirm_notified", "notified", {"holders_notified_on": D(2028, 1, 21)}),
        days=60,
    )
    assert story.case.clocks["district_fix"].status == "void"
    assert [case.process for case in story.cases.values()] == ["correction_request", "operator_fix"]
    assert story.case.children == {"operator_fix": 1}


def test_silence_reminds_escalates_and_never_ends_the_clock() -> None:
    story = correction(days=130)
    rungs = [h.detail["rung"] for h in story.of("rung_fired") if h.detail["of"] == "district_fix"]
    assert rungs[:7] == ["third_1", "third_2", "before_10", "before_5", "before_1", "target", "legal"]
    passed = next(h for h in story.of("rung_fired") if h.detail["rung"] == "legal" and h.detail["of"] == "district_fix")
    assert passed.detail["on"] == "2028-04-11"
    assert "person:sup" in passed.detail["to"]
    assert story.case.clocks["district_fix"].status == "running"


def test_a_parent_without_mail_is_told_on_paper_and_the_date_of_posting_counts() -> None:
    on_paper = Contact("Pat Parent", None, "es", "1 Sample Street", paper=True)
    story = correction(
        Answer(D(2028, 1, 11), "post_receipt", "posted", {"posted_on": D(2028, 1, 11)}),
        VERIFIED,
        ADVISED,
        Answer(D(2028, 1, 20), "decide", "wrong_district", {"basis": "x"}),
        Answer(D(2028, 2, 1), "fix", "fixed", {"fixed_on": D(2028, 2, 1), "fixed_where": "register"}),
        Answer(D(2028, 2, 4), "post_told_corrected", "posted", {"posted_on": D(2028, 2, 3)}),
        parent=on_paper,
    )
    assert mails(story) == []
    assert story.case.clocks["district_fix"].ended_on == D(2028, 2, 3)
    assert story.case.outcome == "corrected"


def test_a_fact_that_a_guard_needs_is_asked_for_by_name() -> None:
    without: dict[str, FactValue] = {"requester_kind": "parent", "identity_ok": True}
    with pytest.raises(Refused, match="needs data_owner, right_value, where_seen"):
        correction(Answer(D(2028, 1, 12), "verify", "complete", without))


def test_an_outcome_whose_guard_fails_is_not_open() -> None:
    not_who: dict[str, FactValue] = {**VERIFIED.values, "identity_ok": False}
    with pytest.raises(Refused, match=r"it needs identity_ok \(“.*” is no\)"):
        correction(Answer(D(2028, 1, 12), "verify", "complete", not_who))


def test_a_date_of_posting_in_the_future_is_refused() -> None:
    on_paper = Contact("Pat Parent", None, "es", "1 Sample Street", paper=True)
    with pytest.raises(UsageError, match="in the future"):
        correction(Answer(D(2028, 1, 11), "post_receipt", "posted", {"posted_on": D(2028, 2, 11)}), parent=on_paper)


def test_an_unknown_task_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'verify'"):
        correction(Answer(D(2028, 1, 12), "verfy", "complete"))
