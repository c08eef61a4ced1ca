"""Engines: one URL becomes connections with the pragmas that keep what was committed.

SQLite: full sync, `BEGIN IMMEDIATE` for writers, foreign keys, secure delete, WAL only where it is safe. PostgreSQL:
READ COMMITTED for writers, who lock the rows they will change; one snapshot, read only, for readers.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError

from engine.errors import Contradiction, LostRace, Refused, SoppaError, WrongEnvironment
from storage import direct
from storage.driver import BUSY_SECONDS, SCHEMA, SQLITE, wal_is_safe, wrong_schema

TRIES = 5
REFUSES_WRITERS = "moved to PostgreSQL"
"""What a SQLite file says to its writers once its rows are elsewhere."""
UPGRADING = "upgrading"
"""The mark of a database whose upgrade has not come to its end."""

_READS = "soppa_reads"
_RACES = ("40001", "40P01")
_UNIQUE = "23505"
T = TypeVar("T")


def parse_url(url: str) -> URL:
    """`sqlite:///PATH` or `postgresql://…`. Raises `WrongEnvironment` for anything else."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise WrongEnvironment(
            "the database setting is no URL: write sqlite:///PATH or postgresql://HOST/NAME"
        ) from None
    kind = parsed.get_backend_name()
    if kind == "sqlite" and parsed.database:
        return parsed.set(drivername="sqlite")
    if kind == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    raise WrongEnvironment(f"databases of kind '{kind}' are not known: write sqlite:///PATH or postgresql://HOST/NAME")


