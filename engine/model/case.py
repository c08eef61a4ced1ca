"""A case: one running matter of one process, as a frozen value.

A case holds what a decision needs and nothing else: timers, mails and history are rows of the store.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.law.clocks import Hold, HoldPolicy

Cell = bool | int | str | dt.date
FactValue = Cell | dt.datetime | frozenset[str] | tuple["Contact", ...] | tuple["TableRow", ...]

ClockStatus = Literal["running", "satisfied", "void", "expired"]


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody outside the district who can be reached: a parent, an operator, an agency."""

    name: str
    email: str | None = None
    language: str = "en"
    address: str = ""
    paper: bool = False

    @property
    def reads_mail(self) -> bool:
        return self.email is not None and not self.paper


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a table: its key, and its cells by column. Columns without a value are not there."""

    key: str
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What was answered last time: in case `case`, on the local date `on`. No guard sees it before it is said again."""

    value: FactValue
    on: dt.date
    case: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `kind` person: `id` is a person's id; party: the party's name in the case; system: the engine itself.

    `on_behalf_of` records 'X for Y' and never gives Y's approval.
    """

    kind: Literal["person", "party", "system"]
    id: str
    name: str
    roles: frozenset[str] = frozenset()
    on_behalf_of: str | None = None


SYSTEM = Actor("system", "system", "soppa")


@dataclass(frozen=True, slots=True)
class HeldBy:
    """A law-enforcement hold on the notices of a case, with its paper. Dates are local; `until` is the end named in the
    request, `released` the day on which the school learned that the agency no longer objects. A refused hold never had
    an effect."""

    id: str
    status: Literal["provisional", "confirmed", "refused", "released"]
    started: dt.date
    agency: str
    officer: str
    matter: str
    paper: str
    placed_by: str
    until: dt.date | None = None
    released: dt.date | None = None
    release_paper: str | None = None
    reason: str = ""

    @property
    def stands(self) -> bool:
        return self.status in ("provisional", "confirmed")


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a state; `entry` is that of the state's place. The engine's own tasks (posting a `mail` on paper,
    confirming or reviewing a `hold`, doing by hand what a `child` would do) belong to no state: their `state` is empty.

    `done_by` is the name of who answered, `done_by_id` a person's id or a party's name.
    `generation` is raised by re-assigning and by a new form; links are bound to it. `assignees` are person ids, `party`
    the party's name for outsiders. `urgent`: mail at once; otherwise the daily brief carries it.
    """

    id: str
    name: str
    state: str
    entry: int
    generation: int
    title: str
    assignees: tuple[str, ...]
    role: str | None
    party: str | None
    due: dt.date | None
    opened_at: dt.datetime
    offered: bool = False
    urgent: bool = False
    instead_of: str | None = None
    mail: str | None = None
    hold: str | None = None
    child: str | None = None
    outcome: str | None = None
    done_by: str | None = None
    done_by_id: str | None = None
    done_at: dt.datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.outcome is None

    @property
    def is_own(self) -> bool:
        """Whether it is the engine's own, which belongs to no state."""
        return (self.mail, self.hold, self.child) != (None, None, None)


@dataclass(frozen=True, slots=True)
class Clock:
    """One generation of one clock. The dates are a projection, derived by `engine.law.clocks.derive` from the rest.

    Dates are local; `None` while held or where the rule has no number. `agreed` is a later date that both sides
    agreed to; `policy` and `grace` say what a released hold does, as the district had it when the clock was first held.
    `is_window`: another party's right, which nobody here has to see to.
    """

    name: str
    generation: int
    rule: str
    rule_version: str
    calendars: tuple[str, ...]
    anchor: dt.date
    length: int | None
    holds: tuple[Hold, ...]
    status: ClockStatus
    nominal: dt.date | None
    legal: dt.date | None
    target: dt.date | None
    provisional: bool = False
    reason: str = ""
    ended_on: dt.date | None = None
    agreed: dt.date | None = None
    policy: HoldPolicy = "asap"
    grace: int = 1
    is_window: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a case, or one of its regions, stands. `entry` is this entry's own number within the case."""

    state: str
    entry: int
    entered_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Adopted:
    """That a case had run before it was taken in on the local date `on`: what happened until then was told, with the
    kept document behind each fact or event of that name. Up to `quiet_until` nobody above the office is told that a
    date has passed."""

    on: dt.date
    evidence: Mapping[str, str] = field(default_factory=dict)
    quiet_until: dt.date | None = None


@dataclass(frozen=True)  # without slots: `changed` copies it as a whole
class Case:
    """`revision` counts commits and guards each write. `state`, `entry` and `entered_at` are the case's own place;
    `regions` those of the regions of a parallel state, in document order. `entries` counts entries of states.

    `happened` holds the local date of the latest occurrence of each event; `children` the number of joined children
    still open, by child name. `flags` are what everybody who looks at it must see: that glass was broken, that it
    started late. `subject` is the agreement that a case of a schedule is about, empty where it is about none; `after`
    the case whose answers are `suggested`; `nudged` who was asked once more on the last day on which anybody was, by
    `TASK/READER`.
    """

    id: str
    process: str
    version: int
    hash: str
    state: str
    entry: int
    entered_at: dt.datetime
    revision: int
    started_at: dt.datetime
    initiator: str
    entries: int = 0
    regions: Mapping[str, Place] = field(default_factory=dict)
    facts: Mapping[str, FactValue] = field(default_factory=dict)
    parties: Mapping[str, Contact] = field(default_factory=dict)
    tasks: tuple[Task, ...] = ()
    clocks: Mapping[str, Clock] = field(default_factory=dict)
    holds: tuple[HeldBy, ...] = ()
    happened: Mapping[str, dt.date] = field(default_factory=dict)
    children: Mapping[str, int] = field(default_factory=dict)
    next_task: int = 1
    parent: str | None = None
    child_name: str | None = None
    ended_at: dt.datetime | None = None
    outcome: str | None = None
    flags: tuple[str, ...] = ()
    subject: str | None = None
    after: str | None = None
    suggested: Mapping[str, Suggestion] = field(default_factory=dict)
    adopted: Adopted | None = None
    nudged: Mapping[str, dt.date] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.ended_at is None

    @property
    def is_held(self) -> bool:
        return any(hold.stands for hold in self.holds)

    @property
    def place(self) -> Place:
        return Place(self.state, self.entry, self.entered_at)

    @property
    def places(self) -> tuple[Place, ...]:
        """The places of the regions, in document order, and then the case's own."""
        return (*self.regions.values(), self.place)

    @property
    def at(self) -> frozenset[str]:
        """The names of the states it is in; those of regions as `region.state`."""
        return frozenset(place.state for place in self.places)

    def task(self, task_id: str) -> Task | None:
        return next((task for task in self.tasks if task.id == task_id), None)

    def open_task(self, name: str) -> Task | None:
        return next((task for task in self.tasks if task.name == name and task.is_open), None)


def changed(case: Case, news: Mapping[str, object]) -> Case:
    """As `dataclasses.replace`, in a tenth of the time: a decision changes its case some fifteen times."""
    if not news.keys() <= case.__dict__.keys():
        raise TypeError(f"a case has no {', '.join(sorted(news.keys() - case.__dict__.keys()))}")
    made = object.__new__(Case)
    made.__dict__.update(case.__dict__, **news)
    return made
