"""Cases with their facts, tasks, clocks, timers, messages, and the history of each."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, false, text
from sqlmodel import Field, SQLModel

from storage.tables.columns import args, only_where, pending, unique_where


class CaseNumber(SQLModel, table=True):
    __tablename__ = "case_numbers"
    __table_args__ = args()
    year: int = Field(primary_key=True)
    last: int


class CaseRow(SQLModel, table=True):
    """`sealed` holds facts and parties, `progress` the plain rest (what happened when, children counted).

    `next_legal` and `next_target` follow from the clocks and tasks and order the queue: the earliest legal date of the
    running duties, the earliest target of these and of the open tasks. They are there while the case waits for
    anything, as the last of all days where it has no such date.
    """

    __tablename__ = "cases"
    _about = text("subject IS NOT NULL")
    __table_args__ = args(
        CheckConstraint("revision > 0", "revision"),
        Index("ix_cases_subject", "process", "subject", sqlite_where=_about),
        pending("cases", "next_legal", "next_target", "id", "process"),
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
    __table_args__ = args()
    case_id: str = Field(primary_key=True, foreign_key="cases.id")
    revision: int = Field(primary_key=True)
    name: str = Field(primary_key=True)
    superseded_at: dt.datetime
    by: str
    sealed: bytes


class TaskRow(SQLModel, table=True):
    """`present`: it belongs to the present entry of the case; a task that was left behind stays as a record."""

    __tablename__ = "tasks"
    _open = "outcome IS NULL AND present"
    __table_args__ = args(
        only_where("ix_tasks_open", _open, "case_id"),
        only_where("ix_tasks_role", _open, "role"),
        only_where("ix_tasks_due", _open, "due"),
    )
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
    __table_args__ = args()
    task_id: str = Field(primary_key=True, foreign_key="tasks.id")
    person_id: str = Field(primary_key=True, index=True)
    position: int


class SnoozeRow(SQLModel, table=True):
    """A task that a person keeps out of their own queue until a local date, while it is of this generation."""

    __tablename__ = "snoozes"
    __table_args__ = args()
    task_id: str = Field(primary_key=True, foreign_key="tasks.id")
    person_id: str = Field(primary_key=True)
    generation: int
    until: dt.date
    past_date: bool


class KeptAnswer(SQLModel, table=True):
    """The last answer of staff in a case, for the minutes in which it may be taken back: the `revision` after it, and
    the case before it, `sealed`. Without that where it is `barred`, which says why."""

    __tablename__ = "kept_answers"
    __table_args__ = args()
    case_id: str = Field(primary_key=True, foreign_key="cases.id")
    revision: int
    by: str
    at: dt.datetime
    until: dt.datetime = Field(index=True)
    barred: str
    sealed: bytes | None = None


class ClockRow(SQLModel, table=True):
    """One generation of a clock. `superseded`: a later generation took its place, for `superseded_because`."""

    __tablename__ = "clocks"
    __table_args__ = args(
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
    __table_args__ = args(UniqueConstraint("case_id", "key"), pending("timers", "at", "id"))
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
    __table_args__ = args(
        UniqueConstraint("process", "subject", "occurrence"),
        unique_where("uq_cycles_waiting", "fired_at IS NULL", "process", "subject"),
        pending("cycles", "at", "id"),
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
    """A command waiting for a case. `source` says where it came from and keeps it from being left twice; it is not
    delivered before `at`, where that is given."""

    __tablename__ = "messages"
    __table_args__ = args()
    id: int | None = Field(default=None, primary_key=True)
    case_id: str = Field(index=True)
    source: str = Field(unique=True)
    created_at: dt.datetime
    at: dt.datetime | None = None
    attempts: int = 0
    stopped: bool = False
    sealed: bytes


class HistoryRow(SQLModel, table=True):
    """Append-only by trigger. `sealed` may be written again (another key) or emptied (purge), and a purge may take out
    of `detail` what names somebody, once: the line is `cut` then, and its hash does not follow from it any more."""

    __tablename__ = "history"
    __table_args__ = args()
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
    __table_args__ = args()
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: dt.datetime
    heads: str
    hash: str


class AdoptionRow(SQLModel, table=True):
    """A row of an adoption that became a case. `digest` is a keyed digest of what the row said."""

    __tablename__ = "adoptions"
    __table_args__ = args()
    key: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="cases.id", unique=True)
    digest: str
    by: str
    at: dt.datetime
