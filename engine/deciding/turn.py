"""One decision in the making. A `Turn` is made by `decide`, filled by the engine's modules, and never leaves it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.deciding.forms import KEPT_DOCUMENT, file_name
from engine.model.case import Actor, Case, FactValue, Place, Task, changed
from engine.model.computing import computed
from engine.model.definition import Definition, StateDef, Words, say
from engine.model.guards import evaluate, reads
from engine.model.messages import Decision, Effect, Event
from engine.model.office import Office
from engine.words import written

REASONED_BY_US = frozenset({"clock_moved"})
"""Kinds of history whose reason the engine writes itself."""

PERHAPS_PERSONAL = ("by", "on_behalf_of", "reason")
"""What a line may say about somebody outside the office, or in somebody's own words."""

SEALED_KINDS = frozenset({"contacts", "document"})
"""Facts of these types are personal wherever they stand, whatever their definition says."""


@dataclass(slots=True)
class Turn:
    """`now` is an aware UTC instant, `today` the local date of it. While `adopting`, what is past is written down and
    not done."""

    definition: Definition
    office: Office
    actor: Actor
    now: dt.datetime
    case: Case
    effects: list[Effect] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    entered: int = 0
    adopting: bool = False
    today: dt.date = field(init=False)

    def __post_init__(self) -> None:
        self.today = self.office.today(self.now)

    @property
    def state(self) -> StateDef:
        """The case's own state, which a parallel state is while its regions move."""
        return self.definition.states[self.case.state]

    @property
    def here(self) -> Iterator[tuple[StateDef, Place]]:
        """Where the case is: its regions in document order, then the case itself."""
        return ((self.definition.states[place.state], place) for place in self.case.places)

    def place(self, region: str) -> Place | None:
        """Where a region stands, or the case itself for the empty name; None for a region that is not open."""
        return self.case.regions.get(region) if region else self.case.place

    def go(self, state: StateDef) -> Place:
        """Puts the case, or the region that the state belongs to, into a state: a new entry."""
        entry = self.case.entries + 1
        place = Place(state.name, entry, self.now)
        if state.region:
            self.change(entries=entry, regions={**self.case.regions, state.region: place})
        else:
            self.change(entries=entry, state=state.name, entry=entry, entered_at=self.now, regions={})
        return place

    def do(self, effect: Effect) -> None:
        self.effects.append(effect)

    def tell(self, kind: str, **detail: object) -> None:
        """Adds a line of history; values are written as text, those that are None left out.

        What somebody typed, and the name of somebody outside the office, go into the sealed part.
        """
        plain = {name: str(value) for name, value in detail.items() if value is not None}
        sealed = {name: plain.pop(name) for name in PERHAPS_PERSONAL
                  if name in plain and self._is_personal(kind, name, plain[name])}  # fmt: skip
        self.events.append(Event(kind, plain, sealed))

    def _is_personal(self, kind: str, name: str, word: str) -> bool:
        if name == "by":
            return self.actor.kind == "party" and word == self.actor.name
        return name == "on_behalf_of" or (name == "reason" and kind not in REASONED_BY_US)

    def change(self, **values: object) -> None:
        self.case = changed(self.case, values)

    def put_task(self, task: Task) -> None:
        """Adds a task or puts a changed one in its place."""
        others = [old for old in self.case.tasks if old.id != task.id]
        self.change(tasks=tuple(sorted([*others, task], key=lambda t: t.opened_at)))

    def record(self, values: Mapping[str, FactValue], reason: str = "") -> None:
        """Sets or supersedes facts. Facts are never unset; a value that is there already leaves no trace."""
        news = {name: value for name, value in values.items() if self.case.facts.get(name) != value}
        for name, value in news.items():
            known = self.definition.fact(name)
            text = {"value": written(value)}
            if name in self.case.facts:
                text["was"] = written(self.case.facts[name])
            why = {"reason": reason} if reason else {}
            if known is not None and (known.personal or known.type.kind in SEALED_KINDS):
                self.events.append(Event("fact_recorded", {"fact": name}, {**text, **why, **_pinned(text["value"])}))
            else:
                self.tell("fact_recorded", fact=name, **text, **why)
        self.change(facts={**self.case.facts, **news})
        self._decide()

    def withdraw(self, names: Iterable[str], because: str) -> None:
        """Takes away facts that the register gave and gives no longer, and what a decision table made of them. Nobody
        may count on a taken fact, so nothing that was proved rests on them."""
        gone = {name for name in names if name in self.case.facts}
        gone |= {decision.fact for decision in self.definition.decisions.values()
                 if decision.fact in self.case.facts and any(reads(row.when) & gone for row in decision.rows)}
        for name in sorted(gone):
            self.tell("fact_withdrawn", fact=name, because=because)
        self.change(facts={name: value for name, value in self.case.facts.items() if name not in gone})
        self._decide()

    def _decide(self) -> None:
        """Writes what follows from the facts: by the decision tables, in their order, and what is worked out."""
        for decision in self.definition.decisions.values():
            answers = [evaluate(row.when, self.case.facts, self.case.at) for row in decision.rows]
            given = next((row.give for row, holds in zip(decision.rows, answers, strict=True) if holds is True), None)
            if given is not None and self.case.facts.get(decision.fact) != given:
                self.tell("fact_decided", fact=decision.fact, value=written(given), row=answers.index(True) + 1)
                self.change(facts={**self.case.facts, decision.fact: given})
        for name, value in computed(self.definition, self.case.facts).items():
            if self.case.facts.get(name) != value:
                self.tell("fact_decided", fact=name, value=written(value))
                self.change(facts={**self.case.facts, name: value})

    def words(self, words: Words) -> str:
        """A text for the staff of the office."""
        return say(words, self.office.languages[0] if self.office.languages else "en")

    def decision(self) -> Decision:
        self.change(revision=self.case.revision + 1)
        return Decision(self.case, tuple(self.effects), tuple(self.events))


def _pinned(value: str) -> dict[str, str]:
    """Of a kept document the hash of its content, by which it is known again, and how its file was called."""
    kept, name = KEPT_DOCUMENT.fullmatch(value), file_name(value)
    return {**({"sha256": kept["hash"]} if kept else {}), **({"called": name} if name else {})}
