"""What the ports hand over: rows of the store, of the outbox and of the links, as values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from engine.model.cycles import Cycle
from engine.model.definition import LinkLevel
from engine.model.messages import Command

CONTACT = "contact:"
"""Begins the recipient of a mail that gathers lines for one address outside the district."""


RECIPIENT = "recipient:"
"""Begins the recipient of a copy of a mail to many."""


LinkPurpose = Literal["task", "status", "nudge"]


OutboxState = Literal["queued", "claimed", "handing_over", "accepted", "deferred", "failed", "uncertain", "cancelled"]


@dataclass(frozen=True, slots=True)
class DueTimer:
    id: int
    case_id: str
    key: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class DueCycle:
    """A cycle whose time has come. `subject` is an agreement, or empty where the process is about none."""

    id: int
    process: str
    subject: str
    cycle: Cycle


@dataclass(frozen=True, slots=True)
class Message:
    """One message waiting for one case. `read` opens it, and raises where it cannot be opened."""

    id: int
    case_id: str
    read: Callable[[], Command]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer on record. `actor` is `person:ID` or `party:NAME`, `by` their name, `outcome` the outcome's name."""

    actor: str
    by: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A row of an adoption that became a case: `digest` is a keyed digest of what the row said."""

    case_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """`recipient` is `party:NAME`, `person:ID`, `contact:KEY` with a keyed digest of an address, or `recipient:ID` for
    one of an audience. `raw`, `address`
    and `message_id` are there from the first claim on.

    `fence` grows with every claim; a settle under an older fence changes nothing. `case_id` is None for a brief.
    `words` are the values of a notice that nobody else knows, such as a code; they go when it is accepted. `hashes` are
    those of the link tokens in `raw`, where that was made just now.
    """

    id: int
    case_id: str | None
    mail: str
    step: str
    occurrence: str
    recipient: str
    task_id: str | None
    state: OutboxState
    attempts: int
    fence: int
    address: str | None = None
    message_id: str | None = None
    raw: bytes | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    hashes: frozenset[str] | None = None

    @property
    def to_contact(self) -> bool:
        return self.recipient.startswith(CONTACT)


@dataclass(frozen=True, slots=True)
class BriefLine:
    """A line of a daily brief, as `messages.Notify` left it. `party` is the party it is for, in mail to a contact.
    `legal`: its date is that of a duty; `by_agreement`, known when the brief is written: an agreement sets it, not the
    law."""

    case_id: str
    kind: str
    subject: str
    text: str
    strength: int
    date: dt.date | None
    legal: bool
    task_id: str | None
    party: str | None = None
    by_agreement: bool = False


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link to be stored: only the token's SHA-256, never the token. `task_generation` binds it to the task's own
    generation; `purpose` is `task`, `nudge` (asks once more whoever that task waits for) or `status`."""

    token_hash: str
    purpose: LinkPurpose
    case_id: str
    recipient: str
    level: LinkLevel
    expires_at: dt.datetime
    task_id: str | None = None
    task_generation: int | None = None


@dataclass(frozen=True, slots=True)
class DayCount:
    taken: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Made:
    """A claimed row with the mail that was made of it."""

    row: OutboxRow
    address: str
    message_id: str
    raw: bytes
    links: Sequence[NewLink] = ()


@dataclass(frozen=True, slots=True)
class Went:
    """How a claimed mail went; `deferred` says until when.

    Raises `ValueError` for a state that settles nothing, and for `deferred` without `retry_at`.
    """

    row: OutboxRow
    state: OutboxState
    reply: str
    retry_at: dt.datetime | None = None

    def __post_init__(self) -> None:
        known = self.state in ("accepted", "failed", "uncertain", "deferred", "cancelled")
        if not known or (self.state == "deferred") != (self.retry_at is not None):
            raise ValueError(f"a mail is not settled as {self.state} with retry_at {self.retry_at}")


@dataclass(frozen=True, slots=True)
class Link:
    """A stored link. `revoked_at` is set by the transaction that closes, re-opens or moves its task."""

    id: int
    purpose: LinkPurpose
    case_id: str
    recipient: str
    level: LinkLevel
    expires_at: dt.datetime
    task_id: str | None
    task_generation: int | None
    revoked_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    """A device that has shown who it is. `recipient` as in `OutboxRow`; `level` is what has been proved so far.

    A person's session opens all their own tasks; a party's session is bound to its case.
    """

    id: int
    recipient: str
    case_id: str | None
    level: LinkLevel
    expires_at: dt.datetime
