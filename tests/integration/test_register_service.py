"""Cases that write the register and take from it, in one transaction with their decision, on a real database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.errors import Refused, UsageError
from engine.model.case import Case, FactValue
from engine.service import Service
from storage.register import latest
from storage.store import SqlStore
from tests.integration.stored import opened
from tests.office import PEOPLE, actor, office
from tests.registers import NAME, POSTING, SIGNING, Shelf, compiled, deletion

NOW = dt.datetime(2026, 11, 23, 18, 0, tzinfo=dt.UTC)
TODAY = dt.date(2026, 11, 23)
SHELF = Shelf(compiled(SIGNING), compiled(POSTING), deletion())


@pytest.fixture
def service(database_url: str) -> Iterator[Service]:
    with opened(database_url) as store:
        for person in PEOPLE.values():
            store.save_person(person)
        yield Service(store, SHELF, lambda people: office())


def store_of(service: Service) -> SqlStore:
    assert isinstance(service.store, SqlStore)
    return service.store


def sign(service: Service, product: str = "Acme Maths", operator: str = "Acme Learning") -> Case:
    facts: Mapping[str, FactValue] = {"product": product, "operator": operator, "entered_on": TODAY}
    case = service.start("signing", facts, {}, actor("cus"), NOW)
    values: Mapping[str, FactValue] = {"elements": frozenset({NAME}), "days": 45}
    return service.complete_task(f"{case.id}-1", "signed", values, actor("ada"), NOW)


def test_an_agreement_is_entered_with_the_answer_and_the_child_takes_from_it(service: Service) -> None:
    case = sign(service)
    assert case.facts["agreement"] == "A-0001"
    (holding,) = store_of(service).register.holdings()
    assert holding.agreement is not None
    assert (holding.label, holding.agreement.deletion_days) == ("Acme Maths – Acme Learning", 45)
    assert service.advance(NOW) == 1
    with service.store.read() as unit:
        child = unit.case("2026-0002")
    assert (child.facts["agreement"], child.facts["signed_on"]) == ("A-0001", TODAY)
    (line,) = store_of(service).register.history(["A-0001"])
    assert (line.actor, line.cause) == ("person:ada", f"case {case.id}")


def test_a_case_changes_the_agreement_that_it_names(service: Service) -> None:
    sign(service)
    service.advance(NOW)
    values: Mapping[str, FactValue] = {"posted_on": TODAY, "url": "https://d.example/a.pdf"}
    service.complete_task("2026-0002-1", "done", values, actor("its"), NOW)
    (holding,) = store_of(service).register.holdings()
    assert holding.agreement is not None
    assert (holding.agreement.posted_on, holding.agreement.posted_url) == (TODAY, "https://d.example/a.pdf")


def test_a_second_active_agreement_is_refused_and_nothing_of_the_answer_stays(service: Service) -> None:
    sign(service)
    with pytest.raises(Refused, match="product 'Acme Maths' has an active agreement, A-0001, already"):
        sign(service)
    with service.store.read() as unit:
        case = unit.case("2026-0003")
    assert (case.state, case.revision) == ("review", 1)
    assert len(store_of(service).register.holdings()) == 1


def test_a_case_takes_from_the_register_what_stands_there_at_that_moment(service: Service) -> None:
    sign(service)
    case = service.start("deletion", {"received_on": TODAY}, {}, actor("cus"), NOW)
    with pytest.raises(UsageError, match="did you mean 'A-0001'"):
        service.complete_task(f"{case.id}-1", "found", {"agreement": "A-001"}, actor("cus"), NOW)
    after = service.complete_task(f"{case.id}-1", "found", {"agreement": "A-0001"}, actor("cus"), NOW)
    assert (after.facts["deletion_days"], after.facts["elements"]) == (45, frozenset({NAME}))
    with service.store.read() as unit:
        assert unit.case(case.id).facts == after.facts


def test_agreements_that_are_entered_at_once_get_numbers_of_their_own(service: Service) -> None:
    """Whoever loses the race for a number decides again with the next one."""
    facts = [{"product": f"Maths {n}", "operator": f"Acme {n % 2}", "entered_on": TODAY} for n in range(8)]
    cases = [service.start("signing", each, {}, actor("cus"), NOW) for each in facts]  # type: ignore[arg-type]
    values: Mapping[str, FactValue] = {"elements": frozenset({NAME})}

    def answer(case: Case) -> Case:
        return service.complete_task(f"{case.id}-1", "signed", values, actor("ada"), NOW)

    with ThreadPoolExecutor(8) as threads:
        after = list(threads.map(answer, cases))
    assert sorted(str(case.facts["agreement"]) for case in after) == [f"A-000{n}" for n in range(1, 9)]
    found = latest(store_of(service).register.holdings())
    assert len(found) == 8
    assert len({one.operator.id for one in found}) == 2


def test_a_declined_product_is_listed_without_an_agreement_and_may_have_one_later(service: Service) -> None:
    facts: Mapping[str, FactValue] = {"product": "Acme Maths", "operator": "Acme Learning", "entered_on": TODAY}
    case = service.start("signing", facts, {}, actor("cus"), NOW)
    service.complete_task(f"{case.id}-1", "dropped", {"elements": frozenset({NAME})}, actor("ada"), NOW)
    (holding,) = store_of(service).register.holdings()
    assert (holding.product.listing, holding.agreement) == ("declined", None)
    sign(service)
    (holding,) = store_of(service).register.holdings()
    assert holding.agreement is not None
    assert (holding.product.id, holding.product.listing, holding.agreement.id) == ("P-0001", "approved", "A-0001")
