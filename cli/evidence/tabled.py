"""The rows of a table as a history tells them, in the words of its form.

A line holds a table as text: `1: group legal, amount 40; 2: …`. What somebody typed can look like a column, so a text
that can be read in two ways stays as it is.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from engine.law.days import day_name
from engine.model.definition import say
from engine.model.parts import FactDef


def rows_told(fact: FactDef, text: str) -> str:
    """`Student name – What it is needed for: Sign-in; It stays: yes · …`."""
    try:
        return " · ".join(_told(fact, key, cells) for key, cells in _rows(fact, text))
    except ValueError:
        return text


def _rows(fact: FactDef, text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Raises `ValueError` for a text that is no such table, or could be two."""
    known = "|".join(map(re.escape, fact.type.rows or fact.type.options)) or r"[^:;,]+"
    columns = "|".join(map(re.escape, fact.columns))
    starts = list(re.finditer(rf"(?:^|; )(?P<key>{known}): (?=(?:{columns}) )", text))
    if not starts or starts[0].start() or len({start["key"] for start in starts}) < len(starts):
        raise ValueError(text)
    ends = [start.start() for start in starts[1:]] + [len(text)]
    for start, end in zip(starts, ends, strict=True):
        yield start["key"], _cells(text[start.end():end], columns)


def _cells(text: str, columns: str) -> dict[str, str]:
    found = re.split(rf"(?:^|, )({columns}) ", text)[1:]
    cells = dict(zip(found[::2], found[1::2], strict=True))
    if len(cells) * 2 < len(found):
        raise ValueError(text)
    return cells


def _told(fact: FactDef, key: str, cells: dict[str, str]) -> str:
    label = fact.option_labels.get(key)
    told = [f"{say(column.label, 'en')}: {_cell(column, cells[name])}"
            for name, column in fact.columns.items() if name in cells]
    return f"{say(label, 'en') if label else key} – {'; '.join(told)}"


def _cell(column: FactDef, text: str) -> str:
    if column.type.kind == "bool":
        return {"true": "yes", "false": "no"}.get(text, text)
    if column.type.kind == "date":
        return day_name(dt.date.fromisoformat(text))
    label = column.option_labels.get(text)
    return say(label, "en") if label else text
