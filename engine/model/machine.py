"""Which state comes next? The only user of `transitions`, and the only question put to it.

A machine holds no case: one is built per definition, and each look-up gets a throw-away model.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from transitions import Machine

from engine.model.definition import Branch, Definition, StateDef
from engine.model.guards import Guard, Unknown, evaluate


class UnknownFacts(Exception):
    """A guard needs facts that nobody has recorded; `names` says which."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        super().__init__(", ".join(sorted(names)))


@dataclass(slots=True)
class _Model:
    state: str
    facts: Mapping[str, object] = field(default_factory=dict)
    at: Collection[str] = ()


def next_state(definition: Definition, state: str, trigger: str, facts: Mapping[str, object],
               at: Collection[str] = ()) -> str | None:
    """The state that `trigger` leads to from `state`, or None when it leads nowhere. `at` are the states that the case
    is in, which guards may ask about. Raises `UnknownFacts`."""
    event = _machine(definition).events.get(trigger)
    model = _Model(state, facts, at)
    if event is None or state not in event.transitions:
        return None
    return model.state if event.trigger(model) else None


def triggers(state: StateDef) -> Iterator[tuple[str, tuple[Branch, ...]]]:
    """Everything that can move a case out of a state, with its ways on."""
    for task in state.tasks:
        yield from ((f"{task.name}.{outcome.name}", outcome.to) for outcome in task.outcomes.values() if outcome.to)
    yield from (("on " + handler.event, handler.to) for handler in state.on)
    if state.after is not None:
        yield "after", state.after.to
    ways = (("joined", state.joined), ("done", state.done), ("always", state.always))
    yield from ((name, to) for name, to in ways if to)


MOST_MACHINES = 100
"""More than an office has definitions in use; a rehearsal of mutants makes hundreds."""
_machines: dict[str, Machine] = {}


def _machine(definition: Definition) -> Machine:
    """Built once per compiled form; the hash names it."""
    if definition.hash not in _machines:
        if len(_machines) >= MOST_MACHINES:
            _machines.clear()
        _machines[definition.hash] = _build(definition)
    return _machines[definition.hash]


def _build(definition: Definition) -> Machine:
    machine = Machine(
        model=None,
        states=list(definition.states),
        initial=definition.initial.name,
        auto_transitions=False,
        send_event=True,
    )
    for state in definition.states.values():
        for trigger, branches in triggers(state):
            for branch in branches:
                machine.add_transition(trigger, state.name, branch.to, conditions=_condition(branch.when))
    return machine


def _condition(guard: Guard | None) -> list[str | Callable[..., bool | None]]:
    return [] if guard is None else [lambda event: _holds_for(guard, event.model)]


def _holds_for(guard: Guard, model: object) -> bool:
    return isinstance(model, _Model) and holds(guard, model.facts, model.at)


def holds(guard: Guard, facts: Mapping[str, object], at: Collection[str] = ()) -> bool:
    """Whether a guard holds. Raises `UnknownFacts`: what nobody has recorded is neither true nor false."""
    answer = evaluate(guard, facts, at)
    if isinstance(answer, Unknown):
        raise UnknownFacts(answer.names)
    return answer
