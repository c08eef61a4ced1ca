"""A database as an older version of soppa had it: made from one of today by leaving out what came later."""

from __future__ import annotations

from sqlalchemy import Connection, MetaData, func, insert, select, text

from storage.backup.older import tables_there
from storage.database import open_engine
from storage.tables import METADATA
from storage.upgrade import build


def make_older(url: str, schema: str) -> None:
    """In one transaction: reads everything, makes the older tables, and writes what they have room for."""
    engine = open_engine(url)
    with engine.begin() as connection:
        rows = {table.name: connection.execute(select(table).order_by(*table.primary_key)).mappings().all()
                for table in METADATA.sorted_tables}  # fmt: skip
        there = MetaData()
        there.reflect(connection)
        there.drop_all(connection)
        if connection.dialect.name == "postgresql":
            connection.execute(text("DROP FUNCTION history_refuse()"))
        build(connection, schema)
        for table in tables_there(connection):
            connection.execute(table.delete())
            names = set(table.columns.keys())
            kept = [{name: value for name, value in row.items() if name in names} for row in rows[table.name]]
            if kept:
                connection.execute(insert(table), kept)
        if connection.dialect.name == "postgresql":
            _set_next_numbers(connection)
    engine.dispose()


def _set_next_numbers(connection: Connection) -> None:
    for table in tables_there(connection):
        if "id" in table.c and connection.scalar(text("SELECT pg_get_serial_sequence(:t, 'id')"), {"t": table.name}):
            latest = connection.scalar(select(func.max(table.c.id))) or 0
            connection.execute(text("SELECT setval(pg_get_serial_sequence(:t, 'id'), :next, false)"),
                               {"t": table.name, "next": latest + 1})
