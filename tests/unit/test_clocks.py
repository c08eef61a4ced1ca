"""What holds do to a date, what is refused, and what a ladder makes of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

import workflows
from engine.errors import UsageError
from engine.law.clocks import Calendars, Derived, Hold, HoldPolicy, Rule, derive, within_hours
from engine.law.ladders import plan
from tests.office import CHICAGO

LAW = workflows.lawbook()
CALENDARS = Calendars(LAW.calendars["il-statutory"], LAW.calendars["il-strict"])
BREACH = LAW.rules["R-BREACH-PARENT"]
D = dt.date
MAY_3 = D(2027, 5, 3)
FIRST = Hold(D(2027, 5, 10), D(2027, 6, 4))


def held(*holds: Hold, policy: HoldPolicy = "asap", grace: int = 1, rule: Rule = BREACH) -> Derived:
    """The breach of Mon May 3 2027; without a hold its legal date is Wed Jun 2."""
    return derive(rule, MAY_3, CALENDARS, holds, policy, grace)


def test_a_second_hold_is_measured_against_the_date_that_the_first_one_moved() -> None:
    assert held(FIRST, Hold(D(2027, 6, 10), D(2027, 6, 15)), policy="toll").nominal == D(2027, 7, 2)
    assert held(FIRST, Hold(D(2027, 6, 7))).held_since == D(2027, 6, 7)


def test_a_hold_begun_before_the_trigger_counts_from_the_trigger() -> None:
    assert held(Hold(D(2027, 4, 20), D(2027, 5, 13)), policy="toll").nominal == D(2027, 6, 12)


@pytest.mark.parametrize(("grace", "legal"), [(0, D(2027, 6, 21)), (1, D(2027, 6, 21)), (2, D(2027, 6, 22))])
def test_a_hold_released_on_a_saturday_makes_nothing_due_on_a_day_off(grace: int, legal: dt.date) -> None:
    """Sat Jun 19 2027 is Juneteenth too."""
    derived = held(Hold(D(2027, 5, 10), D(2027, 6, 19)), grace=grace)
    assert (derived.legal, derived.target) == (legal, D(2027, 6, 21))


def test_a_hold_without_effect_says_why() -> None:
    late = held(Hold(D(2027, 6, 3)))
    assert late.legal == D(2027, 6, 2)
    assert str(late.steps[-1]).endswith("has no effect: it began after the due date, Wed Jun 2 2027")


def test_what_is_refused() -> None:
    with pytest.raises(UsageError, match="before it began on 2027-05-10"):
        Hold(D(2027, 5, 10), D(2027, 5, 9))
    with pytest.raises(UsageError, match="0 to 3 business days"):
        held(FIRST, grace=4)
    with pytest.raises(UsageError, match="does not allow the hold policy 'toll': use asap"):
        held(FIRST, policy="toll", rule=replace(BREACH, holds=("asap",)))
    with pytest.raises(UsageError, match="calendar 'il-moon', which is not loaded"):
        held(rule=replace(BREACH, calendar="il-moon"))


def test_a_contract_in_hours_counts_elapsed_time() -> None:
    begins = dt.datetime(2027, 3, 13, 12, tzinfo=CHICAGO)
    assert within_hours(begins, 72) == dt.datetime(2027, 3, 16, 18, tzinfo=dt.UTC)


def test_an_operator_is_chased_weekly_and_never_upward() -> None:
    rungs = plan(LAW.ladders["LONG"], derive(LAW.rules["R-CORR-OPERATOR"], D(2028, 2, 29), CALENDARS), CALENDARS)
    assert not {"superintendent", "legal", "board_attorney"} & {role for rung in rungs for role in rung.to}
    assert [(rung.rung, rung.on, rung.every) for rung in rungs][-2:] == [
        ("legal", D(2028, 5, 31), None),
        ("digest", D(2028, 6, 6), "week"),
    ]


def test_a_repetition_begins_on_the_day_after_what_is_said_once() -> None:
    rungs = plan(LAW.ladders["SHORT"], derive(LAW.rules["R-POST-CONTRACT"], D(2027, 3, 17), CALENDARS), CALENDARS)
    assert [(rung.rung, rung.on) for rung in rungs if rung.kind in ("legal", "repeat")] == [
        ("legal", D(2027, 4, 1)),
        ("digest", D(2027, 4, 2)),
        ("legal_3", D(2027, 4, 5)),
    ]


AGREED = [
    ("R-HEAR-HELD", "2027-03-13", "2027-03-13", "a later date counts as it stands, a Saturday too"),
    ("R-HEAR-HELD", "2027-02-20", "2027-02-25", "an earlier one changes nothing"),
    ("R-CORR-DISTRICT", "2027-06-01", "2027-05-11", "where the rule knows no agreement, nothing does"),
]


@pytest.mark.parametrize(("rule", "agreed", "legal", "why"), AGREED)
def test_a_later_date_that_both_sides_agreed_to(rule: str, agreed: str, legal: str, why: str) -> None:
    day = dt.date.fromisoformat
    derived = derive(workflows.lawbook().rules[rule], day("2027-02-10"), CALENDARS, agreed=day(agreed))
    assert derived.legal == day(legal), why
    assert [step.day for step in derived.steps if step.what == "agreed"] == [day(agreed)]


@pytest.mark.parametrize(("told_on", "fiscal", "legal", "remark"), [
    (D(2026, 11, 20), "07-01", D(2027, 2, 1), "the January update, whose day 30 is a Sunday"),
    (D(2027, 1, 10), "07-01", D(2027, 2, 1), "while the January update may still be made"),
    (D(2027, 2, 1), "07-01", D(2027, 2, 1), "on its last day"),
    (D(2027, 2, 2), "07-01", D(2027, 8, 2), "after it, the fiscal year's update"),
    (D(2027, 2, 2), "05-15", D(2027, 6, 14), "a district whose fiscal year begins in May"),
    (D(2026, 12, 31), "07-01", D(2027, 2, 1), "the last day of the year before"),
])  # fmt: skip
def test_a_cycle_is_due_with_the_first_update_that_is_not_over(
    told_on: dt.date, fiscal: str, legal: dt.date, remark: str
) -> None:
    calendars = replace(CALENDARS, fiscal_year_start=fiscal)
    derived = derive(LAW.rules["R-BREACH-LIST"], told_on, calendars)
    assert derived.legal == legal, remark
    assert derived.steps[1].what == "cycle"
    assert f"fiscal_year@{fiscal}" in derived.calendars


@pytest.mark.parametrize(("day", "quarter"), [
    ("2026-07-01", "quarter 1 of fiscal year 2027, Wed Jul 1 2026 to Wed Sep 30 2026"),
    ("2026-12-31", "quarter 2 of fiscal year 2027, Thu Oct 1 2026 to Thu Dec 31 2026"),
    ("2027-02-28", "quarter 3 of fiscal year 2027, Fri Jan 1 2027 to Wed Mar 31 2027"),
    ("2027-06-30", "quarter 4 of fiscal year 2027, Thu Apr 1 2027 to Wed Jun 30 2027"),
])  # fmt: skip
def test_a_quota_sets_nobody_a_date_and_says_in_which_quarter_a_request_counts(day: str, quarter: str) -> None:
    counted = derive(LAW.rules["R-COPY-LIMIT"], dt.date.fromisoformat(day), CALENDARS)
    assert (counted.legal, counted.target) == (None, None)
    said = f"2 in a State fiscal quarter, and sets nobody a date; this one counts in {quarter}"
    assert said in str(counted.steps[-1])
