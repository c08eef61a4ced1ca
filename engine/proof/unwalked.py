"""What the proof sees without a walk: what children are given, what clocks lack, where guards overlap or leave gaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.model.definition import SUBJECT, ChildDef, DecisionDef, Definition, StateDef
from engine.model.guards import Atom, Cell, Column, FactType, Guard
from engine.model.machine import triggers
from engine.nodes import nearest
from engine.proof.configurations import Flaw
from engine.proof.guard_cells import TooManyCells, gaps, overlaps, satisfiable


def unwalked(definition: Definition, targets: Mapping[str, Definition]) -> Iterator[Flaw]:
    """`targets` are, by process, the definitions that children may be of."""
    kinds = {name: fact.type for name, fact in definition.facts.items()}
    for name, state in definition.states.items():
        yield from _at(definition, "states", name, _state(state, kinds))
    for name, decision in definition.decisions.items():
        yield from _at(definition, "decisions", name, _decision(decision, kinds))
    for clock in definition.clocks:
        yield from _at(definition, "clocks", clock, _clock(definition, clock))
    for name, child in definition.children.items():
        yield from _at(definition, "children", name, _child(definition, child, targets))


def _at(definition: Definition, section: str, name: str, messages: Iterator[str]) -> Iterator[Flaw]:
    yield from (Flaw(message, definition.place(section, name)) for message in messages)


def facts_for(child: ChildDef, target: Definition) -> frozenset[str]:
    """The facts of the case that a child cannot start without."""
    return frozenset(ours for theirs, ours in child.facts.items() if theirs in target.start_needs)


def _child(definition: Definition, child: ChildDef, targets: Mapping[str, Definition]) -> Iterator[str]:
    """A child is given every fact that its process needs, of the type that it has there, and no other."""
    name, target = child.name, targets.get(child.process)
    if target is None:
        if child.joined and targets:
            yield f"child '{name}': there is no process '{child.process}'{nearest(child.process, targets)}"
        return
    given = {*child.facts, *child.dates, *((SUBJECT,) if _kinds(definition, child) & {"agreements"} else ())}
    columns = [column for fact in child.each for column in definition.facts[fact].type.columns]
    given |= {child.person, *(column.name for column in columns if not column.optional)}
    yield from (*_holder_of(child, target), *_cells_of(child, columns, target))
    if SUBJECT in given - child.facts.keys() and SUBJECT not in target.names_agreements:
        yield f"child '{name}': it is started for each agreement, and {child.process} has no fact '{SUBJECT}'"
    for need in target.start_needs:
        if need in target.facts and need not in given:
            yield f"child '{name}': {child.process} needs '{need}' to start: give it in facts"
    yield from _dates_of(name, child, target)
    for theirs, ours in child.facts.items():
        if theirs not in target.facts:
            yield f"child '{name}': {child.process} has no fact '{theirs}'{nearest(theirs, target.facts)}"
        elif not _fits(definition.facts[ours].type, target.facts[theirs].type):
            yield f"child '{name}': '{ours}' is not what '{theirs}' may be in {child.process}"


def _dates_of(name: str, child: ChildDef, target: Definition) -> Iterator[str]:
    """A date that is reckoned goes to a date fact; one that the child needs is counted from the day of the start, since
    any other may be unknown then."""
    for theirs, due in child.dates.items():
        if theirs not in target.facts:
            yield f"child '{name}': {child.process} has no fact '{theirs}'{nearest(theirs, target.facts)}"
        elif target.facts[theirs].type.kind != "date":
            yield f"child '{name}': '{theirs}' of {child.process} is no date"
        elif theirs in target.start_needs and due.of is not None:
            yield f"child '{name}': {child.process} needs '{theirs}', and what it is counted from may be unknown"


def _holder_of(child: ChildDef, target: Definition) -> Iterator[str]:
    people = [name for name, fact in target.facts.items() if fact.type.kind == "person"]
    if child.person is not None and child.person not in people:
        hint = nearest(child.person, people)
        yield f"child '{child.name}': {child.process} has no person fact '{child.person}'{hint}"


def _cells_of(child: ChildDef, columns: Sequence[Column], target: Definition) -> Iterator[str]:
    for column in columns:
        if column.name not in target.facts:
            yield f"child '{child.name}': {child.process} has no fact '{column.name}' for the column of that name"
        elif not _fits(column.type, target.facts[column.name].type):
            yield f"child '{child.name}': column '{column.name}' is not what that fact may be in {child.process}"


def _kinds(definition: Definition, child: ChildDef) -> set[str]:
    return {definition.facts[fact].type.kind for fact in child.each}


def _fits(ours: FactType, theirs: FactType) -> bool:
    return ours.kind == theirs.kind and set(ours.options) <= set(theirs.options)


def _clock(definition: Definition, name: str) -> Iterator[str]:
    clock = definition.clocks[name]
    if not clock.rule.citation:
        yield f"clock '{clock.name}' has no citation: name the statute in its rule"
    if not clock.window and (clock.ladder is None or all(rung.at != "legal" for rung in clock.ladder.rungs)):
        yield f"clock '{clock.name}' has no rung when its legal date passes: give it a ladder"
    if not clock.window and not clock.satisfied_by:
        yield f"clock '{clock.name}' can never be satisfied: name what satisfies it"


def _state(state: StateDef, kinds: Mapping[str, FactType]) -> Iterator[str]:
    """Overlaps of the guards of one trigger, and cases in which an automatic trigger has no way on."""
    for trigger, branches in triggers(state):
        guards = [branch.when for branch in branches if branch.when is not None]
        answered = any(trigger.startswith(f"{task.name}.") for task in state.tasks)
        owned = trigger == "after" and any(not task.offered for task in state.tasks)
        may_stay = len(guards) < len(branches) or trigger == "always" or answered or owned
        yield from _ways_of(f"{state.name}, {trigger}", guards, kinds, may_stay=may_stay)


def _decision(decision: DecisionDef, kinds: Mapping[str, FactType]) -> Iterator[str]:
    rows = [row.when for row in decision.rows]
    yield from _ways_of(f"decision '{decision.fact}'", rows, kinds, may_stay=False, add="a row")
    for row in rows:
        if not _can_hold(row, kinds):
            yield f"decision '{decision.fact}': the row '{row.source}' never holds: mend it or take it out"


def _can_hold(guard: Guard, kinds: Mapping[str, FactType]) -> bool:
    try:
        return satisfiable([(guard, True)], kinds, ())
    except TooManyCells:
        return True


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


def _ways_of(
    where: str, guards: Sequence[Guard], kinds: Mapping[str, FactType], *, may_stay: bool,
    add: str = "an else, or a way",
) -> Iterator[str]:
    try:
        overlap = overlaps(guards, kinds)
        gap = None if may_stay or not guards else gaps(guards, kinds)
    except TooManyCells as error:
        yield f"{where}: not proved, {error}: split the guards"
        return
    if overlap is not None:
        both = f"'{guards[overlap.first].source}' and '{guards[overlap.second].source}'"
        yield f"{where}: the guards {both} can hold together: make them exclude each other"
    if gap is not None:
        yield f"{where}: there are cases in which no guard holds: add {add} for {_told(gap)}"
