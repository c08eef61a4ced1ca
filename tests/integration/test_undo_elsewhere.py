"""Answers taken back that changed the register or began another case, in real rows of both databases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from engine.errors import Refused
from engine.model.case import Case, FactValue, TableRow
from engine.service import Service
from registry.values import Agreement
from storage.store import SqlStore
from storage.upkeep.verifying import verify
from tests.integration.stored import opened
from tests.office import PEOPLE, actor, calendars, office
from tests.registers import CHECK_IN, NAME, POSTING, SIGNING, Shelf, compiled

NOW = dt.datetime(2026, 11, 23, 18, 0, tzinfo=dt.UTC)
TODAY = dt.date(2026, 11, 23)
SECOND, MINUTE = dt.timedelta(seconds=1), dt.timedelta(minutes=1)
LATER = NOW + 30 * MINUTE
ENDS = LATER + 10 * MINUTE

PARENT = """
process: parent
version: 1
title: Parent
cites: [105 ILCS 85/15]
start: {needs: [asked_on], by: [custodian]}
facts:
  asked_on: {type: date, label: Asked on}
children:
  part: {process: part, facts: {asked_on: asked_on}}
states:
  asking:
    title: Asking
    initial: true
    tasks: [{id: ask, role: custodian, title: Ask, shows: [asked_on], due: 5 business_days, outcomes: {go: waiting}}]
  waiting: {title: Waiting, start: [part], on: {ended.part: done}}
  done: {title: Done, final: done}
"""
PART = """
process: part
version: 1
title: Part
cites: [105 ILCS 85/15]
start: {needs: [asked_on], by: [custodian]}
facts:
  asked_on: {type: date, label: Asked on}
states:
  doing:
    title: Doing
    initial: true
    tasks: [{id: do, role: custodian, title: Do, shows: [asked_on], due: 5 business_days, outcomes: {done: done}}]
  done: {title: Done, final: done}
