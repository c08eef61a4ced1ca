"""The demo fast-forward: months of five matters in seconds, day by day, on a fake clock.

The two corrections follow a script, so that each reminder on their way can be seen; the other matters are answered as
the people of `soppa year` would.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from functools import partial

from cli.demo.district import ACTS, BREACH, MATTERS, Act, Matter
from cli.demo.run import FakeClock, person, start_cases
from cli.serving.daemon import beat_until_quiet, heart_of
from cli.serving.worker import Heart
from cli.wiring import House
from cli.year.run import Year, answer_all, import_families
from engine.errors import Refused
from engine.model.case import Actor, Case, FactValue

FAST_START = dt.datetime(2026, 9, 14, 14, 0, tzinfo=dt.UTC)
"""Ninety days from here end on a Sunday, so that a roll can be seen."""

FAST_DAYS = 150
FAMILIES = 12
_MORNING = dt.time(7, 45)
_AFTERNOON = dt.time(13, 0)


def fast_forward(house: House, clock: FakeClock, days: int = FAST_DAYS) -> tuple[Case, ...]:
    """Plays every matter to its end, day by day: what is due fires, mails leave, people answer in the afternoon. With
    fewer `days` the matters stand as they do then."""
    cases = list(start_cases(house))
    first = clock.now.astimezone(house.settings.zone).date()
    with heart_of(house, tells_gaps=False) as heart:
        scripted = frozenset(act.process for act in ACTS)
        work = partial(beat_until_quiet, heart)
        year = Year(house, work, work, clock, random.Random(2), scripted)  # noqa: S311 - told the same way each time
        beat_until_quiet(heart)
        for day in range(1, days):
            _live_through(house, heart, clock, first + dt.timedelta(days=day))
            _answer(house, heart, [act for act in ACTS if act.day == day], cases)
            cases += [begin(house, matter, cases) for matter in MATTERS if matter.day == day]
            answer_all(year)
    return tuple(cases)


def begin(house: House, matter: Matter, cases: Sequence[Case] = ()) -> Case:
    """Starts a matter on the day that the clock says; `cases` are those whose agreements it may be about."""
    today = house.clock().astimezone(house.settings.zone).date()
    facts: dict[str, FactValue] = {**matter.facts, **dict.fromkeys(matter.dates, today)}
    if matter.agreement_of is not None:
        with house.store.read() as unit:
            facts["agreement"] = next(unit.case(case.id).facts["agreement"] for case in cases
                                      if case.process == matter.agreement_of)
    case = house.service.start(matter.process, facts, matter.parties, person(house, matter.by), house.clock())
    if matter.process == BREACH:
        import_families(house, case, FAMILIES)
    return case


def _live_through(house: House, heart: Heart, clock: FakeClock, day: dt.date) -> None:
    for hour in (_MORNING, _AFTERNOON):
        clock.now = dt.datetime.combine(day, hour, house.settings.zone).astimezone(dt.UTC)
        beat_until_quiet(heart)


def _answer(house: House, heart: Heart, acts: Sequence[Act], cases: Sequence[Case]) -> None:
    for act in acts:
        case = _case_of(house, act, cases[act.story].id)
        task = case.open_task(act.task)
        if task is None:
            raise Refused(f"the demo's story broke: case {case.id} has no open task '{act.task}' on day {act.day}")
        today = house.clock().astimezone(house.settings.zone).date()
        values = {**act.values, **dict.fromkeys(act.dates, today)}
        actor = person(house, act.by) if act.by not in case.parties else _party(case, act.by)
        house.service.complete_task(task.id, act.outcome, values, actor, house.clock())
        beat_until_quiet(heart)


def _case_of(house: House, act: Act, case_id: str) -> Case:
    """The case of a story that an act is in: the first one, or its child."""
    wanted = [case_id, *house.store.views.children(case_id)]
    with house.store.read() as unit:
        return next(case for case in map(unit.case, wanted) if case.process == act.process)


def _party(case: Case, name: str) -> Actor:
    return Actor("party", name, case.parties[name].name)
