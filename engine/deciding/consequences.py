"""What follows from recorded facts, by decision tables and by an agreement: worked out once for each set of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from engine.model.computing import is_computed, reads_too, rests_on
from engine.model.definition import Definition, FactDef
from engine.model.guards import reads

Facts = frozenset[str]


@dataclass(slots=True)
class Consequences:
    definition: Definition
    known: Callable[[Facts], Facts] = field(init=False)
    """The facts that are known once these are recorded: with what every agreement has and what tables decide."""
    changed: Callable[[Facts], Facts] = field(init=False)
    """The facts that may get other values when these are recorded anew."""
    perhaps: Callable[[Facts], Facts] = field(init=False)
    """The facts that the agreement at hand may have brought along, where these are known."""
    _computed: tuple[FactDef, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._computed = tuple(fact for fact in self.definition.facts.values() if is_computed(fact))
        self.known, self.changed, self.perhaps = cache(self._known), cache(self._changed), cache(self._perhaps)

    def _known(self, recorded: Facts) -> Facts:
        known = recorded | {fact.name for fact in self.definition.facts.values()
                            if fact.taken is not None and fact.taken.sure and fact.taken.agreement in recorded}
        for decision in self.definition.decisions.values():
            if all(reads(row.when) <= known for row in decision.rows):
                known |= {decision.fact}
        return known | {fact.name for fact in self._computed if rests_on(fact) <= known}

    def _changed(self, facts: Facts) -> Facts:
        changed = facts | {fact.name for fact in self.definition.facts.values()
                           if fact.taken is not None and fact.taken.agreement in facts}
        for decision in self.definition.decisions.values():
            if any(reads(row.when) & changed for row in decision.rows):
                changed |= {decision.fact}
        return changed | {fact.name for fact in self._computed if reads_too(fact) & changed}

    def _perhaps(self, known: Facts) -> Facts:
        return frozenset(fact.name for fact in self.definition.facts.values()
                         if fact.taken is not None and fact.taken.agreement in known)
