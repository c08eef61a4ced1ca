"""On which days a ladder's rungs fall, which are merged, and whom an operator's duty reaches.

The days are counted by hand on the calendar il-strict: Oct 12 (Columbus Day), Nov 11 and Nov 26 2026 are off in it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

import workflows
from engine.law.clocks import Derived, derive
from engine.law.ladders import Ladder, PlannedRung, Rung, following, plan, plan_target, split
from tests.office import calendars

LAW = workflows.lawbook()
CALENDARS = calendars()
D = dt.date
UPWARD = {"supervisor", "superintendent", "legal", "board_attorney"}

WORKED = {
    "SHORT": (
        D(2026, 9, 14),
        D(2026, 9, 28),
        "halfway 09-21, before_2 09-24, before_1 09-25, target 09-28, legal 09-29, digest 09-30, legal_3 10-01",
    ),
    "MID": (
        D(2026, 9, 8),
        D(2026, 10, 8),
        "day_10 09-18, day_20 09-28, before_5 10-01, before_2 10-06, "
        "before_1 10-07, target 10-08, legal 10-09, digest 10-13, legal_5 10-16",
    ),
    "LONG": (
        D(2026, 9, 1),
        D(2026, 11, 30),
        "third_1 10-01, third_2 10-30, before_10 11-13, before_5 11-20, "
        "before_1 11-27, target 11-30, legal 12-01, digest 12-07, legal_10 12-14",
    ),
    "SOFT": (
        D(2026, 9, 8),
        D(2026, 10, 8),
        "halfway 09-23, before_2 10-06, target 10-08, passed 10-09, weekly 10-16, privacy 11-16",
    ),
    "DATE": (
        D(2026, 9, 1),
        D(2027, 1, 29),
        "before_45 12-15, before_30 12-30, before_14 01-15, before_7 01-22, "
        "before_3 01-26, target 01-29, legal 02-01, digest 02-02",
    ),
    "CERTIFICATE": (D(2026, 9, 8), D(2026, 10, 8), "day_10 09-18, day_20 09-28, target 10-08, weekly 10-16"),
    "ATTESTATION": (
        D(2026, 9, 1),
        D(2026, 9, 30),
        "before_15 09-09, before_10 09-16, before_5 09-23, target 09-30, weekly 10-07",
    ),
    "EXPIRY": (
        D(2026, 7, 2),
        D(2026, 9, 30),
        "before_60 07-31, before_30 08-31, before_7 09-23, target 09-30, weekly 10-07",
    ),
    "NOTICE": (D(2026, 8, 3), D(2026, 8, 12), "halfway 08-07, before_2 08-10, target 08-12, first_day 08-20"),
}


def days(planned: tuple[PlannedRung, ...]) -> str:
    return ", ".join(f"{rung.rung} {rung.on:%m-%d}" for rung in planned)


def worked(name: str) -> tuple[PlannedRung, ...]:
    start, target, _ = WORKED[name]
    return plan_target(LAW.ladders[name], start, target, CALENDARS)


def rung(planned: tuple[PlannedRung, ...], id_: str) -> PlannedRung:
    return next(found for found in planned if found.rung == id_)


def counted(rule: str, trigger: dt.date) -> Derived:
    return derive(LAW.rules[rule], trigger, CALENDARS)


def occurrences(first: PlannedRung, most: int) -> list[dt.date]:
    """The days of a repeating rung, at most `most` of them."""
    found, current = [first.on], first
    while len(found) < most and (after := following(current, CALENDARS, len(found))) is not None:
        found.append(after)
        current = replace(current, on=after)
    return found


def test_every_shipped_ladder_is_worked_here() -> None:
    assert set(WORKED) == set(LAW.ladders)


@pytest.mark.parametrize("name", WORKED)
def test_the_days_of_a_ladder(name: str) -> None:
    assert days(worked(name)) == WORKED[name][2]


READERS = {
    "SHORT": {
        "target": "owner privacy",
        "digest": "owner privacy",
        "legal": "owner privacy superintendent",
        "legal_3": "owner privacy legal",
    },
    "MID": {
        "target": "owner privacy superintendent",
        "digest": "owner privacy",
        "legal": "owner privacy superintendent legal",
        "legal_5": "owner privacy board_attorney",
    },
    "LONG": {
        "target": "owner privacy",
        "digest": "owner privacy",
        "legal": "owner privacy superintendent",
        "legal_10": "owner privacy legal",
    },
    "SOFT": {"target": "owner", "passed": "owner supervisor", "weekly": "owner supervisor", "privacy": "privacy"},
    "NOTICE": {"target": "owner privacy", "first_day": "owner privacy superintendent"},
    "DATE": {"target": "owner privacy", "digest": "owner privacy", "legal": "owner privacy superintendent"},
}


@pytest.mark.parametrize("ladder", READERS)
def test_whom_each_rung_reaches(ladder: str) -> None:
    """Reminders reach the owner alone, whatever is not named here."""
    readers = {found.rung: " ".join(found.to) for found in worked(ladder)}
    reminders = {found.rung: "owner" for found in worked(ladder) if found.kind == "reminder"}
    assert readers == {**reminders, **READERS[ladder]}


def test_reminders_move_back_and_late_rungs_forward() -> None:
    ladder = Ladder("X", "1", (Rung("back", "day 4", ("owner",)), Rung("passed", "legal", ("owner",))))
    assert days(plan_target(ladder, D(2026, 10, 6), D(2026, 10, 16), CALENDARS)) == "back 10-09, passed 10-19"
    on_a_holiday = plan_target(ladder, D(2026, 10, 8), D(2026, 10, 23), CALENDARS)
    assert rung(on_a_holiday, "back").on == D(2026, 10, 9)


def test_a_reminder_that_does_not_fit_between_start_and_target_is_left_out() -> None:
    planned = plan_target(LAW.ladders["DATE"], D(2026, 12, 30), D(2027, 1, 29), CALENDARS)
    assert [found.rung for found in planned if found.kind == "reminder"] == ["before_14", "before_7", "before_3"]


def test_coinciding_rungs_merge_into_the_strongest_and_reach_all_their_readers() -> None:
    ladder = Ladder(
        "X",
        "1",
        (Rung("half", "1/2", ("owner", "custodian")), Rung("before", "-2 bus", ("privacy", "owner"))),
    )
    (only,) = plan_target(ladder, D(2026, 9, 14), D(2026, 9, 17), CALENDARS)[:1]
    assert (only.rung, only.on) == ("before", D(2026, 9, 15))
    assert only.to == ("privacy", "owner", "custodian")
    short = plan_target(LAW.ladders["SHORT"], D(2026, 9, 14), D(2026, 9, 17), CALENDARS)
    assert days(short).startswith("before_2 09-15, before_1 09-16, target 09-17")


def test_a_daily_repetition_turns_weekly_after_five() -> None:
    assert occurrences(rung(worked("MID"), "digest"), 7) == [
        D(2026, 10, 13),
        D(2026, 10, 14),
        D(2026, 10, 15),
        D(2026, 10, 16),
        D(2026, 10, 19),
        D(2026, 10, 26),
        D(2026, 11, 2),
    ]


def test_the_weekly_rung_of_soft_ends_after_four_and_then_privacy_decides() -> None:
    soft = worked("SOFT")
    weeks = occurrences(rung(soft, "weekly"), 9)
    assert weeks == [D(2026, 10, 16), D(2026, 10, 23), D(2026, 10, 30), D(2026, 11, 6)]
    assert rung(soft, "privacy").on > weeks[-1]


def test_a_weekly_rung_moves_forward_from_a_holiday() -> None:
    weekly = PlannedRung("digest", D(2026, 11, 19), "repeat", ("owner",), 0, "week")
    assert following(weekly, CALENDARS, 1) == D(2026, 11, 27)


def test_a_rung_that_does_not_repeat_has_no_following_day() -> None:
    assert following(rung(worked("MID"), "legal"), CALENDARS, 1) is None


def test_late_rungs_of_a_business_day_rule_count_from_the_strict_date() -> None:
    """Presidents' Day 2027 is off in the statutory calendar alone: the strict date is a day earlier."""
    posting = counted("R-POST-CONTRACT", D(2027, 2, 8))
    assert (posting.target, posting.legal) == (D(2027, 2, 23), D(2027, 2, 24))
    planned = plan(LAW.ladders["SHORT"], posting, CALENDARS)
    assert rung(planned, "legal").on == D(2027, 2, 24)
    assert rung(planned, "legal_3").on == D(2027, 2, 26)


