"""A daemon that was off for a while tells the privacy officer once, by a real mail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.demo.forward import FAST_START
from cli.demo.run import FakeClock, person
from cli.demo.sink import MailSink
from cli.home import Home
from cli.serving.daemon import beat_until_quiet, heart_of
from cli.wiring import House
from engine.model.case import Contact, FactValue
from tests.databases import sample_house


@pytest.fixture
def district(tmp_path: Path) -> Iterator[tuple[House, FakeClock, MailSink]]:
    clock = FakeClock(FAST_START)
    with MailSink() as sink, sample_house(Home(tmp_path / "home"), sink, 8080, clock) as house:
        yield house, clock, sink


def beat(house: House) -> None:
    """A daemon's life: it starts, works and stops."""
    with heart_of(house) as heart:
        beat_until_quiet(heart)


def test_a_gap_is_told_to_the_officer_once(district: tuple[House, FakeClock, MailSink]) -> None:
    house, clock, sink = district
    beat(house)
    clock.now = FAST_START + dt.timedelta(days=3)
    beat(house)
    beat(house)
    (mail,) = sink.mails
    assert mail.envelope_to == "priya@prairie-creek.example"
    assert mail.subject == "soppa was off from Monday, September 14, 2026, at 9:00 a.m."
    assert "Thursday, September 17, 2026, at 9:00 a.m." in " ".join(mail.part("plain").split())


def test_a_short_pause_is_told_to_nobody(district: tuple[House, FakeClock, MailSink]) -> None:
    house, clock, sink = district
    beat(house)
    clock.now = FAST_START + dt.timedelta(minutes=50)
    beat(house)
    assert sink.mails == []


@pytest.mark.parametrize("at_once", [1, 7, 50])
def test_months_are_caught_up_in_the_order_in_which_they_were_due(
    district: tuple[House, FakeClock, MailSink], at_once: int
) -> None:
    house, clock, _ = district
    parties = {"operator": Contact("Learn Inc", "privacy@learn.example")}
    facts: dict[str, FactValue] = {"why": "ended", "scope": "All products"}
    case = house.service.start("deletion_order", facts, parties, person(house, "priya"), clock.now)
    asked = case.open_task("direct")
    assert asked is not None
    answered = {"no_agreement": "It was clicked"}
    house.service.complete_task(asked.id, "send", answered, person(house, "priya"), clock.now)
    beat(house)
    begun = len(house.store.views.history(case.id))
    clock.now = FAST_START + dt.timedelta(days=200)
    while house.service.tick(clock.now, at_once) == at_once:
        pass
    told = [line for line in house.store.views.history(case.id)[begun:] if line.kind == "rung_fired"]
    days = [line.detail["on"] for line in told]
    assert len(days) > 5 and days == sorted(days)
