"""What is asked (commands, imperative), what a decision wants done (effects), and what happened (events, past tense).

All are plain values. A decision is carried out by the store in one transaction, or not at all.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.model.case import Actor, Case, Contact, FactValue, Suggestion
from engine.model.undoable import Answered, Kept, Undo


@dataclass(frozen=True, slots=True)
class OfSchedule:
    """The cycle that starts a case: the local date it was planned for, and how many cycles before it never started."""

    planned: dt.date
    missed: int = 0


@dataclass(frozen=True, slots=True)
class StartCase:
    """`case_id` is new; `facts` are values already read and checked against the definition. `process` is empty where
    the definition is at hand. `suggested` are the answers of the case `after` which it follows."""

    case_id: str
    actor: Actor
    facts: Mapping[str, FactValue]
    parties: Mapping[str, Contact]
    parent: str | None = None
    child_name: str | None = None
    process: str = ""
    cycle: OfSchedule | None = None
    after: str | None = None
    suggested: Mapping[str, Suggestion] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AdoptCase:
    """A case that has run elsewhere, as it stands now. `states` are the case's own and those of its regions; `since` is
    the local date on which it came there. `happened` are events before today with their dates, `evidence` the kept
    documents behind facts and events, by their names. `children` counts the joined children that are adopted with it;
    `parent` and `child_name` are those of one that is one. `begun_by` is a person's id, `quiet_until` a local date."""

    case_id: str
    actor: Actor
    states: tuple[str, ...]
    facts: Mapping[str, FactValue]
    parties: Mapping[str, Contact]
    happened: Mapping[str, dt.date] = field(default_factory=dict)
    evidence: Mapping[str, str] = field(default_factory=dict)
    since: dt.date | None = None
    quiet_until: dt.date | None = None
    begun_by: str | None = None
    children: Mapping[str, int] = field(default_factory=dict)
    parent: str | None = None
    child_name: str | None = None


@dataclass(frozen=True, slots=True)
class CompleteTask:
    """`seen_generation` and `seen_facts` (a digest) are what the person was shown; None where nothing was shown.
    `also` are further tasks of the same state that the same person answers with the same outcome, each with the digest
    of what was shown. `break_glass`: in the place of those who should answer, since a legal date is near."""

    task_id: str
    outcome: str
    values: Mapping[str, FactValue]
    actor: Actor
    reason: str = ""
    seen_generation: int | None = None
    seen_facts: str | None = None
    also: tuple[tuple[str, str | None], ...] = ()
    break_glass: bool = False


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """`second` is the other person's id where a legal date moves later."""

    values: Mapping[str, FactValue]
    actor: Actor
    reason: str
    second: str | None = None


@dataclass(frozen=True, slots=True)
class PlaceHold:
    """A law-enforcement agency's written request not to tell yet. `paper` is a kept document."""

    agency: str
    officer: str
    matter: str
    started: dt.date
    paper: str
    actor: Actor
    until: dt.date | None = None


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    """`on` is the day on which the school learned that the agency no longer objects."""

    hold_id: str
    on: dt.date
    reason: str
    actor: Actor
    paper: str | None = None


@dataclass(frozen=True, slots=True)
class FireTimer:
    """`key` names the timer's row: `rung/CLOCK/GENERATION/RUNG/DATE`, `due/TASK/RUNG/DATE`, `after/ENTRY/STATE[/DAY]`,
    `window/CLOCK/GENERATION`, `hold/HOLD/WHAT` or `quiet/DATE`."""

    key: str


@dataclass(frozen=True, slots=True)
class MailSettled:
    """The outbox's answer. `on` is the local date of acceptance by the relay."""

    mail: str
    occurrence: str
    status: Literal["accepted", "failed", "uncertain"]
    on: dt.date


