"""A process definition as a value: what `compile` makes of a document and what every other module reads.

All names in here have been checked: a guard reads declared facts only, a target names a state that exists, an event
names something that can happen. `engine.compile` makes these values; nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.case import FactValue
from engine.clocks import Rule
from engine.guards import FactType, Guard
from engine.ladders import Ladder
from engine.words import Words as Words
from engine.words import say as say

LinkLevel = Literal["open", "code", "second"]
"""How sure the page must be of who clicks: `open` < `code` < `second` (a second channel)."""


@dataclass(frozen=True, slots=True)
class FactDef:
    """`personal` facts are encrypted at rest and never stand in a mail, a log or a title."""

    name: str
    type: FactType
    label: Words
    personal: bool = False
    help: Words = field(default_factory=dict)
    option_labels: Mapping[str, Words] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Who:
    """Who acts or reads: a role of the district, a person named in a fact, or a party of the case."""

    kind: Literal["role", "person", "party"]
    name: str


@dataclass(frozen=True, slots=True)
class Branch:
    """One way on; `when` None is the way taken when no guard before it holds (always the last)."""

    to: str
    when: Guard | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A district's target: `amount` `unit` after the entry of the state, or after / before a clock's date or an event.

    `unit` is `business_days`, `calendar_days` or `school_days`; business days are counted in `il-strict`.
    """

    amount: int
    unit: str
    of: str | None = None
    before: bool = False


@dataclass(frozen=True, slots=True)
class FormField:
    fact: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a person may answer. Without `to` the answer is only recorded (and the state's join looks at it)."""

    name: str
    label: Words
    to: tuple[Branch, ...] = ()
    when: Guard | None = None
    needs: tuple[str, ...] = ()
    sets: tuple[tuple[str, FactValue], ...] = ()
    sends: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskDef:
    """A task of a state. An `offered` task may be done but nobody is asked to and nothing waits for it."""

    name: str
    title: Words
    who: Who
    link: LinkLevel
    form: tuple[FormField, ...]
    outcomes: Mapping[str, Outcome]
    due: Due | None = None
    shows: tuple[str, ...] = ()
    help: Words = field(default_factory=dict)
    approval: bool = False
    offered: bool = False
    posts: str | None = None


@dataclass(frozen=True, slots=True)
class OnEvent:
    event: str
    to: tuple[Branch, ...]
    sends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class After:
    """A move made by the calendar: `amount` `unit` after the entry of the state."""

    amount: int
    unit: str
    to: tuple[Branch, ...]
    sends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StateDef:
    name: str
    title: Words
    initial: bool = False
    final: bool = False
    outcome: str | None = None
    tasks: tuple[TaskDef, ...] = ()
    join: Literal["any", "all", "veto"] = "any"
    joined: tuple[Branch, ...] = ()
    always: tuple[Branch, ...] = ()
    on: tuple[OnEvent, ...] = ()
    after: After | None = None
    sends: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()

    def task(self, name: str) -> TaskDef | None:
        return next((task for task in self.tasks if task.name == name), None)


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where day 0 of a clock comes from.

    `fact`: the date in one fact; `earliest`: the earliest of those of the named facts that are known; `event`: the
    local date on which the event happened; `clock`: the legal date of another clock.
    """

    kind: Literal["fact", "earliest", "event", "clock"]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClockDef:
    """An obligation (`window`: another party's right). It outlives states; see `Anchor` for when it begins.

    `satisfied_by` and `void_by` hold events. `days_fact` names an integer fact with a contract's days: the
    shorter wins.
    """

    name: str
    title: Words
    rule: Rule
    anchor: Anchor
    satisfied_by: tuple[str, ...]
    void_by: tuple[str, ...]
    ladder: Ladder | None
    owner: Who
    chases: Who | None = None
    days_fact: str | None = None
    window: bool = False
    agreed_fact: str | None = None


@dataclass(frozen=True, slots=True)
class MailDef:
    """A mail to one reader. `paper` is the role that prints and posts it when no address works; without it a mail to a
    reader without an address opens an incident. `told` mails satisfy duties. `urgent` ones leave at any hour."""

    name: str
    to: Who
    paper: str | None = None
    urgent: bool = True
    task: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    reviewed_by: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChildDef:
    """Cases started by this one. `each` names a `contacts` fact: one child for every contact in it, the contact being
    the child's party `party`. A `joined` child reports its end; the case may wait for `ended.NAME`."""

    name: str
    process: str
    each: str | None
    party: str | None
    facts: Mapping[str, str]
    parties: tuple[str, ...]
    joined: bool = True


@dataclass(frozen=True, slots=True)
class PartyDef:
    name: str
    label: Words
    kind: Literal["parent", "operator", "other"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story played by `check` on a fake clock; `steps` and `expect` are plain values, see docs/definitions.md."""

    name: str
    start: str
    given: Mapping[str, str]
    steps: tuple[Mapping[str, object], ...]
    expect: Mapping[str, object]
    place: str


@dataclass(frozen=True, slots=True)
class Definition:
    """`hash` is the SHA-256 of the compiled form without the texts; a case is pinned to (process, version, hash)."""

    process: str
    version: int
    title: Words
    cites: tuple[str, ...]
    facts: Mapping[str, FactDef]
    parties: Mapping[str, PartyDef]
    start_needs: tuple[str, ...]
    states: Mapping[str, StateDef]
    clocks: Mapping[str, ClockDef]
    mails: Mapping[str, MailDef]
    children: Mapping[str, ChildDef]
    scenarios: tuple[Scenario, ...]
    hash: str
    soft: Ladder
    from_parent: bool = False

    @property
    def initial(self) -> StateDef:
        return next(state for state in self.states.values() if state.initial)

    def fact(self, name: str) -> FactDef | None:
        """A declared fact, or the engine's own `posted_on`."""
        return POSTED_ON if name == POSTED_ON.name else self.facts.get(name)

    def task(self, state: str, name: str) -> TaskDef | None:
        """A task of a state, or the engine's own task of posting a mail on paper, which belongs to no state."""
        posting = self.mails.get(name.removeprefix(POST))
        if name.startswith(POST) and posting is not None:
            return posting_task(posting)
        return self.states[state].task(name)


def told(mail: str) -> str:
    """The event 'this mail was accepted by the relay, or posted on paper'."""
    return f"told.{mail}"


def entered(state: str) -> str:
    return f"entered.{state}"


def expired(clock: str) -> str:
    """The event 'the window of this clock has passed'."""
    return f"expired.{clock}"


def ended(child: str) -> str:
    """The event 'every joined child of this name has ended'."""
    return f"ended.{child}"


POST = "post_"
"""Begins the name of the engine's own task of printing and posting a mail: `post_told_parent`."""

POSTED_ON = FactDef("posted_on", FactType("date"), {"en": "Date it was posted"})


def posting_task(mail: MailDef) -> TaskDef:
    """The task that replaces a mail which cannot be sent: print the letter, post it, say on which day."""
    return TaskDef(
        name=POST + mail.name,
        title={"en": "Print the letter, post it, and enter the date of posting"},
        who=Who("role", mail.paper or "privacy"),
        link="code",
        form=(FormField(POSTED_ON.name),),
        outcomes={"posted": Outcome("posted", {"en": "The letter is in the post"})},
        due=Due(2, "business_days"),
        posts=mail.name,
    )