def database_file(url: str) -> Path | None:
    """The file of an SQLite database; None for PostgreSQL."""
    parsed = parse_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def open_engine(url: str, *, create: bool = False) -> Engine:
    """An engine whose transactions begin as writers; `reading` gives its twin. The file is made with `create` only.

    Raises `WrongEnvironment` for a missing, unreadable or corrupt file, one that others may read, or a driver that is
    not installed.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed, Path(parsed.database or ""), create)
    return _open_postgres(parsed)


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """An engine for the length of the block."""
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def reading(engine: Engine) -> Engine:
    """The same connections, for transactions that only read and see one moment."""
    return engine.execution_options(**{_READS: True})


def check_schema(engine: Engine, *, upgrading: bool = False) -> None:
    """Raises `WrongEnvironment` with one sentence when the schema is missing, older or newer than this program, or when
    an upgrade has not come to its end, but for that upgrade itself."""
    with translated(), reading(engine).connect() as connection:
        known = inspect(connection).has_table("alembic_version")
        found = connection.scalar(text("SELECT version_num FROM alembic_version")) if known else None
        half = connection.scalar(text(f"SELECT value FROM meta WHERE name = '{UPGRADING}'")) if known else None  # noqa: S608
    if found != SCHEMA:
        raise WrongEnvironment(wrong_schema(found))
    if half is not None and not upgrading:
        raise WrongEnvironment(
            "an upgrade of this database is under way, or was cut off: wait for it, or run soppa upgrade again"
        )


def is_pooled(engine: Engine) -> bool:
    """Whether a pooler such as PgBouncer stands before this PostgreSQL."""
    with translated(), closing(engine.raw_connection()) as raw:
        return _is_other_process(raw.driver_connection)


def for_libpq(engine: Engine) -> str:
    """The address of this PostgreSQL as its own library takes it, with a password that stands in it."""
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def translated() -> Iterator[None]:
    """Turns what the driver raises into one sentence of ours, without values."""
    try:
        yield
    except DBAPIError as error:
        raise sentence_of(error) from error


def sentence_of(error: DBAPIError) -> SoppaError:
    """What a person is told of an error of the database; `LostRace` where trying again will help."""
    state = getattr(error.orig, "sqlstate", None)
    said = str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
    if state in _RACES:
        return LostRace("another transaction was in the way: nothing was written, try again")
    if said == REFUSES_WRITERS:
        return WrongEnvironment(
            "this home is being moved to PostgreSQL: run the command again in a moment; where it stays so, the move "
            "was cut off, and soppa migrate-to-postgres goes on with it"
        )
    if isinstance(error, IntegrityError):
        return _sentence_of_refusal(error.orig, state, said)
    if "locked" in said or state == "55P03":
        return Refused("the database is busy with other work: nothing was written, try again in a moment")
    if "readonly" in said or state == "25006":
        return WrongEnvironment("the database is read-only: give its file and folder back to soppa's user")
    if "full" in said or state == "53100":
        return WrongEnvironment("the disk of the database is full: make room, nothing was lost")
    if "malformed" in said or "not a database" in said:
        return WrongEnvironment("the database file is damaged or no database: restore it from a backup")
    if error.connection_invalidated or (state is None and "connect" in said):
        return WrongEnvironment("the database does not answer: see that it runs and that the setting names it")
    return WrongEnvironment(f"the database refused ({type(error.orig).__name__}): nothing was written")


def _sentence_of_refusal(refusal: BaseException | None, state: str | None, said: str) -> SoppaError:
    """A row that is there already is a race, lost; any other refusal is a fault of ours. Names rules, never values."""
    if state == _UNIQUE or said.startswith("UNIQUE constraint failed"):
        return LostRace("another was first to write this row: nothing was written, look again")
    known = getattr(refusal, "diag", None)
    rule = said if known is None else known.constraint_name or f"{known.table_name}.{known.column_name}"
    return Contradiction(
        f"the database refused a row that breaks its rules ({rule}): nothing was written; this is a fault in soppa, "
        "report it"
    )


def again(work: Callable[[], T]) -> T:
    """Runs a whole transaction, and again when another was in its way, five times at most."""
    for _ in range(TRIES - 1):
        try:
            return work()
        except LostRace:
            continue
    return work()


def _open_sqlite(url: URL, path: Path, create: bool) -> Engine:
    if create and not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    _check_file(path)
    engine = create_engine(
        url,
        module=SQLITE,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    _choose_journal(engine)
    return engine


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise WrongEnvironment(f"there is no database {path}: make it with soppa init, or correct the setting")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise WrongEnvironment(f"{path} may be read by others (mode {mode:03o}): chmod 600 {path}")
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise WrongEnvironment(f"{path} is read-only: give the file and its folder back to soppa's user")


def _choose_journal(engine: Engine) -> None:
    """WAL lets readers go on while one writes. Told once per opening; the mode stays with the file."""
    mode = "WAL" if wal_is_safe(SQLITE.sqlite_version) else "DELETE"
    try:
        with closing(engine.raw_connection()) as raw:
            raw.cursor().execute(f"PRAGMA journal_mode={mode}")
    except SQLITE.Error as error:
        raise sentence_of(DBAPIError("PRAGMA", None, error, hide_parameters=True)) from error


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", "trusted_schema=OFF"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reads = bool(connection.get_execution_options().get(_READS))
    if connection.info.get(_READS) != reads:
        direct.say(connection, f"PRAGMA query_only={int(reads)}")
        connection.info[_READS] = reads
    direct.say(connection, "BEGIN" if reads else "BEGIN IMMEDIATE")


def _open_postgres(url: URL) -> Engine:
    try:
        arguments = {"connect_timeout": 10, "application_name": who_connects()}
        engine = create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=arguments)
    except ImportError:
        raise WrongEnvironment("PostgreSQL needs its driver: install soppa[postgres]") from None
    event.listen(engine, "connect", _prepare_postgres)
    event.listen(engine, "begin", _begin_postgres)
    return engine


def _prepare_postgres(connection: Any, _: object) -> None:
    """Behind a pooler the next transaction may meet another server process, which knows no statement prepared here."""
    if _is_other_process(connection):
        connection.prepare_threshold = None


def _is_other_process(connection: Any) -> bool:
    """Whether the server process that answers is not the one that greeted us: then a pooler stands in between."""
    with connection.cursor() as cursor:
        answers = cursor.execute("SELECT pg_backend_pid()").fetchone()[0]
    connection.rollback()
    return bool(answers != connection.info.backend_pid)


def who_connects() -> str:
    """How a process is known among the connections of a PostgreSQL server."""
    return f"soppa {os.getpid()} on {socket.gethostname()}"[:63]


def _begin_postgres(connection: Connection) -> None:
    """What is set on the driver's connection goes with its BEGIN, without a trip of its own."""
    reads = bool(connection.get_execution_options().get(_READS))
    levels = connection.dialect.loaded_dbapi.IsolationLevel
    raw: Any = connection.connection.driver_connection
    raw.isolation_level = levels.REPEATABLE_READ if reads else levels.READ_COMMITTED
    raw.read_only = reads
    if not reads:
        direct.say(connection, "SET LOCAL lock_timeout = '30s'")
