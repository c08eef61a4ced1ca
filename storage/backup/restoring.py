"""Restoring a backup: into a new SQLite file or an empty PostgreSQL database, whichever it came from.

All rows are written in one transaction that commits once the end of the backup was reached and found true. A backup of
an older schema is written into the tables of that schema, which are then brought to the newest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, bindparam, delete, insert, inspect, text, update

from engine.errors import Refused, WrongEnvironment
from storage.backup.frames import Frame
from storage.backup.making import Progress
from storage.backup.manifest import Manifest, heads, latest_seal, read_manifest
from storage.backup.rows import table_of, unpacking
from storage.database import UPGRADING, open_engine, translated
from storage.driver import SCHEMA
from storage.statements import put
from storage.tables import META, METADATA
from storage.upgrade import build

PlaceFile = Callable[[PurePosixPath, Iterator[bytes]], None]
_LOCK = 7_260_827
"""Held in PostgreSQL by whoever restores into a database."""


def first_of(frames: Iterator[Frame], name: str) -> Manifest:
    """The manifest. Raises `WrongEnvironment` for a backup of a newer schema."""
    frame = next(frames, None)
    if frame is None or frame.kind != "manifest":
        raise WrongEnvironment(f"{name} holds no manifest: restore another backup")
    manifest = read_manifest(frame.json())
    if manifest.schema > SCHEMA:
        raise WrongEnvironment(
            f"{name} has schema {manifest.schema} and was made by soppa {manifest.soppa}, this program knows schemas "
            f"up to {SCHEMA}: install the newer soppa"
        )
    return manifest


def restore_into(
    url: str,
    manifest: Manifest,
    frames: Iterable[Frame],
    place: PlaceFile,
    marks: Mapping[str, str],
    progress: Progress,
    check: Callable[[Connection], None] = lambda connection: None,
) -> int:
    """Writes tables, rows and files, and says how many files; `marks` are put into the database as well. What `check`
    raises leaves the database empty.

    Raises `Refused` for a database that is not empty, `WrongEnvironment` where something does not agree with the
    manifest.
    """
    engine = open_engine(url, create=True)
    try:
        with translated(), engine.begin() as connection:
            _check_empty(connection)
            build(connection, manifest.schema)
            loader = _Loader(connection, manifest, place, progress)
            loader.load(frames)
            if manifest.schema != SCHEMA:
                build(connection, "head")
            _check(connection, manifest, loader.counts)
            connection.execute(delete(META).where(META.c.name == UPGRADING))
            for name, value in marks.items():
                put(connection, META, {"name": name, "value": value})
            check(connection)
    finally:
        engine.dispose()
    return loader.files


def restore_over(engine: Engine, manifest: Manifest, frames: Iterable[Frame], progress: Progress) -> None:
    """Puts a database back to where a backup of it stands, schema and rows, in one transaction; files stay as they
    are."""
    with translated(), engine.begin() as connection:
        _drop_all(connection)
        build(connection, manifest.schema)
        loader = _Loader(connection, manifest, _leave_it, progress)
        loader.load(frames)
        _check(connection, manifest, loader.counts)


def _drop_all(connection: Connection) -> None:
    there = MetaData()
    there.reflect(connection)
    there.drop_all(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(text("DROP FUNCTION IF EXISTS history_refuse()"))


def _leave_it(path: PurePosixPath, pieces: Iterator[bytes]) -> None:
    for _ in pieces:
        pass


class _Loader:
    """Puts frame after frame where it belongs. Rows that name others of their own table get those names at the end."""

    def __init__(self, connection: Connection, manifest: Manifest, place: PlaceFile, progress: Progress) -> None:
        self.connection, self.place, self.progress = connection, place, progress
        self.total = sum(manifest.rows.values())
        self.counts: dict[str, int] = {}
        self.files = 0
        self._later: list[dict[str, Any]] = []

    def load(self, frames: Iterable[Frame]) -> None:
        waiting = iter(frames)
        frame = next(waiting, None)
        while frame is not None:
            if frame.kind == "table":
                frame = self._table(frame.json(), waiting)
            elif frame.kind == "file":
                frame = self._file(frame.json(), waiting)
            else:
                raise WrongEnvironment(f"the backup holds a stray '{frame.kind}': restore another backup")

    def _table(self, said: Any, frames: Iterator[Frame]) -> Frame | None:
        name, columns = str(said["table"]), [(str(each), str(kind)) for each, kind in said["columns"]]
        into, unpack, own = table_of(name, columns), unpacking(columns), _names_own(name)
        self.counts[name] = 0
        self.connection.execute(delete(into))  # what the migrations have put there is in the backup too
        for frame in frames:
            if frame.kind != "rows":
                self._tell_names(name, own)
                return frame
            rows = [unpack(row) for row in frame.json()]
            self._later += [_split(row, own, _key(name)) for row in rows if own and row.get(own) is not None]
            self.connection.execute(insert(into), rows)
            self.counts[name] += len(rows)
            self.progress(sum(self.counts.values()), self.total)
        self._tell_names(name, own)
        return None

    def _tell_names(self, name: str, own: str | None) -> None:
        if own and self._later:
            table = METADATA.tables[name]
            mine = table.c[_key(name)] == bindparam("its_key")
            self.connection.execute(update(table).where(mine).values({own: bindparam("its_own")}), self._later)
            self._later.clear()

    def _file(self, said: Any, frames: Iterator[Frame]) -> Frame | None:
        path, left = _checked(str(said["path"])), int(said["size"])
        after: list[Frame | None] = []

        def pieces() -> Iterator[bytes]:
            nonlocal left
            for frame in frames:
                if frame.kind != "piece":
                    after.append(frame)
                    return
                left -= len(frame.body)
                yield frame.body

        self.place(path, pieces())
        if left:
            raise WrongEnvironment(f"{path} is not whole in the backup: restore another backup")
        self.files += 1
        return after[0] if after else None


def _names_own(table: str) -> str | None:
    """The column in which a row names another row of its table."""
    known = METADATA.tables[table].foreign_keys if table in METADATA.tables else ()
    return next((key.parent.name for key in known if key.column.table.name == table), None)


def _key(table: str) -> str:
    return str(next(iter(METADATA.tables[table].primary_key)).name)


def _split(row: dict[str, Any], own: str, key: str) -> dict[str, Any]:
    named, row[own] = row[own], None
    return {"its_key": row[key], "its_own": named}


def _checked(path: str) -> PurePosixPath:
    """A path inside of the home, and never one of its keys."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path or parts[0] == "keys":
        raise WrongEnvironment("the backup names a file outside of a home: restore another backup")
    return PurePosixPath(path)


