"""What becomes known when something happens in a configuration, and which clocks begin and end with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations

from engine.deciding.consequences import Consequences
from engine.model.definition import ClockDef, Definition
from engine.model.guards import recorded_if
from engine.proof.assumptions import Agreement, Assumptions, about, is_placed
from engine.proof.configurations import Configuration, View, has_begun, watched_events, with_values


@dataclass(slots=True)
class Learning:
    """For one definition and the clocks that a walk follows."""

    definition: Definition
    view: View
    watched: frozenset[str] = field(init=False)
    """The events that something waits for."""
    clocks: Mapping[str, ClockDef] = field(init=False)
    """Those that the walk follows."""
    anchors: frozenset[str] = field(init=False)
    """The facts from which a clock may count."""
    agreement: Agreement = field(init=False)
    _follows: Consequences = field(init=False)
    _asks: Callable[[Assumptions], tuple[bool, frozenset[str]]] = field(init=False)
    _asked_of: Callable[[frozenset[str]], frozenset[str]] = field(init=False)
    _ends: Mapping[str, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        clocks = self.definition.clocks
        self.watched = watched_events(self.definition)
        self.agreement, self._follows = Agreement(self.definition), Consequences(self.definition)
        self._asked_of, self._asks = cache(self._clocks_about), cache(self._asked_by)
        self.clocks = {name: clock for name, clock in clocks.items() if name in self.view.clocks}
        self.anchors = frozenset(fact for clock in self.clocks.values() for fact in clock.anchor.names("fact"))
        self._ends = {event: frozenset(name for name, clock in clocks.items()
                                       if event in (*clock.satisfied_by, *clock.void_by)) for event in self.watched}

    def learned(self, here: Configuration, facts: Collection[str]) -> Configuration:
        """Facts are recorded; what follows from them is known as well."""
        if here.known.issuperset(facts):
            return here
        return with_values(here, known=self._follows.known(here.known.union(facts)))

    def happened(self, here: Configuration, event: str) -> Iterator[Configuration]:
        """Writes an event down; clocks that hang on it begin or end."""
        if event not in self.watched:
            yield from self.began(here)
            return
        for there in self.began(with_values(here, happened=here.happened | {event})):
            over = there.running & self._ends[event]
            yield with_values(there, running=there.running - over, over=there.over | over)

    def began(self, here: Configuration) -> Iterator[Configuration]:
        """Starts the clocks that can begin; one with a guard, or that hangs on what an agreement may lack, begins in
        one configuration and stays idle in another. What satisfies it may have come before its date was entered."""
        for name, clock in self.clocks.items():
            begun = name in here.running or name in here.over or name in here.idle
            if begun or not self._can_begin(here, clock):
                continue
            idle = self.assume(here, frozenset({(clock.when, False)})) if clock.when else None
            if idle is None and not has_begun(clock, here, here.known):
                idle = here
            if idle is not None:
                yield from self.began(with_values(idle, idle=idle.idle | {name}))
            begins = self.assume(here, frozenset({(clock.when, True)})) if clock.when else here
            if begins is None:
                return
            met = begins.happened & set(clock.satisfied_by)
            news = {"over": begins.over | {name}} if met else {"running": begins.running | {name}}
            here = with_values(begins, **news)
        yield here

    def recorded_again(self, here: Configuration, facts: frozenset[str]) -> Iterator[Configuration]:
        """Facts may get other values: what was assumed of them is open again, and so is whether a clock applies."""
        if not facts:
            yield here
            return
        changed = self._follows.changed(facts)
        kept = self.agreement.about_others(here.assumed, changed)
        asked = self._asked_of(changed)
        fresh = with_values(here, assumed=kept, idle=here.idle - asked)
        open_again = asked & here.running
        if not open_again:
            yield fresh
            return
        for void in subsets(sorted(open_again)):
            so = frozenset((self.definition.clocks[name].when, name not in void) for name in open_again)
            yield with_values(fresh, assumed=kept | so, running=fresh.running - void, idle=fresh.idle | void)

    def _clocks_about(self, facts: frozenset[str]) -> frozenset[str]:
        """The clocks whose guard asks about one of these facts."""
        clocks = self.definition.clocks.values()
        return frozenset(clock.name for clock in clocks if clock.when and about(clock.when) & facts)

    def _can_begin(self, here: Configuration, clock: ClockDef) -> bool:
        if not here.happened.isdisjoint(clock.void_by):
            return False
        known = here.known | self._follows.perhaps(here.known)
        return has_begun(clock, here, known) and (clock.when is None or recorded_if(clock.when, True) <= known)

    def assume(self, here: Configuration, more: Assumptions) -> Configuration | None:
        """The configuration with these answers of guards, and the facts that must be recorded for them; None when no
        values of the facts give them all."""
        if not more:
            return here
        placed, facts = self._asks(more)
        kept = self.agreement.agreed(here.assumed, more, here.at if placed else frozenset())
        return None if kept is None else self.learned(with_values(here, assumed=kept), facts)

    def _asked_by(self, more: Assumptions) -> tuple[bool, frozenset[str]]:
        """Whether answers depend on where the case is, and the facts that must be recorded for them."""
        return any(is_placed(guard) for guard, _ in more), frozenset().union(*(recorded_if(*one) for one in more))


def subsets(facts: Sequence[str]) -> Iterator[frozenset[str]]:
    if not facts:
        yield frozenset()
        return
    yield from (frozenset(some) for size in range(len(facts) + 1) for some in combinations(facts, size))
