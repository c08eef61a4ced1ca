"""What a walk assumes of guards: that the answers of all guards about a fact agree until the fact is recorded again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from engine.model.definition import Definition, Outcome, StateDef
from engine.model.guards import Atom, FactType, Guard, Not, Tree, atoms, evaluate_atoms
from engine.model.machine import triggers
from engine.proof.guard_cells import TooManyCells, cells, satisfiable

Assumptions = frozenset[tuple[Guard, bool]]
"""What guards were taken to answer."""


@dataclass(slots=True)
class Agreement:
    """Which answers of a definition's guards go together. A walk asks the same of many configurations, so each answer
    is kept."""

    definition: Definition
    agreed: Callable[[Assumptions, Assumptions, frozenset[str]], Assumptions | None] = field(init=False)
    """What stays assumed when new answers come to those assumed, where the case is `at` these places; None when no
    values of the facts give them all."""
    about_others: Callable[[Assumptions, frozenset[str]], Assumptions] = field(init=False)
    """What is assumed of other facts than these only."""
    about_these: Callable[[Assumptions, frozenset[str]], Assumptions] = field(init=False)
    """What is assumed of any of these facts."""
    _says_more: Callable[[Guard, bool], bool] = field(init=False)
    _can_be: Callable[[Assumptions, frozenset[str]], bool] = field(init=False)
    _shared: frozenset[str] = field(init=False)
    _kinds: Mapping[str, FactType] = field(init=False)

    def __post_init__(self) -> None:
        self._shared = shared_facts(self.definition)
        self._kinds = {name: fact.type for name, fact in self.definition.facts.items()}
        self.agreed = cache(self._agreed)
        self.about_others, self.about_these = cache(_about_others), cache(_about_these)
        self._says_more, self._can_be = cache(self._tells_more), cache(self._is_possible)

    def _agreed(self, assumed: Assumptions, more: Assumptions, at: frozenset[str]) -> Assumptions | None:
        for group in touched_by(more, assumed):
            if not self._can_be(group, at if any(is_placed(guard) for guard, _ in group) else frozenset()):
                return None
        return frozenset(one for one in assumed | more if self._says_more(*one))

    def _tells_more(self, guard: Guard, so: bool) -> bool:
        """Whether an answer says anything to what is asked elsewhere, or where the case stands later."""
        return not is_placed(guard) and tells_of(guard, so, self._shared, self._kinds)

    def _is_possible(self, group: Assumptions, places: frozenset[str]) -> bool:
        return is_possible(group, places, self._kinds)


def _about_others(assumed: Assumptions, facts: frozenset[str]) -> Assumptions:
    return frozenset(one for one in assumed if not about(one[0]) & facts)


def _about_these(assumed: Assumptions, facts: frozenset[str]) -> Assumptions:
    return frozenset(one for one in assumed if about(one[0]) & facts)


@cache
def is_placed(guard: Guard) -> bool:
    """A guard that asks where the case is: what it answered says nothing once the case has moved."""
    return any(atom.op == "at" for atom in atoms(guard))


def is_possible(assumed: Assumptions, at: frozenset[str], kinds: Mapping[str, FactType]) -> bool:
    """Whether some values of the facts give all these answers, where the case stands. Too many to say: yes."""
    try:
        return satisfiable(assumed, kinds, at)
    except TooManyCells:
        return True


def touched_by(more: Assumptions, assumed: Assumptions) -> Iterator[Assumptions]:
    """What hangs together with new answers by the facts they are about, each such group apart: only within one can
    answers contradict each other."""
    left = more | assumed
    for one in more:
        if one in left:
            group = _near(frozenset({one}), left)
            left -= group
            yield group


def tells_of(guard: Guard, so: bool, shared: frozenset[str], kinds: Mapping[str, FactType]) -> bool:
    """Whether this answer narrows the `shared` facts down: not where, whatever they are, others can bring it about."""
    if not about(guard) & shared:
        return False
    theirs = [atom for atom in atoms(guard) if set(atom.facts) & shared]
    if len(theirs) == len(atoms(guard)):
        return True
    try:
        cases: dict[frozenset[tuple[Atom, bool | None]], bool] = {}
        for cell in cells([guard], kinds):
            case = frozenset((atom, cell[atom]) for atom in theirs)
            cases[case] = cases.get(case, False) or evaluate_atoms(guard, cell) is so
    except TooManyCells:
        return True
    return not all(cases.values())


def _near(group: Assumptions, left: Assumptions) -> Assumptions:
    names = frozenset().union(*(about(guard) for guard, _ in group))
    wider = group | {one for one in left if about(one[0]) & names}
    return group if wider == group else _near(wider, left)


@cache
def about(guard: Guard) -> frozenset[str]:
    """The facts that a guard asks about."""
    return frozenset(name for atom in atoms(guard) for name in atom.facts)


def answered_so(outcome: Outcome) -> Assumptions:
    """What must be so for an answer to be taken, and what it makes so."""
    asked = [outcome.when, *(one.that for one in outcome.requires)]
    made = [Guard(f"{name} == {value!r}", _is(name, value)) for name, value in outcome.sets if _can_ask(value)]
    return frozenset((guard, True) for guard in (*asked, *made) if guard is not None)


@cache
def recorded(fact: str) -> Guard:
    """The guard that asks whether a fact is there."""
    return Guard(f"has({fact})", Atom(fact, "has"))


def _can_ask(value: object) -> bool:
    return isinstance(value, bool | int | str)


def _is(name: str, value: object) -> Tree:
    if isinstance(value, bool):
        return Atom(name, "is") if value else Not(Atom(name, "is"))
    return Atom(name, "compare", "==", value)  # type: ignore[arg-type]


def shared_facts(definition: Definition) -> frozenset[str]:
    """The facts that a walk asks about in more than one place: of others it need not remember what it assumed."""
    asked = Counter(fact for guards in _places(definition) for fact in {f for guard in guards for f in about(guard)})
    made = {name for outcome in _outcomes(definition) for name, _ in outcome.sets}
    return frozenset(fact for fact, count in asked.items() if count > 1 or fact in made)


def asked_only_if(state: StateDef) -> tuple[Guard, ...]:
    """The guards of all tasks of a state, where each has one: if none holds nobody is asked. A state that joins goes on
    then."""
    asked = [task.when for task in state.tasks if not task.offered]
    guards = tuple(when for when in asked if when is not None)
    return () if (state.join != "any" and state.joined) or len(guards) < len(asked) else guards


def _outcomes(definition: Definition) -> Iterator[Outcome]:
    return (o for state in definition.states.values() for task in state.tasks for o in task.outcomes.values())


def _places(definition: Definition) -> Iterator[list[Guard]]:
    """The guards that a walk asks together: those of one trigger, of one answer, of one clock.

    Of a task it asks only whether nobody may be asked: a task that depends on a guard is walked both as asked and as
    not asked.
    """
    for state in definition.states.values():
        yield from ([branch.when for branch in to if branch.when is not None] for _, to in triggers(state))
        yield list(asked_only_if(state))
    for outcome in _outcomes(definition):
        yield [guard for guard in (outcome.when, *(one.that for one in outcome.requires)) if guard is not None]
    yield from ([clock.when] for clock in definition.clocks.values() if clock.when is not None)