def test_late_rungs_of_a_calendar_day_rule_count_from_the_legal_date() -> None:
    """Day 90 is Sat Oct 3 2026: the law rolls to Monday, the target stays on Friday."""
    correction = counted("R-CORR-DISTRICT", D(2026, 7, 5))
    assert (correction.target, correction.legal) == (D(2026, 10, 2), D(2026, 10, 5))
    planned = plan(LAW.ladders["LONG"], correction, CALENDARS)
    assert rung(planned, "target").on == D(2026, 10, 2)
    assert rung(planned, "legal").on == D(2026, 10, 6)
    assert rung(planned, "digest").on == D(2026, 10, 13)


def test_a_breach_keeps_its_day() -> None:
    breach = counted("R-BREACH-PARENT", D(2026, 9, 10))
    kept = plan(LAW.ladders["MID"], breach, CALENDARS)
    assert rung(kept, "day_10").on == D(2026, 9, 20)
    moved = plan(LAW.ladders["MID"], replace(breach, rule=replace(breach.rule, keeps_day=False)), CALENDARS)
    assert rung(moved, "day_10").on == D(2026, 9, 18)


@pytest.mark.parametrize("name", WORKED)
@pytest.mark.parametrize("rule", ["R-CORR-OPERATOR", "R-BREACH-OPERATOR"])
def test_an_operators_duty_never_climbs(rule: str, name: str) -> None:
    planned = plan(LAW.ladders[name], counted(rule, D(2026, 9, 1)), CALENDARS)
    assert planned
    assert all(found.to[0] == "operator" and not UPWARD & set(found.to) for found in planned)
    assert all(found.every == "week" for found in planned if found.kind == "repeat")


