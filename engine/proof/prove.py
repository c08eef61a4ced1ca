"""What `soppa check` proves of a definition, on every reachable configuration, and the shortest story otherwise.

Regions of a parallel state that share nothing (no `at`, no clock, no event) are walked apart from each other, so that
their configurations add up instead of multiplying. Nothing is ever sampled: beyond `MAX_CONFIGURATIONS` the answer is
"not proved".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.law.clocks import Calendars
from engine.model.definition import ChildDef, Definition, StateDef, TaskDef, ended
from engine.model.machine import triggers
from engine.proof.configurations import Configuration, Flaw, View
from engine.proof.lacks import waits_for_places
from engine.proof.reading import live_facts
from engine.proof.regions import groups, ignored_clocks
from engine.proof.rungs import rungs_without_a_day
from engine.proof.unwalked import facts_for, unwalked
from engine.proof.walk import Walk

__all__ = ["Flaw", "Report", "check"]


@dataclass(frozen=True, slots=True)
class Report:
    process: str
    configurations: int
    flaws: tuple[Flaw, ...]
    proved: bool

    @property
    def good(self) -> bool:
        return self.proved and not self.flaws


def check(
    definition: Definition, others: Mapping[str, Definition] | None = None, calendars: Calendars | None = None
) -> Report:
    """Walks every reachable configuration of a definition and looks at every promise. `others` are, by process, the
    definitions that its children may be of: what these need to start must be there on every path to it. Only with
    `calendars` can be said which rungs have no day."""
    targets = others or {}
    walks, proved = walked(definition, targets)
    flaws = list(unwalked(definition, targets))
    flaws += rungs_without_a_day(definition, calendars) if calendars is not None else ()
    owing = frozenset(name for name, child in definition.children.items() if _owes(child, targets))
    for walk in walks:
        flaws += [*_flaws_of(walk, owing), *(_stuck(walk) if proved else ())]
    if proved:
        flaws += _never(definition, walks)
    once = tuple({flaw.message: flaw for flaw in flaws}.values())
    return Report(definition.process, sum(len(walk.seen) for walk in walks), once, proved)


def walked(definition: Definition, targets: Mapping[str, Definition]) -> tuple[list[Walk], bool]:
    """The walks over a definition that together see every configuration, and whether every one came to its end."""
    needs = {name: facts_for(child, targets[child.process])
             for name, child in definition.children.items() if child.process in targets}
    walks, proved = _walked(definition, _views(definition), needs)
    if not proved or len(walks) == 1:
        return walks, proved
    asked = _asked_after_all(definition, live_facts(definition, needs))
    again = [view for view in _with_what_others_record(walks, asked) if view.given]
    others_again, proved = _walked(definition, again, needs)
    done = [walk for walk in walks if all(view.regions != walk.view.regions for view in again)]
    return [*others_again, *done], proved


def _walked(
    definition: Definition, views: Iterable[View], needs: Mapping[str, frozenset[str]]
) -> tuple[list[Walk], bool]:
    """The walks, and whether every one of them came to its end."""
    walks = [Walk(definition, view, needs) for view in views]
    finished = [walk.explore() for walk in walks]
    return walks, all(finished)


def _views(definition: Definition) -> list[View]:
    """One walk for each group of regions that hang together; one for a flat definition."""
    together = groups(definition)
    clocks = frozenset(definition.clocks)
    if not together:
        return [View(frozenset(), clocks)]
    return [View(group, clocks - ignored_clocks(definition, group)) for group in together]


def _asked_after_all(definition: Definition, live: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """What may yet be asked for once all regions are done."""
    return frozenset().union(*(live[branch.to] for state in definition.states.values() for branch in state.done))


def _with_what_others_record(walks: Sequence[Walk], asked: frozenset[str]) -> Iterator[View]:
    """The views again, each with those facts that are asked for later and that the regions outside it are sure to have
    recorded when they are done."""
    sure = [frozenset.intersection(*walk.recorded) if walk.recorded else frozenset() for walk in walks]
    for number, walk in enumerate(walks):
        given = frozenset().union(*(facts for other, facts in enumerate(sure) if other != number))
        yield replace(walk.view, given=given & asked - sure[number])


# --- the promises of one configuration -------------------------------------------------------------------------------


def _flaws_of(walk: Walk, owing: frozenset[str]) -> Iterator[Flaw]:
    found = dict(walk.flaws)
    for here in walk.seen:
        for state, message in _wrong_with(walk.definition, here, owing):
            if message not in found:
                found[message] = Flaw(message, walk.definition.place("states", state), walk.story(here))
    yield from found.values()


def _wrong_with(definition: Definition, here: Configuration, owing: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Each state with which something is wrong, and what. `owing` are the children that may have legal duties."""
    own = definition.states[here.state]
    duties = sorted(name for name in here.running if not definition.clocks[name].window)
    if own.final:
        if duties:
            yield own.name, f"'{own.name}' ends the case while clock '{duties[0]}' runs: satisfy or void it"
        for child in sorted(here.children & owing):
            yield own.name, (f"'{own.name}' ends the case while child '{child}', which has legal duties, is open: wait "
                             f"for {ended(child)}")
        return
    for name in (*here.regions, here.state):
        state = definition.states[name]
        if not state.final and not state.regions:
            yield from ((name, message) for message in _unowned(state, here))


