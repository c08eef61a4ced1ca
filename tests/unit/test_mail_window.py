"""When reminders may leave: business days only, from 07:30 (people of the district) or 08:00 (contacts) to 17:00."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from storage.mailing.window import MailWindow
from tests.office import CHICAGO
from workflows import lawbook

WINDOW = MailWindow(CHICAGO, lawbook().calendars["il-strict"].is_business_day)
PERSON, CONTACT = "person:ann", "contact:k1:00"


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(("now", "reader", "leaves", "why"), [
    ("2026-11-24T07:00-06:00", PERSON, "2026-11-24T13:30+00:00", "a rung fires before the brief"),
    ("2026-11-24T07:30-06:00", PERSON, "2026-11-24T13:30+00:00", "on the minute"),
    ("2026-11-24T07:31-06:00", PERSON, "2026-11-25T13:30+00:00", "just missed"),
    ("2026-11-24T07:00-06:00", CONTACT, "2026-11-24T14:00+00:00", "outsiders a little later"),
    ("2026-11-24T07:45-06:00", CONTACT, "2026-11-24T14:00+00:00", "still to come for them"),
    ("2026-11-24T21:00-06:00", PERSON, "2026-11-25T13:30+00:00", "at night"),
    ("2026-11-25T07:31-06:00", CONTACT, "2026-11-25T14:00+00:00", "the day before Thanksgiving"),
    ("2026-11-25T08:01-06:00", CONTACT, "2026-11-27T14:00+00:00", "Thanksgiving is left out"),
    ("2026-11-27T14:00-06:00", PERSON, "2026-11-30T13:30+00:00", "Friday afternoon"),
    ("2026-11-28T07:00-06:00", PERSON, "2026-11-30T13:30+00:00", "Saturday"),
    ("2027-05-28T12:00-05:00", PERSON, "2027-06-01T12:30+00:00", "Memorial Day, in summer time"),
])  # fmt: skip
def test_a_brief_leaves_on_the_next_business_day(now: str, reader: str, leaves: str, why: str) -> None:
    assert WINDOW.next_brief(reader, at(now)) == (at(leaves).astimezone(CHICAGO).date(), at(leaves)), why


@pytest.mark.parametrize(("now", "reader", "leaves"), [
    ("2026-11-24T07:00-06:00", PERSON, "2026-11-24T14:15+00:00"),
    ("2026-11-24T07:00-06:00", CONTACT, "2026-11-24T15:00+00:00"),
    ("2026-11-24T15:30-06:00", PERSON, "2026-11-25T14:15+00:00"),
])
def test_a_district_sets_its_own_times(now: str, reader: str, leaves: str) -> None:
    own = replace(WINDOW, people_from=dt.time(8, 15), contacts_from=dt.time(9), until=dt.time(15))
    assert own.next_brief(reader, at(now))[1] == at(leaves)
    hours = [hour for hour in range(24) if own.is_hour(reader, at(f"2026-11-24T{hour:02}:59-06:00"))]
    assert hours == [*range(8 if reader == PERSON else 9, 15)]


@pytest.mark.parametrize(("now", "leaves"), [
    ("2026-11-23T07:00-06:00", "2026-11-23T13:30+00:00"),
    ("2026-11-23T08:00-06:00", "2026-11-30T13:30+00:00"),
    ("2026-11-24T07:00-06:00", "2026-11-30T13:30+00:00"),
    ("2026-09-04T09:00-05:00", "2026-09-08T12:30+00:00"),  # Labor Day is no business day: the week begins on Tuesday
])  # fmt: skip
def test_what_can_wait_a_week_waits_for_its_first_business_day(now: str, leaves: str) -> None:
    assert WINDOW.next_brief(PERSON, at(now), weekly=True) == (at(leaves).astimezone(CHICAGO).date(), at(leaves))


@pytest.mark.parametrize(("now", "person", "contact"), [
    ("2026-11-24T07:29-06:00", False, False),
    ("2026-11-24T07:30-06:00", True, False),
    ("2026-11-24T08:00-06:00", True, True),
    ("2026-11-24T16:59-06:00", True, True),
    ("2026-11-24T17:00-06:00", False, False),
])
def test_the_hours_of_a_day(now: str, person: bool, contact: bool) -> None:
    assert (WINDOW.is_hour(PERSON, at(now)), WINDOW.is_hour(CONTACT, at(now))) == (person, contact)


@pytest.mark.parametrize(("now", "day"), [
    ("2026-11-25T03:00+00:00", dt.date(2026, 11, 24)),
    ("2026-11-26T12:00-06:00", None),
    ("2026-11-28T12:00-06:00", None),
])
def test_a_day_is_the_districts_own(now: str, day: dt.date | None) -> None:
    assert WINDOW.today(at(now)) == day


def test_without_a_calendar_every_weekday_is_a_business_day() -> None:
    thanksgiving = at("2026-11-26T07:00-06:00")
    assert MailWindow(CHICAGO).next_brief(PERSON, thanksgiving)[0] == dt.date(2026, 11, 26)