@dataclass(frozen=True, slots=True)
class AudienceTold:
    """The store's word on a mail to an audience. `what`: `began` with the first one told, `told` when each one is (or
    is decided by name), `complete` when every copy is done; `on_paper`: so many copies wait to be printed and posted;
    `back`: so many came back and must go by post; `after_all`: the mail of so many of whom a person had decided by name
    was accepted all the same. `on` is the local date."""

    mail: str
    what: Literal["began", "told", "complete", "on_paper", "back", "after_all"]
    on: dt.date
    count: int = 0


@dataclass(frozen=True, slots=True)
class MailBounced:
    """A mail that the relay had accepted came back; a person has recorded it. What was told stays told."""

    mail: str
    recipient: str
    actor: Actor
    reason: str


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
class HandOver:
    """Somebody leaves, or is away: `to` is asked in the place of `person` in these tasks, or in each open one where
    none is named."""

    person: str
    to: str
    actor: Actor
    reason: str
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AddNote:
    """Words for the history, such as what was said on the telephone. Moves nothing."""

    text: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class Nudge:
    """Asks once more whoever an open task waits for."""

    task_id: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class Snooze:
    """Hides a task from the actor's own queue until a local date; None shows it again. `past_date`: the actor knows
    that it stays hidden past its target or a legal date, and gives the `reason`."""

    task_id: str
    until: dt.date | None
    actor: Actor
    past_date: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Recount:
    """Counts the running clocks again: a calendar has changed."""


Command = (
    StartCase | AdoptCase | CompleteTask | RecordFacts | PlaceHold | ReleaseHold | FireTimer | MailSettled | MailBounced
    | AudienceTold | ChildEnded | Reassign | HandOver | AddNote | Nudge | Snooze | Recount | Undo
)


@dataclass(frozen=True, slots=True)
class SetTimer:
    """`at` is a UTC instant. A timer of the same key that is already there stays as it is; one that was cancelled waits
    anew where it is set `again`."""

    key: str
    at: dt.datetime
    again: bool = False


@dataclass(frozen=True, slots=True)
class CancelTimers:
    """Every pending timer of the case whose key begins with `prefix`."""

    prefix: str


Pace = Literal["", "now", "soon", "free"]
"""Whether a mail is the one of its reader's day. To a party: `free` waits, from `not_before` on, for a day on which its
address gets no other; `soon` for two business days at most; `now` leaves at once, and has the day where that is free.
To a person of the office, `free` waits until the next morning where another mail has asked them today."""


@dataclass(frozen=True, slots=True)
class Send:
    """One outbox row. `recipient` is `party:NAME` or `person:ID`; (case, step, occurrence, recipient, mail) is unique.

    `mail` names a mail of the definition, or one of the engine's own kinds: `task` (a task link for one assignee),
    `nudge` (asks once more). `not_before` is None where the mail leaves at once; `words` are values that only this mail
    knows. The `line` stands in the reader's next brief instead where a mail of this kind was made for them on this day
    already; of a party, where all days for which its `pace` lets it wait are taken.
    """

    mail: str
    step: str
    occurrence: str
    recipient: str
    task_id: str | None = None
    not_before: dt.datetime | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    line: Notify | None = None
    pace: Pace = ""


@dataclass(frozen=True, slots=True)
class FixAudience:
    """Nobody changes this audience from now on: it is what was approved."""

    audience: str


@dataclass(frozen=True, slots=True)
class FreeAudience:
    """This audience may be changed again: what was approved went back. Nothing happens once a mail to it was sent."""

    audience: str


@dataclass(frozen=True, slots=True)
class PauseLetters:
    """The copies of a case's mails to many that have not left stay where they are, or go on."""

    paused: bool


@dataclass(frozen=True, slots=True)
class SendToAll:
    """One copy of a mail for each of an audience, by the channels of `definition.CHANNELS`; all in one transaction."""

    mail: str
    audience: str
    step: str
    channel: str


