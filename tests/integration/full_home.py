"""A home with something in every corner, for the tests of backups and of verify: cases with some history, mails that
left and mails that wait, a document, a register, seals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from cli.demo.forward import FAST_START
from cli.demo.run import FakeClock, person, start_cases
from cli.demo.sink import MailSink
from cli.documents import handing_in
from cli.home import Home
from cli.inventory import apply, look
from cli.serving.daemon import beat_until_quiet, heart_of
from cli.values import facts_and_parties
from cli.wiring import House, open_house
from cli.year.town import OPERATORS
from storage.tables import METADATA
from tests.files import pdf
from tests.processes import sample_home

AFTER = FAST_START + dt.timedelta(days=60)


@contextmanager
def full_house(folder: Path, sink: MailSink, database: str | None = None) -> Iterator[House]:
    """The house two months later; the two mails of its newest case wait in the outbox."""
    home, clock = Home(sample_home(folder, sink, 8080, database)), FakeClock(FAST_START)
    with open_house(home, clock) as house:
        rows = [row.key for row in look(house, OPERATORS, (), FAST_START.date()).rows][:20]
        apply(house, look(house, OPERATORS, rows, FAST_START.date()), person(house, "priya"))
        start_cases(house)
        with heart_of(house, tells_gaps=False) as heart:
            for days in (0, 1, 58, 60):
                clock.now = FAST_START + dt.timedelta(days=days)
                beat_until_quiet(heart)
        start_with_document(house, folder / "proof.pdf")
        yield house


def start_with_document(house: House, file: Path) -> str:
    """A case whose receipt and task wait to be mailed."""
    file.write_bytes(pdf())
    now, definition = house.clock(), house.definitions.newest("correction_request")
    words = {"received_on": str(now.date()), "item": "A date", "evidence": f"@{file}",
             "parent": "Ana Ruiz <ana@families.example>; language=es"}
    with handing_in(house.documents, definition, words) as given:
        facts, parties = facts_and_parties(definition, given, house.active())
        return house.service.start("correction_request", facts, parties, person(house, "carla"), now).id


def content(engine: Engine, *without: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, in the order of its key."""
    with engine.connect() as connection:
        return {
            table.name: sorted(
                (dict(row) for row in connection.execute(select(table)).mappings()),
                key=lambda row: [str(row[column.name]) for column in table.primary_key],
            )
            for table in METADATA.sorted_tables
            if table.name not in without
        }
