"""Moving a database from a SQLite file into an empty PostgreSQL database: all rows of one moment, in one transaction,
and compared by their content before it commits. What is sealed is copied as it is."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Table, delete, inspect, select, text

from engine.errors import Refused, WrongEnvironment
from storage.backup.frames import Frame
from storage.backup.making import MANY, Progress, table_frames
from storage.backup.manifest import describe, heads, latest_seal
from storage.backup.restoring import restore_into
from storage.backup.rows import kind_of, packing
from storage.database import REFUSES_WRITERS, open_engine, reading, translated
from storage.driver import SCHEMA
from storage.sealing import canonical
from storage.tables import META, METADATA
from storage.upkeep.seen import MOVING

OLDEST = 150_000
_GUARD = "moved_to_postgres"
_SUM = 2**256


@dataclass(frozen=True, slots=True)
class Contents:
    """`sums` are digests of each table's rows, whatever their order; `heads` and `seal` as in a backup's manifest."""

    rows: Mapping[str, int]
    sums: Mapping[str, str]
    heads: str
    seal: tuple[int, str] | None

    @property
    def total(self) -> int:
        return sum(self.rows.values())

    @property
    def sum(self) -> str:
        return hashlib.sha256(canonical(dict(self.sums))).hexdigest()

    def differs_from(self, other: Contents) -> list[str]:
        """The tables that are not alike."""
        return sorted(name for name, found in self.sums.items() if other.sums.get(name) != found)


@dataclass(frozen=True, slots=True)
class Target:
    """A PostgreSQL database that could be moved into. `token` is that of the move that filled it, None where it is
    empty."""

    version: str
    token: str | None


def look_at_target(url: str) -> Target:
    """Raises `WrongEnvironment` for a server that will not do, `Refused` for a database that holds something else."""
    engine = open_engine(url)
    try:
        with translated(), reading(engine).begin() as connection:
            _check_server(connection)
            version = str(connection.scalar(text("SHOW server_version"))).partition(" ")[0]
            return Target(version, _token_in(connection))
    finally:
        engine.dispose()


def contents_of(connection: Connection) -> Contents:
    """Reads every row that this transaction sees."""
    found = {table.name: _count_and_sum(connection, table) for table in METADATA.sorted_tables}
    rows, sums = ({name: each[part] for name, each in found.items()} for part in (0, 1))
    return Contents(
        {name: int(count) for name, count in rows.items()},
        {name: f"{value:064x}" for name, value in sums.items()},
        heads(connection),
        latest_seal(connection),
    )


def fill(
    url: str, source: Connection, target: Target, token: str, soppa: str, now: dt.datetime, progress: Progress
) -> tuple[Contents, Contents]:
    """Copies everything, unless a move that was cut off has done so, and gives what both sides hold.

    Raises `Refused` where the home has gone on since, or somebody fills the database meanwhile; `WrongEnvironment` when
    both sides are not alike. A database that was empty is empty then.
    """
    before = contents_of(source)
    if target.token is None:
        return before, _copied(url, source, before, token, soppa, now, progress)
    after = _contents_at(url)
    if before.differs_from(after):
        raise Refused(
            "a move that was cut off has filled this database, and the home has gone on since: drop the database, make "
            "a new one, and name that"
        )
    _check_alike(before, after)
    return before, after


def _copied(
    url: str, source: Connection, before: Contents, token: str, soppa: str, now: dt.datetime, progress: Progress
) -> Contents:
    after: list[Contents] = []

    def compare(target: Connection) -> None:
        after.append(contents_of(target))
        _check_alike(before, after[0])

    manifest = describe(source, soppa, SCHEMA, now)
    restore_into(url, manifest, _frames(source), _no_files, {MOVING: token}, progress, compare)
    return after[0]


def _contents_at(url: str) -> Contents:
    engine = open_engine(url)
    try:
        with translated(), reading(engine).begin() as connection:
            return contents_of(connection)
    finally:
        engine.dispose()


def _check_alike(before: Contents, after: Contents) -> None:
    differing = before.differs_from(after)
    if differing or before.rows != after.rows or (before.heads, before.seal) != (after.heads, after.seal):
        raise WrongEnvironment(
            f"what arrived in PostgreSQL is not what the file holds ({', '.join(differing) or 'the histories'}): "
            "nothing was moved; this is a fault in soppa, report it"
        )


def refuse_writers(connection: Connection) -> None:
    """From the commit on nobody writes into this SQLite file any more, those included who wait for their turn now."""
    for table in METADATA.sorted_tables:
        for what in ("INSERT", "UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER IF NOT EXISTS {_GUARD}_{table.name}_{what.lower()} BEFORE {what} ON {table.name} "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSES_WRITERS}'); END"
            )


def refuses_writers(connection: Connection) -> bool:
    found = text("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE :name")
    return bool(connection.scalar(found, {"name": f"{_GUARD}%"}))


def put_in_service(url: str) -> None:
    engine = open_engine(url)
    try:
        with translated(), engine.begin() as connection:
            connection.execute(delete(META).where(META.c.name == MOVING))
    finally:
        engine.dispose()


def _check_server(connection: Connection) -> None:
    if int(connection.scalar(text("SHOW server_version_num")) or 0) < OLDEST:
        raise WrongEnvironment("this PostgreSQL is older than version 15: move to a newer server")
    if connection.scalar(text("SHOW server_encoding")) != "UTF8":
        raise WrongEnvironment("this database does not keep its text in UTF-8: make one with createdb --encoding UTF8 "
                               "--template template0")  # fmt: skip
    if connection.scalar(text("SELECT pg_is_in_recovery()")):
        raise WrongEnvironment("this server is a standby, which only follows another one: name the primary")
    if not connection.scalar(text("SELECT has_schema_privilege(current_schema(), 'CREATE')")):
        raise WrongEnvironment("this user may not make tables in the database: make the database theirs (createdb "
                               "--owner)")  # fmt: skip


def _token_in(connection: Connection) -> str | None:
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    there = META.name in tables
    token = connection.scalar(select(META.c.value).where(META.c.name == MOVING)) if there else None
    if token is None:
        raise Refused("the database to move into is not empty: make a new one, and name that")
    return str(token)


def _count_and_sum(connection: Connection, table: Table) -> tuple[int, int]:
    """The sum of the rows' digests: the databases order texts in different ways."""
    pack = packing([kind_of(its) for its in table.columns])
    wanted = select(table).where(META.c.name != MOVING) if table is META else select(table)
    count, total = 0, 0
    found = connection.execution_options(yield_per=MANY).execute(wanted)
    for row in found:
        count += 1
        total += int.from_bytes(hashlib.sha256(canonical(pack(row))).digest(), "big")
    return count, total % _SUM


def _frames(connection: Connection) -> Iterator[Frame]:
    for table in METADATA.sorted_tables:
        yield from table_frames(connection, table)


def _no_files(name: object, pieces: object) -> None:
    raise AssertionError("a move holds no files")