"""
SHELF = Shelf(*(compiled(text) for text in (SIGNING, POSTING, CHECK_IN, PARENT, PART)))
PUBLISHED: Mapping[str, FactValue] = {"posted_on": TODAY, "url": "https://d.example/a.pdf"}


def service_in(store: SqlStore, shelf: Shelf = SHELF) -> Service:
    return Service(store, shelf, lambda people: replace(office(), undo_minutes=10))


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    with opened(database_url) as made:
        for person in PEOPLE.values():
            made.save_person(person)
        yield made


@pytest.fixture
def service(store: SqlStore) -> Service:
    return service_in(store)


def posting(service: Service) -> Case:
    """The case that posts an agreement which was signed half an hour ago."""
    facts: Mapping[str, FactValue] = {"product": "Acme Maths", "operator": "Acme Learning", "entered_on": TODAY}
    case = service.start("signing", facts, {}, actor("cus"), NOW)
    service.complete_task(f"{case.id}-1", "signed", {"elements": frozenset({NAME})}, actor("ada"), NOW)
    service.advance(NOW)
    return case_of(service, "2026-0002")


def parent(service: Service) -> Case:
    """A case that has just been answered, so that its part begins."""
    case = service.start("parent", {"asked_on": TODAY}, {}, actor("cus"), NOW)
    return service.complete_task(f"{case.id}-1", "go", {}, actor("cus"), LATER)


def case_of(service: Service, case_id: str) -> Case:
    with service.store.read() as unit:
        return unit.case(case_id)


def agreement(store: SqlStore) -> Agreement:
    (holding,) = store.register.holdings()
    assert holding.agreement is not None
    return holding.agreement


def history(store: SqlStore, case_id: str) -> list[str]:
    return [line.kind for line in store.views.history(case_id)]


def wrong(store: SqlStore) -> list[str]:
    with store.base.reading() as connection:
        return verify(connection, store.base.ring, SHELF.pinned, calendars(), lambda done, whole: None).wrong


# --- the register ----------------------------------------------------------------------------------------------------


def test_an_entry_that_an_answer_has_changed_is_as_it_was(service: Service, store: SqlStore) -> None:
    case, before = posting(service), store.register.holdings()
    service.complete_task(f"{case.id}-1", "done", PUBLISHED, actor("its"), LATER)
    assert agreement(store).posted_on == TODAY
    again = service.undo(case.id, actor("its"), LATER + MINUTE)
    assert again.is_open and again.facts == case.facts
    assert store.register.holdings() == before
    lines = store.register.history(["A-0001"])
    assert [line.cause for line in lines][1:] == [
        "case 2026-0002", "case 2026-0002: the answer was taken back"]  # fmt: skip
    assert lines[-1].detail["posted_on"] == ("2026-11-23", "")
    assert "agreement_restored" in history(store, case.id)
    assert store.register.verify(["A-0001"]) == [] and wrong(store) == []


def test_the_answer_may_be_given_again(service: Service, store: SqlStore) -> None:
    case = posting(service)
    for minutes in (0, 2):
        now = LATER + minutes * MINUTE
        task = case_of(service, case.id).open_task("publish")
        assert task is not None
        service.complete_task(task.id, "done", PUBLISHED, actor("its"), now)
        assert agreement(store).posted_on == TODAY
        if minutes == 0:
            service.undo(case.id, actor("its"), now + SECOND)
    assert wrong(store) == []


def test_what_others_have_written_into_an_entry_since_is_not_lost(service: Service, store: SqlStore) -> None:
    case = posting(service)
    service.complete_task(f"{case.id}-1", "done", PUBLISHED, actor("its"), LATER)
    with store.begin() as unit:
        writer = unit.register_writer(actor("ada"), LATER + SECOND, "an import")
        writer.enter({"posted_url": "https://d.example/b.pdf"}, store.register.about("A-0001")[0])
        writer.flush()
    with pytest.raises(Refused, match="entry A-0001 of the register has been changed since the last answer"):
        service.undo(case.id, actor("its"), LATER + MINUTE)
    assert agreement(store).posted_url == "https://d.example/b.pdf"


def test_an_agreement_that_was_entered_stays_and_the_refusal_says_what_to_do(service: Service, store: SqlStore) -> None:
    posting(service)
    with pytest.raises(Refused, match="it has entered agreement A-0001 into the register, which soppa register import"):
        service.undo("2026-0001", actor("ada"), NOW + MINUTE)
    assert agreement(store).status == "active"


def test_a_yearly_case_is_planned_as_before(service: Service, store: SqlStore) -> None:
    posting(service)
    facts: Mapping[str, FactValue] = {"agreement": "A-0001", "cycle_on": TODAY, "why": "breach"}
    asked = service.start("check_in", facts, {}, actor("ada"), NOW)
    rows = tuple(TableRow(key, {"state": "same"}) for key in ("data", "security"))
    areas: Mapping[str, FactValue] = {"uses": 4, "changed": False, "areas": rows}
    before = store.views.cycles()
    first = service.complete_task(f"{asked.id}-1", "sent", areas, actor("ada"), NOW)
    task = first.open_task("review")
    assert task is not None
    service.complete_task(task.id, "fine", {"attested_on": TODAY}, actor("ada"), LATER)
    assert agreement(store).last_attested_on == TODAY
    service.undo(asked.id, actor("ada"), LATER + MINUTE)
    assert agreement(store).last_attested_on is None
    assert store.views.cycles() == before


# --- other cases -----------------------------------------------------------------------------------------------------


def test_a_case_that_an_answer_starts_begins_when_its_minutes_are_over(service: Service, store: SqlStore) -> None:
    case = parent(service)
    assert not store.has_work(ENDS - SECOND)
    assert service.advance(ENDS - SECOND) == 0
    assert store.has_work(ENDS)
    assert service.advance(ENDS) == 1
    assert case_of(service, "2026-0002").parent == case.id


def test_taken_back_it_never_begins(service: Service, store: SqlStore) -> None:
    case = parent(service)
    again = service.undo(case.id, actor("cus"), ENDS - SECOND)
    assert (again.state, again.children) == ("asking", {})
    assert service.advance(ENDS + MINUTE) == 0
    assert "child_called_off" in history(store, case.id) and wrong(store) == []


def test_what_a_case_hears_of_its_part_waits_too(service: Service, store: SqlStore) -> None:
    case = parent(service)
    service.advance(ENDS)
    done = ENDS + MINUTE
    service.complete_task("2026-0002-1", "done", {}, actor("cus"), done)
    assert service.advance(done + MINUTE) == 0
    service.undo("2026-0002", actor("cus"), done + 2 * MINUTE)
    task = case_of(service, "2026-0002").open_task("do")
    assert task is not None and task.generation == 2
    service.complete_task(task.id, "done", {}, actor("cus"), done + 3 * MINUTE)
    assert service.advance(done + 20 * MINUTE) == 1
    assert case_of(service, case.id).outcome == "done" and wrong(store) == []


def test_not_once_the_other_case_has_begun(service: Service, store: SqlStore) -> None:
    """A machine whose clock is ahead may have begun it."""
    case = parent(service)
    service.advance(ENDS)
    with pytest.raises(Refused, match="another case has heard of the last answer already"):
        service.undo(case.id, actor("cus"), ENDS - SECOND)


def test_before_midnight_it_begins_at_once_and_stays(service: Service) -> None:
    case = service.start("parent", {"asked_on": TODAY}, {}, actor("cus"), NOW)
    late = dt.datetime(2026, 11, 24, 5, 55, tzinfo=dt.UTC)
    service.complete_task(f"{case.id}-1", "go", {}, actor("cus"), late)
    assert service.advance(late) == 1
    with pytest.raises(Refused, match="it has started another case, which could not wait"):
        service.undo(case.id, actor("cus"), late + SECOND)


@pytest.mark.parametrize("urgent", ["part", "parent"])
def test_a_process_that_takes_no_answer_back_hears_at_once(store: SqlStore, urgent: str) -> None:
    texts = {"parent": PARENT, "part": PART}
    texts[urgent] += "undo: false\n"
    service = service_in(store, Shelf(*map(compiled, texts.values())))
    case = parent(service)
    assert service.advance(LATER) == 1, "neither the case of such a process waits, nor what one of its own starts"
    service.complete_task("2026-0002-1", "done", {}, actor("cus"), LATER)
    assert service.advance(LATER) == 1
    assert case_of(service, case.id).outcome == "done"
