"""Moving a running case to another version of its definition, or saying why it stays.

A legal clock may get no later date, no other day 0 and no end by it; what has fired fires no more, and links of tasks
that stay live on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

from engine.deciding import moves, obligations, tasks
from engine.deciding.turn import Turn
from engine.errors import Refused
from engine.model.case import Actor, Case, Clock, FactValue, Place, Task
from engine.model.definition import Definition, FactDef, StateDef, TaskDef
from engine.model.messages import Decision
from engine.model.office import Office


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A running clock before and after; None where it is not there."""

    name: str
    before: Clock | None
    after: Clock | None


@dataclass(frozen=True, slots=True)
class Migration:
    """What becomes of a case: the decision, or the reasons for which it stays where it is."""

    case: Case
    decision: Decision | None
    refusals: tuple[str, ...]
    clocks: tuple[ClockChange, ...] = ()
    closed: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()


def migrate(old: Definition, new: Definition, case: Case, actor: Actor, reason: str, now: dt.datetime, office: Office
            ) -> Migration:  # fmt: skip
    """Works a migration out; nothing of the case changes unless its decision is kept."""
    refusals = list(_unfit(old, new, case))
    if refusals:
        return Migration(case, None, tuple(refusals))
    turn = Turn(new, office, actor, now, _moved(new, case))
    turn.tell("case_migrated", was=f"{old.version} {old.hash}", version=new.version, hash=new.hash, reason=reason)
    try:
        _fit_tasks(turn, old)
        _fit_times(turn, old, case)
        obligations.refresh(turn)
        moves.go_on(turn)
    except Refused as error:
        return Migration(case, None, (str(error),))
    after = turn.case
    clocks = tuple(ClockChange(name, case.clocks.get(name), after.clocks.get(name))
                   for name in dict.fromkeys([*case.clocks, *after.clocks]))
    refusals = [sentence for change in clocks for sentence in _worse(old, new, change)]
    was, now_open = _open(case), _open(after)
    decision = None if refusals else turn.decision()
    return Migration(case, decision, tuple(refusals), clocks, tuple(was - now_open), tuple(now_open - was))


# --- what keeps a case where it is -----------------------------------------------------------------------------------


def _unfit(old: Definition, new: Definition, case: Case) -> Iterator[str]:
    if not case.is_open:
        yield f"it ended as {case.outcome}"
        return
    for place in case.places:
        target = _state(new, place)
        if target is None:
            yield f"it stands at '{place.state}', which version {new.version} has not: name its heir in migrates"
        elif (target.region or "") != (old.states[place.state].region or ""):
            yield f"it stands at '{place.state}', which is in another region in version {new.version}"
    for name, value in case.facts.items():
        fact, was = new.facts.get(name), old.facts.get(name)
        if was is not None and not _keeps(was, fact, value):
            yield f"fact '{name}' is recorded, and version {new.version} does not take its value"
    for name in case.children:
        if case.children[name] and name not in new.children:
            yield f"it waits for a case of '{name}', which version {new.version} does not start"


def _keeps(was: FactDef, fact: FactDef | None, value: FactValue) -> bool:
    if fact is None or fact.type.kind != was.type.kind or fact.personal != was.personal:
        return False
    chosen = value if isinstance(value, frozenset) else {value} if was.type.kind == "choice" else ()
    return set(map(str, chosen)) <= set(fact.type.options) if chosen else True


def _worse(old: Definition, new: Definition, change: ClockChange) -> Iterator[str]:
    """What would happen to a legal clock and may not."""
    before, after = change.before, change.after
    if before is None or before.status != "running" or not old.clocks[change.name].rule.is_legal:
        return
    if change.name not in new.clocks or after is None or after.status in ("void", "expired"):
        kind = old.clocks[change.name].rule.kind_of_date
        yield f"the legal clock '{change.name}' would be dropped ({kind} {before.legal})"
    elif after.status == "satisfied":
        yield f"the legal clock '{change.name}' would count as met"
    elif after.anchor != before.anchor:
        yield f"the legal clock '{change.name}' would restart: day 0 was {before.anchor}, would be {after.anchor}"
    elif before.legal is not None and (after.legal is None or after.legal > before.legal):
        yield f"the legal clock '{change.name}' would lengthen: {before.legal} would become {after.legal or 'no date'}"
    elif not new.clocks[change.name].rule.is_legal:
        yield f"the legal clock '{change.name}' would be a {new.clocks[change.name].rule.kind_of_date}"


# --- what moves ------------------------------------------------------------------------------------------------------


def _state(new: Definition, place: Place) -> StateDef | None:
    return new.states.get(new.migrates.get(place.state, place.state))


def _moved(new: Definition, case: Case) -> Case:
    """The case at the same places under the new definition; their entries and times stay."""
    names = {place.state: new.migrates.get(place.state, place.state) for place in case.places}
    regions = {name: replace(place, state=names[place.state]) for name, place in case.regions.items()}
    facts = {name: value for name, value in case.facts.items() if name in new.facts}
    clocks = {name: replace(clock, is_window=new.clocks[name].window) for name, clock in case.clocks.items()
              if name in new.clocks}
    return replace(case, version=new.version, hash=new.hash, state=names[case.state], regions=regions, facts=facts,
                   clocks=clocks)


def _fit_tasks(turn: Turn, old: Definition) -> None:
    """Open tasks that the state still has stay, with their links unless what is asked has changed; others are closed,
    and what is new is asked."""
    for state, place in list(turn.here):
        wanted = {task.name: task for task in state.tasks if task.when is None or moves.holds(turn, task.when)}
        mine = [task for task in turn.case.tasks if task.entry == place.entry and task.is_open and not task.is_own]
        for task in mine:
            if task.name in wanted:
                _keep(turn, old, task, state)
            else:
                tasks.close(turn, task)
                turn.change(tasks=tuple(one for one in turn.case.tasks if one.id != task.id))
        there = {task.name for task in turn.case.tasks if task.entry == place.entry}
        for name, task_def in wanted.items():
            if name not in there:
                tasks.open_task(turn, task_def, state, place)


def _fit_times(turn: Turn, old: Definition, case: Case) -> None:
    """A state that is left by the calendar after another time than before is timed anew, from when it was entered."""
    before = {place.entry: old.states[place.state] for place in case.places}
    for state, place in turn.here:
        was = before[place.entry]
        if (was.name, was.after) != (state.name, state.after):
            moves.time_again(turn, state, place)


def _keep(turn: Turn, old: Definition, task: Task, state: StateDef) -> None:
    same = _asked(old.task(task)) == _asked(state.task(task.name))
    kept = replace(task, state=state.name, generation=task.generation + (not same))
    turn.put_task(kept)
    if not same:
        tasks.ask(turn, kept)


def _asked(task: TaskDef | None) -> tuple[object, ...]:
    """What a page asks: with another of these, a page that was opened before is stale."""
    return () if task is None else (task.form, task.link, task.who, frozenset(task.outcomes))


def _open(case: Case) -> set[str]:
    return {task.name for task in case.tasks if task.is_open}
