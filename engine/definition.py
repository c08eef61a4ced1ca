"""A process definition as a value: what `compile` makes of a document and what every other module reads.

All names in here have been checked: a guard reads declared facts only, a target names a state that exists, an event
names something that can happen. `engine.compile` makes these values; nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import shorten
from typing import Literal

from engine.case import FactValue, Task
from engine.clocks import Rule
from engine.guards import FactType, Guard
from engine.ladders import Ladder
from engine.words import Words as Words
from engine.words import say as say

LinkLevel = Literal["open", "code", "second"]
"""How sure the page must be of who clicks: `open` < `code` < `second` (a second channel)."""

MOST_ABOUT = 60
"""Characters of one fact in a title."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Where a fact or a party comes from that nobody types: a field of the agreement which fact `agreement` names. A
    `sure` field has a value in every agreement."""

    agreement: str
    field: str
    sure: bool = False


@dataclass(frozen=True, slots=True)
class FactDef:
    """`personal` facts are encrypted at rest and never stand in a mail, a log or a title. `option_labels` are those of
    a choice, a set, or the fixed rows of a table; `columns` those of a table. Agreements are listed by their likeness
    to the text fact `like`. A `prefill` fact is suggested again by the next case. A `threshold` is what a number of the
    district's own is where its settings do not say. A date that is `past` lies never in the future. A `web_address`
    is a text that a browser can open."""

    name: str
    type: FactType
    label: Words
    personal: bool = False
    help: Words = field(default_factory=dict)
    option_labels: Mapping[str, Words] = field(default_factory=dict)
    columns: Mapping[str, FactDef] = field(default_factory=dict)
    taken: Taken | None = None
    like: str | None = None
    prefill: bool = False
    threshold: int | None = None
    past: bool = False
    web_address: bool = False


@dataclass(frozen=True, slots=True)
class Who:
    """Who acts or reads: a role of the district, a person named in a fact, a party of the case, or (reads only) an
    audience of it."""

    kind: Literal["role", "person", "party", "audience"]
    name: str


@dataclass(frozen=True, slots=True)
class Branch:
    """One way on; `when` None is the way taken when no guard before it holds (always the last)."""

    to: str
    when: Guard | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A district's target: `amount` `unit` after the entry of the state, or after / before a clock's date or an event.

    `unit` is `business_days`, `calendar_days` or `school_days`; business days are counted in `il-strict`. The int fact
    `days`, once known, takes the place of `amount`.
    """

    amount: int
    unit: str
    of: str | None = None
    before: bool = False
    days: str | None = None


