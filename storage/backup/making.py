"""Making a backup: one moment of the database, table by table, and then the files.

The same form for both kinds of database. Readers and writers go on meanwhile: on PostgreSQL the moment is a snapshot,
on SQLite one of the write-ahead log. Where SQLite has none, a reader would stop the writers; then the moment is a copy
that SQLite's own backup makes first.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, select

from engine.errors import WrongEnvironment
from storage.backup.frames import Frame, FrameWriter
from storage.backup.manifest import Manifest, describe
from storage.backup.older import tables_there
from storage.backup.rows import kind_of, packing
from storage.database import open_engine, reading, translated
from storage.driver import SCHEMA, SQLITE
from storage.sealing import canonical
from storage.tables import METADATA
from storage.upgrade import schema_of

MANY = 500
"""Rows of one frame."""

PIECE = 256 * 1024
Progress = Callable[[int, int], None]
Files = Iterable[tuple[str, Path]]


@contextmanager
def one_moment(engine: Engine, copy: Path) -> Iterator[Connection]:
    """A transaction that sees one moment and holds up nobody for long; `copy` is where a copy may lie meanwhile, in the
    place of one that a dead process left."""
    if engine.dialect.name != "sqlite" or _has_log(engine):
        with translated(), reading(engine).begin() as connection:
            yield connection
        return
    try:
        copied = copied_to(engine, copy)
        with translated(), reading(copied).begin() as connection:
            yield connection
        copied.dispose()
    finally:
        copy.unlink(missing_ok=True)


def write_backup(
    out: FrameWriter, connection: Connection, files: Files, soppa: str, now: dt.datetime, progress: Progress
) -> tuple[Manifest, int]:
    """Writes everything but the end, and gives the manifest and the number of files. `files` is asked after the
    database was read, so that what the rows name is there. Raises `WrongEnvironment` for a file that changes
    meanwhile."""
    schema = schema_of(connection) or SCHEMA
    tables = METADATA.sorted_tables if schema == SCHEMA else tables_there(connection)
    manifest = describe(connection, soppa, schema, now, tables)
    out.put_json("manifest", manifest.as_json())
    total, done = sum(manifest.rows.values()), 0
    for table in tables:
        for frame in table_frames(connection, table):
            out.put(frame.kind, frame.body)
            done += MANY if frame.kind == "rows" else 0
            progress(min(done, total), total)
    return manifest, sum(_write_file(out, name, path) for name, path in files)


def table_frames(connection: Connection, table: Table) -> Iterator[Frame]:
    """The columns of a table, then its rows."""
    kinds = [kind_of(its) for its in table.columns]
    names = [its.name for its in table.columns]
    yield Frame("table", canonical({"table": table.name, "columns": list(zip(names, kinds, strict=True))}))
    pack = packing(kinds)
    found = connection.execution_options(yield_per=MANY).execute(select(table).order_by(*table.primary_key))
    for rows in found.partitions(MANY):
        yield Frame("rows", canonical([pack(row) for row in rows]))


def _write_file(out: FrameWriter, name: str, path: Path) -> bool:
    """Writes a file, and says whether it was there still."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return False
    with file:
        size = os.fstat(file.fileno()).st_size
        out.put_json("file", {"path": name, "size": size})
        left = size
        while left and (piece := file.read(min(PIECE, left))):
            out.put("piece", piece)
            left -= len(piece)
    if left:
        raise WrongEnvironment(f"{path} became shorter while it was read: make the backup again")
    return True


def _has_log(engine: Engine) -> bool:
    with closing(engine.raw_connection()) as raw:
        return bool(raw.cursor().execute("PRAGMA journal_mode").fetchone()[0] == "wal")


def copied_to(engine: Engine, copy: Path) -> Engine:
    """A copy of a SQLite file as it stands, in the place of one that is there; opened."""
    copy.unlink(missing_ok=True)
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with closing(SQLITE.connect(str(engine.url.database))) as source, closing(SQLITE.connect(str(copy))) as target:
        source.backup(target)
    return open_engine(f"sqlite:///{copy}")
