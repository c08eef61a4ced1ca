"""Days on which nobody of a role is there: taken together, deputies followed, and to whom it falls."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import workflows
from engine.deciding.decide import decide, start
from engine.model.case import Contact
from engine.model.messages import FireTimer, StartCase
from engine.model.office import Office
from engine.proof.gaps import Gap, landings, role_gaps
from tests.office import PEOPLE, actor, office
from tests.unit.test_decide import FACTS, NOW

CORRECTION = workflows.Catalogue().newest("correction_request")
PARENT = Contact("Pat", "pat@home.example")

FIRST = dt.date(2026, 12, 1)
DAY = dt.timedelta(days=1)


def away(person: str, *days: int, deputy: str | None = None) -> Office:
    """The office with one person away from the first to the last of these days, counted from `FIRST`."""
    absent = (FIRST + days[0] * DAY, FIRST + days[-1] * DAY)
    people = {**PEOPLE, person: replace(PEOPLE[person], absent=absent, deputy=deputy)}
    return replace(office(), people=people)


def test_days_that_are_alike_are_one_gap() -> None:
    assert role_gaps(away("leg", 2, 4), ["legal"], FIRST, 10) == [
        Gap("legal", FIRST + 2 * DAY, FIRST + 4 * DAY, ("leg",), "ada")]


def test_a_deputy_leaves_no_gap_until_they_are_away_too() -> None:
    there = away("leg", 2, 4, deputy="pro")
    assert role_gaps(there, ["legal"], FIRST, 10) == []
    both = {**there.people, "pro": replace(PEOPLE["pro"], absent=(FIRST + 4 * DAY, FIRST + 6 * DAY))}
    (gap,) = role_gaps(replace(there, people=both), ["legal"], FIRST, 10)
    assert (gap.first, gap.last) == (FIRST + 4 * DAY, FIRST + 4 * DAY)


def test_a_role_falls_to_its_stand_in_before_the_privacy_officer() -> None:
    (gap,) = role_gaps(replace(away("leg", 0, 1), stand_ins={"legal": "sup"}), ["legal"], FIRST, 5)
    assert gap.falls_to == "sup"


def test_what_falls_to_the_privacy_officer_falls_to_nobody_while_she_is_away() -> None:
    people = {**away("leg", 0, 4).people, "ada": replace(PEOPLE["ada"], absent=(FIRST + 2 * DAY, FIRST + 2 * DAY))}
    gaps = role_gaps(replace(office(), people=people), ["legal"], FIRST, 5)
    assert [(gap.first, gap.last, gap.falls_to) for gap in gaps] == [
        (FIRST, FIRST + DAY, "ada"), (FIRST + 2 * DAY, FIRST + 2 * DAY, None),
        (FIRST + 3 * DAY, FIRST + 4 * DAY, "ada")]


def test_a_role_that_nobody_holds_has_nobody_away() -> None:
    (gap,) = role_gaps(office(), ["hr"], FIRST, 3)
    assert (gap.first, gap.last, gap.away, gap.falls_to) == (FIRST, FIRST + 2 * DAY, (), "ada")


def test_a_reminder_of_a_task_reaches_whoever_stands_in_while_who_was_asked_is_away() -> None:
    asked = start(CORRECTION, StartCase("2028-0001", actor("ada"), FACTS, {"parent": PARENT}), NOW, office()).case
    timers = {"due/2028-0001-1/target/2028-01-18": dt.datetime(2028, 1, 18, 13, tzinfo=dt.UTC)}
    (key, at), *_ = timers.items()
    absent = (dt.date(2028, 1, 17), dt.date(2028, 1, 31))
    for deputy, reads in ((None, "ada"), ("pro", "pro")):
        people = {**PEOPLE, "cus": replace(PEOPLE["cus"], absent=absent, deputy=deputy)}
        gone = replace(office(), people=people)
        (fired,) = [event for event in decide(CORRECTION, asked, FireTimer(key), at, gone).events
                    if event.kind == "rung_fired"]  # fmt: skip
        assert {"person:cus", f"person:{reads}"} <= set(fired.detail["to"].split(", "))
        (landing,) = [one for one in landings(CORRECTION, asked, timers, gone, at) if one.meant_for == "cus"]
        assert landing.falls_to == reads
