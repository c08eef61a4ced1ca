"""The worked examples of the statute's deadlines: dates and the steps that lead to them."""

import datetime as dt
from collections.abc import Sequence

import pytest

import workflows
from engine.law.calendar import SchoolDays
from engine.law.clocks import Calendars, Derived, Hold, HoldPolicy, derive, local_date
from engine.law.quarters import fiscal_quarter
from tests.office import CHICAGO

D = dt.date


def days(first: D, last: D) -> list[D]:
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


ATTENDANCE = SchoolDays(
    version="2026-27",
    closed=frozenset([*days(D(2026, 11, 25), D(2026, 11, 27)), *days(D(2026, 12, 21), D(2027, 1, 4)), D(2027, 1, 18)]),
    first=D(2026, 8, 17),
    last=D(2027, 6, 4),
)
LAW = workflows.lawbook()
CALENDARS = Calendars(LAW.calendars["il-statutory"], LAW.calendars["il-strict"], ATTENDANCE)


def due(rule: str, trigger: D, holds: Sequence[Hold] = (), policy: HoldPolicy = "asap") -> Derived:
    return derive(workflows.lawbook().rules[rule], trigger, CALENDARS, holds, policy)


def steps(derived: Derived) -> str:
    return ", ".join(f"{step.what} {step.day:%m-%d}" for step in derived.steps)


def days_of(derived: Derived, what: str) -> list[D | None]:
    return [step.day for step in derived.steps if step.what == what]


@pytest.mark.parametrize(
    ("example", "rule", "trigger", "nominal", "legal", "target", "rolled"),
    [
        ("E01 no roll", "R-BREACH-PARENT", D(2026, 5, 4), D(2026, 6, 3), D(2026, 6, 3), D(2026, 6, 3), []),
        (
            "E02 weekend",
            "R-BREACH-PARENT",
            D(2026, 8, 13),
            D(2026, 9, 12),
            D(2026, 9, 14),
            D(2026, 9, 11),
            [D(2026, 9, 12), D(2026, 9, 13)],
        ),
        (
            "E03 Sunday, then a holiday",
            "R-BREACH-PARENT",
            D(2026, 12, 18),
            D(2027, 1, 17),
            D(2027, 1, 19),
            D(2027, 1, 15),
            [D(2027, 1, 17), D(2027, 1, 18)],
        ),
        ("E08 fiscal year", "R-POST-SEMI-FY", D(2026, 7, 1), D(2026, 7, 31), D(2026, 7, 31), D(2026, 7, 31), []),
        ("E08 calendar year", "R-POST-SEMI-CY", D(2028, 1, 1), D(2028, 1, 31), D(2028, 1, 31), D(2028, 1, 31), []),
        ("E08 fiscal year 2028", "R-POST-SEMI-FY", D(2028, 7, 1), D(2028, 7, 31), D(2028, 7, 31), D(2028, 7, 31), []),
        (
            "E08b rolled",
            "R-POST-SEMI-CY",
            D(2027, 1, 1),
            D(2027, 1, 31),
            D(2027, 2, 1),
            D(2027, 1, 29),
            [D(2027, 1, 31)],
        ),
        (
            "E09 Sunday holiday",
            "R-COPY-SOPPA",
            D(2027, 5, 20),
            D(2027, 7, 4),
            D(2027, 7, 6),
            D(2027, 7, 2),
            [D(2027, 7, 4), D(2027, 7, 5)],
        ),
        (
            "E11 outer bound",
            "R-CORR-DISTRICT",
            D(2028, 1, 10),
            D(2028, 4, 9),
            D(2028, 4, 10),
            D(2028, 4, 7),
            [D(2028, 4, 9)],
        ),
        (
            "E11 Memorial Day",
            "R-CORR-OPERATOR",
            D(2028, 2, 29),
            D(2028, 5, 29),
            D(2028, 5, 30),
            D(2028, 5, 26),
            [D(2028, 5, 29)],
        ),
        ("E12 hearing held", "R-HEAR-HELD", D(2026, 12, 16), D(2026, 12, 31), D(2026, 12, 31), D(2026, 12, 31), []),
    ],
)
def test_calendar_days(example: str, rule: str, trigger: D, nominal: D, legal: D, target: D, rolled: list[D]) -> None:
    derived = due(rule, trigger)
    assert (derived.nominal, derived.legal, derived.target) == (nominal, legal, target), example
    assert days_of(derived, "rolled") == rolled
    assert [step.what for step in derived.steps] == ["trigger", "nominal", *["rolled"] * len(rolled), "legal", "target"]


@pytest.mark.parametrize(
    ("example", "rule", "trigger", "legal", "target", "skipped"),
    [
        ("E06 Good Friday", "R-POST-CONTRACT", D(2027, 3, 17), D(2027, 4, 1), D(2027, 3, 31), [D(2027, 3, 26)]),
        ("E07 Thanksgiving", "R-POST-CONTRACT", D(2026, 11, 19), D(2026, 12, 4), D(2026, 12, 4), [D(2026, 11, 26)]),
        ("E10 Labor Day", "R-COPY-ISSRA", D(2026, 9, 1), D(2026, 9, 16), D(2026, 9, 16), [D(2026, 9, 7)]),
        ("E10 extension", "R-COPY-ISSRA-EXT", D(2026, 9, 16), D(2026, 9, 23), D(2026, 9, 23), []),
        ("E11 confirmation", "R-CORR-CONFIRM", D(2028, 5, 26), D(2028, 6, 12), D(2028, 6, 12), [D(2028, 5, 29)]),
    ],
)
def test_business_days(example: str, rule: str, trigger: D, legal: D, target: D, skipped: list[D]) -> None:
    derived = due(rule, trigger)
    assert (derived.legal, derived.target) == (legal, target), example
    assert days_of(derived, "skipped") == skipped
    assert [step.what for step in derived.steps] == [
        "trigger",
        *["skipped"] * len(skipped),
        "nominal",
        "legal",
        "target",
    ]


