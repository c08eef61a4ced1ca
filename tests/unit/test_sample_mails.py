"""A preview shows a mail as a real case might have sent it: its dates are counted, in order, and on days of work."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

import workflows
from engine.law.clocks import derive
from engine.model.definition import Definition
from engine.model.office import Office
from engine.proof.sampledates import sample_dates
from notifiers.preview import preview
from tests.office import calendars, office

SUNDAY, CHRISTMAS = dt.date(2026, 11, 29), dt.date(2027, 12, 25)
CATALOGUE = workflows.Catalogue()
PROCESSES = [CATALOGUE.newest(process) for process in CATALOGUE.processes()]
OFFICE: Office = replace(office(), references=workflows.lawbook().references)


def shown(process: str, mail: str, language: str = "en", today: dt.date = SUNDAY) -> str:
    definition = CATALOGUE.newest(process)
    return preview(definition, definition.mails[mail], language, OFFICE, today).text


def test_a_receipt_shows_the_law_s_date_counted_from_a_day_of_receipt() -> None:
    said = shown("correction_request", "receipt")
    received = dt.date(2026, 11, 12)     # ten business days before Friday, November 27; Thanksgiving lies between
    law = derive(workflows.lawbook().rules["R-CORR-DISTRICT"], received, calendars())
    assert law.legal == dt.date(2027, 2, 10)
    assert "Thursday, November 12, 2026" in said
    assert "Wednesday, February 10, 2027 (legal deadline)" in said
    assert "Sunday" not in said


def test_what_a_contract_gives_is_shown_as_such() -> None:
    said = shown("operator_fix", "notice")
    assert "Our agreement gives 30 days" in said and "(day set by our agreement)" in said


@pytest.mark.parametrize("definition", PROCESSES, ids=lambda one: one.process)
@pytest.mark.parametrize("today", [SUNDAY, CHRISTMAS])
def test_what_has_happened_is_in_order_and_on_days_of_work(definition: Definition, today: dt.date) -> None:
    dates = sample_dates(definition, today, calendars())
    for fact in definition.facts.values():
        if fact.type.kind not in ("date", "instant"):
            continue
        day = dates.fact(fact.name)
        assert dates.calendars.strict.on_or_before(day) == day, fact.name
        assert not fact.past or day <= today, fact.name
        firsts = [dates.fact(source.name) for source in fact.not_before if source.kind == "fact"]
        assert all(first <= day for first in firsts), fact.name


@pytest.mark.parametrize("definition", PROCESSES, ids=lambda one: one.process)
def test_a_clock_is_counted_by_its_own_rule_and_ends_after_it_began(definition: Definition) -> None:
    dates = sample_dates(definition, SUNDAY, calendars())
    for name, clock in definition.clocks.items():
        derived = dates.clock(name)
        assert derived is not None, name
        assert derived.rule.id == clock.rule.id
        assert derived.legal is None or derived.legal >= derived.trigger, name
        assert derived.legal is None or clock.rule.length is None or derived.legal > derived.trigger, name
