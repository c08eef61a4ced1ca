"""A case as the full-screen queue shows it: each clock as a bar with its kind of date, and what no bar can show."""

import datetime as dt
from dataclasses import replace

import pytest

import workflows
from cli.work.desk import Matter
from cli.work.reading import case_text, clock_bar
from engine.law.clocks import Hold
from engine.model.case import Case, Clock
from engine.model.definition import Definition
from tests.office import office
from tests.unit.test_decide import CASE

DEFINITION = workflows.Catalogue().newest("correction_request")
CLOCK = CASE.clocks["district_fix"]
TODAY = dt.date(2028, 1, 12)


def read(case: Case, definition: Definition = DEFINITION, today: dt.date = TODAY) -> str:
    return case_text(Matter(case, definition, office(), today)).plain


def with_clock(**changed: object) -> Case:
    return replace(CASE, clocks={"district_fix": replace(CLOCK, **changed)})  # type: ignore[arg-type]


@pytest.mark.parametrize(("today", "bar"), [
    (dt.date(2028, 1, 10), "░░░░░░░░░░░░░░░░░░░░ 0 of 91 days"),
    (dt.date(2028, 2, 24), "█████████░░░░░░░░░░░ 45 of 91 days"),
    (dt.date(2028, 4, 10), "████████████████████ 91 of 91 days"),
    (dt.date(2028, 4, 20), "████████████████████ 101 of 91 days"),
])  # fmt: skip
def test_a_bar_is_the_part_of_the_legal_period_that_is_used(today: dt.date, bar: str) -> None:
    assert clock_bar(CLOCK, today).plain == bar


def test_a_running_duty_has_its_date_citation_and_target() -> None:
    said = read(CASE)
    assert "105 ILCS 85/33(c)(3)" in said
    assert "legal deadline Mon Apr 10 2028, 89 days left" in said
    assert "district target Fri Apr 7 2028, 86 days left" in said


@pytest.mark.parametrize(("changed", "says"), [
    ({"legal": None, "target": None, "holds": (Hold(TODAY),)}, "no date while law enforcement asks to wait"),
    ({"legal": None, "target": None}, "legal duty without a date"),
    ({"provisional": True}, "Mon Apr 10 2028 (provisional)"),
    ({"status": "satisfied", "ended_on": TODAY}, "satisfied on Wed Jan 12 2028"),
])  # fmt: skip
def test_what_is_no_running_date_is_said_in_words(changed: dict[str, object], says: str) -> None:
    assert says in read(with_clock(**changed))


def test_a_window_is_called_another_partys_right() -> None:
    clock = DEFINITION.clocks["district_fix"]
    windows = {"district_fix": replace(clock, window=True, rule=replace(clock.rule, kind="window"))}
    said = read(CASE, replace(DEFINITION, clocks=windows))
    assert "last day Mon Apr 10 2028" in said and "legal deadline" not in said


def test_flags_and_the_end_are_on_top() -> None:
    ended = replace(CASE, flags=("started_late",), ended_at=CASE.started_at, outcome="corrected", tasks=())
    lines = read(ended).splitlines()
    assert lines[1].startswith("ended: corrected") and lines[2] == "flagged: started later than planned"
    assert "Open tasks" not in lines


def test_a_bar_needs_a_period() -> None:
    same_day: Clock = replace(CLOCK, legal=CLOCK.anchor)
    assert clock_bar(same_day, TODAY).plain == ""
