"""A small case, and decisions about it, for the tests of the store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from engine.law.clocks import Hold
from engine.model.case import SYSTEM, Actor, Case, Clock, Contact, HeldBy, Place, Task
from engine.model.messages import Decision, Effect, Event
from storage.sealing import Ring, new_ring
from storage.store import SqlStore, open_store

NOW = dt.datetime(2026, 11, 24, 15, 0, tzinfo=dt.UTC)
TODAY = dt.date(2026, 11, 24)
ANN = Actor("person", "ann", "Ann Lee", frozenset({"custodian"}))
MINUTE = dt.timedelta(minutes=1)


@contextmanager
def opened(url: str, ring: Ring | None = None) -> Iterator[SqlStore]:
    """A store with its tables made."""
    store = open_store(url, ring or new_ring(), create=True)
    try:
        yield store
    finally:
        store.close()


def task(case_id: str, number: int = 1) -> Task:
    return Task(
        id=f"{case_id}-{number}",
        name="verify",
        state="received",
        entry=1,
        generation=1,
        title="Verify parent and request",
        assignees=("ann", "bob"),
        role="custodian",
        party=None,
        due=dt.date(2026, 12, 1),
        opened_at=NOW,
    )


def clock(generation: int = 1) -> Clock:
    return Clock(
        name="district_fix",
        generation=generation,
        rule="R-CORR-DISTRICT",
        rule_version="1",
        calendars=("il-statutory@1", "il-strict@1"),
        anchor=dt.date(2026, 11, 1),
        length=90,
        holds=(Hold(dt.date(2026, 11, 2), dt.date(2026, 11, 5)), Hold(dt.date(2026, 11, 20))),
        status="running",
        nominal=dt.date(2027, 1, 30),
        legal=dt.date(2027, 2, 1),
        target=dt.date(2027, 1, 29),
        agreed=dt.date(2027, 2, 8),
        policy="toll",
        grace=2,
    )


def new_case(case_id: str) -> Case:
    """A case with a fact of every type."""
    return Case(
        id=case_id,
        process="correction_request",
        version=1,
        hash="h",
        state="received",
        entry=1,
        entered_at=NOW,
        entries=3,
        flags=("glass_broken.approve",),
        regions={"right": Place("right.open", 3, NOW), "left": Place("left.open", 2, NOW)},
        revision=1,
        started_at=NOW,
        initiator="ann",
        facts={
            "received_on": dt.date(2026, 11, 1),
            "seen_at": NOW,
            "identity_ok": True,
            "count": 3,
            "child": "Ana Ruiz",
            "holder": frozenset({"district", "operator"}),
            "operators": (Contact("Quizzer", "p@quizzer.example"),),
        },
        holds=(HeldBy("H1", "released", TODAY, "Sheriff", "Sgt. Roe", "26-118", "paper", "ann", released=TODAY),),
        parties={"parent": Contact("Eva Ruiz", "eva@example.org", "es", "1 Oak St", paper=True)},
        tasks=(task(case_id),),
        clocks={"district_fix": clock()},
        happened={"entered.received": TODAY},
        children={"fix": 2},
        next_task=2,
    )


def start(store: SqlStore, *effects: Effect, events: tuple[Event, ...] = (Event("case_started"),)) -> Case:
    """Keeps a new case with these effects."""
    with store.begin() as unit:
        case = new_case(unit.new_case_id(TODAY))
        unit.keep(None, Decision(case, effects, events), ANN, NOW)
    return case


def change(store: SqlStore, before: Case, *effects: Effect, now: dt.datetime = NOW, **values: object) -> Case:
    """Keeps a changed case with these effects."""
    after = replace(before, revision=before.revision + 1, **values)  # type: ignore[arg-type]
    with store.begin() as unit:
        unit.keep(before, Decision(after, effects, (Event("fact_recorded", {"fact": "x"}),)), SYSTEM, now)
    return after


def load(store: SqlStore, case_id: str) -> Case:
    with store.read() as unit:
        return unit.case(case_id)
