"""The demo's two ways: live, with pages and a daemon; and fast-forward, months in seconds on a fake clock.

Both go through the real engine, storage, relay and SMTP; only the clock is made up, and nobody gets the mails.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from cli.commands.init import build_home
from cli.daemon import beat_until_quiet, heart_of
from cli.demo.district import ACTS, PEOPLE, SETTINGS, Act, starts
from cli.demo.sink import MailSink
from cli.home import Home
from cli.identity import actor_of
from cli.wiring import Clock, House, open_house
from cli.worker import Heart
from engine.case import Actor, Case
from engine.errors import Refused

FAST_START = dt.datetime(2026, 9, 14, 14, 0, tzinfo=dt.UTC)
"""Ninety days from here end on a Sunday, so that a roll can be seen."""

FAST_DAYS = 115
_MORNING = dt.time(7, 45)
_AFTERNOON = dt.time(13, 0)


@dataclass(slots=True)
class FakeClock:
    """A clock that is moved by hand."""

    now: dt.datetime

    def __call__(self) -> dt.datetime:
        return self.now


@contextmanager
def sample_house(home: Home, sink: MailSink, port: int, clock: Clock) -> Iterator[House]:
    """The sample district in a new home, opened."""
    address = f"127.0.0.1:{port}"
    build_home(home, SETTINGS.format(public_url=f"http://{address}", bind=address, smtp_port=sink.smtp_port))
    with open_house(home, clock, create=True) as house:
        for person in PEOPLE:
            house.store.save_person(person)
        yield house


def start_cases(house: House) -> tuple[Case, ...]:
    """Both corrections, filed by the custodian on the day that the clock says."""
    now = house.clock()
    received_on = now.astimezone(house.settings.zone).date()
    custodian = person(house, "carla")
    return tuple(house.service.start(given.process, given.facts, given.parties, custodian, now)
                 for given in starts(received_on))


def person(house: House, person_id: str) -> Actor:
    return actor_of(next(known for known in PEOPLE if known.id == person_id))


def fast_forward(house: House, clock: FakeClock) -> tuple[Case, ...]:
    """Plays both matters to their end, day by day: what is due fires, mails leave, people answer in the afternoon."""
    cases = start_cases(house)
    first = clock.now.astimezone(house.settings.zone).date()
    with heart_of(house, tells_gaps=False) as heart:
        beat_until_quiet(heart)
        for day in range(1, FAST_DAYS):
            _live_through(house, heart, clock, first + dt.timedelta(days=day))
            _answer(house, heart, [act for act in ACTS if act.day == day], cases)
    return cases


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
