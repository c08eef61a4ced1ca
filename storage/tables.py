"""The tables. Instants are UTC, dates local. What is personal stands in `sealed` columns only.

SQLModel checks nothing here: constraints and unique indexes carry the invariants, and the tests try to break them.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    Index,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlmodel import Field, SQLModel

METADATA: MetaData = SQLModel.metadata
METADATA.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


# SQLite's STRICT tables know five types only; these compile to them wherever DDL is written, migrations too.
@compiles(String, "sqlite")
@compiles(DateTime, "sqlite")
@compiles(Date, "sqlite")
def _as_text(*_: Any, **__: Any) -> str:
    return "TEXT"


@compiles(Boolean, "sqlite")
def _as_integer(*_: Any, **__: Any) -> str:
    return "INTEGER"


def _pending(table: str, column: str, *more: str) -> Index:
    """An index of the rows that still wait, so that a poll reads one leaf whatever has been done before."""
    where = text(f"{column} IS NOT NULL")
    return Index(f"ix_{table}_{column}_pending", column, *more, sqlite_where=where, postgresql_where=where)


def _only_where(name: str, where: str, *columns: str) -> Index:
    """An index of the few rows for which something is still to come."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


def _unique_where(name: str, where: str, *columns: str) -> Index:
    return Index(name, *columns, unique=True, sqlite_where=text(where), postgresql_where=text(where))


def _args(*args: Any) -> tuple[Any, ...]:
    return (*args, {"sqlite_strict": True})


class Meta(SQLModel, table=True):
    """Marks of the database as a whole: `key_check`, `high_water`, `demo`."""

    __tablename__ = "meta"
    __table_args__ = _args()
    name: str = Field(primary_key=True)
    value: str


class PersonRow(SQLModel, table=True):
    __tablename__ = "people"
    __table_args__ = _args()
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
    __table_args__ = _args()
    process: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    hash: str
    title: str
    labels: str
    source: str


class CaseNumber(SQLModel, table=True):
    __tablename__ = "case_numbers"
    __table_args__ = _args()
    year: int = Field(primary_key=True)
    last: int


class CaseRow(SQLModel, table=True):
    """`sealed` holds facts and parties, `progress` the plain rest (what happened when, children counted).

    `next_legal` and `next_target` follow from the clocks and order the queue: the earliest dates of the running duties.
    `next_legal` is there while the case waits for anything, as the last of all days where no legal date runs.
    """

    __tablename__ = "cases"
    _about = text("subject IS NOT NULL")
    __table_args__ = _args(
        CheckConstraint("revision > 0", "revision"),
        Index("ix_cases_subject", "process", "subject", sqlite_where=_about, postgresql_where=_about),
        _pending("cases", "next_legal", "process"),
    )
    id: str = Field(primary_key=True)
    process: str
    version: int
    hash: str
    state: str
    entry: int
    entered_at: dt.datetime
    revision: int
    started_at: dt.datetime
    initiator: str
    progress: str
    next_task: int
    parent: str | None = Field(default=None, foreign_key="cases.id", index=True)
    child_name: str | None = None
    ended_at: dt.datetime | None = None
    outcome: str | None = None
    subject: str | None = None
    next_legal: dt.date | None = None
    next_target: dt.date | None = None
    sealed: bytes


class FactPast(SQLModel, table=True):
    """A fact's value that a later one superseded, at the revision that did it."""

    __tablename__ = "fact_past"
    __table_args__ = _args()
    case_id: str = Field(primary_key=True, foreign_key="cases.id")
    revision: int = Field(primary_key=True)
    name: str = Field(primary_key=True)
    superseded_at: dt.datetime
    by: str
    sealed: bytes


class TaskRow(SQLModel, table=True):
    """`present`: it belongs to the present entry of the case; a task that was left behind stays as a record."""

    __tablename__ = "tasks"
    _open = text("outcome IS NULL AND present")
    __table_args__ = _args(Index("ix_tasks_open", "case_id", sqlite_where=_open, postgresql_where=_open))
    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="cases.id", index=True)
    name: str
    state: str
    entry: int
    generation: int
    title: str
    role: str | None = None
    party: str | None = None
    due: dt.date | None = None
    opened_at: dt.datetime
    offered: bool
    urgent: bool
    instead_of: str | None = None
    mail: str | None = None
    hold: str | None = None
    child: str | None = None
    outcome: str | None = None
    done_by: str | None = None
    done_by_id: str | None = None
    done_at: dt.datetime | None = None
    present: bool
    position: int


