"""What a process owes and says, as values: clocks, mails, children, the register, schedules, audiences, scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.law.clocks import Rule
from engine.law.ladders import Ladder
from engine.model.case import FactValue
from engine.model.guards import Guard
from engine.model.parts import Due, FormField, Source, Taken, Who
from engine.words import Words


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
    the child's fact `agreement`, and for every contact in a `contacts` fact, which is its party `party`; one for every
    row of a `table` fact, whose cells are the child's facts of the same names; or one for everybody who holds `role`,
    who is the child's fact `person`. A `joined`
    child reports its end; the case may wait for `ended.NAME`. One that is not, and whose process this office does not
    have, becomes a task of doing it by hand: `otherwise` says what. `dates` are date facts of the child that are
    reckoned like a target on the day of its start: day 0 is that day itself."""

    name: str
    process: str
    each: tuple[str, ...]
    party: str | None
    facts: Mapping[str, str]
    parties: tuple[str, ...]
    joined: bool = True
    otherwise: Words = field(default_factory=dict)
    dates: Mapping[str, Due] = field(default_factory=dict)
    role: str | None = None
    person: str | None = None


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
    fields of the agreement which that fact names, or, where `agreement` is empty, of a product alone. One `of_product`
    is of the product of that agreement, as far as the fact is known, and else of the product of its operator and name.
    `facts` are ours by the field; `sets` are values as written."""

    name: str
    agreement: str
    is_new: bool
    facts: Mapping[str, FormField]
    sets: tuple[tuple[str, FactValue], ...] = ()
    of_product: bool = False


ANNIVERSARY = "anniversary"
FIRST_DAY = "first_attendance_day"
CYCLE_ON, SUBJECT = "cycle_on", "agreement"
"""The facts that a case gets from its schedule: the date of its occurrence, and the agreement it is about."""


@dataclass(frozen=True, slots=True)
class ScheduleDef:
    """When cases start by themselves: `before` `unit` before each of the `days` (`MM-DD` or `fiscal_year`), before the
    date `of` each active agreement (its anniversary, or a date field of the register), or before the first day of
    attendance. `in_month`: on the first of the district's attestation month instead, where it has set one. `facts` are
    given to each.
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
    in_month: bool = False

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
