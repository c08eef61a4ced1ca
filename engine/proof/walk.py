"""Every configuration that a case can come to, breadth first, by what people, mails, clocks and children do.

A configuration is where a case stands with what is known there: facts recorded on the way, clocks that run, mails
under way, events that happened, children still open. Facts have no values in here: where a guard asks about a known
fact, each way on that some value opens is taken, and what was assumed for it is kept until the fact is recorded again:
two guards about one fact agree. `View` says which regions a walk follows; the others are taken as done when it matters.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, combinations, product
from typing import NamedTuple

from engine.deciding.consequences import Consequences
from engine.deciding.taking import needed_facts
from engine.model.definition import (
    Branch,
    ClockDef,
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
from engine.model.guards import reads, recorded_if
from engine.proof.assumptions import Agreement, Assumptions, about, answered_so, recorded
from engine.proof.configurations import (
    Configuration,
    Flaw,
    Reading,
    Story,
    View,
    events_of,
    has_begun,
    readings_of,
    watched_events,
    with_values,
)
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
    sent: set[str] = field(default_factory=set)
    finals: list[Configuration] = field(default_factory=list)
    recorded: list[frozenset[str]] = field(default_factory=list)
    _noted: set[str] = field(default_factory=set)
    _agreement: Agreement = field(init=False)
    _follows: Consequences = field(init=False)
    _answer: Callable[[str, str, str], _Answer] = field(init=False)
    _asked_at: Callable[[tuple[str, ...], frozenset[str]], tuple[frozenset[str], frozenset[str]]] = field(init=False)
    _asked_of: Callable[[frozenset[str]], frozenset[str]] = field(init=False)
    _clocks: Mapping[str, ClockDef] = field(default_factory=dict)
    _ends: Mapping[str, frozenset[str]] = field(default_factory=dict)
    _reads: Mapping[str, frozenset[Reading]] = field(default_factory=dict)
    _live: Mapping[str, frozenset[str]] = field(default_factory=dict)
    _watched: frozenset[str] = frozenset()
    _anchors: frozenset[str] = frozenset()
    _queue: deque[Configuration] = field(default_factory=deque)

    def explore(self) -> bool:
        """False when there are more configurations than `MAX_CONFIGURATIONS`: nothing is said then."""
        self._watched = watched_events(self.definition)
        self._agreement, self._follows = Agreement(self.definition), Consequences(self.definition)
        self._answer, self._asked_at = cache(self._answer_of), cache(self._asked_where)
        self._asked_of = cache(self._clocks_about)
        self._live = live_facts(self.definition, self.needs)
        facts = self.definition.facts
        clocks = self.definition.clocks
        self._clocks = {name: clock for name, clock in clocks.items() if name in self.view.clocks}
        self._anchors = frozenset(fact for clock in self._clocks.values() for fact in clock.anchor.names("fact"))
        self._ends = {event: frozenset(name for name, clock in clocks.items()
                                       if event in (*clock.satisfied_by, *clock.void_by)) for event in self._watched}
        self._reads = {name: readings_of(mail, self.definition) for name, mail in self.definition.mails.items()}
        known = frozenset(self.definition.start_needs) & facts.keys()
        known |= {fact.name for fact in facts.values() if fact.threshold is not None or fact.school_year_end}
        initial = self.definition.initial.name
        self._arrive(None, "start", self._entered(self._learned(Configuration(initial), known), initial))
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
        for there in theres:
            for resting in self._at_rest(there):
                rest = self._forgetful(resting)
                if here is not None:
                    self.ways.setdefault(here, set()).add(rest)
                self._meet(rest, here, step)
        if self._noted:
            self._tell_noted((*self.story(here), step) if here else (step,))

    def _forgetful(self, here: Configuration) -> Configuration:
        """The configuration without what nothing asks for any more: two that differ in nothing else are one."""
        live, events = self._asked_at((*here.regions, here.state), here.running | here.over)
        return with_values(here, known=here.known & live, assumed=self._agreement.about_these(here.assumed, live),
                     happened=here.happened & events)

    def _asked_where(self, places: tuple[str, ...], begun: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
        """The facts and events that something may yet ask for, where these clocks have begun."""
        idle = [clock for name, clock in self._clocks.items() if name not in begun]
        live = frozenset().union(*(self._live[name] for name in places))
        live |= frozenset(fact for clock in idle for fact in clock.anchor.names("fact"))
        return live, frozenset(event for clock in idle for event in events_of(clock))

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
                fresh = self._recorded_again(here, facts)
                yield from ((step, there) for one in fresh for there in self._began(one))

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
        answer = self._answer(state.name, task.name, outcome.name)
        maybe = sorted((answer.changed - answer.given - here.known) & self._anchors)
        for fresh, filled in product(self._recorded_again(here, answer.changed), _subsets(maybe)):
            so = answer.so | {(recorded(fact), fact in filled) for fact in maybe}
            answered = self._assume(self._learned(fresh, answer.given | filled), so)
            for known in self._began(answered) if answered is not None else ():
                for after in self._happened(known, f"{task.name}.{outcome.name}"):
                    yield self._effects(after, outcome.sends, outcome.starts)

    def _answer_of(self, state: str, task_name: str, outcome_name: str) -> _Answer:
        task = next(task for task in self.definition.states[state].tasks if task.name == task_name)
        outcome = task.outcomes[outcome_name]
        given = {each.fact for each in task.form if each.required} | set(outcome.needs) | {n for n, _ in outcome.sets}
        changed = {each.fact for each in task.form} | given
        return _Answer(frozenset(given), frozenset(changed), answered_so(outcome))

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
        for after in self._happened(here, event):
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
            here = self._learned(here, self.view.given)
        for branch in to:
            missing = reads(branch.when) - here.known if branch.when else frozenset()
            if missing:
                names = ", ".join(sorted(missing))
                self._noted.add(f"{state.name}, {trigger}: a guard reads {names}, not set on every path")
        for branch, assumed in self._open_ways(to, here, strict=True):
            self.taken.add((state.name, trigger, branch.to))
            yield from ((trigger, there) for there in self._entered(self._effects(assumed, sends, ()), branch.to))

    def _at_rest(self, here: Configuration, path: frozenset[Configuration] = frozenset()) -> Iterator[Configuration]:
        """Takes every way on that needs nobody. Where a guard leaves it open, both what moves and what stays."""
        if here in path:
            self._noted.add(f"state '{here.state}' turns in a circle: nothing on the way waits for anybody")
            return
        for state in self.here(here):
            for trigger, to in self._by_itself(here, state):
                theres = [there for _, there in self._moved(here, state, trigger, to)]
                for there in theres:
                    yield from self._at_rest(there, path | {here})
                stays = self._assume(here, frozenset((branch.when, False) for branch in to if branch.when))
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
        since = state.after.since if state.after else None
        if since not in (None, *here.known):
            self._noted.add(f"state '{state.name}' is left by the date in '{since}', not set on every path to it")
        for entry in state.registers:
            placed = self._registered(placed, state, entry)
        for there in self._happened(placed, entered(name)):
            inside: Iterable[Configuration] = [self._effects(there, state.sends, state.starts)]
            for region in state.regions:
                if region.name in self.view.regions:
                    inside = [deeper for one in inside for deeper in self._entered(one, region.initial)]
            yield from inside

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
        missing = needed_facts(wanted) - here.known
        if missing:
            names = ", ".join(sorted(missing))
            self._noted.add(f"state '{state.name}' registers '{name}', which needs {names}, not set on every path")
        return self._learned(here, {wanted.agreement} if wanted.agreement and not wanted.of_product else ())

    def _effects(self, here: Configuration, sends: Sequence[str], starts: Sequence[str]) -> Configuration:
        self.sent.update(sends)
        for mail in sends:
            self._check_readable(here, mail)
        for child in starts:
            missing = ", ".join(sorted(self.needs.get(child, frozenset()) - here.known))
            if missing:
                self._noted.add(f"child '{child}' needs {missing}, not set on every path to its start")
        children = {name for name in starts if self.definition.children[name].joined}
        under_way = {event(mail) for mail in sends for event in (began, told, complete)} & self._watched
        return with_values(here, under_way=here.under_way | under_way, children=here.children | children)

    def _learned(self, here: Configuration, facts: Iterable[str]) -> Configuration:
        """Facts are recorded; what follows from them is known as well."""
        return with_values(here, known=self._follows.known(here.known.union(facts)))

    def _happened(self, here: Configuration, event: str) -> Iterator[Configuration]:
        """Writes an event down; clocks that hang on it begin or end."""
        happened = here.happened | ({event} & self._watched)
        for there in self._began(with_values(here, happened=happened)):
            over = there.running & self._ends.get(event, frozenset())
            yield with_values(there, running=there.running - over, over=there.over | over)

    def _began(self, here: Configuration) -> Iterator[Configuration]:
        """Starts the clocks that can begin; one with a guard, or that hangs on what an agreement may lack, begins in
        one configuration and stays idle in another. What satisfies it may have come before its date was entered."""
        for name, clock in self._clocks.items():
            begun = name in here.running or name in here.over or name in here.idle
            if begun or not self._can_begin(here, clock):
                continue
            idle = self._assume(here, frozenset({(clock.when, False)})) if clock.when else None
            if idle is None and not has_begun(clock, here, here.known):
                idle = here
            if idle is not None:
                yield from self._began(with_values(idle, idle=idle.idle | {name}))
            begins = self._assume(here, frozenset({(clock.when, True)})) if clock.when else here
            if begins is None:
                return
            met = begins.happened & set(clock.satisfied_by)
            news = {"over": begins.over | {name}} if met else {"running": begins.running | {name}}
            here = with_values(begins, **news)
        yield here

    def _recorded_again(self, here: Configuration, facts: frozenset[str]) -> Iterator[Configuration]:
        """Facts may get other values: what was assumed of them is open again, and so is whether a clock applies."""
        changed = self._follows.changed(facts)
        kept = self._agreement.about_others(here.assumed, changed)
        asked = self._asked_of(changed)
        fresh = with_values(here, assumed=kept, idle=here.idle - asked)
        open_again = asked & here.running
        if not open_again:
            yield fresh
            return
        for void in _subsets(sorted(open_again)):
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

    # --- what a step may not do ----------------------------------------------------------------------------------

    def _check_readable(self, here: Configuration, mail: str) -> None:
        """What the texts of a mail read outside `has` must be there: facts recorded, clocks begun."""
        missing = [each.word for each in self._reads[mail] if not self._is_there(here, each)]
        if missing:
            names = ", ".join(sorted(missing))
            self._noted.add(f"mail '{mail}' reads {names}, not set on every path to it: record it, or ask has(…)")

    def _is_there(self, here: Configuration, what: Reading) -> bool:
        """A clock that this walk does not follow is taken to have begun."""
        if what.clock:
            return what.name not in self._clocks or what.name in here.running or what.name in here.over
        return what.name in here.known

    def _tell_noted(self, story: Story) -> None:
        """Gives what one step did wrong the story of that step."""
        for message in sorted(self._noted):
            self.flaws.setdefault(message, Flaw(message, story))
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
            assumed = self._assume(here, frozenset(so)) if known else None
            if assumed is not None:
                yield branch, assumed

    def _assume(self, here: Configuration, more: Assumptions) -> Configuration | None:
        """The configuration with these answers of guards, and the facts that must be recorded for them; None when no
        values of the facts give them all."""
        if not more:
            return here
        kept = self._agreement.agreed(here.assumed, more, here.at)
        if kept is None:
            return None
        return self._learned(with_values(here, assumed=kept), chain.from_iterable(recorded_if(*one) for one in more))


class _Answer(NamedTuple):
    """What an answer to a task brings: facts `given`, facts `changed` if they are filled in, guards that are `so`."""

    given: frozenset[str]
    changed: frozenset[str]
    so: Assumptions


def _subsets(facts: Sequence[str]) -> Iterator[frozenset[str]]:
    if not facts:
        yield frozenset()
        return
    yield from (frozenset(some) for size in range(len(facts) + 1) for some in combinations(facts, size))


