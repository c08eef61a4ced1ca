"""The tables of the program that deals out work to several workers. What stands in them may be lost at any time: jobs
are heartbeats and batches, and the rows that they are about are the only truth.

So its tables need no migrations: a version with others makes them anew. They are in no backup either.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, select, text

from storage.base import Base
from storage.statements import put
from storage.tables import META

_LOCK = 7_260_829
_MARK = "job_tables"
_ALL = "procrastinate"
"""Begins the name of each of its tables, types and functions."""

_MADE_BY = select(META.c.value).where(META.c.name == _MARK)
_THERE = text("SELECT to_regclass('procrastinate_jobs') IS NOT NULL")
_FRESH = text(
    "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => :seconds)"
)
_DROP = """
DO $$ DECLARE its record; BEGIN
    FOR its IN SELECT oid::regclass AS name FROM pg_class
        WHERE relname LIKE '{all}%' AND relkind = 'r' AND relnamespace = current_schema()::regnamespace
    LOOP EXECUTE format('DROP TABLE IF EXISTS %s CASCADE', its.name); END LOOP;
    FOR its IN SELECT oid::regprocedure AS name FROM pg_proc
        WHERE proname LIKE '{all}%' AND pronamespace = current_schema()::regnamespace
    LOOP EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', its.name); END LOOP;
    FOR its IN SELECT oid::regtype AS name FROM pg_type
        WHERE typname LIKE '{all}%' AND typtype IN ('e', 'c') AND typnamespace = current_schema()::regnamespace
    LOOP EXECUTE format('DROP TYPE IF EXISTS %s CASCADE', its.name); END LOOP;
END $$
"""


def make_job_tables(base: Base, schema: str) -> bool:
    """Sees to it that the tables are there as this schema makes them; says whether they had to be made. Of several
    workers that start at once, one makes them."""
    wanted = hashlib.sha256(schema.encode()).hexdigest()
    with base.writing() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if connection.scalar(_THERE) and connection.scalar(_MADE_BY) == wanted:
            return False
        _run(connection, _DROP.format(all=_ALL))
        _run(connection, schema)
        put(connection, META, {"name": _MARK, "value": wanted})
    return True


def lanes_at_work(base: Base, seconds: float) -> int:
    """How many lanes of workers have given a sign of life in so many seconds."""
    with base.reading() as connection:
        return int(connection.scalar(_FRESH, {"seconds": seconds}) or 0) if connection.scalar(_THERE) else 0


def _run(connection: Connection, statements: str) -> None:
    """Several statements at once, as they stand."""
    cursor = connection.connection.cursor()
    cursor.execute(statements)
    cursor.close()
