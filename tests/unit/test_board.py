"""The Board's meetings: what a form says of them, and which date a sponsorship takes."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from engine.deciding.decide import decide
from engine.errors import UsageError
from engine.model.case import Case, FactValue
from engine.model.messages import CompleteTask
from engine.model.office import Office
from notifiers.words import contact_words, other_contacts
from tests.office import actor, office
from tests.unit.test_vendor_care import CATALOGUE, NOW, REVIEWED, stands
from web.forms import fields_of

TODAY = NOW.astimezone(office().zone).date()
SOON, NEXT, THEN = (TODAY + dt.timedelta(days=days) for days in (3, 20, 50))
DEFINITION = CATALOGUE.newest("vendor_sponsorship")


def with_board(*meetings: dt.date) -> Office:
    return replace(office(), board_meetings=meetings, packet_days=7)


def to_the_board(where: Office, day: dt.date) -> Case:
    case = stands("vendor_sponsorship", "approval", {**REVIEWED, "amount": 30_000, "board_needed": True})
    task = case.open_task("approve")
    assert task is not None
    values: dict[str, FactValue] = {"board_meeting_on": day}
    return decide(DEFINITION, case, CompleteTask(task.id, "board", values, actor("sup")), NOW, where).case


def test_a_sponsorship_goes_to_a_meeting_whose_packet_is_open() -> None:
    assert to_the_board(with_board(SOON, NEXT), NEXT).state == "board_pending"


@pytest.mark.parametrize(("day", "why"), [
    (SOON, "the packet of that meeting is closed"),
    (NEXT + dt.timedelta(days=1), "the Board does not meet on that day"),
])  # fmt: skip
def test_another_day_is_refused_with_the_next_meetings(day: dt.date, why: str) -> None:
    where = with_board(SOON, NEXT, THEN)
    with pytest.raises(UsageError, match=f"board_meeting_on: {day}: {why}; next: {NEXT}, {THEN}"):
        to_the_board(where, day)


@pytest.mark.parametrize("meetings", [(), (SOON,), (TODAY - dt.timedelta(days=30),)])
def test_without_a_meeting_to_come_any_day_will_do(meetings: tuple[dt.date, ...]) -> None:
    assert to_the_board(with_board(*meetings), NEXT).state == "board_pending"


def test_the_form_names_the_next_meetings_and_their_packets() -> None:
    wanted = DEFINITION.states["approval"].tasks[0]
    fields = fields_of(DEFINITION, wanted, {}, with_board(SOON, NEXT), "en", personal=True, today=TODAY)
    (said,) = (field.help for field in fields if field.name == "board_meeting_on")
    assert said.count("packet until") == 1 and f"{NEXT:%B} {NEXT.day}" in said


def test_a_mail_names_the_contacts_that_the_district_has() -> None:
    where = replace(office(), contacts={"privacy": "Pat, p@x.example, 555-0100", "ai": "Ivan, ai@x.example"})
    found = other_contacts(where, contact_words(where, TODAY, "en"))
    assert found == {"contact_edtech": "Pat, p@x.example, 555-0100", "contact_ai": "Ivan, ai@x.example"}
