"""Mutants of a definition: one thing changed by a fixed operator, to see whether any scenario would notice it.

The operators: drop a rung or a mail, flip or drop a guard, change a rule's number, unit, calendar or roll, remove what
satisfies a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from engine.model.definition import Branch, ClockDef, Definition, Outcome, StateDef, TaskDef
from engine.model.guards import Guard, Not

T = TypeVar("T")
Guarded = tuple[str, Guard, Callable[[Guard | None], StateDef]]
"""Where a guard stands in a state, the guard, and the state with another in its place."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """`name` stays the same as long as what it changes does. `legal`: it changes a clock whose date is the law's."""

    name: str
    says: str
    definition: Definition
    legal: bool = False


def mutants(definition: Definition) -> Iterator[Mutant]:
    """Every mutant of a definition, clocks first. Each has a hash of its own, so that nothing that was built for the
    definition is taken for it."""
    for mutant in _all(definition):
        yield replace(mutant, definition=replace(mutant.definition, hash=f"{definition.hash}/{mutant.name}"))


def _all(definition: Definition) -> Iterator[Mutant]:
    for clock in definition.clocks.values():
        yield from _of_clock(definition, clock)
    for state in definition.states.values():
        yield from _of_mails(definition, state)
        yield from _of_guards(definition, state)


def is_legal(clock: ClockDef) -> bool:
    """Whether the law gives this clock's date."""
    return clock.rule.is_legal


# --- clocks ----------------------------------------------------------------------------------------------------------


def _of_clock(definition: Definition, clock: ClockDef) -> Iterator[Mutant]:
    def changed(what: str, says: str, **news: object) -> Mutant:
        other = replace(clock, **news)  # type: ignore[arg-type]
        clocks = {**definition.clocks, clock.name: other}
        return Mutant(
            f"{clock.name}.{what}", f"clock '{clock.name}': {says}", replace(definition, clocks=clocks), is_legal(clock)
        )

    yield from _of_rule(clock, changed)
    for event in clock.satisfied_by:
        rest = tuple(one for one in clock.satisfied_by if one != event)
        yield changed(f"satisfied_by.{event}", f"{event} does not satisfy it", satisfied_by=rest)
    for event, fact in clock.dated_by.items():
        left = {one: of for one, of in clock.dated_by.items() if one != event}
        yield changed(f"dated_by.{event}", f"{event} counts on the day of the answer, not on {fact}", dated_by=left)
    for rung in clock.ladder.rungs if clock.ladder and clock.rule.kind != "no_number" else ():
        others = tuple(one for one in clock.ladder.rungs if one != rung) if clock.ladder else ()
        yield changed(
            f"rung.{rung.id}", f"rung {rung.id} never fires",
            ladder=clock.ladder and replace(clock.ladder, rungs=others),
        )
    if clock.when is not None:
        yield changed("when.flip", f"it applies if not {clock.when.source}", when=_flipped(clock.when))
        yield changed("when.drop", "it always applies", when=None)


def _of_rule(clock: ClockDef, changed: Callable[..., Mutant]) -> Iterator[Mutant]:
    rule = clock.rule
    if rule.length is not None:
        for number in (rule.length - 1, rule.length + 1):
            yield changed(
                f"rule.{number}",
                f"{rule.id} counts {number} instead of {rule.length}",
                rule=replace(rule, length=number),
            )
    if rule.kind != "cycle" and rule.unit in _OTHER_UNIT:
        unit = _OTHER_UNIT[rule.unit]
        yield changed(f"rule.{unit}", f"{rule.id} counts {unit}", rule=replace(rule, unit=unit))  # type: ignore[arg-type]
    if (
        rule.kind in ("period", "cycle")
        and rule.calendar == "il-statutory"
        and (rule.rolls or rule.unit == "business_days")
    ):
        yield changed("rule.calendar", f"{rule.id} is counted in il-strict", rule=replace(rule, calendar="il-strict"))
    if rule.kind in ("period", "cycle") and rule.rolls and rule.unit == "calendar_days":
        yield changed(
            "rule.roll", f"{rule.id} does not move off weekends and holidays", rule=replace(rule, rolls=False)
        )


_OTHER_UNIT = {"calendar_days": "business_days", "business_days": "calendar_days", "school_days": "business_days"}


# --- mails -----------------------------------------------------------------------------------------------------------


def _of_mails(definition: Definition, state: StateDef) -> Iterator[Mutant]:
    for place, mail, other in _sends(state):
        says = f"state '{state.name}': mail {mail} is not sent {place}"
        yield Mutant(f"{state.name}.{place}.send.{mail}".replace(" ", "_"), says, _with_state(definition, other))


def _sends(state: StateDef) -> Iterator[tuple[str, str, StateDef]]:
    for mail in state.sends:
        yield "on entry", mail, replace(state, sends=_without(state.sends, mail))
    for number, on in enumerate(state.on):
        for mail in on.sends:
            yield (
                f"on {on.event}",
                mail,
                replace(state, on=_put(state.on, number, replace(on, sends=_without(on.sends, mail)))),
            )
    if state.after is not None:
        for mail in state.after.sends:
            yield (
                "after its time",
                mail,
                replace(state, after=replace(state.after, sends=_without(state.after.sends, mail))),
            )
    for task, outcome in _answers(state):
        for mail in outcome.sends:
            yield (
                f"with {task.name}.{outcome.name}",
                mail,
                _with_outcome(state, task, replace(outcome, sends=_without(outcome.sends, mail))),
            )


