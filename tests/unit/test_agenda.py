"""The calendar entries of readers outside the district: their own date, the case and the duty, nothing personal."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from notifiers.agenda import Entry, calendar_file, entry_of_mail
from tests.office import office
from tests.unit.test_date_order import BY_PARENT, Story, at, decided, notified, refused

D = dt.date


def entry(story: Story, mail: str, on: D, reads: frozenset[str] = frozenset(), language: str = "en") -> Entry | None:
    wanted = story.definition.mails[mail]
    task = story.case.open_task(wanted.task) if wanted.task else None
    return entry_of_mail(story.definition, story.case, wanted, task, reads, office(), at(on), language)


def test_an_operator_gets_the_date_of_its_own_duty_with_the_notice_and_later_the_running_one() -> None:
    story = notified(30)
    assert entry(story, "notice", D(2027, 1, 12)) == Entry(
        "1-operator_fix", D(2027, 2, 11), "The operator corrects the fact and confirms it to the district",
        kind="day set by our agreement")
    told = story.hears(D(2027, 1, 13), "notice")
    found = entry(told, "notice", D(2027, 1, 20))
    assert found is not None and (found.on, found.sequence) == (D(2027, 2, 16), 1)


def test_the_parent_of_an_operators_case_gets_no_entry_of_the_operators_duty() -> None:
    assert entry(notified(), "told_notified", D(2027, 1, 12)) is None


@pytest.mark.parametrize(("language", "title", "kind"), [
    ("en", "Read the reasons and ask for a hearing", "district target"),
    ("es", "Leer las razones y pedir una audiencia", "meta del distrito"),
])  # fmt: skip
def test_a_parent_gets_the_last_day_to_ask_for_a_hearing(language: str, title: str, kind: str) -> None:
    found = entry(refused(), "hearing_ready", D(2027, 1, 25), language=language)
    assert found is not None and (found.on, found.title, found.kind) == (D(2027, 2, 22), title, kind)


def test_a_parent_gets_the_last_day_to_appeal_with_the_decision() -> None:
    found = entry(before_told(), "told_hearing_decision", D(2027, 3, 3))
    assert found is not None and (found.on, found.title) == (D(2027, 3, 31), "The parent or the district may appeal")
    file = calendar_file(found, before_told().case, office(), "d.example", at(D(2027, 3, 3))).decode()
    assert f"DESCRIPTION:last day\\, {office().district}" in file and "deadline" not in file


def before_told() -> Story:
    """The case of a decision that is about to be told."""
    story = decided()
    clocks = {name: clock for name, clock in story.case.clocks.items() if name != "hear_appeal"}
    return story._replace(case=replace(story.case, clocks=clocks))


def test_an_appointment_stands_in_the_calendar_at_its_hour() -> None:
    story = refused().does(D(2027, 2, 1), "ask_hearing", "ask", BY_PARENT)
    when = at(D(2027, 2, 10))
    story = story.does(D(2027, 2, 2), "plan_conference", "planned", conference_at=when, conference_place="Room 1")
    found = entry(story, "conference_invitation", D(2027, 2, 2), frozenset({"fact_conference_at"}), "es")
    assert found is not None and (found.on, found.title) == (when, "Reunión informal")
    file = calendar_file(found, story.case, office(), "d.example", at(D(2027, 2, 2))).decode()
    assert "DTSTART:20270210T180000Z" in file and "DTEND" not in file and "TRANSP:OPAQUE" in file
    assert "SUMMARY:1: Reunión informal" in file and "Room 1" not in file and "Pat" not in file
