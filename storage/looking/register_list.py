"""The register as a list, fast: straight from the database, without the libraries of the store.

Nothing that names a person is read here, so no key is needed; whoever asks by sponsor opens that column themselves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.looking.queue import asking

_LISTED = """
    SELECT o.id, o.name, p.id, p.name, p.listing, a.id, a.type, a.status, a.signed_on, a.posted_on, a.expires_on,
           a.last_attested_on, p.sealed, p.messaging
    FROM products p JOIN operators o ON o.id = p.operator LEFT JOIN agreements a ON a.product = p.id
    ORDER BY o.name, p.name, a.signed_on, a.id"""


@dataclass(frozen=True, slots=True)
class Listed:
    """A product with one of its agreements, if it has any. `sealed` opens at `products/ID` with the key ring."""

    operator_id: str
    operator: str
    product_id: str
    product: str
    listing: str
    agreement: str | None
    type: str | None
    status: str | None
    signed_on: dt.date | None
    posted_on: dt.date | None
    expires_on: dt.date | None
    last_attested_on: dt.date | None
    sealed: bytes
    messaging: str | None = None


def listed(database: str | Path) -> list[Listed]:
    """Every product with each of its agreements, by operator and product. Raises `WrongEnvironment` as `open_store`."""
    with asking(database) as ask:
        return [_read(row) for row in ask(_LISTED)]


def names_of(database: str | Path, person: str) -> set[str]:
    """The id and the mail address of a person of the district, by either; only the word itself where nobody has it."""
    with asking(database) as ask:
        return {person, *(name for row in ask("SELECT id, email FROM people") if person in row for name in row)}


def one_a_product(found: Iterable[Listed]) -> list[Listed]:
    """Each product with its active agreement, else with the one signed last."""
    chosen: dict[str, Listed] = {}
    for one in found:
        before = chosen.get(one.product_id)
        if before is None or before.status != "active":
            chosen[one.product_id] = one
    return list(chosen.values())


def _read(row: tuple[Any, ...]) -> Listed:
    signed, posted, expires, attested = map(_date, row[8:12])
    operator_id, operator, product_id, product, listing, agreement, kind, status = row[:8]
    return Listed(operator_id, operator, product_id, product, listing, agreement, kind, status, signed, posted, expires,
                  attested, bytes(row[12]), row[13])


def _date(value: str | dt.date | None) -> dt.date | None:
    return dt.date.fromisoformat(value) if isinstance(value, str) else value