def test_e04_the_trigger_is_the_local_date() -> None:
    arrived = dt.datetime(2027, 3, 14, 5, 50, tzinfo=dt.UTC)
    assert local_date(arrived, CHICAGO) == D(2027, 3, 13)
    derived = due("R-BREACH-PARENT", local_date(arrived, CHICAGO))
    assert steps(derived) == "trigger 03-13, nominal 04-12, legal 04-12, target 04-12"


HOLD = Hold(D(2027, 5, 10), D(2027, 6, 4))


def test_e05a_hold_as_soon_as_possible() -> None:
    derived = due("R-BREACH-PARENT", D(2027, 5, 3), [HOLD])
    assert (derived.legal, derived.target) == (D(2027, 6, 7), D(2027, 6, 4))
    assert steps(derived) == (
        "trigger 05-03, nominal 06-02, legal 06-02, target 06-02, hold 06-04, legal 06-07, target 06-04"
    )
    assert "1 business day after it is Mon Jun 7 2027" in derived.steps[4].text


def test_e05b_hold_tolled() -> None:
    derived = due("R-BREACH-PARENT", D(2027, 5, 3), [HOLD], "toll")
    assert (derived.nominal, derived.legal, derived.target) == (D(2027, 6, 27), D(2027, 6, 28), D(2027, 6, 25))
    assert steps(derived) == (
        "trigger 05-03, nominal 06-02, legal 06-02, target 06-02, hold 06-27, rolled 06-27, legal 06-28, target 06-25"
    )
    assert "Held 25 calendar days" in derived.steps[4].text


def test_overlapping_holds_count_once() -> None:
    two = [Hold(D(2027, 5, 10), D(2027, 5, 25)), Hold(D(2027, 5, 20), D(2027, 6, 4))]
    assert due("R-BREACH-PARENT", D(2027, 5, 3), two, "toll").legal == D(2027, 6, 28)


def test_an_open_hold_leaves_no_date() -> None:
    derived = due("R-BREACH-PARENT", D(2027, 5, 3), [Hold(D(2027, 5, 10))])
    assert (derived.legal, derived.target) == (None, None)
    assert (derived.held_since, derived.review_on) == (D(2027, 5, 10), D(2027, 5, 24))


@pytest.mark.parametrize("hold", [Hold(D(2027, 6, 3), D(2027, 6, 9)), Hold(D(2027, 4, 1), D(2027, 5, 3))])
def test_a_hold_after_the_due_date_or_before_day_0_has_no_effect(hold: Hold) -> None:
    assert due("R-BREACH-PARENT", D(2027, 5, 3), [hold]).legal == D(2027, 6, 2)


def test_a_rule_without_a_hold_ignores_one() -> None:
    assert due("R-CORR-DISTRICT", D(2028, 1, 10), [Hold(D(2028, 1, 11))]).legal == D(2028, 4, 10)


@pytest.mark.parametrize(
    ("rule", "trigger", "legal", "told"),
    [
        (
            "R-HEAR-CONF",
            D(2026, 11, 20),
            D(2026, 12, 16),
            "trigger 11-20, skipped 11-25, skipped 11-26, skipped 11-27, nominal 12-16, legal 12-16",
        ),
        (
            "R-HEAR-DECIDE",
            D(2027, 1, 6),
            D(2027, 1, 21),
            "trigger 01-06, skipped 01-18, nominal 01-21, legal 01-21",
        ),
    ],
)
def test_e12_school_days(rule: str, trigger: D, legal: D, told: str) -> None:
    derived = due(rule, trigger)
    assert (derived.legal, derived.target, derived.provisional) == (legal, legal, False)
    assert steps(derived) == told


def test_school_days_beyond_the_entered_calendar_are_provisional() -> None:
    assert due("R-HEAR-CONF", D(2027, 5, 25)).provisional


@pytest.mark.parametrize(
    ("day", "quarter"),
    [
        (D(2026, 7, 1), (2027, 1)),
        (D(2026, 12, 31), (2027, 2)),
        (D(2027, 1, 1), (2027, 3)),
        (D(2027, 6, 30), (2027, 4)),
    ],
)
def test_state_fiscal_quarters(day: D, quarter: tuple[int, int]) -> None:
    assert fiscal_quarter(day) == quarter


def test_a_fixed_date_does_not_roll() -> None:
    assert due("R-SUBLIST", D(2027, 11, 17)).legal == D(2028, 1, 1)


def test_a_rule_without_a_number_has_no_date() -> None:
    derived = due("R-DELETE", D(2027, 3, 1))
    assert (derived.legal, derived.target) == (None, None)
    assert "no number of days" in derived.steps[-1].text
