"""What `soppa check` proves of a definition, on every reachable configuration, and the shortest story otherwise.

Regions of a parallel state that share nothing (no `at`, no clock, no event) are walked apart from each other, so that
their configurations add up instead of multiplying. Nothing is ever sampled: beyond `MAX_CONFIGURATIONS` the answer is
"not proved".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.model.definition import SUBJECT, ChildDef, Definition, StateDef
from engine.model.guards import Atom, Cell, Column, FactType, Guard, atoms
from engine.model.machine import triggers
from engine.nodes import nearest
from engine.proof.configurations import Configuration, Flaw, View
from engine.proof.guard_cells import TooManyCells, gaps, overlaps
from engine.proof.reading import live_facts
from engine.proof.regions import groups, ignored_clocks
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


def check(definition: Definition, others: Mapping[str, Definition] | None = None) -> Report:
    """Walks every reachable configuration of a definition and looks at every promise. `others` are, by process, the
    definitions that its children may be of: what these need to start must be there on every path to it."""
    targets = others or {}
    walks, proved = walked(definition, targets)
    flaws = [*_guards_of(definition), *_clocks_of(definition), *_children_of(definition, targets)]
    for walk in walks:
        flaws += [*_flaws_of(walk), *(_stuck(walk) if proved else ())]
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


def _flaws_of(walk: Walk) -> Iterator[Flaw]:
    found = dict(walk.flaws)
    for here in walk.seen:
        for message in _wrong_with(walk.definition, here):
            found.setdefault(message, Flaw(message, walk.story(here)))
    yield from found.values()


def _wrong_with(definition: Definition, here: Configuration) -> Iterator[str]:
    own = definition.states[here.state]
    duties = sorted(name for name in here.running if not definition.clocks[name].window)
    if own.final:
        if duties:
            yield f"'{own.name}' ends the case while clock '{duties[0]}' runs: satisfy or void it"
        return
    for name in (*here.regions, here.state):
        state = definition.states[name]
        if not state.final and not state.regions:
            yield from _unowned(state, here)


def _unowned(state: StateDef, here: Configuration) -> Iterator[str]:
    asked = [task for task in state.tasks if not task.offered]
    if not asked and not state.on and state.after is None and not state.always:
        yield f"nobody owns state '{state.name}': give it a task, an event or a time"
    waits = [handler for handler in state.on if handler.event.startswith("ended.")] or _waits_for_places(state)
    targeted = bool(asked) and all(task.due for task in asked)
    if not (here.running or state.after or waits or targeted or here.under_way):
        yield f"state '{state.name}' has neither a due nor a clock that covers it"


def _waits_for_places(state: StateDef) -> list[Atom]:
    """What a state waits for in other regions: they have owners and dates of their own."""
    return [atom for branch in state.always if branch.when for atom in atoms(branch.when) if atom.op == "at"]


# --- the promises of all of them together ----------------------------------------------------------------------------


def _never(definition: Definition, walks: Sequence[Walk]) -> Iterator[Flaw]:
    """States, ways and mails that no story reaches."""
    reached, taken, sent = (frozenset().union(*found) for found in zip(
        *((walk.reached, walk.taken, walk.sent) for walk in walks), strict=True))
    for state in definition.states.values():
        if state.name not in reached:
            yield Flaw(f"state '{state.name}' is never reached: lead to it or delete it")
        for trigger, branches in triggers(state) if state.name in reached else ():
            for branch in branches:
                if (state.name, trigger, branch.to) not in taken:
                    yield Flaw(f"the way from '{state.name}' by {trigger} to '{branch.to}' is never taken")
    for mail in sorted(set(definition.mails) - sent):
        yield Flaw(f"mail '{mail}' is never sent: send it or delete it")


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
        yield Flaw(f"from state '{where}' no end can be reached", walk.story(lost))


# --- what needs no walk ----------------------------------------------------------------------------------------------


def facts_for(child: ChildDef, target: Definition) -> frozenset[str]:
    """The facts of the case that a child cannot start without."""
    return frozenset(ours for theirs, ours in child.facts.items() if theirs in target.start_needs)


def _children_of(definition: Definition, targets: Mapping[str, Definition]) -> Iterator[Flaw]:
    """A child is given every fact that its process needs, of the type that it has there, and no other."""
    for name, child in definition.children.items():
        target = targets.get(child.process)
        if target is None:
            if child.joined and targets:
                yield Flaw(f"child '{name}': there is no process '{child.process}'{nearest(child.process, targets)}")
            continue
        given = {*child.facts, *child.dates, *((SUBJECT,) if _kinds(definition, child) & {"agreements"} else ())}
        columns = [column for fact in child.each for column in definition.facts[fact].type.columns]
        given |= {child.person, *(column.name for column in columns if not column.optional)}
        yield from (*_holder_of(child, target), *_cells_of(child, columns, target))
        if SUBJECT in given - child.facts.keys() and SUBJECT not in target.names_agreements:
            yield Flaw(f"child '{name}': it is started for each agreement, and {child.process} has no fact '{SUBJECT}'")
        for need in target.start_needs:
            if need in target.facts and need not in given:
                yield Flaw(f"child '{name}': {child.process} needs '{need}' to start: give it in facts")
        yield from _dates_of(name, child, target)
        for theirs, ours in child.facts.items():
            if theirs not in target.facts:
                yield Flaw(f"child '{name}': {child.process} has no fact '{theirs}'{nearest(theirs, target.facts)}")
            elif not _fits(definition.facts[ours].type, target.facts[theirs].type):
                yield Flaw(f"child '{name}': '{ours}' is not what '{theirs}' may be in {child.process}")


def _dates_of(name: str, child: ChildDef, target: Definition) -> Iterator[Flaw]:
    """A date that is reckoned goes to a date fact; one that the child needs is counted from the day of the start, since
    any other may be unknown then."""
    for theirs, due in child.dates.items():
        if theirs not in target.facts:
            yield Flaw(f"child '{name}': {child.process} has no fact '{theirs}'{nearest(theirs, target.facts)}")
        elif target.facts[theirs].type.kind != "date":
            yield Flaw(f"child '{name}': '{theirs}' of {child.process} is no date")
        elif theirs in target.start_needs and due.of is not None:
            yield Flaw(f"child '{name}': {child.process} needs '{theirs}', and what it is counted from may be unknown")


def _holder_of(child: ChildDef, target: Definition) -> Iterator[Flaw]:
    people = [name for name, fact in target.facts.items() if fact.type.kind == "person"]
    if child.person is not None and child.person not in people:
        hint = nearest(child.person, people)
        yield Flaw(f"child '{child.name}': {child.process} has no person fact '{child.person}'{hint}")


def _cells_of(child: ChildDef, columns: Sequence[Column], target: Definition) -> Iterator[Flaw]:
    for column in columns:
        if column.name not in target.facts:
            yield Flaw(f"child '{child.name}': {child.process} has no fact '{column.name}' for the column of that name")
        elif not _fits(column.type, target.facts[column.name].type):
            yield Flaw(f"child '{child.name}': column '{column.name}' is not what that fact may be in {child.process}")


def _kinds(definition: Definition, child: ChildDef) -> set[str]:
    return {definition.facts[fact].type.kind for fact in child.each}


def _fits(ours: FactType, theirs: FactType) -> bool:
    return ours.kind == theirs.kind and set(ours.options) <= set(theirs.options)


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
            owned = trigger == "after" and any(not task.offered for task in state.tasks)
            may_stay = len(guards) < len(branches) or trigger == "always" or answered or owned
            yield from _ways_of(f"{state.name}, {trigger}", guards, kinds, may_stay=may_stay)
    for decision in definition.decisions.values():
        rows = [row.when for row in decision.rows]
        yield from _ways_of(f"decision '{decision.fact}'", rows, kinds, may_stay=False)


def _told(cell: Cell) -> str:
    """A case that no guard covers, as its answers to what they ask."""
    return ", ".join(f"{_question(atom)} {'unknown' if answer is None else str(answer).lower()}"
                     for atom, answer in cell.items())


def _question(atom: Atom) -> str:
    match atom.op:
        case "is":
            return atom.fact
        case "in":
            return f"'{atom.value}' in {atom.fact}"
        case "compare":
            return f"{atom.fact} {atom.sign} {atom.other or atom.value}"
        case _:
            return f"{atom.op}({atom.fact})"


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
        yield Flaw(f"{where}: there are cases in which no guard holds: add an else, or a row for {_told(gap)}")
