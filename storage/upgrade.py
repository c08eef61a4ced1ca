"""Bringing a database to the newest schema, one migration after the other.

A migration that moves many rows has, besides `upgrade()`, a function `batch(connection)` that moves at most a thousand
and says how many; it is called until it moves none, each time in a transaction of its own. What was cut off goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, delete, inspect, select, text

from storage.database import database_file, open_engine, reading, translated
from storage.statements import put
from storage.tables import META

MIGRATIONS = Path(__file__).parent / "migrations"
_BATCHES = "batches_of"
"""The mark of a migration whose rows are being moved."""

Step = Callable[[int, int], None]


def migrate(url: str) -> None:
    """Makes the database if there is none, and runs every migration it lacks, all in one transaction."""
    engine = open_engine(url, create=True)
    with translated(), engine.begin() as connection:
        build(connection, "head")
    engine.dispose()


def is_empty(url: str) -> bool:
    """Whether there is no database yet, or none of our tables in it."""
    file = database_file(url)
    if file is not None and not file.exists():
        return True
    engine = open_engine(url)
    try:
        with translated(), reading(engine).connect() as connection:
            return not inspect(connection).has_table("alembic_version")
    finally:
        engine.dispose()


def schema_of(connection: Connection) -> str | None:
    """The latest migration that a database has had."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def build(connection: Connection, revision: str, migrations: Path = MIGRATIONS) -> None:
    """Runs the migrations up to this one (`head` is the newest) in the transaction at hand."""
    for each in lacking(connection, revision, migrations):
        _step(connection, each, migrations)
        while _batch(connection, each, migrations):
            pass


def migrate_in_steps(
    engine: Engine, first: Callable[[Connection], object], step: Step, migrations: Path = MIGRATIONS
) -> None:
    """Runs every migration that is lacking, each in a transaction of its own, and goes on where it was cut off. `first`
    is called in the first transaction, before anything is changed; `step` after each one."""
    with translated(), reading(engine).begin() as connection:
        left, total = _left(connection, migrations), len(lacking(connection, "head", migrations))
    for number, revision in enumerate(left, 1):
        with translated(), engine.begin() as connection:
            first(connection)
            if revision in lacking(connection, "head", migrations):
                _step(connection, revision, migrations)
        first = _nothing
        _batches(engine, revision, migrations)
        step(number, max(total, len(left)))


def lacking(connection: Connection, revision: str = "head", migrations: Path = MIGRATIONS) -> Sequence[str]:
    """The migrations up to this one that a database has not had, in their order."""
    found = ScriptDirectory.from_config(config_for(connection, migrations))
    known = found.iterate_revisions(revision, schema_of(connection) or "base")
    return [each.revision for each in known][::-1]


def config_for(connection: Connection, migrations: Path = MIGRATIONS) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _left(connection: Connection, migrations: Path) -> Sequence[str]:
    """Those that are lacking, after the one whose rows are not all moved."""
    known = schema_of(connection) is not None
    cut = connection.scalar(select(META.c.value).where(META.c.name == _BATCHES)) if known else None
    return [*([cut] if cut else []), *lacking(connection, "head", migrations)]


def _step(connection: Connection, revision: str, migrations: Path) -> None:
    command.upgrade(config_for(connection, migrations), revision)
    if _mover(connection, revision, migrations) is not None:
        put(connection, META, {"name": _BATCHES, "value": revision})


def _batches(engine: Engine, revision: str, migrations: Path) -> None:
    while True:
        with translated(), engine.begin() as connection:
            if not _batch(connection, revision, migrations):
                return


def _batch(connection: Connection, revision: str, migrations: Path) -> int:
    """Moves some rows and says how many; after the last ones the mark goes."""
    move = _mover(connection, revision, migrations)
    moved = int(move(connection)) if move is not None else 0
    if move is not None and not moved:
        connection.execute(delete(META).where(META.c.name == _BATCHES))
    return moved


def _mover(connection: Connection, revision: str, migrations: Path) -> Callable[[Connection], Any] | None:
    script = ScriptDirectory.from_config(config_for(connection, migrations)).get_revision(revision)
    return getattr(script.module, "batch", None)


def _nothing(connection: Connection) -> None:
    """After the first transaction there is nothing more to look at."""
