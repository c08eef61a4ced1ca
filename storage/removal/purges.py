"""Purges that two persons have agreed to: what is to be removed, how far that has come, and the certificate."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import DBAPIError

from engine.errors import Refused
from storage.base import Base
from storage.database import sentence_of, translated
from storage.driver import SQLITE
from storage.rows import Row, dump
from storage.tables import METADATA, PURGE_ITEMS, PURGES

BATCH = 500
"""Rows of one transaction."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to remove. `kind` is its class of retention, `what` how it is removed, `ref` its id, or a local date
    before which everything of its kind goes."""

    number: int
    kind: str
    what: str
    ref: str
    due_on: dt.date
    state: str = "waiting"
    counts: Mapping[str, int] | None = None
    digest: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Purge:
    id: str
    as_of: dt.date
    confirmed_at: dt.datetime
    finished_at: dt.datetime | None
    terms: Mapping[str, object]
    certificate: str | None


def begin(connection: Connection, act_id: str, as_of: dt.date, terms: object, items: Sequence[Item],
          now: dt.datetime) -> None:
    """Writes down what is to be removed, in the transaction that confirms the act."""
    row = {"id": act_id, "as_of": as_of, "confirmed_at": now, "terms": dump(terms)}
    connection.execute(insert(PURGES).values(**row))
    rows = [{"purge": act_id, "number": item.number, "kind": item.kind, "what": item.what, "ref": item.ref,
             "due_on": item.due_on, "state": "waiting", "counts": "{}", "digest": "", "files": "[]"} for item in items]
    for start in range(0, len(rows), BATCH):
        connection.execute(insert(PURGE_ITEMS), rows[start : start + BATCH])


def purges(base: Base) -> Sequence[Purge]:
    """Every purge that was agreed to, the oldest first."""
    with base.reading() as connection:
        rows = connection.execute(select(PURGES).order_by(PURGES.c.confirmed_at, PURGES.c.id)).mappings().all()
    return tuple(Purge(row["id"], row["as_of"], row["confirmed_at"], row["finished_at"], json.loads(row["terms"]),
                       row["certificate"]) for row in rows)  # fmt: skip


def items(base: Base, purge: str) -> Sequence[Item]:
    with base.reading() as connection:
        found = select(PURGE_ITEMS).where(PURGE_ITEMS.c.purge == purge).order_by(PURGE_ITEMS.c.number)
        return tuple(_item(row) for row in connection.execute(found).mappings())


def finish(base: Base, purge: str, certificate: str, now: dt.datetime) -> str:
    """Keeps the certificate of a purge, once; gives the one that is kept."""

    def work(connection: Connection) -> str:
        mine = (PURGES.c.id == purge) & PURGES.c.finished_at.is_(None)
        connection.execute(update(PURGES).where(mine).values(certificate=certificate, finished_at=now))
        return str(connection.scalar(select(PURGES.c.certificate).where(PURGES.c.id == purge)))

    return base.write(work)


def put_item(base: Base, purge: str, item: Item, now: dt.datetime) -> None:
    """Writes down how far an item has come, in a transaction of its own."""
    base.write(lambda connection: write_item(connection, purge, item, now))


def shred(base: Base) -> None:
    """Takes the bytes of what was removed out of the database's own files. Raises `Refused` while others are in the
    way.

    SQLite writes its file anew and empties its log; PostgreSQL writes the tables anew.
    """
    with translated():
        if base.engine.dialect.name == "sqlite":
            _shred_sqlite(base)
            return
        with base.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("SET lock_timeout = '60s'")
            for table in METADATA.sorted_tables:
                connection.exec_driver_sql(f"VACUUM (FULL) {table.name}")
            connection.exec_driver_sql("RESET lock_timeout")


def memory_to_shred(base: Base) -> int:
    """Bytes of memory that `shred` takes: our SQLite is built to keep what is temporary there, and no setting changes
    that. PostgreSQL has its own."""
    if base.engine.dialect.name != "sqlite":
        return 0
    with base.reading() as connection:
        pages, free, size = (int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
                             for name in ("page_count", "freelist_count", "page_size"))  # fmt: skip
    return (pages - free) * size


def _shred_sqlite(base: Base) -> None:
    """Outside any transaction, so by the driver itself."""
    with closing(base.engine.raw_connection()) as raw:
        cursor = raw.cursor()
        try:
            cursor.execute("PRAGMA query_only=0")
            cursor.execute("VACUUM")
            busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except SQLITE.Error as error:
            raise sentence_of(DBAPIError("VACUUM", None, error, hide_parameters=True)) from error
    if busy:
        raise Refused("somebody is reading the database, and its log still holds what was removed: run this again")


def read_item(connection: Connection, purge: str, number: int, *, locked: bool = False) -> Item:
    mine = select(PURGE_ITEMS).where((PURGE_ITEMS.c.purge == purge) & (PURGE_ITEMS.c.number == number))
    return _item(connection.execute(mine.with_for_update() if locked else mine).mappings().one())


def write_item(connection: Connection, purge: str, item: Item, now: dt.datetime) -> None:
    mine = (PURGE_ITEMS.c.purge == purge) & (PURGE_ITEMS.c.number == item.number)
    values = {"state": item.state, "counts": dump(item.counts or {}), "digest": item.digest,
              "files": dump(list(item.files)), "done_at": None if item.state == "waiting" else now}
    connection.execute(update(PURGE_ITEMS).where(mine).values(values))


def _item(row: Row) -> Item:
    return Item(row["number"], row["kind"], row["what"], row["ref"], row["due_on"], row["state"],
                json.loads(row["counts"]), row["digest"], tuple(json.loads(row["files"])))
