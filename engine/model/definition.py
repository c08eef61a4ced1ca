"""A process definition as a value: what `compile` makes of a document and what every other module reads.

All names in here have been checked: a guard reads declared facts only, a target names a state that exists, an event
names something that can happen. `engine.language.compile` makes these values; nothing else does. What a definition is
made of stands in `parts` and `duties`, and is known to the others by the names here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import shorten

from engine.law.ladders import Ladder
from engine.model.case import FactValue, Task
from engine.model.duties import (
    ANNIVERSARY,
    CHANNELS,
    CYCLE_ON,
    FIRST_DAY,
    OTHER_LANGUAGES,
    SUBJECT,
    UNWRITTEN,
    Anchor,
    AudienceDef,
    ChildDef,
    ClockDef,
    DecisionDef,
    MailDef,
    PartyDef,
    Reason,
    RegisterDef,
    Scenario,
    ScheduleDef,
    Verdict,
)
from engine.model.events import began, complete, ended, entered, expired, told
from engine.model.own_tasks import (
    BY_HAND,
    CONFIRM_HOLD,
    HOLD_REASON,
    OWN_FACTS,
    POST,
    POSTED_ON,
    REVIEW_HOLD,
    by_hand_task,
    hold_task,
    posting_task,
)
from engine.model.parts import (
    After,
    Branch,
    BreakGlass,
    Due,
    FactDef,
    FormField,
    LinkLevel,
    OnEvent,
    Outcome,
    RegionDef,
    Requirement,
    Source,
    StateDef,
    Taken,
    TaskDef,
    Who,
)
from engine.words import Words, say

__all__ = (
    "ANNIVERSARY", "BY_HAND", "CHANNELS", "CONFIRM_HOLD", "CYCLE_ON", "FIRST_DAY", "HOLD_REASON", "OTHER_LANGUAGES",
    "OWN_FACTS", "POST", "POSTED_ON", "REVIEW_HOLD", "SUBJECT", "UNWRITTEN", "After", "Anchor", "AudienceDef",
    "Branch", "BreakGlass", "ChildDef",
    "ClockDef", "DecisionDef", "Definition", "Due", "FactDef", "FormField", "LinkLevel", "MailDef", "OnEvent",
    "Outcome", "PartyDef", "Reason", "RegionDef", "RegisterDef", "Requirement", "Scenario", "ScheduleDef", "Source",
    "StateDef", "Taken", "TaskDef", "Verdict", "Who", "Words", "began", "by_hand_task", "complete", "ended",
    "entered", "expired", "hold_task", "posting_task", "say", "told",
)

MOST_ABOUT = 60
"""Characters of one fact in a title."""


@dataclass(frozen=True, slots=True)
class Definition:
    """`hash` is the SHA-256 of the compiled form without the texts; a case is pinned to (process, version, hash).
    `start_by` are the roles that may start a case (all, where there is none); `start_self` is the person fact that
    whoever starts it on a page becomes. `about` are the text facts that tell one case from another wherever a title
    stands, in a mail and behind an `open` link too. `unnoticed` says of mutants why no scenario need notice them,
    `migrates` which state takes the place of one that an earlier version had. Where `need_to_know` names roles, only
    they and whoever takes part in a case may read it; without `undo` its mails never wait and no answer is taken back.
    Of these two the newest version's word counts for every case. `places` says where in its document a part stands."""

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
    need_to_know: tuple[str, ...] = ()
    undo: bool = True
    places: Mapping[str, str] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.hash)

    def place(self, section: str, name: str) -> str:
        """`file:line:column` of a part, such as `place("tasks", "received/verify")`; empty where it is not known."""
        return self.places.get(f"{section}.{name}", "")

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

    def heeds(self, event: str) -> bool:
        """Whether a clock, a way or a target hangs on this event."""
        clocks = any(event in (*clock.satisfied_by, *clock.void_by, *clock.anchor.names("event"))
                     for clock in self.clocks.values())
        dues = (task.due for state in self.states.values() for task in state.tasks)
        return clocks or any(event == way.event for state in self.states.values() for way in state.on) or any(
            due is not None and due.of == event for due in dues)

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

    def task_named(self, name: str) -> TaskDef | None:
        """A task by its name alone, as a history knows it; the engine's own among them."""
        known = next((task for state in self.states.values() if (task := state.task(name)) is not None), None)
        if known is not None:
            return known
        if name == REVIEW_HOLD or name.startswith(CONFIRM_HOLD):
            return hold_task(name)
        mail, child = self.mails.get(name.removeprefix(POST)), self.children.get(name.removeprefix(BY_HAND))
        if name.startswith(POST) and mail is not None:
            return posting_task(mail)
        return by_hand_task(child) if name.startswith(BY_HAND) and child is not None else None