class TaskAssignee(SQLModel, table=True):
    __tablename__ = "task_assignees"
    __table_args__ = _args()
    task_id: str = Field(primary_key=True, foreign_key="tasks.id")
    person_id: str = Field(primary_key=True, index=True)
    position: int


class SnoozeRow(SQLModel, table=True):
    """A task that a person keeps out of their own queue until a local date, while it is of this generation."""

    __tablename__ = "snoozes"
    __table_args__ = _args()
    task_id: str = Field(primary_key=True, foreign_key="tasks.id")
    person_id: str = Field(primary_key=True)
    generation: int
    until: dt.date
    past_date: bool


class ClockRow(SQLModel, table=True):
    """One generation of a clock. `superseded`: a later generation took its place, for `superseded_because`."""

    __tablename__ = "clocks"
    __table_args__ = _args(
        CheckConstraint("status IN ('running', 'satisfied', 'void', 'expired', 'superseded')", "status")
    )
    case_id: str = Field(primary_key=True, foreign_key="cases.id")
    name: str = Field(primary_key=True)
    generation: int = Field(primary_key=True)
    rule: str
    rule_version: str
    calendars: str
    anchor: dt.date
    length: int | None = None
    holds: str
    status: str
    nominal: dt.date | None = None
    legal: dt.date | None = None
    target: dt.date | None = None
    provisional: bool
    reason: str
    ended_on: dt.date | None = None
    agreed: dt.date | None = None
    policy: str
    grace: int
    is_window: bool
    superseded_because: str | None = None


class TimerRow(SQLModel, table=True):
    """`at` is there while the timer waits, `fired_at` once it has fired; neither when cancelled or held back."""

    __tablename__ = "timers"
    __table_args__ = _args(UniqueConstraint("case_id", "key"), _pending("timers", "at"))
    id: int | None = Field(default=None, primary_key=True)
    case_id: str = Field(foreign_key="cases.id")
    key: str
    at: dt.datetime | None = None
    fired_at: dt.datetime | None = None
    attempts: int = 0