# --- guards ----------------------------------------------------------------------------------------------------------


def _of_guards(definition: Definition, state: StateDef) -> Iterator[Mutant]:
    for where, guard, put in (*_branch_guards(state), *_task_guards(state)):
        said = f"state '{state.name}', {where}"
        yield Mutant(
            f"{state.name}.{where}.flip", f"{said}: not {guard.source}", _with_state(definition, put(_flipped(guard)))
        )
    for where, guard, put in _task_guards(state):
        said = f"state '{state.name}', {where}: without {guard.source}"
        yield Mutant(f"{state.name}.{where}.drop", said, _with_state(definition, put(None)))


def _branch_guards(state: StateDef) -> Iterator[Guarded]:
    for field in ("joined", "always", "done"):
        for where, branch, put in _ways(getattr(state, field), field):
            yield _guarded(where, branch, lambda ways, field=field: replace(state, **{field: ways}), put)  # type: ignore[misc]
    for number, on in enumerate(state.on):
        for where, branch, put in _ways(on.to, f"on.{on.event}"):
            yield _guarded(
                where,
                branch,
                lambda ways, number=number, on=on: replace(  # type: ignore[misc]
                    state, on=_put(state.on, number, replace(on, to=ways))
                ),
                put,
            )
    after = state.after
    for where, branch, put in _ways(after.to, "after") if after else ():
        yield _guarded(where, branch, lambda ways: replace(state, after=after and replace(after, to=ways)), put)
    for task, outcome in _answers(state):
        for where, branch, put in _ways(outcome.to, f"{task.name}.{outcome.name}"):
            yield _guarded(
                where,
                branch,
                lambda ways, task=task, outcome=outcome: _with_outcome(  # type: ignore[misc]
                    state, task, replace(outcome, to=ways)
                ),
                put,
            )


def _task_guards(state: StateDef) -> Iterator[Guarded]:
    for task in state.tasks:
        if task.when is not None:
            yield f"{task.name}.when", task.when, partial(_asked_if, state, task)
    for task, outcome in _answers(state):
        if outcome.when is not None:
            yield f"{task.name}.{outcome.name}.when", outcome.when, partial(_open_if, state, task, outcome)
        for number, one in enumerate(outcome.requires):
            if one.that is not None:
                where = f"{task.name}.{outcome.name}.require.{number + 1}"
                yield where, one.that, partial(_required_if, state, task, outcome, number)


def _asked_if(state: StateDef, task: TaskDef, guard: Guard | None) -> StateDef:
    return _with_task(state, task, replace(task, when=guard))


def _open_if(state: StateDef, task: TaskDef, outcome: Outcome, guard: Guard | None) -> StateDef:
    return _with_outcome(state, task, replace(outcome, when=guard))


def _required_if(state: StateDef, task: TaskDef, outcome: Outcome, number: int, guard: Guard | None) -> StateDef:
    """Without a guard the requirement is gone."""
    one = replace(outcome.requires[number], that=guard)
    requires = _put(outcome.requires, number, one) if guard else _without(outcome.requires, outcome.requires[number])
    return _with_outcome(state, task, replace(outcome, requires=requires))


# --- by hand ---------------------------------------------------------------------------------------------------------


def _ways(to: Sequence[Branch], where: str) -> Iterator[tuple[str, Branch, Callable[[Branch], tuple[Branch, ...]]]]:
    for number, branch in enumerate(to):
        if branch.when is not None:
            yield f"{where}.{branch.to}", branch, lambda other, number=number: _put(to, number, other)  # type: ignore[misc]


def _guarded(
    where: str,
    branch: Branch,
    rebuilt: Callable[[tuple[Branch, ...]], StateDef],
    put: Callable[[Branch], tuple[Branch, ...]],
) -> Guarded:
    assert branch.when is not None  # noqa: S101
    return where, branch.when, lambda guard: rebuilt(put(replace(branch, when=guard)))


def _answers(state: StateDef) -> Iterator[tuple[TaskDef, Outcome]]:
    yield from ((task, outcome) for task in state.tasks for outcome in task.outcomes.values())


def _with_outcome(state: StateDef, task: TaskDef, outcome: Outcome) -> StateDef:
    return _with_task(state, task, replace(task, outcomes={**task.outcomes, outcome.name: outcome}))


def _with_task(state: StateDef, task: TaskDef, other: TaskDef) -> StateDef:
    return replace(state, tasks=tuple(other if one is task else one for one in state.tasks))


def _with_state(definition: Definition, state: StateDef) -> Definition:
    return replace(definition, states={**definition.states, state.name: state})


def _flipped(guard: Guard) -> Guard:
    return Guard(f"!({guard.source})", Not(guard.tree))


def _put(items: Sequence[T], number: int, other: T) -> tuple[T, ...]:
    return (*items[:number], other, *items[number + 1 :])


def _without(items: Iterable[T], left_out: T) -> tuple[T, ...]:
    return tuple(item for item in items if item != left_out)