@dataclass(frozen=True, slots=True)
class FormField:
    fact: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Requirement:
    """What must be so before an answer is taken, and the sentence for whoever gives it too early: a guard, that a piece
    of reference data was looked up at most so many `months` ago, that the legal date of a clock has `passed`, that the
    texts in `uncounted` say of no number of people, where `when` holds or cannot be answered yet, that a date is
    `ahead` (today or later) or `reached` (today or earlier), or that the person in `signer` stood on the Board's list
    of authorised signers on the date `on`."""

    text: Words
    that: Guard | None = None
    fresh: str | None = None
    months: int = 0
    passed: str | None = None
    uncounted: tuple[str, ...] = ()
    when: Guard | None = None
    ahead: str | None = None
    reached: str | None = None
    signer: str | None = None
    on: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a person may answer. Without `to` the answer is only recorded (and the state's join looks at it). A
    `holdable` one is refused while a law-enforcement hold stands. Nobody changes the audiences in `fixes` afterwards,
    unless an answer that `frees` them comes before a mail to them.
    """

    name: str
    label: Words
    to: tuple[Branch, ...] = ()
    when: Guard | None = None
    needs: tuple[str, ...] = ()
    sets: tuple[tuple[str, FactValue], ...] = ()
    sends: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    holdable: bool = False
    requires: tuple[Requirement, ...] = ()
    fixes: tuple[str, ...] = ()
    frees: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Who may answer in an absent person's place when a legal date is near: `role`, from `days` business days before
    the legal date of `clock` on, with a reason. `tells` are the roles that learn of it at once, besides those passed
    over."""

    role: str
    clock: str
    days: int
    tells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskDef:
    """A task of a state, opened with it if `when` holds. An `offered` task may be done, but nobody is asked to and
    nothing waits for it. Its target has a `ladder` of its own, or the definition's."""

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
    when: Guard | None = None
    break_glass: BreakGlass | None = None
    ladder: Ladder | None = None


@dataclass(frozen=True, slots=True)
class OnEvent:
    event: str
    to: tuple[Branch, ...]
    sends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class After:
    """A move made by the calendar: `amount` `unit` after the entry of the state or, with `of`, before the date of that
    clock (its target, as for a `Due`), on the morning of the day."""

    amount: int
    unit: str
    to: tuple[Branch, ...]
    sends: tuple[str, ...] = ()
    of: str | None = None


@dataclass(frozen=True, slots=True)
class RegionDef:
    """One track of a parallel state; `initial` is the full name of its first state, `region.state`."""

    name: str
    title: Words
    initial: str


@dataclass(frozen=True, slots=True)
class StateDef:
    """`name` is `region.state` for a state of a region. A parallel state has `regions`, and `done` for when all of them
    have come to a final state. `distinct`: each of its tasks is answered by another person."""

    name: str
    title: Words
    region: str = ""
    regions: tuple[RegionDef, ...] = ()
    done: tuple[Branch, ...] = ()
    initial: bool = False
    final: bool = False
    outcome: str | None = None
    tasks: tuple[TaskDef, ...] = ()
    join: Literal["any", "all", "veto"] = "any"
    distinct: bool = False
    joined: tuple[Branch, ...] = ()
    always: tuple[Branch, ...] = ()
    on: tuple[OnEvent, ...] = ()
    after: After | None = None
    sends: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    registers: tuple[str, ...] = ()

    def task(self, name: str) -> TaskDef | None:
        return next((task for task in self.tasks if task.name == name), None)


@dataclass(frozen=True, slots=True)
class Source:
    """A date: in a fact, the local date on which an event happened, or the legal date of another clock."""

    kind: Literal["fact", "event", "clock"]
    name: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where day 0 of a clock comes from: the earliest of its sources that have a date."""

    sources: tuple[Source, ...]

    def names(self, kind: Literal["fact", "event", "clock"]) -> tuple[str, ...]:
        return tuple(source.name for source in self.sources if source.kind == kind)


@dataclass(frozen=True, slots=True)
class ClockDef:
    """An obligation (`window`: another party's right). It outlives states; see `Anchor` for when it begins, which it
    does only if `when` holds.

    `satisfied_by` and `void_by` hold events; `dated_by` says of one which date fact holds the day on which it was
    done, where that is told afterwards. `days_fact` names an integer fact with a contract's days: the shorter wins.
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
    when: Guard | None = None
    dated_by: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MailDef:
    """A mail to one reader. `paper` is the role that prints and posts it when no address works; without it a mail to a
    reader without an address opens an incident. `told` mails satisfy duties. An `urgent` one does not wait for the
    day on which an operator gets no other mail. `must_say` and `must_not_say` are the placeholders that each of its
    texts holds, or holds nowhere."""

    name: str
    to: Who
    paper: str | None = None
    urgent: bool = False
    task: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    reviewed_by: Mapping[str, str | None] = field(default_factory=dict)
    must_say: tuple[str, ...] = ()
    must_not_say: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChildDef:
    """Cases started by this one. `each` names facts: one child for every agreement in an `agreements` fact, which is
    the child's fact `agreement`, and for every contact in a `contacts` fact, which is its party `party`. A `joined`
    child reports its end; the case may wait for `ended.NAME`. One that is not, and whose process this office does not
    have, becomes a task of doing it by hand: `otherwise` says what."""

    name: str
    process: str
    each: tuple[str, ...]
    party: str | None
    facts: Mapping[str, str]
    parties: tuple[str, ...]
    joined: bool = True
    otherwise: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row of a decision table: where `when` holds, the fact has this value."""

    when: Guard
    give: FactValue


@dataclass(frozen=True, slots=True)
class Reason:
    when: Guard
    text: Words


@dataclass(frozen=True, slots=True)
class DecisionDef:
    """A decision table: a fact that nobody types, since it follows from others. In each case exactly one row holds.
    `reasons` are what a reader is told of it: all that hold."""

    fact: str
    rows: tuple[Verdict, ...]
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class PartyDef:
    """`source` is the contacts fact whose first contact is this party, `taken` a field of an agreement; without either
    the party is given at the start."""

    name: str
    label: Words
    kind: Literal["parent", "operator", "other"]
    source: str | None = None
    taken: Taken | None = None


@dataclass(frozen=True, slots=True)
class RegisterDef:
    """What a state writes into the register. `is_new`: a new agreement, whose id becomes the fact `agreement`; else
    fields of the agreement which that fact names, or, where `agreement` is empty, of a product alone. `facts` are ours
    by the field; `sets` are values as written."""

    name: str
    agreement: str
    is_new: bool
    facts: Mapping[str, FormField]
    sets: tuple[tuple[str, FactValue], ...] = ()


ANNIVERSARY = "anniversary"
CYCLE_ON, SUBJECT = "cycle_on", "agreement"
"""The facts that a case gets from its schedule: the date of its occurrence, and the agreement it is about."""


@dataclass(frozen=True, slots=True)
class ScheduleDef:
    """When cases start by themselves: `before` `unit` before each of the `days` (`MM-DD` or `fiscal_year`), or before
    the date `of` each active agreement: its anniversary, or a date field of the register. `facts` are given to each.
    `catches_up`: an agreement that comes into the register after that day is asked all the same while the date itself
    is still to come. `which` is a choice fact that says which of the `days` it is: the first gives the first option."""

    of_agreements: bool
    days: tuple[str, ...] = ()
    of: str = ""
    before: int = 0
    unit: str = "calendar_days"
    facts: tuple[tuple[str, FactValue], ...] = ()
    catches_up: bool = False
    which: str | None = None

    @property
    def gives(self) -> tuple[str, ...]:
        """The facts that each case of it starts with."""
        own = (*((SUBJECT,) if self.of_agreements else ()), *((self.which,) if self.which else ()))
        return (CYCLE_ON, *own, *(name for name, _ in self.facts))


@dataclass(frozen=True, slots=True)
class AudienceDef:
    """Many people outside who each get the same mail. `counted` is the int fact that says how many there are, recorded
    when they are imported. `languages` are int facts recorded with it, how many read a language, `other` being all in
    which no letter is, and under `named` the text fact that names those. `channel` is a choice fact out of `CHANNELS`;
    without it each is told as they wish."""

    name: str
    label: Words
    counted: str
    channel: str | None = None
    languages: Mapping[str, str] = field(default_factory=dict)


OTHER_LANGUAGES, UNWRITTEN = "other", "named"

CHANNELS = ("as_wished", "post_without_consent", "post_if_address_leaked")
"""How an audience is told: by mail where there is an address, on paper where there is none or it was wished; and on
paper besides to everyone without a recorded consent to electronic notice, or whose own address was part of a breach."""


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
    """`hash` is the SHA-256 of the compiled form without the texts; a case is pinned to (process, version, hash).
    `start_by` are the roles that may start a case (all, where there is none); `start_self` is the person fact that
    whoever starts it on a page becomes. `about` are the text facts that tell one case from another wherever a title
    stands, in a mail and behind an `open` link too. `unnoticed` says of mutants why no scenario need notice them,
    `migrates` which state takes the place of one that an earlier version had."""

    process: str
    version: int
    title: Words
    cites: tuple[str, ...]
    facts: Mapping[str, FactDef]
    parties: Mapping[str, PartyDef]
    start_needs: tuple[str, ...]
    start_by: tuple[str, ...]
    states: Mapping[str, StateDef]
    clocks: Mapping[str, ClockDef]
    mails: Mapping[str, MailDef]
    children: Mapping[str, ChildDef]
    scenarios: tuple[Scenario, ...]
    hash: str
    soft: Ladder
    from_parent: bool = False
    start_self: str | None = None
    decisions: Mapping[str, DecisionDef] = field(default_factory=dict)
    audiences: Mapping[str, AudienceDef] = field(default_factory=dict)
    registers: Mapping[str, RegisterDef] = field(default_factory=dict)
    schedule: ScheduleDef | None = None
    unnoticed: Mapping[str, str] = field(default_factory=dict)
    migrates: Mapping[str, str] = field(default_factory=dict)
    about: tuple[str, ...] = ()

    def named(self, title: Words, facts: Mapping[str, FactValue], language: str) -> str:
        """A title with what its case is about, such as `Is it still used? (Reader, Reader Inc)`."""
        known = (shorten(str(facts[name]), MOST_ABOUT, placeholder="…") for name in self.about if name in facts)
        about = ", ".join(known)
        return f"{say(title, language)} ({about})" if about else say(title, language)

    @property
    def initial(self) -> StateDef:
        return next(state for state in self.states.values() if state.initial and not state.region)

    @property
    def names_agreements(self) -> tuple[str, ...]:
        """The facts that name an agreement of the register."""
        return tuple(fact.name for fact in self.facts.values() if fact.type.kind == "agreement")

    @property
    def shows_agreements(self) -> tuple[str, ...]:
        """The facts that hold ids of agreements, one or several."""
        return tuple(fact.name for fact in self.facts.values() if fact.type.kind in ("agreement", "agreements"))

    def fact(self, name: str) -> FactDef | None:
        """A declared fact, or one of the engine's own."""
        return OWN_FACTS.get(name) or self.facts.get(name)

    def task(self, task: Task) -> TaskDef | None:
        """What is asked in a task; of the engine's own tasks, which belong to no state, what the engine asks."""
        posting = self.mails.get(task.mail or "")
        if posting is not None:
            return posting_task(posting)
        if task.hold is not None:
            return hold_task(task.name)
        if task.child is not None:
            return by_hand_task(self.children[task.child])
        return self.states[task.state].task(task.name) if task.state in self.states else None


def told(mail: str) -> str:
    """The event 'this mail was accepted by the relay, or posted on paper'."""
    return f"told.{mail}"


def began(mail: str) -> str:
    """The event 'the first of an audience was told by this mail'."""
    return f"began.{mail}"


def complete(mail: str) -> str:
    """The event 'every copy of this mail to an audience, by mail and on paper, is done'; `told` is: each one was told
    by one of them, or decided by name."""
    return f"complete.{mail}"


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
    one = {"en": "Print the letter, post it, and enter the date of posting"}
    many = {"en": "Print the letters of those whom no mail reaches, post them, and enter the date of posting"}
    return TaskDef(
        name=POST + mail.name,
        title=many if mail.to.kind == "audience" else one,
        who=Who("role", mail.paper or "privacy"),
        link="code",
        form=(FormField(POSTED_ON.name),),
        outcomes={"posted": Outcome("posted", {"en": "The letter is in the post"})},
        due=Due(2, "business_days"),
        posts=mail.name,
    )


BY_HAND = "by_hand_"
"""Begins the name of the engine's own task of doing what a case of another process would do: `by_hand_listing`."""


def by_hand_task(child: ChildDef) -> TaskDef:
    """The task that stands for a case of a process which this office does not have."""
    plain = {"en": f"Do by hand what the process {child.process.replace('_', ' ')} would do"}
    return TaskDef(
        name=BY_HAND + child.name,
        title=child.otherwise or plain,
        who=Who("role", "privacy"),
        link="code",
        form=(),
        outcomes={"done": Outcome("done", {"en": "It is done"})},
        due=Due(10, "business_days"),
    )


HOLD_REASON = FactDef("hold_reason", FactType("text"), {"en": "Why"}, personal=True)
OWN_FACTS = {fact.name: fact for fact in (POSTED_ON, HOLD_REASON)}
"""Facts that the engine's own tasks ask for; no case keeps them."""

CONFIRM_HOLD, REVIEW_HOLD = "confirm_hold_", "review_hold"
"""Names of the engine's own tasks about a law-enforcement hold; the first ends with the role that confirms."""


def hold_task(name: str) -> TaskDef:
    """The task of confirming a hold (one for each role) or of reviewing it."""
    why = (FormField(HOLD_REASON.name, required=False),)
    if name == REVIEW_HOLD:
        asked = {"goes_on": "The agency still asks for it", "no_interference": "It interferes no longer: release it"}
        title, who = "Review the law-enforcement hold", "privacy"
    else:
        asked = {"confirm": "The request is genuine and in writing", "refuse": "It has no effect: refuse it"}
        title, who = "Confirm or refuse the law-enforcement hold", name.removeprefix(CONFIRM_HOLD)
    outcomes = {key: Outcome(key, {"en": label}) for key, label in asked.items()}
    return TaskDef(name, {"en": title}, Who("role", who), "code", why, outcomes, Due(1, "business_days"))
