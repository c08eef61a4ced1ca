"""The sample district as a home, a clock that is moved by hand, and the cases that the demo begins with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cli.commands.init import build_home
from cli.demo.district import PEOPLE, SETTINGS, starts
from cli.demo.sink import MailSink
from cli.home import Home
from cli.identity import actor_of
from cli.wiring import Clock, House, open_house
from engine.model.case import Actor, Case


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