def _unowned(state: StateDef, here: Configuration) -> Iterator[str]:
    asked = [task for task in state.tasks if not task.offered]
    elsewhere = waits_for_places(state)
    if not asked and not state.on and state.after is None and not elsewhere:
        yield f"nobody owns state '{state.name}': give it a task, an event or a time"
    waits = [handler for handler in state.on if handler.event.startswith("ended.")] or elsewhere
    targeted = bool(asked) and all(task.due for task in asked)
    if not (here.running or state.after or waits or targeted or here.under_way):
        yield f"state '{state.name}' has neither a due nor a clock that covers it"


def _owes(child: ChildDef, targets: Mapping[str, Definition], above: frozenset[str] = frozenset()) -> bool:
    """Whether a case that is started and waited for may have a duty, its own or that of one that it starts; of a
    process that is not at hand nobody knows."""
    target = targets.get(child.process)
    if not child.joined or child.process in above:
        return False
    deeper = above | {child.process}
    return (target is None or any(not clock.window for clock in target.clocks.values())
            or any(_owes(other, targets, deeper) for other in target.children.values()))


# --- the promises of all of them together ----------------------------------------------------------------------------


def _never(definition: Definition, walks: Sequence[Walk]) -> Iterator[Flaw]:
    """States, ways, tasks, answers, mails and clocks that no story reaches."""
    reached, taken, sent, asked, given = (frozenset().union(*found) for found in zip(
        *((walk.reached, walk.taken, walk.sent, walk.asked, walk.given) for walk in walks), strict=True))
    begun = {clock for walk in walks for here in walk.seen for clock in here.running | here.over}
    place = definition.place
    for state in definition.states.values():
        if state.name not in reached:
            yield Flaw(f"state '{state.name}' is never reached: lead to it or delete it", place("states", state.name))
            continue
        for trigger, branches in triggers(state):
            for branch in branches:
                if (state.name, trigger, branch.to) not in taken:
                    yield Flaw(f"the way from '{state.name}' by {trigger} to '{branch.to}' is never taken",
                               place("states", state.name))
        for task in state.tasks:
            yield from _never_given(definition, state, task, asked, given)
    for mail in sorted(set(definition.mails) - sent):
        yield Flaw(f"mail '{mail}' is never sent: send it or delete it", place("mails", mail))
    for clock in sorted(set(definition.clocks) - begun):
        yield Flaw(f"clock '{clock}' never begins: look at its anchor and its guard", place("clocks", clock))


def _never_given(
    definition: Definition, state: StateDef, task: TaskDef, asked: Collection[tuple[str, str]],
    given: Collection[tuple[str, str, str]]
) -> Iterator[Flaw]:
    """A task that is never asked; else its answers that nobody can ever give."""
    place = definition.place("tasks", f"{state.name}/{task.name}")
    if (state.name, task.name) not in asked:
        yield Flaw(f"task '{task.name}' in state '{state.name}' is never asked: its guard cannot hold there", place)
        return
    for outcome in task.outcomes.values():
        if not outcome.to and (state.name, task.name, outcome.name) not in given:
            yield Flaw(f"the answer {task.name}.{outcome.name} in state '{state.name}' can never be given", place)


def _stuck(walk: Walk) -> Iterator[Flaw]:
    """Configurations from which no end can be reached any more."""
    back: dict[Configuration, set[Configuration]] = {}
    for here, theres in walk.ways.items():
        for there in theres:
            back.setdefault(there, set()).add(here)
    good = set(walk.finals)
    queue = deque(good)
    while queue:
        for before in back.get(queue.popleft(), set()) - good:
            good.add(before)
            queue.append(before)
    lost = next((here for here in walk.seen if here not in good), None)
    if lost is not None:
        where = "', '".join((*lost.regions, lost.state) if lost.regions else (lost.state,))
        place = walk.definition.place("states", (*lost.regions, lost.state)[0])
        yield Flaw(f"from state '{where}' no end can be reached", place, walk.story(lost))
