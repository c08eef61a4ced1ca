"""What must be kept longer, and what was purged."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import args


class PreservationRow(SQLModel, table=True):
    """Nothing of this case is purged while the row is there; `sealed` holds the reason."""

    __tablename__ = "preservations"
    __table_args__ = args()
    case_id: str = Field(primary_key=True, foreign_key="cases.id")
    placed_at: dt.datetime
    by: str
    sealed: bytes


class PurgeRow(SQLModel, table=True):
    """A purge that two persons have agreed to; `id` is that of their act. `terms` is JSON with the terms as they were
    shown them and the disposal certificate, `certificate` what was removed, once all of it was."""

    __tablename__ = "purges"
    __table_args__ = args()
    id: str = Field(primary_key=True)
    as_of: dt.date
    confirmed_at: dt.datetime
    finished_at: dt.datetime | None = None
    terms: str
    certificate: str | None = None


_ITEM_STATES = "'waiting', 'files', 'done', 'held'"


class PurgeItem(SQLModel, table=True):
    """One thing to remove: a case, an audience, a person … `kind` is the class of retention, `what` how it is removed.
    `counts` is JSON with how many of what are gone, `digest` chains the SHA-256 of what was sealed there. `files` are
    names of files that go next."""

    __tablename__ = "purge_items"
    __table_args__ = args(CheckConstraint(f"state IN ({_ITEM_STATES})", "state"))
    purge: str = Field(primary_key=True, foreign_key="purges.id")
    number: int = Field(primary_key=True)
    kind: str
    what: str
    ref: str
    due_on: dt.date
    state: str
    counts: str
    digest: str
    files: str
    done_at: dt.datetime | None = None
