"""What a batch of due timers asks of the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event, func, select

import workflows
from engine.model.case import Actor, Contact, FactValue
from engine.service import Service
from storage.store import SqlStore
from storage.tables import TIMERS
from tests.integration.stored import opened
from tests.office import PEOPLE, office

START = dt.datetime(2028, 1, 10, 16, 0, tzinfo=dt.UTC)
ADA = Actor("person", "ada", "Ada Priv", PEOPLE["ada"].roles)
CASES = 8


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    with opened(database_url) as store:
        yield store


@pytest.fixture
def service(store: SqlStore) -> Service:
    service = Service(store, workflows.Catalogue(), lambda people: office())
    for _ in range(CASES):
        parent = Contact("Pat Parent", None, "en", "1 Oak St")
        facts: dict[str, FactValue] = {"received_on": START.date(), "item": "birth date"}
        service.start("correction_request", facts, {"parent": parent}, ADA, START)
    return service


@contextmanager
def sent(engine: Engine) -> Iterator[list[str]]:
    """The statements of a block."""
    found: list[str] = []

    def listen(*heard: object) -> None:
        found.append(str(heard[2]))

    event.listen(engine, "before_cursor_execute", listen)
    yield found
    event.remove(engine, "before_cursor_execute", listen)


def test_one_more_timer_of_a_batch_takes_four_trips(store: SqlStore, service: Service) -> None:
    with store.base.reading() as connection:
        first = connection.scalar(select(func.min(TIMERS.c.at)))
    assert service.tick(first, 1) == 1  # opens the brief of the day
    with sent(store.base.engine) as two:
        assert service.tick(first, 2) == 2
    with sent(store.base.engine) as five:
        assert service.tick(first, 5) == 5
    with store.base.reading() as connection:
        assert connection.scalar(select(func.count(TIMERS.c.fired_at))) == CASES
    apart = 1 if store.base.engine.dialect.name == "sqlite" else 0  # the words that end a savepoint and begin the next
    assert (len(five) - len(two)) / 3 == 4 + apart
