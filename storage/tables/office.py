"""What the office itself is: marks of the database, people, definitions, acts, incidents."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import args, unique_where


class Meta(SQLModel, table=True):
    """Marks of the database as a whole: `key_check`, `high_water`, `demo`."""

    __tablename__ = "meta"
    __table_args__ = args()
    name: str = Field(primary_key=True)
    value: str


class PersonRow(SQLModel, table=True):
    __tablename__ = "people"
    __table_args__ = args()
    id: str = Field(primary_key=True)
    name: str
    email: str
    roles: str
    login: str | None = Field(default=None, unique=True)
    language: str
    deputy: str | None = None
    supervisor: str | None = None
    absent_from: dt.date | None = None
    absent_to: dt.date | None = None
    active: bool
    signs_from: dt.date | None = None
    signs_until: dt.date | None = None
    totp: bytes | None = None
    totp_counter: int | None = None
    left_on: dt.date | None = None


class DefinitionRow(SQLModel, table=True):
    """A definition in use. `labels` is JSON with what the queue shows of its clocks."""

    __tablename__ = "definitions"
    __table_args__ = args()
    process: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    hash: str
    title: str
    labels: str
    source: str


class PendingAct(SQLModel, table=True):
    """An act that waits for its second person."""

    __tablename__ = "pending_acts"
    __table_args__ = args(CheckConstraint("confirmed_by IS NULL OR confirmed_by <> by", "two_persons"))
    id: str = Field(primary_key=True)
    act: str
    case_id: str | None = None
    by: str
    at: dt.datetime
    expires: dt.datetime
    confirmed_by: str | None = None
    confirmed_at: dt.datetime | None = None
    sealed: bytes


class IncidentRow(SQLModel, table=True):
    """`resume_at` is when the row would have been due; a retry puts it back."""

    __tablename__ = "incidents"
    __table_args__ = args(unique_where("uq_incidents_open", "closed_at IS NULL", "kind", "ref"))
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    ref: int
    case_id: str | None = None
    error: str
    tries: int
    opened_at: dt.datetime
    resume_at: dt.datetime | None = None
    closed_at: dt.datetime | None = None