@dataclass(frozen=True, slots=True)
class LettersPosted:
    """The printed copies of a mail to an audience are in the post since this day; refused while some are unprinted."""

    mail: str
    on: dt.date


@dataclass(frozen=True, slots=True)
class Notify:
    """A line in the reader's next daily brief. `recipient` as in `Send`, of the parties only one that reads mail;
    `strength` orders and merges lines.

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
class HideTask:
    """Keeps a task, while it is of this generation, out of one person's queue until a local date; None shows it again.
    Without `past_date` it shows on its target and on a legal date whenever these are."""

    task_id: str
    generation: int
    person: str
    until: dt.date | None
    past_date: bool = False


@dataclass(frozen=True, slots=True)
class StartChild:
    child: str
    process: str
    facts: Mapping[str, FactValue]
    parties: Mapping[str, Contact]


@dataclass(frozen=True, slots=True)
class WriteRegister:
    """Fields of an agreement: of a new one of this id, or of the one there is; of a product alone where the id is
    empty. `values` by the register's field."""

    agreement: str
    is_new: bool
    values: Mapping[str, FactValue]


@dataclass(frozen=True, slots=True)
class TellParent:
    """Leaves a `ChildEnded` message for the parent case."""

    parent: str
    child: str
    outcome: str


Effect = (
    SetTimer | CancelTimers | Send | SendToAll | FixAudience | FreeAudience | PauseLetters | LettersPosted
    | Notify | HideTask | StartChild | TellParent
    | WriteRegister
)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of history. `detail` holds plain values; `personal` ones, which the store keeps encrypted.

    kinds: case_started, state_entered, task_opened, task_completed, task_closed, task_reassigned, fact_recorded,
    fact_decided, clock_started, clock_moved, clock_satisfied, clock_voided, clock_expired, rung_fired, rung_not_due,
    mail_queued, mail_settled, told, later_date_confirmed, child_started, child_ended, case_ended, hold_placed,
    hold_confirmed, hold_refused, hold_released, glass_broken, party_changed, fact_withdrawn, agreement_entered,
    agreement_changed, product_listed, cycle_started, audience_fixed, audience_freed, audience_told,
    mail_bounced, child_by_hand, case_migrated, case_adopted, happened_before, evidence_given, rung_before_adoption,
    rung_hushed, quiet_ended, note_added, task_nudged, task_snoozed, task_shown_again, answer_undone (since: the instant
    of the answer), fact_taken_back, state_restored, task_reopened, case_reopened,
    child_called_off, agreement_restored;
    outside a decision second_confirmed, address_entered, audience_imported (barred: who was left out, a line each),
    recipient_decided, answer_too_late (task, by, decided_by) for an answer to a task
    that another had answered, document_taken (fact), evidence_taken (form, lines) and evidence_written (sha256),
    preservation_placed and preservation_released, case_purged (act, lines, kept).
    """

    kind: str
    detail: Mapping[str, str] = field(default_factory=dict)
    personal: Mapping[str, str] = field(default_factory=dict)

    @property
    def told(self) -> Mapping[str, str]:
        return told(self.detail, self.personal)


WHO_AND_WHY = ("by", "decided_by", "on_behalf_of", "reason", "sha256", "called")
"""What of a line's personal part whoever may read the case is told: names, reasons, which document; not the values of
personal facts."""


def told(detail: Mapping[str, str], personal: Mapping[str, str]) -> Mapping[str, str]:
    """What a line of history says to whoever may read its case."""
    return {**detail, **{name: personal[name] for name in WHO_AND_WHY if name in personal}}


@dataclass(frozen=True, slots=True)
class Decision:
    """The case as it will be, what else is to be written, and what the history will say, in order. `answered` is there
    for an answer that may be taken back, `undoes` where one is."""

    case: Case
    effects: tuple[Effect, ...]
    events: tuple[Event, ...]
    answered: Answered | None = None
    undoes: Kept | None = None
