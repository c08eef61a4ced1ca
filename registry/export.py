"""The register as a CSV file that it can be imported from again.

Every cell is quoted; what a spreadsheet would compute gets an apostrophe before it.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Mapping

from engine.model.case import Contact
from registry.fields import LISTINGS, RELATIONSHIPS, TYPES, values_of
from registry.inventory import ALL_COLUMNS, FIELD_OF, KEY, OPENS_A_FORMULA
from registry.values import Holding

_WORDS = {"listing": LISTINGS, "relationship": RELATIONSHIPS, "type": TYPES}


def to_csv(holdings: Iterable[Holding], people: Mapping[str, str]) -> str:
    """One row a product, in the columns of the inventory. A product that was never imported has its own id as key.
    `people` are mail addresses by id, for sponsors whom the register knows as persons."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(ALL_COLUMNS)
    writer.writerows([defused(cell) for cell in _cells(holding, people)] for holding in holdings)
    return out.getvalue()


def _cells(holding: Holding, people: Mapping[str, str]) -> Iterable[str]:
    values = values_of(holding)
    if "sponsor" in values:
        values["sponsor"] = people.get(str(values["sponsor"]), values["sponsor"])
    for column in ALL_COLUMNS:
        name = FIELD_OF.get(column, column)
        yield holding.key if column == KEY else _cell(name, values.get(name))


def _cell(name: str, value: object) -> str:
    match value:
        case None:
            return ""
        case dt.date():
            return value.isoformat()
        case frozenset():
            return "; ".join(sorted(value))
        case (Contact() as contact, *_):
            return contact.email or ""
        case _:
            return _WORDS[name][str(value)] if name in _WORDS else str(value)


def defused(cell: str) -> str:
    """A cell that no spreadsheet computes."""
    return f"'{cell}" if cell[:1] and cell[0] in OPENS_A_FORMULA else cell
