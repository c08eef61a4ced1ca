"""What holds for every rule, every trigger and every hour of the day."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

import workflows
from engine.law.calendar import SchoolDays
from engine.law.clocks import Calendars, Derived, Hold, HoldPolicy, derive, local_date
from tests.office import CHICAGO

CALENDARS = Calendars(
    workflows.lawbook().calendars["il-statutory"],
    workflows.lawbook().calendars["il-strict"],
    SchoolDays("2021", frozenset(), dt.date(2021, 1, 1), dt.date(2040, 12, 31)),
)
PERIODS = sorted(rule.id for rule in workflows.lawbook().rules.values() if rule.kind in ("period", "window"))
days = st.dates(dt.date(2021, 1, 1), dt.date(2039, 12, 31))
rules = st.sampled_from(PERIODS)
policies: st.SearchStrategy[HoldPolicy] = st.sampled_from(["asap", "toll"])
holds = st.lists(st.tuples(st.integers(-10, 60), st.integers(0, 60)), min_size=1, max_size=3)
"""Each from so many days after the trigger, for so many days."""


def due(rule: str, trigger: dt.date) -> Derived:
    return derive(workflows.lawbook().rules[rule], trigger, CALENDARS)


@given(rules, days)
def test_never_early(rule: str, trigger: dt.date) -> None:
    derived = due(rule, trigger)
    length = derived.rule.length or 0
    assert derived.nominal is not None and derived.legal is not None and derived.target is not None
    assert trigger + dt.timedelta(days=length) <= derived.nominal <= derived.legal
    assert trigger <= derived.target <= derived.legal


@given(rules, days, st.integers(0, 40))
def test_a_later_trigger_never_gives_an_earlier_date(rule: str, trigger: dt.date, later: int) -> None:
    first, second = due(rule, trigger), due(rule, trigger + dt.timedelta(days=later))
    assert (first.legal, first.target) <= (second.legal, second.target)


@given(rules, days, st.times())
def test_the_time_of_day_makes_no_difference(rule: str, trigger: dt.date, time: dt.time) -> None:
    instant = dt.datetime.combine(trigger, time, tzinfo=CHICAGO).astimezone(dt.UTC)
    assert local_date(instant, CHICAGO) == trigger
    assert due(rule, local_date(instant, CHICAGO)) == due(rule, trigger)


@given(rules, days)
def test_the_legal_date_is_no_day_off_and_each_step_can_be_derived_again(rule: str, trigger: dt.date) -> None:
    derived = due(rule, trigger)
    assert derived.legal is not None
    if derived.rule.unit != "school_days":
        assert CALENDARS.statutory.is_business_day(derived.legal)
    assert derived == due(rule, trigger)
    assert [step.day for step in derived.steps if step.what == "legal"] == [derived.legal]


@given(days, holds, policies, st.integers(0, 3))
def test_a_hold_that_ended_never_makes_a_date_earlier(
    trigger: dt.date, spans: list[tuple[int, int]], policy: HoldPolicy, grace: int
) -> None:
    """Nor does the order in which the holds are named, nor the law's own day off, make a difference."""
    rule, day = workflows.lawbook().rules["R-BREACH-PARENT"], dt.timedelta(days=1)
    stood = [Hold(trigger + began * day, trigger + (began + lasted) * day) for began, lasted in spans]
    free, held = due(rule.id, trigger), derive(rule, trigger, CALENDARS, stood, policy, grace)
    assert held.legal is not None and held.target is not None and free.legal is not None and free.target is not None
    assert free.legal <= held.legal and free.target <= held.target <= held.legal
    assert CALENDARS.statutory.is_business_day(held.legal)
    assert derive(rule, trigger, CALENDARS, stood[::-1], policy, grace) == held
