"""What a year's mail budget counts: whose mails, in which days and weeks, and about which request."""

from __future__ import annotations

import datetime as dt

import pytest

from cli.year.report import BREACH, budgets
from cli.year.town import people
from engine.model.office import Person
from storage.looking.counts import Sent
from tests.office import CHICAGO

PEOPLE = [
    Person("priya", "Priya", "priya@d.example", frozenset({"privacy"})),
    Person("sam", "Sam", "sam@d.example", frozenset({"superintendent"})),
    Person("tess", "Tess", "tess@d.example", frozenset({"sponsor"})),
]
MONDAY = dt.datetime(2026, 9, 14, 14, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
WEEK = "superintendent, mails a week but for breaches"


def mail(to: str, at: dt.datetime = MONDAY, name: str = "brief", case: str | None = None, process: str | None = None
         ) -> Sent:  # fmt: skip
    return Sent(to, at, name, case, process)


def most(*sent: Sent) -> dict[str, int]:
    return {one.whose: one.most for one in budgets(PEOPLE, sent, CHICAGO)}


@pytest.mark.parametrize(("sent", "whose", "count"), [
    ((mail("sam@d.example"), mail("sam@d.example", MONDAY + 4 * DAY)), WEEK, 2),
    ((mail("sam@d.example"), mail("sam@d.example", MONDAY + 7 * DAY)), WEEK, 1),
    ((mail("priya@d.example"), mail("priya@d.example", MONDAY + DAY / 24)), "officer, mails a day", 2),
    ((mail("tess@d.example"), mail("tess@d.example", name="ends", case="1"),
      mail("tess@d.example", name="ends", case="2")), "teacher, mails a request", 1),
    ((mail("desk@learn.example"), mail("desk@learn.example", MONDAY + DAY / 2, "attest", "1", "annual_attestation")),
     "vendor contact, mails a day", 2),
    ((mail("desk@learn.example"), mail("desk@learn.example", name="questionnaire", case="1", process=BREACH)),
     "vendor contact, mails a day", 1),
    ((mail("desk@learn.example"), mail("desk@learn.example", MONDAY + DAY)), "vendor contact, mails a day", 1),
])  # fmt: skip
def test_a_mail_counts_where_its_reader_would_count_it(sent: tuple[Sent, ...], whose: str, count: int) -> None:
    assert most(*sent)[whose] == count


def test_a_week_with_a_breach_is_counted_apart() -> None:
    found = most(mail("sam@d.example"), mail("sam@d.example", name="reported", case="1", process=BREACH),
                 mail("priya@d.example"))  # fmt: skip
    assert found[WEEK] == 0
    assert (found["officer, mails a week"], found["officer, mails a week in a breach"]) == (0, 1)


def test_everybody_in_the_town_of_the_year_has_a_supervisor_who_is_there() -> None:
    town = {person.id: person for person in people()}
    assert {person.supervisor for person in town.values()} <= {*town, None}
