"""Who comes in: links, codes, sessions, second channels, and how often somebody tried."""

from __future__ import annotations

import datetime as dt

from sqlmodel import Field, SQLModel

from storage.tables.columns import args


class LinkRow(SQLModel, table=True):
    __tablename__ = "links"
    __table_args__ = args()
    id: int | None = Field(default=None, primary_key=True)
    token_hash: str = Field(unique=True)
    purpose: str
    case_id: str = Field(foreign_key="cases.id")
    recipient: str
    level: str
    expires_at: dt.datetime
    task_id: str | None = Field(default=None, foreign_key="tasks.id", index=True)
    task_generation: int | None = None
    outbox_id: int | None = Field(default=None, foreign_key="outbox.id", index=True)
    revoked_at: dt.datetime | None = None


class CodeRow(SQLModel, table=True):
    """The mailed code of a recipient. `case_key` is empty for a code that is bound to no case."""

    __tablename__ = "codes"
    __table_args__ = args()
    recipient: str = Field(primary_key=True)
    case_key: str = Field(primary_key=True)
    code_hash: str | None = None
    expires_at: dt.datetime | None = None
    wrong: int = 0
    locked_until: dt.datetime | None = None


class SessionRow(SQLModel, table=True):
    __tablename__ = "sessions"
    __table_args__ = args()
    id: int | None = Field(default=None, primary_key=True)
    token_hash: str = Field(unique=True)
    recipient: str
    case_id: str | None = None
    level: str
    opened_at: dt.datetime
    expires_at: dt.datetime
    closed: bool = False


class SecondCheck(SQLModel, table=True):
    """The custodian's tick: met in person, or called back."""

    __tablename__ = "second_checks"
    __table_args__ = args()
    case_id: str = Field(primary_key=True, foreign_key="cases.id")
    recipient: str = Field(primary_key=True)
    how: str
    by: str
    at: dt.datetime


class RateCount(SQLModel, table=True):
    __tablename__ = "rate_counts"
    __table_args__ = args()
    bucket: str = Field(primary_key=True)
    window_start: dt.datetime = Field(primary_key=True, index=True)
    count: int
