"""A new version of a process serves new cases; an open case stays on the definition that it began with."""

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

import workflows
from cli.wiring import Adopted
from engine.errors import SoppaError
from engine.model.case import Contact, FactValue
from engine.model.office import Office
from engine.service import Service
from storage.sealing import new_ring
from storage.store import SqlStore, open_store
from storage.tables import CASES
from tests.acceptance.test_main_job import START, VERIFIED, actor, make_office

FACTS: dict[str, FactValue] = {"received_on": dt.date(2028, 1, 10), "item": "birth date"}
PARTIES = {"parent": Contact("Pat", "pat@home.example")}


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    opened = open_store(database_url, new_ring(), create=True)
    yield opened
    opened.close()


def overlay(folder: Path, version: int) -> workflows.Catalogue:
    """The correction with another target, in a district's own folder."""
    own = folder / f"v{version}" / "correction_request"
    shutil.copytree(workflows.SHIPPED / "correction_request", own)
    text = (own / "process.yaml").read_text("utf-8")
    changed = text.replace("version: 1", f"version: {version}", 1).replace(
        "due: 5 business_days", "due: 3 business_days", 1
    )
    (own / "process.yaml").write_text(changed, "utf-8")
    return workflows.Catalogue(own.parent)


def service_of(store: SqlStore, catalogue: workflows.Catalogue) -> Service:
    return Service(store, Adopted(catalogue, store), make_office)


def test_an_open_case_stays_and_a_new_one_takes_the_new_version(store: SqlStore, tmp_path: Path) -> None:
    old = service_of(store, workflows.Catalogue()).start("correction_request", FACTS, PARTIES, actor("ada"), START)
    upgraded = service_of(store, overlay(tmp_path, 2))
    new = upgraded.start("correction_request", FACTS, PARTIES, actor("ada"), START)
    assert (old.version, new.version) == (1, 2)
    assert [case.open_task("verify").due for case in (old, new)] == [  # type: ignore[union-attr]
        dt.date(2028, 1, 18), dt.date(2028, 1, 13)]  # fmt: skip
    task = old.open_task("verify")
    assert task is not None
    moved = upgraded.complete_task(task.id, "complete", VERIFIED, actor("cus"), START)
    assert (moved.version, moved.state) == (1, "asking_owner")


def test_a_changed_process_under_an_adopted_number_is_refused_with_the_next(store: SqlStore, tmp_path: Path) -> None:
    service_of(store, workflows.Catalogue()).start("correction_request", FACTS, PARTIES, actor("ada"), START)
    with pytest.raises(SoppaError, match="give the changed one version 2"):
        service_of(store, overlay(tmp_path, 1)).start("correction_request", FACTS, PARTIES, actor("ada"), START)


def with_a_proclaimed_day(day: dt.date) -> Office:
    """The office once a holiday was proclaimed."""
    known = make_office(())
    before = known.calendars.statutory
    proclaimed = replace(before, version="2027-03", days_off={**before.days_off, day: "Proclaimed"})
    return replace(known, calendars=replace(known.calendars, statutory=proclaimed))


def test_a_new_calendar_moves_running_clocks_with_a_reason_and_looks_once(store: SqlStore) -> None:
    case = service_of(store, workflows.Catalogue()).start("correction_request", FACTS, PARTIES, actor("ada"), START)
    changed = with_a_proclaimed_day(dt.date(2028, 4, 10))
    service = Service(store, Adopted(workflows.Catalogue(), store), lambda people: changed)
    assert [service.recount(START) for _ in range(2)] == [1, 0]
    assert service.advance(START) == 1
    with store.read() as unit:
        clock = unit.case(case.id).clocks["district_fix"]
    assert (clock.generation, clock.legal) == (2, dt.date(2028, 4, 11))
    assert "il-statutory@2026-11" in clock.reason
    assert clock.calendars[0] == "il-statutory@2027-03"


def test_a_case_that_cannot_be_counted_again_is_an_incident_and_the_others_are_counted(store: SqlStore) -> None:
    first = service_of(store, workflows.Catalogue())
    sick, *others = [first.start("correction_request", FACTS, PARTIES, actor("ada"), START).id for _ in range(3)]
    with store.base.engine.begin() as connection:
        connection.execute(update(CASES).where(CASES.c.id == sick).values(hash="of a definition that is nowhere"))
    changed = with_a_proclaimed_day(dt.date(2028, 4, 10))
    service = Service(store, Adopted(workflows.Catalogue(), store), lambda people: changed)
    assert [service.recount(START, limit=2) for _ in range(3)] == [2, 1, 0]
    for _ in range(5):
        service.advance(START)
    assert [(line.kind, line.case_id) for line in store.views.incidents()] == [("message", sick)]
    with store.read() as unit:
        assert {unit.case(other).clocks["district_fix"].generation for other in others} == {2}


def test_a_case_is_asked_once_to_count_again(store: SqlStore) -> None:
    service_of(store, workflows.Catalogue()).start("correction_request", FACTS, PARTIES, actor("ada"), START)
    changed = with_a_proclaimed_day(dt.date(2028, 4, 10))
    for _ in range(2):
        assert Service(store, Adopted(workflows.Catalogue(), store), lambda people: changed).recount(START) == 1
    with store.begin() as unit:
        assert len(unit.messages(10, START)) == 1
