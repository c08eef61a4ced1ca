"""Mails on their way, and the lines of briefs."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import args, only_where, pending, unique_where

_STATES = "'queued', 'claimed', 'handing_over', 'accepted', 'deferred', 'failed', 'uncertain', 'cancelled'"


class OutboxMail(SQLModel, table=True):
    """`at` is when the row may next be claimed, `lease_until` when a claim ends: at most one of them is there.

    `digest` is the SHA-256 of the bytes as sent; `kept_digest` that of the stored copy after its secrets went. `slot`
    is the keyed digest of an address outside and a day, of which there is one mail. `answer` is the revision of its
    case after the answer that queued it, where that might be taken back.
    """

    __tablename__ = "outbox"
    __table_args__ = args(
        UniqueConstraint("case_id", "step", "occurrence", "recipient", "mail"),
        unique_where("uq_outbox_brief", "case_id IS NULL", "step", "occurrence", "recipient", "mail"),
        only_where("ix_outbox_lane", "at IS NOT NULL", "lane", "at", "id"),
        only_where("ix_outbox_settled", "settled_at IS NOT NULL", "settled_at", "state"),
        pending("outbox", "lease_until"),
        unique_where("uq_outbox_slot", "slot IS NOT NULL", "slot"),
        only_where("ix_outbox_asked", "mail <> 'brief'", "recipient", "created_at"),
        only_where("ix_outbox_uncertain", "state = 'uncertain'", "state", "id"),
        CheckConstraint(f"state IN ({_STATES})", "state"),
    )
    id: int | None = Field(default=None, primary_key=True)
    case_id: str | None = Field(default=None, foreign_key="cases.id")
    mail: str
    step: str
    occurrence: str
    recipient: str
    task_id: str | None = Field(default=None, index=True)
    state: str
    lane: int
    created_at: dt.datetime
    at: dt.datetime | None = None
    lease_until: dt.datetime | None = None
    attempts: int = 0
    failures: int = 0
    fence: int = 0
    message_id: str | None = None
    reply: str = ""
    settled_at: dt.datetime | None = None
    digest: str | None = None
    kept_digest: str | None = None
    sealed_address: bytes | None = None
    sealed: bytes | None = None
    sealed_words: bytes | None = None
    slot: str | None = None
    answer: int | None = None


class BriefLineRow(SQLModel, table=True):
    """`party` is the party of the case that the line is for, in mail to a contact. `answer` as in the outbox."""

    __tablename__ = "brief_lines"
    __table_args__ = args(
        UniqueConstraint("outbox_id", "case_id", "subject"),
        only_where("ix_brief_lines_answer", "answer IS NOT NULL", "case_id", "answer"),
    )
    id: int | None = Field(default=None, primary_key=True)
    outbox_id: int = Field(foreign_key="outbox.id")
    case_id: str = Field(foreign_key="cases.id")
    kind: str
    subject: str
    strength: int
    date: dt.date | None = None
    legal: bool
    task_id: str | None = None
    party: str | None = None
    answer: int | None = None
    sealed: bytes