class CycleRow(SQLModel, table=True):
    """One occurrence of a schedule for one subject (an agreement, or empty). `at` is there while it waits, `fired_at`
    once its case has started; neither when an incident holds it back. One that has not started is alone of its kind.
    `planned_at` is what `at` was before a try that failed put it off."""

    __tablename__ = "cycles"
    __table_args__ = _args(
        UniqueConstraint("process", "subject", "occurrence"),
        _unique_where("uq_cycles_waiting", "fired_at IS NULL", "process", "subject"),
        _pending("cycles", "at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    process: str
    subject: str
    occurrence: dt.date
    at: dt.datetime | None = None
    planned_at: dt.datetime | None = None
    fired_at: dt.datetime | None = None
    case_id: str | None = Field(default=None, foreign_key="cases.id")
    missed: int = 0
    attempts: int = 0


class MessageRow(SQLModel, table=True):
    """A command waiting for a case. `source` says where it came from and keeps it from being left twice."""

    __tablename__ = "messages"
    __table_args__ = _args()
    id: int | None = Field(default=None, primary_key=True)
    case_id: str = Field(index=True)
    source: str = Field(unique=True)
    created_at: dt.datetime
    attempts: int = 0
    stopped: bool = False
    sealed: bytes


_STATES = "'queued', 'claimed', 'handing_over', 'accepted', 'deferred', 'failed', 'uncertain', 'cancelled'"


class OutboxMail(SQLModel, table=True):
    """`at` is when the row may next be claimed, `lease_until` when a claim ends: at most one of them is there.

    `digest` is the SHA-256 of the bytes as sent; `kept_digest` that of the stored copy after its secrets went. `slot`
    is the keyed digest of an address outside and a day, of which there is one mail.
    """

    __tablename__ = "outbox"
    __table_args__ = _args(
        UniqueConstraint("case_id", "step", "occurrence", "recipient", "mail"),
        _unique_where("uq_outbox_brief", "case_id IS NULL", "step", "occurrence", "recipient", "mail"),
        _only_where("ix_outbox_lane", "at IS NOT NULL", "lane", "at"),
        _only_where("ix_outbox_settled", "settled_at IS NOT NULL", "settled_at", "state"),
        _pending("outbox", "lease_until"),
        _unique_where("uq_outbox_slot", "slot IS NOT NULL", "slot"),
        _only_where("ix_outbox_asked", "mail <> 'brief'", "recipient", "created_at"),
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


class BriefLineRow(SQLModel, table=True):
    """`party` is the party of the case that the line is for, in mail to a contact."""

    __tablename__ = "brief_lines"
    __table_args__ = _args(UniqueConstraint("outbox_id", "case_id", "subject"))
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
    sealed: bytes


class LinkRow(SQLModel, table=True):
    __tablename__ = "links"
    __table_args__ = _args()
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
    __table_args__ = _args()
    recipient: str = Field(primary_key=True)
    case_key: str = Field(primary_key=True)
    code_hash: str | None = None
    expires_at: dt.datetime | None = None
    wrong: int = 0
    locked_until: dt.datetime | None = None


class SessionRow(SQLModel, table=True):
    __tablename__ = "sessions"
    __table_args__ = _args()
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
    __table_args__ = _args()
    case_id: str = Field(primary_key=True, foreign_key="cases.id")
    recipient: str = Field(primary_key=True)
    how: str
    by: str
    at: dt.datetime


class RateCount(SQLModel, table=True):
    __tablename__ = "rate_counts"
    __table_args__ = _args()
    bucket: str = Field(primary_key=True)
    window_start: dt.datetime = Field(primary_key=True, index=True)
    count: int


class HistoryRow(SQLModel, table=True):
    """Append-only by trigger. `sealed` may be written again (another key) or emptied (purge), and a purge may take out
    of `detail` what names somebody, once: the line is `cut` then, and its hash does not follow from it any more."""

    __tablename__ = "history"
    __table_args__ = _args()
    case_id: str = Field(primary_key=True, foreign_key="cases.id")
    seq: int = Field(primary_key=True)
    at: dt.datetime
    actor: str
    kind: str
    detail: str
    personal_digest: str | None = None
    hash: str
    sealed: bytes | None = None
    cut: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class SealRow(SQLModel, table=True):
    """The office-wide chain, append-only by trigger: `heads` lists the latest line of each history that has grown since
    the seal before."""

    __tablename__ = "seals"
    __table_args__ = _args()
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: dt.datetime
    heads: str
    hash: str


class IncidentRow(SQLModel, table=True):
    """`resume_at` is when the row would have been due; a retry puts it back."""

    __tablename__ = "incidents"
    __table_args__ = _args(_unique_where("uq_incidents_open", "closed_at IS NULL", "kind", "ref"))
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    ref: int
    case_id: str | None = None
    error: str
    tries: int
    opened_at: dt.datetime
    resume_at: dt.datetime | None = None
    closed_at: dt.datetime | None = None


class PendingAct(SQLModel, table=True):
    """An act that waits for its second person."""

    __tablename__ = "pending_acts"
    __table_args__ = _args(CheckConstraint("confirmed_by IS NULL OR confirmed_by <> by", "two_persons"))
    id: str = Field(primary_key=True)
    act: str
    case_id: str | None = None
    by: str
    at: dt.datetime
    expires: dt.datetime
    confirmed_by: str | None = None
    confirmed_at: dt.datetime | None = None
    sealed: bytes


class OperatorRow(SQLModel, table=True):
    """`sealed` holds the contacts."""

    __tablename__ = "operators"
    __table_args__ = _args()
    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    business_address: str | None = None
    sealed: bytes


class ProductRow(SQLModel, table=True):
    """`key` is the row of the inventory it came from; `sealed` holds the sponsor and the notes."""

    __tablename__ = "products"
    __table_args__ = _args(UniqueConstraint("operator", "name"))
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
    sealed: bytes


class AgreementRow(SQLModel, table=True):
    """At most one active agreement for a product."""

    __tablename__ = "agreements"
    __table_args__ = _args(
        CheckConstraint("status IN ('active', 'superseded', 'ended')", "status"),
        _unique_where("uq_agreements_active", "status = 'active'", "product"),
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


class AdoptionRow(SQLModel, table=True):
    """A row of an adoption that became a case. `digest` is a keyed digest of what the row said."""

    __tablename__ = "adoptions"
    __table_args__ = _args()
    key: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="cases.id", unique=True)
    digest: str
    by: str
    at: dt.datetime


class RegisterNumber(SQLModel, table=True):
    """The last number given to an operator (O), a product (P) or an agreement (A)."""

    __tablename__ = "register_numbers"
    __table_args__ = _args()
    kind: str = Field(primary_key=True)
    last: int


class RegisterHistoryRow(SQLModel, table=True):
    """What was written into the register, a chain an entry. Append-only by trigger as the histories of cases are."""

    __tablename__ = "register_history"
    __table_args__ = _args()
    entry: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    at: dt.datetime
    actor: str
    kind: str
    detail: str
    personal_digest: str | None = None
    hash: str
    sealed: bytes | None = None


class AudienceRow(SQLModel, table=True):
    """An audience of a case. From `fixed_at` on nobody changes who belongs to it."""

    __tablename__ = "audiences"
    __table_args__ = _args()
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
    __table_args__ = _args(
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
    __table_args__ = _args(
        UniqueConstraint("recipient_id", "mail", "step", "channel"),
        _only_where("ix_copies_untold", "told_on IS NULL", "case_id", "mail", "step"),
        _only_where("ix_copies_undone", "done_on IS NULL", "case_id", "mail", "step"),
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
    __table_args__ = _args()
    case_id: str = Field(primary_key=True, foreign_key="cases.id")
    number: int = Field(primary_key=True)
    mail: str
    letters: int
    at: dt.datetime
    by: str
    files: str = Field(default="[]", sa_column_kwargs={"server_default": "[]"})


class PreservationRow(SQLModel, table=True):
    """Nothing of this case is purged while the row is there; `sealed` holds the reason."""

    __tablename__ = "preservations"
    __table_args__ = _args()
    case_id: str = Field(primary_key=True, foreign_key="cases.id")
    placed_at: dt.datetime
    by: str
    sealed: bytes


class PurgeRow(SQLModel, table=True):
    """A purge that two persons have agreed to; `id` is that of their act. `terms` is JSON with the terms as they were
    shown them and the disposal certificate, `certificate` what was removed, once all of it was."""

    __tablename__ = "purges"
    __table_args__ = _args()
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
    __table_args__ = _args(CheckConstraint(f"state IN ({_ITEM_STATES})", "state"))
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


def _table(model: type[SQLModel]) -> Table:
    return METADATA.tables[str(model.__tablename__)]


META = _table(Meta)
PEOPLE = _table(PersonRow)
DEFINITIONS = _table(DefinitionRow)
CASE_NUMBERS = _table(CaseNumber)
CASES = _table(CaseRow)
FACT_PAST = _table(FactPast)
TASKS = _table(TaskRow)
ASSIGNEES = _table(TaskAssignee)
SNOOZES = _table(SnoozeRow)
CLOCKS = _table(ClockRow)
TIMERS = _table(TimerRow)
CYCLES = _table(CycleRow)
MESSAGES = _table(MessageRow)
OUTBOX = _table(OutboxMail)
BRIEF_LINES = _table(BriefLineRow)
LINKS = _table(LinkRow)
CODES = _table(CodeRow)
SESSIONS = _table(SessionRow)
SECOND_CHECKS = _table(SecondCheck)
RATE_COUNTS = _table(RateCount)
HISTORY = _table(HistoryRow)
SEALS = _table(SealRow)
INCIDENTS = _table(IncidentRow)
PENDING_ACTS = _table(PendingAct)
OPERATORS = _table(OperatorRow)
PRODUCTS = _table(ProductRow)
AGREEMENTS = _table(AgreementRow)
ADOPTIONS = _table(AdoptionRow)
REGISTER_NUMBERS = _table(RegisterNumber)
REGISTER_HISTORY = _table(RegisterHistoryRow)
AUDIENCES = _table(AudienceRow)
RECIPIENTS = _table(RecipientRow)
COPIES = _table(CopyRow)
PRINT_RUNS = _table(PrintRunRow)
PRESERVATIONS = _table(PreservationRow)
PURGES = _table(PurgeRow)
PURGE_ITEMS = _table(PurgeItem)
