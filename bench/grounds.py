"""Where is measured: sample districts on one kind of database, and the driver alone on the same rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from cli.demo.run import person
from cli.demo.sink import MailSink
from cli.home import Home
from cli.serving.daemon import duties, heart_of
from cli.serving.inhand import in_hand
from cli.settings import read_settings
from cli.upkeep.seen import marking
from cli.wiring import Clock, House, database_url, machine_clock, open_house
from engine.model.case import Case, Contact, FactValue
from storage.driver import SQLITE
from tests import postgres
from tests.processes import free_port, sample_home

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")


@dataclass(frozen=True, slots=True)
class Ground:
    """One kind of database; `server` is the URL of PostgreSQL's maintenance database."""

    kind: str
    place: Path
    sink: MailSink
    server: str | None = None

    @contextmanager
    def district(self, name: str) -> Iterator[Home]:
        """A sample district on a fresh database of its own."""
        folder = self.place / f"{self.kind}-{name}"
        if self.server is None:
            yield Home(sample_home(folder, self.sink, free_port()))
        else:
            with postgres.fresh_database(self.server) as url:
                yield Home(sample_home(folder, self.sink, free_port(), url))


@contextmanager
def grounds(kinds: Sequence[str], place: Path, sink: MailSink) -> Iterator[list[Ground]]:
    """Those of the kinds that this machine has; what is missing is said in a sentence."""
    found = [Ground("SQLite", place, sink)] if "sqlite" in kinds else []
    if "postgres" not in kinds:
        yield found
        return
    try:
        with postgres.server(lasting=True) as server:
            check_lasting(server)
            yield [*found, Ground("PostgreSQL", place, sink, server)]
    except postgres.NoServer as reason:
        print(f"NOTHING IS MEASURED ON POSTGRESQL: {reason}")
        yield found


def check_lasting(server: str) -> None:
    """Raises `NoServer` for one that answers before its disk does: its figures would say nothing."""
    import psycopg

    with psycopg.connect(server) as connection:
        for setting in ("fsync", "synchronous_commit"):
            row = connection.execute(f"SHOW {setting}").fetchone()
            if row is None or row[0] != "on":
                raise postgres.NoServer(f"the server named in {postgres.VARIABLE} has {setting} off")


@contextmanager
def raw(home: Home) -> Iterator[Any]:
    """A connection of the driver alone to a district's database, with the settings that soppa uses; it begins and ends
    transactions only when it is told to."""
    url = database_url(home, read_settings(home.settings))
    if url.startswith("sqlite"):
        with closing(SQLITE.connect(str(home.database), isolation_level=None)) as connection:
            for pragma in PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            yield connection
    else:
        import psycopg

        with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://", 1), autocommit=True) as connection:
            yield connection


def is_sqlite(connection: Any) -> bool:
    return isinstance(connection, SQLITE.Connection)


def mark(connection: Any) -> str:
    """How a statement of this driver says that a value is given."""
    return "?" if is_sqlite(connection) else "%s"


def begin(connection: Any) -> None:
    connection.execute("BEGIN IMMEDIATE" if is_sqlite(connection) else "BEGIN")


def start_one(house: House, now: dt.datetime | None = None) -> Case:
    """One correction, as the custodian starts it."""
    now = now or machine_clock()
    facts: dict[str, FactValue] = {"received_on": now.astimezone(house.settings.zone).date(), "item": "A date"}
    parent = Contact("Ana Ruiz", "ana@families.example", "es")
    return house.service.start("correction_request", facts, {"parent": parent}, person(house, "carla"), now)


@contextmanager
def ticking(house: House) -> Iterator[Callable[[dt.datetime, int], int]]:
    """The tick of the daemon, as its heart calls it."""
    with in_hand(house.home) as hand, marking(house, Event()) as marker:
        yield duties(house, None, hand, marker, tells_gaps=False).tick


def settled(home: Home, clock: Clock = machine_clock) -> None:
    """Beats until nothing is left to do: mails have left, messages are delivered."""
    with open_house(home, clock) as house, heart_of(house, tells_gaps=False) as heart:
        while heart.beat():
            pass
