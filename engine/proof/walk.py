"""Every configuration that a case can come to, breadth first, by what people, mails, clocks and children do.

A configuration is where a case stands with what is known there: facts recorded on the way, clocks that run, mails
under way, events that happened, children still open. Facts have no values in here: where a guard asks about a known
fact, each way on that some value opens is taken, and what was assumed for it is kept until the fact is recorded again:
two guards about one fact agree. `View` says which regions a walk follows; the others are taken as done when it matters.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain, product
from typing import NamedTuple

from engine.model.definition import (
    Branch,
    Definition,
    OnEvent,
    Outcome,
    StateDef,
    TaskDef,
    began,
    complete,
    ended,
    entered,
    expired,
    told,
)
from engine.model.guards import reads
from engine.proof.assumptions import Assumptions, about, answered_so, asked_only_if, recorded
from engine.proof.configurations import (
    Configuration,
    Flaw,
    Story,
    View,
    counted_from,
    events_of,
    with_values,
)
from engine.proof.lacks import Lacks
from engine.proof.learning import Learning, subsets
from engine.proof.reading import live_facts

MAX_CONFIGURATIONS = 200_000


@dataclass(slots=True)
class Walk:
    """One walk and what it saw: `seen` leads from each configuration back to the one before, `ways` forward. `recorded`
    holds what was known each time that all regions were done. `needs` are the facts a child cannot start without."""

    definition: Definition
    view: View
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    seen: dict[Configuration, tuple[Configuration | None, str]] = field(default_factory=dict)
    ways: dict[Configuration, set[Configuration]] = field(default_factory=dict)
    flaws: dict[str, Flaw] = field(default_factory=dict)
    taken: set[tuple[str, str, str]] = field(default_factory=set)
    reached: set[str] = field(default_factory=set)
    asked: set[tuple[str, str]] = field(default_factory=set)
    given: set[tuple[str, str, str]] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    finals: list[Configuration] = field(default_factory=list)
    recorded: list[frozenset[str]] = field(default_factory=list)
    _noted: dict[str, Flaw] = field(default_factory=dict)
    _learning: Learning = field(init=False)
    _answer: Callable[[str, str, str], _Answer] = field(init=False)
    _asked_at: Callable[[tuple[str, ...], frozenset[str]], tuple[frozenset[str], frozenset[str]]] = field(init=False)
    _rests: Callable[[Configuration], tuple[Configuration, ...]] = field(init=False)
    """Where everything has come to rest after a step: many steps lead to the same configuration."""
    _lacks: Lacks = field(init=False)
    _live: Mapping[str, frozenset[str]] = field(init=False)
    _counted_from: frozenset[str] = field(init=False)
    _queue: deque[Configuration] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._learning = Learning(self.definition, self.view)
        self._answer, self._asked_at = cache(self._answer_of), cache(self._asked_where)
        self._rests = cache(self._rests_from)
        self._live, self._counted_from = live_facts(self.definition, self.needs), counted_from(self.definition)
        self._lacks = Lacks(self.definition, self.view.clocks, self.needs)

    def explore(self) -> bool:
        """False when there are more configurations than `MAX_CONFIGURATIONS`: nothing is said then."""
        facts = self.definition.facts
        known = frozenset(self.definition.start_needs) & facts.keys()
        known |= {fact.name for fact in facts.values() if fact.threshold is not None or fact.school_year_end}
        initial = self.definition.initial.name
        self._arrive(None, "start", self._entered(self._learning.learned(Configuration(initial), known), initial))
        while self._queue:
            if len(self.seen) > MAX_CONFIGURATIONS:
                return False
            here = self._queue.popleft()
            for step, there in self._steps(here):
                self._arrive(here, step, [there])
        return True

    def story(self, configuration: Configuration) -> Story:
        steps: list[str] = []
        here: Configuration | None = configuration
        while here is not None:
            here, step = self.seen[here]
            steps.append(step)
        return tuple(reversed(steps))

    # --- from configuration to configuration ---------------------------------------------------------------------

    def _arrive(self, here: Configuration | None, step: str, theres: Iterable[Configuration]) -> None:
        """Meets each configuration that a step leads to once everything has come to rest."""
        for rest in chain.from_iterable(self._rests(self._forgetful(there)) for there in theres):
            if here is not None:
                self.ways.setdefault(here, set()).add(rest)
            self._meet(rest, here, step)
        if self._noted:
            self._tell_noted((*self.story(here), step) if here else (step,))

    def _rests_from(self, there: Configuration) -> tuple[Configuration, ...]:
        return tuple(dict.fromkeys(self._forgetful(rest) for rest in self._at_rest(there)))

    def _forgetful(self, here: Configuration) -> Configuration:
        """The configuration without what nothing asks for any more: two that differ in nothing else are one."""
        live, events = self._asked_at((*here.regions, here.state), here.running | here.over)
        assumed = self._learning.agreement.about_these(here.assumed, live)
        return with_values(here, known=here.known & live, assumed=assumed, happened=here.happened & events)

    def _asked_where(self, places: tuple[str, ...], begun: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
        """The facts and events that something may yet ask for, where these clocks have begun."""
        idle = [clock for name, clock in self._learning.clocks.items() if name not in begun]
        live = frozenset().union(*(self._live[name] for name in places))
        live |= frozenset(fact for clock in idle for fact in clock.anchor.names("fact"))
        return live, self._counted_from.union(event for clock in idle for event in events_of(clock))

    def _meet(self, there: Configuration, here: Configuration | None, step: str) -> None:
        if there in self.seen:
            return
        self.seen[there] = (here, step)
        if self.definition.states[there.state].final:
            self.finals.append(there)
        else:
            self._queue.append(there)

    def _steps(self, here: Configuration) -> Iterator[tuple[str, Configuration]]:
        for state in self.here(here):
            yield from self._answers(here, state)
            if state.after is not None:
                yield from self._moved(here, state, "after", state.after.to, state.after.sends)
        for event in sorted(here.under_way):
            if not any(before in here.under_way for before in self._before(event)):
                yield from self._event(with_values(here, under_way=here.under_way - {event}), event)
        for name in sorted(here.running):
            if self.definition.clocks[name].window:
                passed = with_values(here, running=here.running - {name}, over=here.over | {name})
                yield from self._event(passed, expired(name))
        for child in sorted(here.children):
            yield from self._event(with_values(here, children=here.children - {child}), ended(child))
        yield from self._corrected(here)

    def _corrected(self, here: Configuration) -> Iterator[tuple[str, Configuration]]:
        """What decides whether a clock applies may be recorded anew at any time, so that it begins after all. Where a
        task asks for it, that answer is walked anyhow."""
        asked = {each.fact for state in self.here(here) for task in state.tasks for each in task.form}
        for name in sorted(self.view.clocks & here.idle):
            when = self.definition.clocks[name].when
            facts = about(when) & here.known if when is not None else frozenset()
            if facts and not facts & asked:
                step = f"recorded: {', '.join(sorted(facts))}"
                fresh = self._learning.recorded_again(here, facts)
                yield from ((step, there) for one in fresh for there in self._learning.began(one))

    def _before(self, event: str) -> tuple[str, ...]:
        """What of a mail to many happens earlier: it begins, then each one is told, then every copy is done."""
        what, _, mail = event.partition(".")
        return {"told": (began(mail),), "complete": (began(mail), told(mail))}.get(what, ())

    def here(self, configuration: Configuration) -> list[StateDef]:
        """The states of the regions, in document order, and the case's own."""
        return [self.definition.states[name] for name in (*configuration.regions, configuration.state)]

    def _answers(self, here: Configuration, state: StateDef) -> Iterator[tuple[str, Configuration]]:
        for task in state.tasks:
            for outcome in task.outcomes.values():
                yield from self._answered(here, state, task, outcome)
        if state.join != "any" and state.joined:
            yield from self._joined(here, state)

    def _answered(
        self, here: Configuration, state: StateDef, task: TaskDef, outcome: Outcome
    ) -> Iterator[tuple[str, Configuration]]:
        step = f"{task.name}.{outcome.name}"
        for after in self._given(here, state, task, outcome):
            if not outcome.to:
                yield step, after
            for branch, assumed in self._open_ways(outcome.to, after):
                self.taken.add((state.name, step, branch.to))
                for there in self._entered(assumed, branch.to):
                    yield step, there

    def _given(
        self, here: Configuration, state: StateDef, task: TaskDef, outcome: Outcome
    ) -> Iterator[Configuration]:
        """An answer's values are recorded, then it happens, then its mails leave and its children start. A field
        that may stay empty and starts a clock is walked both ways."""
        if outcome.requires and self._lacks.keeps_from(here, outcome):
            return
        answer = self._answer(state.name, task.name, outcome.name)
        maybe = sorted(answer.maybe - here.known)
        for fresh, filled in product(self._learning.recorded_again(here, answer.changed), subsets(maybe)):
            so = answer.so.union((recorded(fact), fact in filled) for fact in maybe)
            answered = self._learning.assume(self._learning.learned(fresh, answer.given | filled), so)
            for known in self._learning.began(answered) if answered is not None else ():
                for after in self._learning.happened(known, f"{task.name}.{outcome.name}"):
                    self.given.add((state.name, task.name, outcome.name))
                    yield self._effects(after, outcome.sends, outcome.starts)

    def _answer_of(self, state: str, task_name: str, outcome_name: str) -> _Answer:
        task = next(task for task in self.definition.states[state].tasks if task.name == task_name)
        outcome = task.outcomes[outcome_name]
        given = {each.fact for each in task.form if each.required} | set(outcome.needs) | {n for n, _ in outcome.sets}
        changed = {each.fact for each in task.form} | given
        maybe = frozenset(changed - given) & self._learning.anchors
        return _Answer(frozenset(given), frozenset(changed), maybe, answered_so(outcome))

    def _joined(self, here: Configuration, state: StateDef) -> Iterator[tuple[str, Configuration]]:
        """Every choice of answers that record only, one a task; a task with a guard may not have been asked at all."""
        reached: dict[Configuration, Story] = {here: ()}
        for task in (task for task in state.tasks if not task.offered):
            before, reached = reached, dict(reached) if task.when else {}
            for outcome in (outcome for outcome in task.outcomes.values() if not outcome.to):
                for one, answers in before.items():
                    for after in self._given(one, state, task, outcome):
                        reached.setdefault(self._forgetful(after), (*answers, f"{task.name}.{outcome.name}"))
        for after, answers in reached.items():
            step = " + ".join(answers) or "nothing asked"
            yield from ((step, there) for _, there in self._moved(after, state, "joined", state.joined))

    def _event(self, here: Configuration, event: str) -> Iterator[tuple[str, Configuration]]:
        """The event happens, and moves each region that has a way for it; the case's own state when none has."""
        for after in self._learning.happened(here, event):
            waiting = [state for state in self.here(after) if any(on.event == event for on in state.on)]
            moving = [state for state in waiting if state.region] or waiting
            theres: Iterable[Configuration] = [after]
            for state in moving:
                handler = next(on for on in state.on if on.event == event)
                theres = [moved for there in theres for moved in self._reacted(there, state, handler)]
            yield from ((event, there) for there in theres)

    def _reacted(self, here: Configuration, state: StateDef, on: OnEvent) -> list[Configuration]:
        return [there for _, there in self._moved(here, state, "on " + on.event, on.to, on.sends)] or [here]

    def _moved(
        self, here: Configuration, state: StateDef, trigger: str, to: Sequence[Branch], sends: Sequence[str] = ()
    ) -> Iterator[tuple[str, Configuration]]:
        """A move that nobody's answer makes: all that its guards read must be known."""
        if trigger == "done":
            self.recorded.append(here.known)
            here = self._learning.learned(here, self.view.given)
        self._note(self._lacks.of_ways(here, state, trigger, to))
        for branch, assumed in self._open_ways(to, here, strict=True):
            self.taken.add((state.name, trigger, branch.to))
            yield from ((trigger, there) for there in self._entered(self._effects(assumed, sends, ()), branch.to))

    def _at_rest(self, here: Configuration, path: frozenset[Configuration] = frozenset()) -> Iterator[Configuration]:
        """Takes every way on that needs nobody. Where a guard leaves it open, both what moves and what stays."""
        if here in path:
            circle = f"state '{here.state}' turns in a circle: nothing on the way waits for anybody"
            self._note([Flaw(circle, self.definition.place("states", here.state))])
            return
        for state in self.here(here):
            for trigger, to in self._by_itself(here, state):
                theres = [there for _, there in self._moved(here, state, trigger, to)]
                for there in theres:
                    yield from self._at_rest(there, path | {here})
                stays = self._learning.assume(here, frozenset((branch.when, False) for branch in to if branch.when))
                if theres and (stays is None or any(branch.when is None for branch in to)):
                    return
                here = stays or here
        yield here

    def _by_itself(self, here: Configuration, state: StateDef) -> Iterator[tuple[str, Sequence[Branch]]]:
        if state.always:
            yield "always", state.always
        if state.done and all(self.definition.states[name].final for name in here.regions):
            yield "done", state.done
        for handler in state.on:
            if handler.event.startswith("ended.") and handler.event.removeprefix("ended.") not in here.children:
                yield "on " + handler.event, handler.to

    # --- what a step does ----------------------------------------------------------------------------------------

    def _entered(self, here: Configuration, name: str) -> Iterator[Configuration]:
        """Enters a state, and the first state of each of its regions that this walk follows."""
        state = self.definition.states[name]
        self.reached.add(name)
        placed = self._placed(here, state)
        for entry in state.registers:
            placed = self._registered(placed, state, entry)
        for there in self._learning.happened(placed, entered(name)):
            begun = self._effects(there, state.sends, state.starts)
            self._note(self._lacks.of_entry(begun, state))
            self._ask(begun, state)
            inside: Iterable[Configuration] = [begun]
            for region in state.regions:
                if region.name in self.view.regions:
                    inside = [deeper for one in inside for deeper in self._entered(one, region.initial)]
            yield from inside

    def _ask(self, here: Configuration, state: StateDef) -> None:
        """Sees who is asked when a state is entered: each task that may be, and whether it may be nobody."""
        for task in state.tasks:
            if task.when is None or self._learning.assume(here, frozenset({(task.when, True)})) is not None:
                self.asked.add((state.name, task.name))
        unasked = asked_only_if(state)
        if unasked and self._learning.assume(here, frozenset((when, False) for when in unasked)) is not None:
            self._note(self._lacks.of_nobody(here, state, ", ".join(f"'{when.source}'" for when in unasked)))

    def _placed(self, here: Configuration, state: StateDef) -> Configuration:
        if state.region:
            others = [name for name in here.regions if self.definition.states[name].region != state.region]
            order = [region.name for region in self.definition.states[here.state].regions]
            placed = sorted([*others, state.name], key=lambda name: order.index(self.definition.states[name].region))
            return with_values(here, regions=tuple(placed))
        return with_values(here, state=state.name, regions=())

    def _registered(self, here: Configuration, state: StateDef, name: str) -> Configuration:
        """What goes into the register must be recorded on every path; of a new agreement the case learns the id."""
        wanted = self.definition.registers[name]
        self._note(self._lacks.of_register(here, state, name))
        return self._learning.learned(here, {wanted.agreement} if wanted.agreement and not wanted.of_product else ())

    def _effects(self, here: Configuration, sends: Sequence[str], starts: Sequence[str]) -> Configuration:
        if not sends and not starts:
            return here
        self.sent.update(sends)
        for mail in sends:
            self._note(self._lacks.of_mail(here, mail))
        for child in starts:
            self._note(self._lacks.of_child(here, child))
        children = {name for name in starts if self.definition.children[name].joined}
        under_way = {event(mail) for mail in sends for event in (began, told, complete)} & self._learning.watched
        return with_values(here, under_way=here.under_way | under_way, children=here.children | children)

    # --- what a step may not do ----------------------------------------------------------------------------------

    def _note(self, flaws: Iterable[Flaw]) -> None:
        self._noted.update((flaw.message, flaw) for flaw in flaws)

    def _tell_noted(self, story: Story) -> None:
        """Gives what one step did wrong the story of that step."""
        for message, flaw in sorted(self._noted.items()):
            self.flaws.setdefault(message, replace(flaw, story=story))
        self._noted.clear()

    # --- which ways are open -------------------------------------------------------------------------------------

    def _open_ways(
        self, to: Sequence[Branch], here: Configuration, *, strict: bool = False
    ) -> Iterator[tuple[Branch, Configuration]]:
        """The ways that some values of the facts open where the case is, with what is assumed by taking each; `strict`:
        of facts that are known."""
        for branch in to:
            others = [other.when for other in to if other.when is not None]
            known = not strict or all(reads(when) <= here.known for when in ([branch.when] if branch.when else others))
            so = {(branch.when, True)} if branch.when else {(when, False) for when in others}
            assumed = self._learning.assume(here, frozenset(so)) if known else None
            if assumed is not None:
                yield branch, assumed


class _Answer(NamedTuple):
    """What an answer to a task brings: facts `given`, facts `changed` if they are filled in, those that `maybe` start a
    clock, guards that are `so`."""

    given: frozenset[str]
    changed: frozenset[str]
    maybe: frozenset[str]
    so: Assumptions



