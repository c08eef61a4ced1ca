"""What reports are counted from: cases, their legal dates, and agreements, over a period. Reads only, and no personal
data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from engine.model.undoable import TAKEN_BACK
from storage.base import Base
from storage.tables import AGREEMENTS, CASES, CLOCKS, OPERATORS, PRODUCTS

_CASE = (CASES.c.id, CASES.c.process, CASES.c.version, CASES.c.hash)


@dataclass(frozen=True, slots=True)
class CaseCounted:
    """A case and the definition that it is on; `outcome` is None while it is open, `parent` the case that began it."""

    id: str
    process: str
    version: int
    hash: str
    started_at: dt.datetime
    ended_at: dt.datetime | None
    outcome: str | None
    parent: str | None


@dataclass(frozen=True, slots=True)
class DateCounted:
    """The dates of a clock that count now, and the case they are of."""

    case_id: str
    process: str
    version: int
    hash: str
    clock: str
    rule: str
    status: str
    anchor: dt.date
    legal: dt.date | None
    target: dt.date | None
    ended_on: dt.date | None


@dataclass(frozen=True, slots=True)
class AgreementCounted:
    id: str
    product: str
    operator: str
    type: str
    status: str
    signed_on: dt.date
    posted_on: dt.date | None


@dataclass(frozen=True, slots=True)
class Reporting:
    base: Base

    def cases(self, first: dt.datetime, before: dt.datetime) -> Sequence[CaseCounted]:
        """The cases that began from `first` on and before `before`."""
        wanted = select(*_CASE, CASES.c.started_at, CASES.c.ended_at, CASES.c.outcome, CASES.c.parent)
        wanted = wanted.where((CASES.c.started_at >= first) & (CASES.c.started_at < before)).order_by(CASES.c.id)
        with self.base.reading() as connection:
            return [CaseCounted(*row) for row in connection.execute(wanted)]

    def due(self, first: dt.date, last: dt.date) -> Sequence[DateCounted]:
        """The clocks whose legal date lies in these days, both included."""
        with self.base.reading() as connection:
            rows = connection.execute(_DATES.where(CLOCKS.c.legal.between(first, last)))
            return [DateCounted(*row) for row in rows]

    def dates_of(self, first: dt.datetime, before: dt.datetime) -> Sequence[DateCounted]:
        """The clocks of the cases that began in this time, also those without a legal date."""
        with self.base.reading() as connection:
            rows = connection.execute(_DATES.where((CASES.c.started_at >= first) & (CASES.c.started_at < before)))
            return [DateCounted(*row) for row in rows]

    def agreements(self, first: dt.date, last: dt.date) -> Sequence[AgreementCounted]:
        """The agreements that were signed in these days, both included."""
        columns = (AGREEMENTS.c.id, PRODUCTS.c.name, OPERATORS.c.name.label("operator"), AGREEMENTS.c.type,
                   AGREEMENTS.c.status, AGREEMENTS.c.signed_on, AGREEMENTS.c.posted_on)  # fmt: skip
        wanted = (
            select(*columns)
            .join(PRODUCTS, PRODUCTS.c.id == AGREEMENTS.c.product)
            .join(OPERATORS, OPERATORS.c.id == PRODUCTS.c.operator)
            .where(AGREEMENTS.c.signed_on.between(first, last))
            .order_by(AGREEMENTS.c.signed_on, AGREEMENTS.c.id)
        )
        with self.base.reading() as connection:
            return [AgreementCounted(*row) for row in connection.execute(wanted)]


_DATES = (
    select(
        *_CASE, CLOCKS.c.name, CLOCKS.c.rule, CLOCKS.c.status, CLOCKS.c.anchor, CLOCKS.c.legal, CLOCKS.c.target,
        CLOCKS.c.ended_on,
    )
    .join(CASES, CASES.c.id == CLOCKS.c.case_id)
    .where((CLOCKS.c.status != "superseded") & ~((CLOCKS.c.status == "void") & (CLOCKS.c.reason == TAKEN_BACK)))
    .order_by(CLOCKS.c.legal, CLOCKS.c.case_id, CLOCKS.c.name)
)  # fmt: skip