def test_an_operator_is_chased_then_procurement_weekly() -> None:
    planned = plan(LAW.ladders["MID"], counted("R-CORR-OPERATOR", D(2026, 9, 1)), CALENDARS)
    assert "procurement" not in rung(planned, "before_5").to
    assert rung(planned, "legal").to[:2] == ("operator", "procurement")
    chase = rung(planned, "digest")
    assert chase.to[:2] == ("operator", "procurement")
    assert occurrences(chase, 3) == [D(2026, 12, 7), D(2026, 12, 14), D(2026, 12, 21)]
    assert planned[-1] == chase


def test_nothing_is_planned_without_a_date() -> None:
    assert plan(LAW.ladders["LONG"], counted("R-DELETE", D(2026, 9, 1)), CALENDARS) == ()
    assert plan_target(LAW.ladders["LONG"], D(2026, 9, 1), None, CALENDARS) == ()


@pytest.mark.parametrize(
    ("today", "not_due", "now", "later"),
    [
        (D(2026, 9, 8), 0, [], 9),
        (D(2026, 10, 1), 2, [], 7),
        (D(2026, 10, 2), 3, [], 6),
        (D(2026, 10, 8), 5, [], 4),
        (D(2026, 10, 10), 5, ["target", "legal"], 2),
        (D(2026, 11, 2), 5, ["target", "legal", "digest", "legal_5"], 0),
    ],
)
def test_what_a_late_start_does_with_passed_rungs(today: dt.date, not_due: int, now: list[str], later: int) -> None:
    dropped, at_once, ahead = split(worked("MID"), today)
    assert len(dropped) == not_due
    assert {found.kind for found in dropped} <= {"reminder"}
    assert [found.rung for found in at_once] == now
    assert len(ahead) == later
