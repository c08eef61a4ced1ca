"""The yearly notice to parents: its dates count back from the first day of school; who hears of a missing school."""

from __future__ import annotations

import datetime as dt

from engine.model.case import FactValue
from engine.proof.simulate import Answer, Story, play
from tests.office import office
from workflows import Catalogue

KNOWN = Catalogue()
BEGINS = dt.date(2027, 6, 18)
FIRST_DAY = dt.date(2027, 8, 18)
"""A Wednesday; the fifth business day before it is the Wednesday a week earlier."""


def answer(day: dt.date, task: str, outcome: str, **values: FactValue) -> Answer:
    return Answer(day, task, outcome, values)


def released(days: int) -> Story:
    says = frozenset({"types", "purposes", "operators", "rights", "how", "website"})
    file = "0" * 32 + ".pdf sha256:" + "0" * 64
    answers = [
        answer(dt.date(2027, 6, 21), "begin", "begun", first_day_on=FIRST_DAY, means="Handbook", late_enrollees="Mail"),
        answer(dt.date(2027, 6, 28), "draft", "ready", says=says, notice_file=file, translated="Spanish: Rosa Diaz"),
        answer(dt.date(2027, 7, 2), "check", "fine"),
        answer(dt.date(2027, 7, 6), "release", "release"),
    ]
    definition = KNOWN.newest("annual_notice")
    return play(definition, KNOWN, office(), BEGINS, {"cycle_on": FIRST_DAY}, {}, answers, days=days)


def test_its_targets_count_back_from_the_first_day_of_attendance() -> None:
    dues = {line.detail["name"]: line.detail.get("due") for line in released(30).of("task_opened")}
    assert (dues["draft"], dues["check"], dues["confirm"]) == ("2027-07-02", "2027-07-19", "2027-08-11")


def test_a_missing_school_is_the_superintendents_from_the_day_after_the_first_and_daily() -> None:
    story = released(70)
    confirm = next(line.detail["task"] for line in story.of("task_opened") if line.detail["name"] == "confirm")
    rungs = [line.detail for line in story.of("rung_fired") if line.detail["of"] == confirm]
    assert [(rung["rung"], rung["on"]) for rung in rungs if rung["rung"] != "halfway"] == [
        ("before_2", "2027-08-09"), ("target", "2027-08-11"), *(("first_day", f"2027-08-{day}") for day in range(19, 28)
                                                                if day not in (21, 22))]
    assert {rung["to"] for rung in rungs if rung["rung"] == "first_day"} == {"person:ada, person:sup"}
