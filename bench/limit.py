"""The limit: the driver alone sending the same writes, statement by statement, with the same commits.

What a piece of work writes is recorded while the service does it once, and replayed for other cases. Reading, deciding,
sealing and hashing are left out, so nobody could be faster with these rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event

from bench.grounds import begin

_WRITES = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Written:
    """One statement with what it was given: one set of values, or with `many` a list of them."""

    statement: str
    values: Any
    many: bool

    def swapped(self, swap: Mapping[object, object]) -> Written:
        """The same for others: whole numbers are swapped as they are, also in lists, words also inside of texts."""
        values = [_swapped(each, swap) for each in self.values] if self.many else _swapped(self.values, swap)
        return Written(self.statement, values, self.many)


@contextmanager
def recording(engine: Engine) -> Iterator[list[Written]]:
    """What is written on this engine while the block lasts."""
    found: list[Written] = []

    def keep(_: Any, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        if statement.lstrip().startswith(_WRITES):
            found.append(Written(statement, values, many))

    event.listen(engine, "before_cursor_execute", keep)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", keep)


def replay(connection: Any, written: Sequence[Written]) -> None:
    """Sends them in one transaction, and commits."""
    begin(connection)
    cursor = connection.cursor()
    for each in written:
        (cursor.executemany if each.many else cursor.execute)(each.statement, each.values)
    connection.execute("COMMIT")


def _swapped(values: Any, swap: Mapping[object, object]) -> Any:
    if isinstance(values, Mapping):
        return {name: _other(value, swap) for name, value in values.items()}
    return tuple(_other(value, swap) for value in values)


def _other(value: object, swap: Mapping[object, object]) -> object:
    if isinstance(value, list):
        return [_other(each, swap) for each in value]
    if isinstance(value, str):
        for old, new in swap.items():
            if isinstance(old, str):
                value = value.replace(old, str(new))
        return value
    return swap.get(value, value) if type(value) is int else value
