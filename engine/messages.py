"""What is asked (commands, imperative), what a decision wants done (effects), and what happened (events, past tense).

All are plain values. A decision is carried out by the store in one transaction, or not at all.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.case import Actor, Case, Contact, FactValue


@dataclass(frozen=True, slots=True)
class StartCase:
    """`case_id` is new; `facts` are values already read and checked against the definition. `process` is empty where
    the definition is at hand."""

    case_id: str
    actor: Actor
    facts: Mapping[str, FactValue]
    parties: Mapping[str, Contact]
    parent: str | None = None
    child_name: str | None = None
    process: str = ""


@dataclass(frozen=True, slots=True)
class CompleteTask:
    """`seen_generation` and `seen_facts` (a digest) are what the person was shown; None where nothing was shown."""

    task_id: str
    outcome: str
    values: Mapping[str, FactValue]
    actor: Actor
    reason: str = ""
    seen_generation: int | None = None
    seen_facts: str | None = None


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """`second` is the other person's id where a legal date moves later."""

    values: Mapping[str, FactValue]
    actor: Actor
    reason: str
    second: str | None = None


@dataclass(frozen=True, slots=True)
class FireTimer:
    """`key` names the timer's row: `rung/CLOCK/GENERATION/RUNG/DATE`, `due/TASK/RUNG/DATE`, `after/ENTRY` or
    `window/CLOCK/GENERATION`."""

    key: str


@dataclass(frozen=True, slots=True)
class MailSettled:
    """The outbox's answer. `on` is the local date of acceptance by the relay."""

    mail: str
    occurrence: str
    status: Literal["accepted", "failed", "uncertain"]
    on: dt.date


@dataclass(frozen=True, slots=True)
class ChildEnded:
    child: str
    case_id: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Reassign:
    task_id: str
    to: str
    actor: Actor
    reason: str


@dataclass(frozen=True, slots=True)
class Recount:
    """Counts the running clocks again: a calendar has changed."""


Command = StartCase | CompleteTask | RecordFacts | FireTimer | MailSettled | ChildEnded | Reassign | Recount


@dataclass(frozen=True, slots=True)
class SetTimer:
    """`at` is a UTC instant. A timer of the same key that is already there stays as it is."""

    key: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class CancelTimers:
    """Every pending timer of the case whose key begins with `prefix`."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Send:
    """One outbox row. `recipient` is `party:NAME` or `person:ID`; (case, step, occurrence, recipient, mail) is unique.

    `mail` names a mail of the definition, or one of the engine's own kinds: `task` (a task link for one assignee).
    `not_before` is None where the mail leaves at once.
    """

    mail: str
    step: str
    occurrence: str
    recipient: str
    task_id: str | None = None
    not_before: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Notify:
    """A line in the reader's next daily brief. `recipient` as in `Send`; `strength` orders and merges lines.

    `subject` names what the line is about (a clock or a task); of two lines with the same subject on one day the
    stronger one stays.
    """

    recipient: str
    kind: Literal["reminder", "target", "legal", "repeat", "task", "news"]
    subject: str
    text: str
    strength: int
    date: dt.date | None = None
    legal: bool = False
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class StartChild:
    child: str
    process: str
    facts: Mapping[str, FactValue]
    parties: Mapping[str, Contact]


@dataclass(frozen=True, slots=True)
class TellParent:
    """Leaves a `ChildEnded` message for the parent case."""

    parent: str
    child: str
    outcome: str


Effect = SetTimer | CancelTimers | Send | Notify | StartChild | TellParent


@dataclass(frozen=True, slots=True)
class Event:
    """One line of history. `detail` holds plain values; `personal` ones, which the store keeps encrypted.

    kinds: case_started, state_entered, task_opened, task_completed, task_closed, task_reassigned, fact_recorded,
    clock_started, clock_moved, clock_satisfied, clock_voided, clock_expired, rung_fired, rung_not_due, mail_queued,
    mail_settled, told, later_date_confirmed, child_started, child_ended, case_ended; outside a decision
    second_confirmed, and answer_too_late (task, by, decided_by) for an answer to a task that another had answered.
    """

    kind: str
    detail: Mapping[str, str] = field(default_factory=dict)
    personal: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """The case as it will be, what else is to be written, and what the history will say, in order."""

    case: Case
    effects: tuple[Effect, ...]
    events: tuple[Event, ...]
