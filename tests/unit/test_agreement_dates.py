"""A day that our agreement sets, sooner than the law: told apart from what the law sets wherever dates are read."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace

import pytest

from cli.commands.queue import cells as queue_cells
from cli.dates import dates_in_words, legal_and_target
from cli.work.desk import Matter
from cli.work.listing import COLUMNS, cells
from cli.work.reading import case_text
from engine.model.case import Case, Clock, Task
from engine.model.definition import Definition
from engine.model.office import Office
from notifiers import compose as c
from notifiers.outlook import NO_OUTLOOK, Outlook, of_duties
from storage.looking.queue import QueueRow
from tests.unit.test_contacts import DANA, LEARN, NOW, ROW, case, composed, definition, line, matters, office, text

__all__ = ["definition", "office"]  # fixtures

TODAY = dt.date(2028, 1, 11)
LAW, OURS = dt.date(2028, 4, 3), dt.date(2028, 1, 14)


def by_agreement(number: int = 1, legal: dt.date = OURS) -> Case:
    """An operator's correction: the law gives 90 days, the agreement 30."""
    of = case(number, LEARN)
    return replace(of, clocks={"operator_fix": replace(of.clocks["operator_fix"], length=30, legal=legal)})


def brief_of(officer: str, office: Office, definition: Definition, *cases: Case, ahead: Outlook = NO_OUTLOOK) -> str:
    known = matters(definition, *cases)
    numbers = itertools.count(1)
    desk = c.Desk("soppa@district.example", "Lake District 12", lambda: f"token-{next(numbers)}")
    lines = [line(one, "repeat", None, date=one.clocks["operator_fix"].legal) for one in cases]
    row = replace(ROW, recipient=f"person:{officer}")
    return text(c.compose(row, known, lines, office, desk, NOW, ahead=of_duties(ahead, known)))


def test_a_brief_counts_what_the_law_sets_apart_from_what_an_agreement_does(
        office: Office, definition: Definition) -> None:
    said = brief_of("caro", office, definition, by_agreement(1), case(2))
    assert said.startswith("Brief for Tuesday, January 11, 2028: 1 legal deadline, 1 date set by our agreement ")
    law, ours = said.index("These dates are the law's."), said.index("Set by our agreements")
    assert law < said.index("2028-0002") < ours < said.index("2028-0001")


def test_the_officers_week_has_the_agreements_dates_in_a_list_of_their_own(
        office: Office, definition: Definition) -> None:
    near = Outlook((("2028-0001", "operator_fix"), ("2028-0002", "operator_fix")))
    said = brief_of(DANA.id, office, definition, by_agreement(1), case(2), ahead=near)
    assert said.startswith("Brief for Tuesday, January 11, 2028: 1 legal deadline, 1 date set by our agreement ")
    week, ours = said.index("Legal this week"), said.index("Set by our agreements, this week")
    assert week < said.index("2028-0002") and ours < said.index("2028-0001")
    assert said.count("2028-0001") == 1 and said.count("2028-0002") == 1


def test_an_operator_is_not_told_that_the_law_sets_the_agreements_date(office: Office, definition: Definition) -> None:
    said = text(composed(office, definition, by_agreement(1)))
    assert said.startswith("Reminder: 1 date set by our agreement (case 2028-0001)")
    assert "Legal deadlines" not in said and "(day set by our agreement, 105 ILCS 85/33(c)(3))" in said


def row(legal: dt.date | None = None, agreement: dt.date | None = None, due: dt.date | None = None) -> QueueRow:
    return QueueRow("2028-0001", "operator_fix", "Fix", "notified", "1", "answer", "Confirm", None, "operator", (), due,
                    False, (), legal, None, agreement=agreement)


@pytest.mark.parametrize(("agreement", "legal", "says"), [
    (OURS, None, "agreement 3 days"),
    (TODAY - dt.timedelta(days=5), None, "agreement 5 late"),
    (TODAY - dt.timedelta(days=120), None, "agreement 120 late"),
    (TODAY - dt.timedelta(days=5), LAW, "agreement 5 late"),
    (OURS, LAW, "83 days"),
])  # fmt: skip
def test_the_full_screen_queue_names_it_in_the_room_there_is(
        agreement: dt.date, legal: dt.date | None, says: str) -> None:
    shown = cells(row(legal, agreement), TODAY)
    assert (shown[1].plain == "–") == (legal is None)
    assert shown[2].plain == says and len(says) <= COLUMNS["left"]


def test_the_queue_has_nothing_of_it_under_legal_deadline() -> None:
    wide, narrow = (queue_cells(row(None, OURS, TODAY), TODAY, narrow=narrow) for narrow in (False, True))
    assert wide[:3] == ["–", "", "Tue Jan 11 2028\nagreement Fri Jan 14 2028, 3 days"]
    assert narrow[1] == "agreement Fri Jan 14, 3 days\ntarget Tue Jan 11, today"
    assert queue_cells(row(None, OURS), TODAY)[2] == "agreement Fri Jan 14 2028, 3 days"
    assert queue_cells(row(), TODAY)[:3] == ["–", "", "–"]


def test_a_case_shows_it_beside_the_target(definition: Definition, office: Office) -> None:
    clock: Clock = replace(by_agreement().clocks["operator_fix"], target=OURS - dt.timedelta(days=1))
    assert legal_and_target(clock, definition.clocks) == ("–", "Thu Jan 13 2028\nagreement Fri Jan 14 2028")
    said = dates_in_words(clock, definition.clocks)
    assert said == "day set by our agreement Fri Jan 14 2028, district target Thu Jan 13 2028"
    task = Task("2028-0001-4", "answer", "notified", 3, 1, "Confirm", (), None, "operator", None, NOW, offered=True)
    screen = case_text(Matter(replace(by_agreement(), tasks=(task,)), definition, office, TODAY)).plain
    assert "day set by our agreement Fri Jan 14 2028, 3 days left" in screen and "legal deadline" not in screen
