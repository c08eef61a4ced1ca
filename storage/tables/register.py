"""The register of operators, and its history."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import args, unique_where


class OperatorRow(SQLModel, table=True):
    """`sealed` holds the contacts."""

    __tablename__ = "operators"
    __table_args__ = args()
    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    business_address: str | None = None
    sealed: bytes


class ProductRow(SQLModel, table=True):
    """`key` is the row of the inventory it came from; `sealed` holds the sponsor and the notes."""

    __tablename__ = "products"
    __table_args__ = args(UniqueConstraint("operator", "name"))
    id: str = Field(primary_key=True)
    operator: str = Field(foreign_key="operators.id")
    name: str
    listing: str
    url: str | None = None
    key: str | None = Field(default=None, unique=True)
    relationship: str | None = None
    purpose: str | None = None
    subject: str | None = None
    grades: str | None = None
    data_elements: str
    use_of_data: str | None = None
    disclosure_purpose: str | None = None
    schools: int | None = None
    students: int | None = None
    messaging: str | None = None
    sealed: bytes


class AgreementRow(SQLModel, table=True):
    """At most one active agreement for a product."""

    __tablename__ = "agreements"
    __table_args__ = args(
        CheckConstraint("status IN ('active', 'superseded', 'ended')", "status"),
        unique_where("uq_agreements_active", "status = 'active'", "product"),
    )
    id: str = Field(primary_key=True)
    product: str = Field(foreign_key="products.id", index=True)
    type: str
    signed_on: dt.date
    status: str
    posted_on: dt.date | None = None
    posted_url: str | None = None
    expires_on: dt.date | None = None
    last_attested_on: dt.date | None = None
    ended_on: dt.date | None = None
    breach_notice_days: int | None = None
    deletion_days: int | None = None
    correction_days: int | None = None
    clauses: str
    subcontractors: str | None = None
    supersedes: str | None = Field(default=None, foreign_key="agreements.id")


class RegisterNumber(SQLModel, table=True):
    """The last number given to an operator (O), a product (P) or an agreement (A)."""

    __tablename__ = "register_numbers"
    __table_args__ = args()
    kind: str = Field(primary_key=True)
    last: int


class RegisterHistoryRow(SQLModel, table=True):
    """What was written into the register, a chain an entry. Append-only by trigger as the histories of cases are."""

    __tablename__ = "register_history"
    __table_args__ = args()
    entry: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    at: dt.datetime
    actor: str
    kind: str
    detail: str
    personal_digest: str | None = None
    hash: str
    sealed: bytes | None = None
