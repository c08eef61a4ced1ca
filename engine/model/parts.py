"""What a process is made of, as values: facts, who acts, tasks with their forms and outcomes, states."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.law.ladders import Ladder
from engine.model.case import FactValue
from engine.model.guards import FactType, Guard
from engine.words import Words

LinkLevel = Literal["open", "code", "second"]
"""How sure the page must be of who clicks: `open` < `code` < `second` (a second channel)."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Where a fact or a party comes from that nobody types: a field of the agreement which fact `agreement` names. A
    `sure` field has a value in every agreement."""

    agreement: str
    field: str
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A date: in a fact, the local date on which an event happened, or the legal date of another clock."""

    kind: Literal["fact", "event", "clock"]
    name: str


@dataclass(frozen=True, slots=True)
class Charge:
    """What is asked for units, in cents: the int fact `of` says how many, the first `free` cost nothing, the others the
    int fact `price` each, at `most` so much; nothing at all where the bool fact `waived` holds."""

    of: str
    price: str
    free: int
    most: int
    waived: str | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many earlier cases of the process lie in the same State fiscal quarter by the date fact `on`, and are the
    `same` in these parties and text facts, and of which the guard `where` does not say no. `rule` is its quota."""

    rule: str
    on: str
    same: tuple[str, ...]
    where: Guard | None = None


@dataclass(frozen=True, slots=True)
class Picked:
    """A set is the keys of those rows of a table in which a column says yes."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class FactDef:
    """`personal` facts are encrypted at rest and never stand in a mail, a log or a title. `option_labels` are those of
    a choice, a set, or the fixed rows of a table; `columns` those of a table. Agreements are listed by their likeness
    to the text fact `like`. A `prefill` fact is suggested again by the next case. A `threshold` is what a number of the
    district's own is where its settings do not say. A date that is `past` lies never in the future. A `web_address`
    is a text that a browser can open, a `board_meeting` one of the district's dates of its Board. A date is
    `not_before` those of other facts, of events, or of clocks (their legal dates), as far as these are known; one that
    lies back more than its `usual_days` is asked about once. A `school_year_end` is the last day of the school year in
    which the case starts: the district gives it. An amount is worked out by its `charge`, a date as the first day after
    the quarter of the date fact `quarter_after`; an int with a `tally` is suggested as the number of earlier cases. The
    rows of a table are, with `rows_of`, what was chosen in that set fact; a set that is `picked` follows from them."""

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
    not_before: tuple[Source, ...] = ()
    board_meeting: bool = False
    charge: Charge | None = None
    quarter_after: str | None = None
    tally: Tally | None = None
    school_year_end: bool = False
    rows_of: str | None = None
    picked: Picked | None = None
    usual_days: int | None = None


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
    of reference data was looked up at most so many `months` ago, that the legal date of a clock has `passed` or that
    today is `before` that of a clock that runs, that the
    texts in `uncounted` say of no number of people, where `when` holds or cannot be answered yet, that a date is
    `ahead` (today or later) or `reached` (today or earlier), or that the person in `signer` stood on the Board's list
    of authorized signers on the date `on`."""

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
    before: str | None = None


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
    """A move made by the calendar: `amount` `unit` after the entry of the state or, with `since`, after the date in
    that fact, when the last day is over; with `of`, before the date of that clock (its target, as for a `Due`), on the
    morning of the day."""

    amount: int
    unit: str
    to: tuple[Branch, ...]
    sends: tuple[str, ...] = ()
    of: str | None = None
    since: str | None = None

    @property
    def from_entry(self) -> bool:
        return self.of is None and self.since is None

    def last_day(self, facts: Mapping[str, FactValue]) -> dt.date | None:
        """The last day in the state by the date in `since`; None while that is not recorded."""
        start = facts.get(self.since or "")
        return start + dt.timedelta(days=self.amount) if isinstance(start, dt.date) else None


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
