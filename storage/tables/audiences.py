"""Many readers of one mail: their copies, and the print runs."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import args, only_where


class AudienceRow(SQLModel, table=True):
    """An audience of a case. From `fixed_at` on nobody changes who belongs to it."""

    __tablename__ = "audiences"
    __table_args__ = args()
    case_id: str = Field(primary_key=True, foreign_key="cases.id")
    audience: str = Field(primary_key=True)
    counted: int
    students: int
    imported_at: dt.datetime
    fixed_at: dt.datetime | None = None


class RecipientRow(SQLModel, table=True):
    """One of an audience. `key` is a keyed digest of who they are, so that nobody is in it twice; `sealed` holds name,
    addresses, students and schools. `by_mail`: there is an address, and no wish for paper."""

    __tablename__ = "recipients"
    __table_args__ = args(
        UniqueConstraint("case_id", "audience", "number"), UniqueConstraint("case_id", "audience", "key")
    )
    id: int | None = Field(default=None, primary_key=True)
    case_id: str = Field(foreign_key="cases.id")
    audience: str
    number: int
    key: str
    language: str
    by_mail: bool
    consent: bool
    leaked: bool
    sealed: bytes


_COPY_STATES = "'waiting', 'accepted', 'failed', 'uncertain', 'printed', 'posted', 'decided'"


class CopyRow(SQLModel, table=True):
    """One copy of a mail for one recipient, by `mail` or on `paper`. `told_on` is set on all copies of a recipient as
    soon as one of them has told them; `done_on` when nothing more will be done about this copy."""

    __tablename__ = "copies"
    __table_args__ = args(
        UniqueConstraint("recipient_id", "mail", "step", "channel"),
        only_where("ix_copies_untold", "told_on IS NULL", "case_id", "mail", "step"),
        only_where("ix_copies_undone", "done_on IS NULL", "case_id", "mail", "step"),
        CheckConstraint(f"state IN ({_COPY_STATES})", "state"),
        CheckConstraint("channel IN ('mail', 'paper')", "channel"),
    )
    id: int | None = Field(default=None, primary_key=True)
    case_id: str = Field(foreign_key="cases.id", index=True)
    mail: str
    step: str
    recipient_id: int = Field(foreign_key="recipients.id")
    channel: str
    state: str
    told_on: dt.date | None = None
    done_on: dt.date | None = None
    run: int | None = None
    sealed_note: bytes | None = None


class PrintRunRow(SQLModel, table=True):
    """Letters that were printed together, by this person. `files` is a JSON list of the names of what was printed, each
    with the value of the document that keeps it."""

    __tablename__ = "print_runs"
    __table_args__ = args()
    case_id: str = Field(primary_key=True, foreign_key="cases.id")
    number: int = Field(primary_key=True)
    mail: str
    letters: int
    at: dt.datetime
    by: str
    files: str = Field(default="[]", sa_column_kwargs={"server_default": "[]"})
