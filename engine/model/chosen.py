"""What was chosen in a set, row by row: each has its row."""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import UsageError
from engine.model.case import FactValue, TableRow
from engine.model.definition import Definition

Facts = Mapping[str, FactValue]


def check_rows(definition: Definition, facts: Facts, values: Facts) -> None:
    """Raises `UsageError` where something that was chosen is passed over in a table of it among these values."""
    for name, rows in values.items():
        fact = definition.fact(name)
        chosen = None if fact is None or fact.rows_of is None else {**facts, **values}.get(fact.rows_of)
        if isinstance(chosen, frozenset) and isinstance(rows, tuple):
            left_out = sorted(chosen - {row.key for row in rows if isinstance(row, TableRow)})
            if left_out:
                raise UsageError(f"{name}: there is no row for '{left_out[0]}': say of each what was chosen")
