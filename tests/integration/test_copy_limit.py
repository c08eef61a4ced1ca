"""Earlier requests for a copy, counted among cases on a real database, and what the custodian is offered of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

import pytest

import workflows
from engine.model.case import Case, Contact, FactValue, Suggestion
from engine.model.definition import Definition
from engine.service import Service
from tests.integration.stored import opened
from tests.office import PEOPLE, actor, office
from web.forms import FieldView, fields_of

NOW = dt.datetime(2026, 11, 23, 18, 0, tzinfo=dt.UTC)
TODAY = dt.date(2026, 11, 23)
CATALOGUE = workflows.Catalogue()
CHECKED: Mapping[str, FactValue] = {
    "requester_kind": "parent", "identity_ok": True, "protection": "none", "school": "Lincoln", "address": "12 Oak St",
    "phone": "555-0100", "format": "paper", "signed_on": TODAY, "complete_on": TODAY,
}  # fmt: skip


@pytest.fixture
def service(database_url: str) -> Iterator[Service]:
    with opened(database_url) as store:
        for person in PEOPLE.values():
            store.save_person(person)
        yield Service(store, CATALOGUE, lambda people: office())


def answer(service: Service, case: Case, task: str, outcome: str, **values: FactValue) -> Case:
    found = case.open_task(task)
    assert found is not None, task
    return service.complete_task(found.id, outcome, values, actor("cus"), NOW)


def asked(service: Service, name: str = "Pat Parent", email: str = "pat@home.example", student: str = "Leo Parent",
          wish: str = "copy", on: dt.date = TODAY) -> Case:  # fmt: skip
    """A request whose form is complete, so that the custodian sorts it next."""
    facts: Mapping[str, FactValue] = {"received_on": on, "wanted": "Everything in Reader"}
    case = service.start("copy_inspection", facts, {"parent": Contact(name, email)}, actor("cus"), NOW)
    return answer(service, case, "verify", "complete", **CHECKED, wish=wish, student=student)


def field(definition: Definition, case: Case, language: str = "en") -> FieldView:
    task = case.open_task("classify")
    wanted = definition.task(task) if task is not None else None
    assert wanted is not None
    fields = fields_of(definition, wanted, case.facts, office(), language, personal=True, suggested=case.suggested)
    return next(one for one in fields if one.name == "earlier_requests")


def test_the_custodian_is_offered_how_many_came_before_and_which(service: Service) -> None:
    first = asked(service)
    asked(service, student="Mia Parent")
    asked(service, email="other@home.example")
    asked(service, wish="inspect")
    asked(service, on=dt.date(2026, 9, 30))
    records = asked(service)
    answer(service, records, "classify", "records", data_owner="dan", directive="All", earlier_requests=1)
    newest = asked(service, email="PAT@home.example", student="Leo  PARENT")
    assert newest.suggested["earlier_requests"] == Suggestion(1, TODAY, first.id)
    with service.store.read() as unit:
        assert unit.case(newest.id).suggested == newest.suggested
    definition = CATALOGUE.newest("copy_inspection")
    view = field(definition, newest)
    assert (view.typed, view.note) == ("1", f"counted here: {first.id}; add what reached other offices")
    assert field(definition, newest, "es").note.startswith(f"contado aquí: {first.id}")
    assert field(definition, first).note == "none is on file here; add what reached other offices"


def test_the_third_copy_in_a_quarter_is_looked_at_by_the_custodian(service: Service) -> None:
    asked(service)
    asked(service)
    third = asked(service)
    count = third.suggested["earlier_requests"].value
    assert count == 2
    case = answer(service, third, "classify", "covered", data_owner="dan", directive="All", earlier_requests=count)
    assert case.regions["covered"].state == "covered.limit_review"
    assert case.facts["next_quarter_on"] == dt.date(2027, 1, 1)
    assert case.open_task("judge_limit") is not None
