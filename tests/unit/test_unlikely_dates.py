"""Dates that cannot be are refused, and those that hardly are get asked about once: for a year mistyped."""

from __future__ import annotations

import datetime as dt

import pytest

from engine.deciding.decide import start
from engine.deciding.unlikely import unlikely_dates
from engine.errors import WrongDate
from engine.model.case import FactValue
from engine.model.messages import StartCase
from tests.office import actor, office
from tests.unit.test_date_order import BEGIN, CORRECTION, PARENT, D, at
from web.forms import Submission, doubted, fields_of, read_submission
from web.words import date_problem

TASK = CORRECTION.states["district_fixing"].task("fix")
NOW = at(D(2027, 6, 1))


def days_of(day: dt.date, name: str = "received_on") -> list[int]:
    return [one.days for one in unlikely_dates(CORRECTION, {name: day}, {}, office(), NOW)]


@pytest.mark.parametrize(("name", "day", "days"), [
    ("received_on", D(2027, 6, 1), []),
    ("received_on", D(2026, 12, 3), []),         # 180 days ago, as its usual_days says
    ("received_on", D(2026, 12, 2), [-181]),
    ("received_on", D(2021, 6, 30), []),         # before its law: refused, and not asked about
    ("fixed_on", D(2026, 6, 1), []),             # a year, where nothing is said
    ("fixed_on", D(2026, 5, 31), [-366]),
    ("hearing_agreed_until", D(2032, 5, 31), []),
    ("hearing_agreed_until", D(2032, 6, 1), [1827]),
])  # fmt: skip
def test_a_date_is_unlikely_when_it_lies_further_off_than_is_usual(name: str, day: dt.date, days: list[int]) -> None:
    assert days_of(day, name) == days


def test_what_is_on_file_is_not_asked_again_and_an_instant_is_asked_by_its_local_day() -> None:
    on_file, night = {"fixed_on": D(2020, 1, 1)}, dt.datetime(2020, 1, 1, 5, 0, tzinfo=dt.UTC)
    assert list(unlikely_dates(CORRECTION, on_file, on_file, office(), NOW)) == []
    (found,) = unlikely_dates(CORRECTION, {"hearing_at": night}, {}, office(), NOW)
    assert (found.key, str(found)) == ("hearing_at:2019-12-31", "hearing_at: 2019-12-31 is 2,709 days ago")


def test_what_is_refused_for_its_order_is_not_asked_about() -> None:
    known: dict[str, FactValue] = {"received_on": BEGIN}
    assert list(unlikely_dates(CORRECTION, {"fixed_on": D(2020, 1, 1)}, known, office(), NOW)) == []


def test_nothing_starts_a_clock_before_its_law() -> None:
    facts: dict[str, FactValue] = {"received_on": D(2021, 6, 30), "item": "x"}
    with pytest.raises(WrongDate) as refused:
        start(CORRECTION, StartCase("1", actor("ada"), facts, {"parent": PARENT}), at(BEGIN), office())
    assert str(refused.value) == ("received_on: 2021-06-30 is before 2021-07-01, when the law began to count "
                                  "(105 ILCS 85/33(c)(3)): correct it")
    assert date_problem(refused.value, "es") == ("es anterior al jueves, 1 de julio de 2021, cuando la ley empezó a "
                                                 "contar (105 ILCS 85/33(c)(3)): corríjala")
    first = start(CORRECTION, StartCase("1", actor("ada"), {**facts, "received_on": D(2021, 7, 1)}, {"parent": PARENT}),
                  at(BEGIN), office())
    assert first.case.clocks["district_fix"].legal == D(2021, 9, 29)


@pytest.mark.parametrize(("language", "says"), [
    ("en", "this is 517 days ago: tick below if it is right"),
    ("es", "esto fue hace 517 días: marque la casilla si es correcto"),
])
def test_a_page_wants_one_tick_for_this_very_date(language: str, says: str) -> None:
    assert TASK is not None
    facts: dict[str, FactValue] = {}
    typed = {"fixed_on": ["2025-12-31"], "fixed_where": ["Gradebook"]}

    def sent(*sure: str, **changed: list[str]) -> Submission:
        read = read_submission(CORRECTION, TASK, facts, office(), language, {**typed, **changed}, "fixed")
        return doubted(read, CORRECTION, facts, office(), language, NOW, sure)

    asked = sent()
    assert asked.errors == {"fixed_on": says}
    (view, *_) = fields_of(CORRECTION, TASK, facts, office(), language, personal=True, submission=asked)
    assert (view.sure, view.is_sure) == ("fixed_on:2025-12-31", False)
    assert sent("fixed_on:2025-12-31").errors == {}
    assert "fixed_on" in sent("fixed_on:2025-12-31", fixed_on=["2024-12-31"]).errors
