"""What `soppa check` proves of a flat definition, on every reachable configuration, and the shortest story otherwise.

A configuration is a state with what is known there: facts recorded on the way, clocks that run, mails under way, events
that happened, children still open. The walk is breadth first, so the first story that breaks a promise is the shortest.
It never samples: beyond `MAX_CONFIGURATIONS` the answer is "not proved".
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.definition import Branch, ClockDef, Definition, Outcome, StateDef, TaskDef, ended, entered, expired, told
from engine.guard_cells import TooManyCells, gaps, overlaps
from engine.guards import FactType, Guard, reads
from engine.machine import triggers
from engine.mailtexts import needed_names

MAX_CONFIGURATIONS = 200_000


@dataclass(frozen=True, slots=True)
class Configuration:
    state: str
    known: frozenset[str]
    running: frozenset[str]
    over: frozenset[str]
    happened: frozenset[str]
    under_way: frozenset[str]
    children: frozenset[str]


@dataclass(frozen=True, slots=True)
class Flaw:
    """A promise that does not hold: one sentence, and the steps from the start to where it breaks."""

    message: str
    story: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.message + (f"\n    story: {' → '.join(self.story)}" if self.story else "")


@dataclass(frozen=True, slots=True)
class Report:
    process: str
    configurations: int
    flaws: tuple[Flaw, ...]
    proved: bool

    @property
    def good(self) -> bool:
        return self.proved and not self.flaws


def check(definition: Definition) -> Report:
    """Walks every reachable configuration of a definition and looks at every promise."""
    walk = _Walk(definition)
    finished = walk.explore()
    flaws = [*_guards_of(definition), *walk.flaws.values(), *_clocks_of(definition)]
    if finished:
        flaws += [*walk.never(), *walk.stuck()]
    return Report(definition.process, len(walk.seen), tuple(flaws), finished)


@dataclass(slots=True)
class _Walk:
    definition: Definition
    seen: dict[Configuration, tuple[Configuration | None, str]] = field(default_factory=dict)
    ways: dict[Configuration, set[Configuration]] = field(default_factory=dict)
    flaws: dict[str, Flaw] = field(default_factory=dict)
    taken: set[tuple[str, str, str]] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    unset: set[str] = field(default_factory=set)

    def explore(self) -> bool:
        initial = self.definition.initial.name
        nothing: frozenset[str] = frozenset()
        known = frozenset(name for name in self.definition.start_needs if name in self.definition.facts)
        empty = Configuration(initial, known, nothing, nothing, nothing, nothing, nothing)
        queue: deque[Configuration] = deque()
        first = self._enter(empty, initial)
        self._tell_unset(("start",))
        self._meet(first, None, "start", queue)
        while queue:
            if len(self.seen) > MAX_CONFIGURATIONS:
                return False
            here = queue.popleft()
            for step, there in self._next(here):
                if self.unset:
                    self._tell_unset((*self.story(here), step))
                self.ways.setdefault(here, set()).add(there)
                self._meet(there, here, step, queue)
        return True

    def never(self) -> Iterator[Flaw]:
        """States, ways and mails that no story reaches."""
        reached = {configuration.state for configuration in self.seen}
        for state in self.definition.states.values():
            if state.name not in reached:
                yield Flaw(f"state '{state.name}' is never reached: lead to it or delete it")
            for trigger, branches in triggers(state) if state.name in reached else ():
                for branch in branches:
                    if (state.name, trigger, branch.to) not in self.taken:
                        yield Flaw(f"the way from '{state.name}' by {trigger} to '{branch.to}' is never taken")
        for mail in sorted(set(self.definition.mails) - self.sent):
            yield Flaw(f"mail '{mail}' is never sent: send it or delete it")

    def stuck(self) -> Iterator[Flaw]:
        """Configurations from which no end can be reached any more."""
        back: dict[Configuration, set[Configuration]] = {}
        for here, theres in self.ways.items():
            for there in theres:
                back.setdefault(there, set()).add(here)
        good = {c for c in self.seen if self.definition.states[c.state].final}
        queue = deque(good)
        while queue:
            for before in back.get(queue.popleft(), ()):
                if before not in good:
                    good.add(before)
                    queue.append(before)
        lost = next((c for c in self.seen if c not in good), None)
        if lost is not None:
            yield Flaw(f"from state '{lost.state}' no end can be reached", self.story(lost))

    def story(self, configuration: Configuration) -> tuple[str, ...]:
        steps: list[str] = []
        here: Configuration | None = configuration
        while here is not None:
            here, step = self.seen[here]
            steps.append(step)
        return tuple(reversed(steps))

    def _meet(self, there: Configuration, here: Configuration | None, step: str, queue: deque[Configuration]) -> None:
        if there in self.seen:
            return
        self.seen[there] = (here, step)
        self._look(there)
        if not self.definition.states[there.state].final:
            queue.append(there)

    def _look(self, here: Configuration) -> None:
        """The promises that concern one configuration."""
        state = self.definition.states[here.state]
        clocks = self.definition.clocks
        duties = sorted(name for name in here.running if not clocks[name].window)
        if state.final:
            if duties:
                self._flaw(here, f"'{state.name}' ends the case while clock '{duties[0]}' runs: satisfy or void it")
            return
        waits = [handler for handler in state.on if handler.event.startswith("ended.")]
        asked = [task for task in state.tasks if not task.offered]
        if not asked and not state.on and state.after is None and not state.always:
            self._flaw(here, f"nobody owns state '{state.name}': give it a task, an event or a time")
        targeted = bool(asked) and all(task.due for task in asked)
        covered = here.running or state.after or waits or targeted or here.under_way
        if not covered:
            self._flaw(here, f"state '{state.name}' has neither a due nor a clock that covers it")

    def _flaw(self, here: Configuration, message: str) -> None:
        self.flaws.setdefault(message, Flaw(message, self.story(here)))

    def _next(self, here: Configuration) -> Iterator[tuple[str, Configuration]]:
        state = self.definition.states[here.state]
        yield from self._automatic(here, "always", state.always)
        if any(branch.when is None for branch in state.always):
            return
        for task in state.tasks:
            for outcome in task.outcomes.values():
                yield from self._answered(here, state, task, outcome)
        if state.join != "any" and state.joined:
            yield from self._joined(here, state)
        if state.after is not None:
            yield from self._automatic(here, "after", state.after.to, state.after.sends)
        for mail in sorted(here.under_way):
            yield from self._event(replace(here, under_way=here.under_way - {mail}), told(mail))
        for name in sorted(here.running):
            if self.definition.clocks[name].window:
                passed = replace(here, running=here.running - {name}, over=here.over | {name})
                yield from self._event(passed, expired(name))
        for child in sorted(here.children):
            yield from self._event(replace(here, children=here.children - {child}), ended(child))

    def _answered(
        self, here: Configuration, state: StateDef, task: TaskDef, outcome: Outcome
    ) -> Iterator[tuple[str, Configuration]]:
        given = {field.fact for field in task.form if field.required} | set(outcome.needs)
        known = replace(here, known=here.known | given | {name for name, _ in outcome.sets})
        step = f"{task.name}.{outcome.name}"
        after = self._effects(self._happen(self._anchors(known), step), outcome.sends, outcome.starts)
        if not outcome.to and state.join == "any":
            yield step, after
        for branch in outcome.to:
            self.taken.add((state.name, step, branch.to))
            told_by_way = replace(after, known=after.known | _settled(branch, outcome.to))
            yield step, self._enter(self._anchors(told_by_way), branch.to)

    def _joined(self, here: Configuration, state: StateDef) -> Iterator[tuple[str, Configuration]]:
        """Every choice of answers that records only, one a task."""
        asked = [task for task in state.tasks if not task.offered]
        choices = [[(t, o) for o in t.outcomes.values() if not o.to] for t in asked]
        for picked in itertools.product(*choices):
            after = here
            for task, outcome in picked:
                given = {f.fact for f in task.form if f.required} | set(outcome.needs) | {n for n, _ in outcome.sets}
                after = self._anchors(replace(after, known=after.known | given))
                after = self._happen(after, f"{task.name}.{outcome.name}")
                after = self._effects(after, outcome.sends, outcome.starts)
            step = " + ".join(f"{task.name}.{outcome.name}" for task, outcome in picked)
            for _, there in self._automatic(after, "joined", state.joined):
                yield step, there

    def _automatic(
        self, here: Configuration, trigger: str, branches: Sequence[Branch], sends: Sequence[str] = ()
    ) -> Iterator[tuple[str, Configuration]]:
        for branch in branches:
            missing = reads(branch.when) - here.known if branch.when else frozenset()
            if missing:
                names = ", ".join(sorted(missing))
                self._flaw(
                    self._known_as(here), f"{here.state}, {trigger}: a guard reads {names}, not set on every path"
                )
            if self._may(branch, branches, here.known):
                self.taken.add((here.state, trigger, branch.to))
                yield trigger, self._enter(self._effects(here, sends, ()), branch.to)

    def _event(self, here: Configuration, event: str) -> Iterator[tuple[str, Configuration]]:
        after = self._happen(here, event)
        handler = next((h for h in self.definition.states[here.state].on if h.event == event), None)
        if handler is None:
            yield event, after
            return
        for _, there in self._automatic(after, "on " + event, handler.to, handler.sends):
            yield event, there

    def _known_as(self, here: Configuration) -> Configuration:
        """The last configuration met with this state, for a story; `here` itself where it was met."""
        return here if here in self.seen else next(c for c in reversed(self.seen) if c.state == here.state)

    def _may(self, branch: Branch, branches: Sequence[Branch], known: frozenset[str]) -> bool:
        """Whether a branch can be taken: all that its guard reads is known, or it is the way otherwise."""
        if branch.when is not None:
            return reads(branch.when) <= known
        return all(reads(other.when) <= known for other in branches if other.when is not None)

    def _enter(self, here: Configuration, name: str) -> Configuration:
        """Enters a state; an automatic way on without a guard, or with nothing to wait for, is taken at once."""
        state = self.definition.states[name]
        there = self._happen(replace(here, state=name), entered(name))
        there = self._effects(there, state.sends, state.starts)
        for handler in state.on:
            child = handler.event.removeprefix("ended.")
            if handler.event.startswith("ended.") and child not in there.children and len(handler.to) == 1:
                self.taken.add((name, "on " + handler.event, handler.to[0].to))
                return self._enter(there, handler.to[0].to)
        return there

    def _effects(self, here: Configuration, sends: Sequence[str], starts: Sequence[str]) -> Configuration:
        self.sent.update(sends)
        for mail in sends:
            self._readable(here, mail)
        children = {name for name in starts if self.definition.children[name].joined}
        return replace(here, under_way=here.under_way | set(sends) & self._watched(), children=here.children | children)

    def _readable(self, here: Configuration, mail: str) -> None:
        """What the texts of a mail read outside `has` must be there: facts recorded, clocks begun."""
        needed = {name for text in self.definition.mails[mail].texts.values() for name in needed_names(text)}
        facts = {f"fact_{name}" for name in self.definition.facts.keys() - here.known}
        clocks = {f"clock_{name}{end}" for name in self.definition.clocks.keys() - here.running - here.over
                  for end in ("", "_kind")}
        missing = ", ".join(sorted(needed & (facts | clocks)))
        if missing:
            self.unset.add(f"mail '{mail}' reads {missing}, not set on every path to it: record it, or ask has(…)")

    def _tell_unset(self, story: tuple[str, ...]) -> None:
        """Gives the mails of one step that read too much the story of that step."""
        for message in sorted(self.unset):
            self.flaws.setdefault(message, Flaw(message, story))
        self.unset.clear()

    def _watched(self) -> set[str]:
        """The mails whose `told` something waits for."""
        events = {e for clock in self.definition.clocks.values() for e in _events_of(clock)}
        events |= {handler.event for state in self.definition.states.values() for handler in state.on}
        return {name for name in self.definition.mails if told(name) in events}

    def _happen(self, here: Configuration, event: str) -> Configuration:
        watched = {e for clock in self.definition.clocks.values() for e in _events_of(clock)}
        happened = here.happened | ({event} & watched)
        here = self._anchors(replace(here, happened=happened))
        ended_ = {n for n, c in self.definition.clocks.items() if event in {*c.satisfied_by, *c.void_by}} & here.running
        return replace(here, running=here.running - ended_, over=here.over | ended_)

    def _anchors(self, here: Configuration) -> Configuration:
        started = {
            name
            for name, clock in self.definition.clocks.items()
            if name not in here.running | here.over and _begun(clock, here) and not here.happened & set(clock.void_by)
        }
        return replace(here, running=here.running | started) if started else here


def _settled(branch: Branch, branches: Sequence[Branch]) -> frozenset[str]:
    """What must have been recorded for an answer to take this way: an answer that lacks a fact is refused.

    A guard with `||` can hold while one side is unknown, so it settles nothing.
    """
    asked = [b.when for b in (branches if branch.when is None else (branch,)) if b.when is not None]
    return frozenset().union(*(reads(guard) for guard in asked if "||" not in guard.source))


def _events_of(clock: ClockDef) -> tuple[str, ...]:
    anchors = clock.anchor.names if clock.anchor.kind == "event" else ()
    return (*clock.satisfied_by, *clock.void_by, *anchors)


def _begun(clock: ClockDef, here: Configuration) -> bool:
    names = clock.anchor.names
    if clock.anchor.kind == "event":
        return names[0] in here.happened
    if clock.anchor.kind == "clock":
        return names[0] in here.running | here.over
    return any(name in here.known for name in names)


def _clocks_of(definition: Definition) -> Iterator[Flaw]:
    for clock in definition.clocks.values():
        if not clock.rule.citation:
            yield Flaw(f"clock '{clock.name}' has no citation: name the statute in its rule")
        if not clock.window and (clock.ladder is None or all(rung.at != "legal" for rung in clock.ladder.rungs)):
            yield Flaw(f"clock '{clock.name}' has no rung when its legal date passes: give it a ladder")
        if not clock.window and not clock.satisfied_by:
            yield Flaw(f"clock '{clock.name}' can never be satisfied: name what satisfies it")


def _guards_of(definition: Definition) -> Iterator[Flaw]:
    """Overlaps of the guards of one trigger, and cases in which an automatic trigger has no way on."""
    kinds = {name: fact.type for name, fact in definition.facts.items()}
    for state in definition.states.values():
        for trigger, branches in triggers(state):
            guards = [branch.when for branch in branches if branch.when is not None]
            answered = any(trigger.startswith(f"{task.name}.") for task in state.tasks)
            may_stay = len(guards) < len(branches) or trigger == "always" or answered
            yield from _ways_of(f"{state.name}, {trigger}", guards, kinds, may_stay=may_stay)


def _ways_of(where: str, guards: Sequence[Guard], kinds: Mapping[str, FactType], *, may_stay: bool) -> Iterator[Flaw]:
    try:
        overlap = overlaps(guards, kinds)
        gap = None if may_stay or not guards else gaps(guards, kinds)
    except TooManyCells as error:
        yield Flaw(f"{where}: not proved, {error}: split the guards")
        return
    if overlap is not None:
        both = f"'{guards[overlap.first].source}' and '{guards[overlap.second].source}'"
        yield Flaw(f"{where}: the guards {both} can hold together: make them exclude each other")
    if gap is not None:
        yield Flaw(f"{where}: there are cases in which no guard holds: add an else")
