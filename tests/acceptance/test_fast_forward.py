"""The demo's months through the real engine, database, outbox and SMTP: how it ends, and who was mailed what."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime

import pytest

from cli.demo.run import FAST_START, FakeClock, fast_forward, sample_house
from cli.demo.sink import Mail, MailSink
from cli.home import Home
from cli.wiring import House
from engine.case import Case


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Sequence[Case], list[Mail]]]:
    clock = FakeClock(FAST_START)
    home = Home(tmp_path_factory.mktemp("demo") / "home")
    with MailSink() as sink, sample_house(home, sink, 8080, clock) as house:
        yield house, fast_forward(house, clock), sink.mails


Played = tuple[House, Sequence[Case], list[Mail]]


def day_of(mail: Mail) -> dt.date:
    return parsedate_to_datetime(str(mail.message["Date"])).date()


def test_every_case_ends_corrected_and_every_legal_date_is_met(played: Played) -> None:
    house, _, _ = played
    ended = [(line.id, line.outcome) for line in house.store.views.case_rows()]
    assert ended == [(f"2026-000{number}", "corrected") for number in (1, 2, 3)]
    with house.store.read() as unit:
        clocks = [clock for case_id, _ in ended for clock in unit.case(case_id).clocks.values()]
    met = [clock for clock in clocks if clock.status == "satisfied"]
    assert len(met) == 3
    assert all(clock.ended_on and clock.legal and clock.ended_on <= clock.legal for clock in met)
    assert {clock.status for clock in clocks} == {"satisfied", "void"}


def test_every_mail_arrived_once_and_none_is_in_doubt(played: Played) -> None:
    house, _, mails = played
    states = Counter(line.state for line in house.store.views.outbox())
    assert set(states) <= {"accepted", "cancelled"}
    identities = Counter(str(mail.message["Message-ID"]) for mail in mails)
    assert len(identities) == states["accepted"] == len(mails)
    assert house.store.views.incidents() == ()


def test_the_chains_of_history_are_whole(played: Played) -> None:
    house, _, _ = played
    views = house.store.views
    assert [fault for line in views.case_rows() for fault in views.verify_history(line.id)] == []


@pytest.mark.parametrize(("person", "a_day", "in_all"), [("priya", 2, 10), ("sam", 1, 1), ("dana", 2, 8)])
def test_nobody_is_mailed_too_much(played: Played, person: str, a_day: int, in_all: int) -> None:
    house, _, mails = played
    known = {known.id: known for known in house.store.people()}[person]
    mine = [mail for mail in mails if mail.envelope_to == known.email]
    assert max(Counter(map(day_of, mine)).values(), default=0) <= a_day
    assert len(mine) <= in_all


def test_no_mail_says_what_the_request_is_about(played: Played) -> None:
    _, cases, mails = played
    said = [str(value) for case in cases for name, value in case.facts.items() if name in ("item", "right_value")]
    assert said
    for mail in mails:
        words = f"{mail.subject}\n{mail.part('plain')}\n{mail.part('html')}"
        assert not [value for value in said if value in words]


def test_the_operator_is_reminded_of_its_own_duty_within_the_window_once_a_day(played: Played) -> None:
    _, _, mails = played
    to_operator = [mail for mail in mails if mail.envelope_to == "privacy@readwell.example"]
    reminders = [mail for mail in to_operator if mail.subject.startswith("Reminder")]
    assert len({day_of(mail) for mail in reminders}) == len(reminders) == 3
    assert {parsedate_to_datetime(str(mail.message["Date"])).hour for mail in reminders} == {13}
    said = " ".join(reminders[0].part("plain").split())
    assert "2026-0003" in said and "Monday, January 4, 2027 (legal deadline, 105 ILCS 85/33(c)(3))" in said
    assert "/t/" in said