def _check_empty(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    if inspect(connection).get_table_names():
        raise Refused("the database to restore into is not empty: make a new one, and name that")


def _check(connection: Connection, manifest: Manifest, counts: Mapping[str, int]) -> None:
    """Whether what was written is what the manifest told; PostgreSQL's next numbers are set besides."""
    if counts != manifest.rows:
        wrong = sorted(name for name in manifest.rows if counts.get(name) != manifest.rows[name])
        raise WrongEnvironment(f"the backup lacks rows of {', '.join(wrong)}: restore another backup")
    if manifest.heads != heads(connection) or manifest.seal != latest_seal(connection):
        raise WrongEnvironment("the backup's histories are not those its manifest tells of: restore another backup")
    if connection.dialect.name == "postgresql":
        for name in counts:
            _set_next_number(connection, name)


def _set_next_number(connection: Connection, table: str) -> None:
    numbered = "id" in {each["name"] for each in inspect(connection).get_columns(table)}
    sequence = text("SELECT pg_get_serial_sequence(:name, 'id')")
    its = connection.scalar(sequence, {"name": table}) if numbered else None
    if its is not None:
        top = METADATA.tables[table].c.id
        latest = connection.scalar(top.table.select().with_only_columns(top).order_by(top.desc()).limit(1))
        connection.execute(
            text("SELECT setval(CAST(:its AS regclass), :next, false)"), {"its": its, "next": (latest or 0) + 1}
        )


def key_ring_fits(manifest: Manifest, opens: Callable[[bytes, str], bytes]) -> bool:
    """Whether a key ring is the one that the database was sealed with."""
    try:
        return opens(bytes.fromhex(manifest.key_check), "meta/key_check") == b"soppa"
    except WrongEnvironment:
        return False
