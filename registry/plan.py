"""What an import would do, row by row: only what differs from the register, and nothing for a row that says the same.

An empty cell says nothing: what the register has stays. Nothing is deleted by leaving it out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from engine.model.case import FactValue
from registry.fields import values_of
from registry.findings import OF_OPERATOR
from registry.inventory import DOUBT, FAULT, Finding, Row
from registry.values import Holding

ASKS_AGAIN = 0.2
"""From this share of the known rows on, changes are asked about once more: it may be the wrong file."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What one row brings: a new product, a product's first agreement, a later agreement that supersedes the one there,
    or changed fields. `was` holds what the changed fields were."""

    key: str
    kind: Literal["new", "agreement", "renewed", "changed"]
    holding: Holding | None
    values: Mapping[str, FactValue]
    was: Mapping[str, FactValue]


def sound(rows: Iterable[Row], findings: Iterable[Finding], accepted: Collection[str]) -> list[Row]:
    """The rows that are imported: those without a fault, and without a doubt that nobody has accepted."""
    held = {one.key for one in findings if one.weight == FAULT or (one.weight == DOUBT and one.key not in accepted)}
    return _first_says([row for row in rows if row.key not in held])


def planned(
    rows: Iterable[Row], known: Mapping[str, Holding], people: Mapping[str, str] | None = None
) -> Iterator[Planned]:
    """What the rows would change; `known` as `findings.matched` gives them. `people` are ids by mail address in small
    letters: a sponsor whom the register knows as a person is the same by their address."""
    for row in rows:
        found = _planned(_with_person(row, known.get(row.key), people or {}), known.get(row.key))
        if found is not None:
            yield found


def asks_again(plans: Sequence[Planned], known: Collection[str]) -> bool:
    """Whether so much of what is known would change that it may be the wrong file."""
    changed = sum(plan.kind in ("changed", "renewed") for plan in plans)
    return bool(known) and changed / len(known) > ASKS_AGAIN


def _planned(row: Row, holding: Holding | None) -> Planned | None:
    if holding is None:
        return Planned(row.key, "new", None, row.values, {})
    was = values_of(holding)
    news = {name: value for name, value in row.values.items() if was.get(name) != value}
    if row.is_of_an_agreement and holding.agreement is None:
        return Planned(row.key, "agreement", holding, row.values, _of(was, news))
    if _renews(row, holding):
        values = {**row.values, "supersedes": holding.agreement.id if holding.agreement else ""}
        return Planned(row.key, "renewed", holding, values, _of(was, news))
    return Planned(row.key, "changed", holding, news, _of(was, news)) if news else None


def _with_person(row: Row, holding: Holding | None, people: Mapping[str, str]) -> Row:
    person = people.get(str(row.values.get("sponsor", "")).casefold())
    if holding is None or person is None or holding.product.sponsor != person:
        return row
    return replace(row, values={**row.values, "sponsor": person})


def _renews(row: Row, holding: Holding) -> bool:
    """A later day of signing with a later end or another type is another agreement; a day alone is a correction."""
    agreement, signed, expires = holding.agreement, row.values.get("signed_on"), row.values.get("expires_on")
    if agreement is None or not isinstance(signed, dt.date) or signed <= agreement.signed_on:
        return False
    is_longer = isinstance(expires, dt.date) and expires > (agreement.expires_on or dt.date.min)
    return is_longer or row.values.get("type") != agreement.type


def _of(was: Mapping[str, FactValue], names: Iterable[str]) -> dict[str, FactValue]:
    return {name: was[name] for name in names if name in was}


def _first_says(rows: Sequence[Row]) -> list[Row]:
    """Of what rows of one operator say of it differently, the first one's word."""
    said: dict[tuple[object, str], FactValue] = {}
    found = []
    for row in rows:
        values = dict(row.values)
        for name in OF_OPERATOR:
            if name in values:
                values[name] = said.setdefault((values.get("operator"), name), values[name])
        found.append(replace(row, values=values))
    return found
