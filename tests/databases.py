"""Databases that have our tables already: copies of one that the migrations made, once for each run or worker.

The migrations themselves run where a test is about them, about `soppa init`, or about the demo.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from cli.commands.init import build_home
from cli.demo.district import PEOPLE, SETTINGS
from cli.demo.sink import MailSink
from cli.home import Home
from cli.wiring import Clock, House, open_house
from storage.upgrade import migrate
from tests import postgres


def put_tables(file: Path) -> None:
    """Makes an SQLite database with our tables and nothing in them, which only its owner may read."""
    with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as copy:
        copy.write(_migrated())


def new_home(home: Home, settings: str) -> None:
    """`build_home`, with tables in its database unless the settings name another one."""
    build_home(home, settings)
    if "\ndatabase:" not in f"\n{settings}":
        put_tables(home.database)


def staffed_home(home: Home, settings: str) -> None:
    """The same, with the sample's people."""
    new_home(home, settings)
    with open_house(home, create=True) as house:
        for person in PEOPLE:
            house.store.save_person(person)


@contextmanager
def sample_house(home: Home, sink: MailSink, port: int, clock: Clock) -> Iterator[House]:
    """As the demo opens it: the sample district in a new home, its mails to the sink, its pages on that port."""
    address = f"127.0.0.1:{port}"
    new_home(home, SETTINGS.format(public_url=f"http://{address}", bind=address, smtp_port=sink.smtp_port))
    with open_house(home, clock, create=True) as house:
        for person in PEOPLE:
            house.store.save_person(person)
        yield house


@contextmanager
def postgres_template(server_url: str) -> Iterator[str]:
    """A database with our tables, for `postgres.fresh_database` to copy. Raises `NoServer`."""
    with postgres.fresh_database(server_url) as url:
        migrate(url)
        yield url


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "soppa.sqlite"
        migrate(f"sqlite:///{file}")
        assert [path.name for path in Path(folder).iterdir()] == [file.name], "a part of it is in another file still"
        return file.read_bytes()
