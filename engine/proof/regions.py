"""Which regions of a parallel state hang together, and which clocks are theirs.

Two regions hang together when one asks with `at` where the other stands, waits for what happens in it, or shares a
clock with it. Whatever else they do, they cannot get in each other's way, and a proof may look at them one after the
other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.model.definition import ClockDef, Definition, StateDef, began, complete, ended, entered, told
from engine.model.guards import atoms
from engine.proof.configurations import events_of
from engine.proof.reading import guards_of


def groups(definition: Definition) -> list[frozenset[str]]:
    """The regions of all parallel states in groups that hang together, in document order; none in a flat definition."""
    found = [{region.name} for state in definition.states.values() for region in state.regions]
    for one, other in _pairs(definition):
        first = next(group for group in found if one in group)
        second = next(group for group in found if other in group)
        if first is not second:
            first |= second
            found.remove(second)
    return [frozenset(group) for group in found]


def ignored_clocks(definition: Definition, group: frozenset[str]) -> frozenset[str]:
    """The clocks that regions outside a group end or begin: what becomes of them is those regions' business."""
    owners = _owners(definition)
    return frozenset(clock.name for clock in definition.clocks.values() if _regions_of(clock, owners) - group)


def _pairs(definition: Definition) -> Iterator[tuple[str, str]]:
    owners = _owners(definition)
    for state in definition.states.values():
        if state.region:
            yield from ((state.region, other) for other in _asked_about(state))
            for handler in state.on:
                yield from ((state.region, other) for other in owners.get(handler.event, ()))
            for origin in (task.due.of for task in state.tasks if task.due is not None):
                yield from ((state.region, other) for other in owners.get(origin or "", ()))
    for clock in definition.clocks.values():
        first, *others = sorted(_regions_of(clock, owners)) or [""]
        yield from ((first, other) for other in others)


def _asked_about(state: StateDef) -> Iterator[str]:
    for guard in guards_of(state):
        yield from (atom.fact.partition(".")[0] for atom in atoms(guard) if atom.op == "at")


def _regions_of(clock: ClockDef, owners: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*(owners.get(event, frozenset()) for event in events_of(clock)))


def _owners(definition: Definition) -> Mapping[str, frozenset[str]]:
    """The regions in which each event happens."""
    found: dict[str, set[str]] = {}
    for state in definition.states.values():
        for event in _events_in(state) if state.region else ():
            found.setdefault(event, set()).add(state.region)
    return {event: frozenset(regions) for event, regions in found.items()}


def _events_in(state: StateDef) -> Iterator[str]:
    yield entered(state.name)
    answers = [(task.name, outcome) for task in state.tasks for outcome in task.outcomes.values()]
    yield from (f"{name}.{outcome.name}" for name, outcome in answers)
    sends = [state.sends, *(on.sends for on in state.on), *(outcome.sends for _, outcome in answers)]
    mails = {mail for sent in [*sends, state.after.sends if state.after else ()] for mail in sent}
    yield from (event(mail) for mail in mails for event in (began, told, complete))
    starts = [*state.starts, *(child for _, outcome in answers for child in outcome.starts)]
    yield from map(ended, starts)
