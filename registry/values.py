"""What the register holds. An agreement is for a product, a product is of an operator."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields

from engine.model.case import Contact, TableRow


@dataclass(frozen=True, slots=True)
class Operator:
    """A company, by its legal name as typed: two that differ by a letter are two until somebody says otherwise."""

    id: str
    name: str
    business_address: str | None = None
    contact: Contact | None = None
    breach_contact: Contact | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """A site, service or app as the district uses it. `key` is the row of the inventory that it was imported from;
    `sponsor` a person's id, or the mail address of somebody who is not among the people; `messaging` what the audit
    says of it as a platform for messages."""

    id: str
    operator: str
    name: str
    listing: str
    url: str | None = None
    key: str | None = None
    relationship: str | None = None
    purpose: str | None = None
    subject: str | None = None
    grades: str | None = None
    data_elements: frozenset[str] = frozenset()
    use_of_data: str | None = None
    disclosure_purpose: str | None = None
    schools: int | None = None
    students: int | None = None
    messaging: str | None = None
    sponsor: str | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """A written agreement for one product, entered into on `signed_on`. `supersedes` is the agreement that it amends or
    renews. Days are those of the contract itself."""

    id: str
    product: str
    type: str
    signed_on: dt.date
    status: str = "active"
    posted_on: dt.date | None = None
    posted_url: str | None = None
    expires_on: dt.date | None = None
    last_attested_on: dt.date | None = None
    ended_on: dt.date | None = None
    breach_notice_days: int | None = None
    deletion_days: int | None = None
    correction_days: int | None = None
    clauses: tuple[TableRow, ...] = ()
    subcontractors: str | None = None
    supersedes: str | None = None


Record = Operator | Product | Agreement
NEW = ""
"""The id of a record that has none yet: it is given when the record is kept."""


def label(product: str, operator: str) -> str:
    """How people are told which agreement is meant."""
    return f"{product} – {operator}"


@dataclass(frozen=True, slots=True)
class Holding:
    """A product with its operator and one of its agreements, if it has any."""

    operator: Operator
    product: Product
    agreement: Agreement | None = None

    @property
    def key(self) -> str:
        """The row of an inventory that is about this product: the one it came from, or its own id."""
        return self.product.key or self.product.id

    @property
    def label(self) -> str:
        return label(self.product.name, self.operator.name)


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs; None where there was or will be nothing."""

    field: str
    was: object
    becomes: object


def changes(before: Record | None, after: Record) -> tuple[Change, ...]:
    """The fields in which two records differ; of a new one all that are filled."""
    found = (Change(each.name, getattr(before, each.name, None), getattr(after, each.name)) for each in fields(after))
    return tuple(one for one in found
                 if one.field != "id" and one.was != one.becomes and not _is_nothing(one.was, one.becomes))


def _is_nothing(was: object, becomes: object) -> bool:
    """An empty set or table takes the place of no value."""
    return was in (None, (), frozenset()) and becomes in (None, (), frozenset())
