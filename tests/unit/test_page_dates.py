"""The dates on a page: whose they are, and what has passed."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

import workflows
from tests.unit.test_decide import CASE
from web.dates import clock_dates, late

DEFINITION = workflows.Catalogue().newest("operator_fix")
CLOCK = replace(CASE.clocks["district_fix"], name="operator_fix")
LEGAL = dt.date(2028, 4, 10)


@pytest.mark.parametrize(("party", "shown"), [(None, True), ("operator", True), ("parent", False)])
def test_a_party_sees_the_date_of_what_it_is_to_do(party: str | None, shown: bool) -> None:
    found = clock_dates(replace(CASE, clocks={"operator_fix": CLOCK}), DEFINITION, "en", party=party)
    assert [(view.kind, view.date) for view in found] == ([("legal", "Monday, April 10, 2028")] if shown else [])


@pytest.mark.parametrize(("days", "language", "says"), [
    (0, "en", ""), (1, "en", "1 day late"), (8, "en", "8 days late"), (1, "es", "1 día de retraso"),
    (8, "es", "8 días de retraso"),
])  # fmt: skip
def test_what_has_passed_is_late(days: int, language: str, says: str) -> None:
    today = LEGAL + dt.timedelta(days=days)
    assert late(LEGAL, today, language) == says
    assert late(None, today, language) == late(LEGAL, None, language) == ""
