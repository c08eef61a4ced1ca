"""Last time's answers: what the next case is suggested, and how an answer differs from what was suggested.

A suggestion is kept apart from the facts. It becomes one only when somebody gives it again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from engine.model.case import Case, FactValue, Suggestion, TableRow
from engine.model.definition import Definition
from engine.model.guards import FactType
from engine.model.office import Office

Difference = tuple[FactValue | None, FactValue | None]
"""What was and what is; None where there was, or is, nothing."""


def suggestions(
    definition: Definition, earlier: Case, was: Definition, recorded: Mapping[str, dt.datetime], office: Office
) -> Mapping[str, Suggestion]:
    """What a case of `definition` is suggested from an earlier one, which ran on `was`: each prefilled fact that it
    knows, of the local day on which it was `recorded`, as long as it is of the same type still."""
    found = {}
    for name, fact in definition.facts.items():
        value, old = earlier.facts.get(name), was.facts.get(name)
        if fact.prefill and value is not None and old is not None and _fits(value, old.type, fact.type):
            on = office.today(recorded.get(name, earlier.ended_at or earlier.started_at))
            found[name] = Suggestion(value, on, earlier.id)
    return found


def differences(was: FactValue, now: FactValue) -> tuple[Difference, ...]:
    """Where two values of a fact differ: row by row for tables, as a whole for all else; empty where they do not."""
    if was == now:
        return ()
    before, after = _rows(was), _rows(now)
    if before is None or after is None:
        return ((was, now),)
    keys = dict.fromkeys([*before, *after])
    pairs = ((before.get(key), after.get(key)) for key in keys)
    return tuple(((row,) if row else None, (other,) if other else None) for row, other in pairs if row != other)


def unchanged(definition: Definition, case: Case) -> bool:
    """Whether last time's answers were given again: none differs, and none that was asked for was left out."""
    asked = {field.fact for state in definition.states.values() for task in state.tasks
             if any(f"{task.name}.{outcome}" in case.happened for outcome in task.outcomes) for field in task.form}
    return bool(case.suggested) and all(
        case.facts[name] == last.value if name in case.facts else name not in asked
        for name, last in case.suggested.items())


def _rows(value: FactValue) -> Mapping[str, TableRow] | None:
    if not isinstance(value, tuple) or not all(isinstance(row, TableRow) for row in value):
        return None
    return {row.key: row for row in value if isinstance(row, TableRow)}


def _fits(value: FactValue, was: FactType, now: FactType) -> bool:
    if was == now:
        return True
    if was.kind != now.kind:
        return False
    if isinstance(value, frozenset):
        return value <= set(now.options)
    return now.kind == "choice" and value in now.options
