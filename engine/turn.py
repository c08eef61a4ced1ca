"""One decision in the making. A `Turn` is made by `decide`, filled by the engine's modules, and never leaves it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.case import Actor, Case, FactValue, Task
from engine.definition import Definition, StateDef, Words, say
from engine.messages import Decision, Effect, Event
from engine.office import Office
from engine.words import written


@dataclass(slots=True)
class Turn:
    """`now` is an aware UTC instant; `today` the local date of it."""

    definition: Definition
    office: Office
    actor: Actor
    now: dt.datetime
    case: Case
    effects: list[Effect] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    entered: int = 0

    @property
    def today(self) -> dt.date:
        return self.office.today(self.now)

    @property
    def state(self) -> StateDef:
        return self.definition.states[self.case.state]

    def do(self, effect: Effect) -> None:
        self.effects.append(effect)

    def tell(self, kind: str, **detail: object) -> None:
        """Adds a line of history; values are written as text, those that are None left out."""
        plain = {name: str(value) for name, value in detail.items() if value is not None}
        self.events.append(Event(kind, plain))

    def change(self, **values: object) -> None:
        self.case = replace(self.case, **values)  # type: ignore[arg-type]

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
            if known is not None and known.personal:
                plain = {"fact": name, **({"reason": reason} if reason else {})}
                self.events.append(Event("fact_recorded", plain, personal=text))
            else:
                self.tell("fact_recorded", fact=name, reason=reason or None, value=text["value"], was=text.get("was"))
        self.change(facts={**self.case.facts, **news})

    def words(self, words: Words) -> str:
        """A text for the staff of the office."""
        return say(words, self.office.languages[0] if self.office.languages else "en")

    def decision(self) -> Decision:
        changed = replace(self.case, revision=self.case.revision + 1)
        return Decision(changed, tuple(self.effects), tuple(self.events))
