"""A database that is upgraded: how far that has come, kept in it, and who else is at work there meanwhile."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, func, select, text

from engine.errors import Refused, WrongEnvironment
from storage.backup.frames import Frame
from storage.backup.making import Progress
from storage.backup.manifest import Manifest, heads
from storage.backup.restoring import restore_over
from storage.database import UPGRADING, is_pooled, opened, reading, translated, who_connects
from storage.driver import SCHEMA
from storage.statements import put
from storage.tables import CASES, META
from storage.upgrade import MIGRATIONS, Step, migrate_in_steps, schema_of

_LOCK = 7_260_828
"""Held in PostgreSQL by whoever upgrades a database."""

_LOOKS, _PAUSE = 30, 0.1
"""Three seconds: a daemon asks the database each second."""

_EVERYBODY = text("SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database()")
_AT_WORK = text(f"{_EVERYBODY.text} AND (state <> 'idle' OR state_change > :since)")

_NAMED = re.compile(r"soppa (?P<pid>\d+) on (?P<host>.+)")


@dataclass(frozen=True, slots=True)
class Upgrade:
    """From which schema, when it was begun, the file that leads back once it is made, and whether it is on that way."""

    schema: str
    begun_at: str
    backup: str = ""
    goes_back: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    host: str


class MovedOn(Refused):
    """Somebody went on working after the backup of an upgrade was made."""


@dataclass(frozen=True, slots=True)
class Database:
    """A database of any schema that this program knows."""

    engine: Engine

    def schema(self) -> str:
        """Raises `WrongEnvironment` for one without our tables, or of a newer schema."""
        with translated(), reading(self.engine).begin() as connection:
            found = schema_of(connection)
        if found is None:
            raise WrongEnvironment("the database has no tables of soppa: make them with soppa init")
        if found > SCHEMA:
            raise WrongEnvironment(
                f"the database has schema {found}, this program knows schemas up to {SCHEMA}: install the newer soppa"
            )
        return found

    def under_way(self) -> Upgrade | None:
        with translated(), reading(self.engine).begin() as connection:
            found = connection.scalar(select(META.c.value).where(META.c.name == UPGRADING))
        return None if found is None else Upgrade(**json.loads(found))

    def keep(self, upgrade: Upgrade) -> None:
        with translated(), self.engine.begin() as connection:
            put(connection, META, {"name": UPGRADING, "value": json.dumps(asdict(upgrade))})

    def end(self) -> None:
        with translated(), self.engine.begin() as connection:
            connection.execute(delete(META).where(META.c.name == UPGRADING))

    def migrate(self, manifest: Manifest, step: Step, migrations: Path = MIGRATIONS) -> None:
        """Raises `MovedOn`, and then has changed nothing, when a history has grown since that backup."""

        def first(connection: Connection) -> None:
            if schema_of(connection) == manifest.schema:
                _check_stands_still(connection, manifest)

        migrate_in_steps(self.engine, first, step, migrations)

    def go_back(self, manifest: Manifest, frames: Iterable[Frame], progress: Progress) -> None:
        restore_over(self.engine, manifest, frames, progress)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One upgrade of a PostgreSQL database at a time, from whatever machine. Raises `Refused`."""
        if self.engine.dialect.name != "postgresql":
            yield
            return
        with translated(), self.engine.begin() as connection:  # a pooler keeps nothing beyond a transaction
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            if not connection.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}):
                raise Refused("somebody upgrades this database already, on another machine: wait until it is done")
            yield

    def others(self) -> Sequence[Process]:
        """The other processes of soppa that are connected to a PostgreSQL database."""
        if self.engine.dialect.name != "postgresql":
            return ()
        look = _seen_behind_pooler if is_pooled(self.engine) else _connected
        with translated(), reading(self.engine).begin() as connection:
            names = look(connection)
        found = (_NAMED.fullmatch(name) for name in sorted(names - {who_connects()}))
        return tuple(Process(int(match["pid"]), match["host"]) for match in found if match)



def _connected(connection: Connection) -> set[str]:
    return set(connection.scalars(_EVERYBODY))


def _seen_behind_pooler(connection: Connection) -> set[str]:
    """A pooler's connections bear the name of whoever used them last, who may be dead, and an idle daemon has none. So
    it takes some beats of a daemon to see who is there; the transaction keeps our own name off the others' connections.
    """
    since, seen = connection.scalar(text("SELECT clock_timestamp()")), set[str]()
    for _ in range(_LOOKS):
        time.sleep(_PAUSE)
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        seen.update(connection.scalars(_AT_WORK, {"since": since}))
    return seen


@contextmanager
def database(url: str) -> Iterator[Database]:
    with opened(url) as engine:
        yield Database(engine)


def definitions_in_use(connection: Connection) -> Sequence[tuple[str, int, str]]:
    """Process, version and hash of the definitions on which cases run."""
    columns = (CASES.c.process, CASES.c.version, CASES.c.hash)
    rows = connection.execute(select(*columns).where(CASES.c.ended_at.is_(None)).distinct().order_by(*columns))
    return [(row.process, row.version, row.hash) for row in rows]


def open_cases(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(CASES).where(CASES.c.ended_at.is_(None))) or 0


def _check_stands_still(connection: Connection, manifest: Manifest) -> None:
    if heads(connection) != manifest.heads:
        raise MovedOn(
            "somebody went on working while the backup was made: nothing was changed; end what uses this home, and run "
            "soppa upgrade again"
        )
