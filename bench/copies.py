"""A district full of cases: one is started as people do, the others are copies of its rows, made by the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Date
from sqlmodel import AutoString

from bench.grounds import begin, is_sqlite, mark
from storage.keeping import case_place
from storage.sealing import Ring
from storage.tables import ASSIGNEES, CASES, CLOCKS, HISTORY, TASKS, TIMERS

OF_A_CASE = ((CASES, "id"), (TASKS, "case_id"), (CLOCKS, "case_id"), (TIMERS, "case_id"), (ASSIGNEES, "task_id"),
             (HISTORY, "case_id"))
_OFFSET = 1_000_000


def copy_id(number: int) -> str:
    return f"copy-{_OFFSET + number}"


def fill(connection: Any, case_id: str, numbers: range, *, asleep: bool) -> None:
    """Copies under these numbers. Those `asleep` have other dates, spread over 60 days, and timers a year later."""
    for table, key in OF_A_CASE:
        columns = [column for column in table.c if not (column.name == "id" and table is TIMERS)]
        given = ", ".join(_value(connection, column, asleep) for column in columns)
        names = ", ".join(f'"{column.name}"' for column in columns)
        begin(connection)
        connection.execute(
            f"WITH RECURSIVE n(i) AS (SELECT {numbers.start} UNION ALL SELECT i + 1 FROM n"  # noqa: S608 - our own words
            f" WHERE i < {numbers.stop - 1}) INSERT INTO {table.name} ({names}) SELECT {given.format(old=case_id)}"
            f" FROM {table.name} AS was CROSS JOIN n WHERE was.{key} >= '{case_id}' AND was.{key} < '{case_id}.'"
        )
        connection.execute("COMMIT")
    if not is_sqlite(connection):
        connection.execute("ANALYZE")  # as PostgreSQL does by itself, some time later


def reseal(connection: Any, ring: Ring, case_id: str, numbers: Sequence[int]) -> None:
    """Makes copies that the service can open: what is personal opens at its own place only."""
    given = mark(connection)
    sealed = connection.execute(f"SELECT sealed FROM cases WHERE id = {given}", (case_id,)).fetchone()[0]  # noqa: S608
    plain = ring.open(bytes(sealed), case_place(case_id))
    rows = [(ring.seal(plain, case_place(copy_id(number))), copy_id(number)) for number in numbers]
    begin(connection)
    connection.cursor().executemany(f"UPDATE cases SET sealed = {given} WHERE id = {given}", rows)  # noqa: S608
    connection.execute("COMMIT")


def _value(connection: Any, column: Column[Any], asleep: bool) -> str:
    was = f'was."{column.name}"'
    if isinstance(column.type, AutoString):
        return f"replace({was}, '{{old}}', 'copy-' || ({_OFFSET} + i))"
    if asleep and isinstance(column.type, Date):
        return f"date({was}, '+' || (i % 60) || ' days')" if is_sqlite(connection) else f"{was} + (i % 60)::int"
    if asleep and column is TIMERS.c.at:
        in_a_year = f"strftime('%Y-%m-%d %H:%M:%f000', {was}, '+365 days')"
        return in_a_year if is_sqlite(connection) else f"{was} + INTERVAL '365 days'"
    return was


def parts(numbers: range, size: int) -> Iterator[range]:
    yield from (numbers[start : start + size] for start in range(0, len(numbers), size))
