"""One page for several roles: whoever holds more than one that a state asks answers once, and it stands for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.model.case import Task
from engine.model.definition import Outcome, TaskDef


@dataclass(frozen=True, slots=True)
class Also:
    """A further task that can be answered with the page's own."""

    task: Task
    wanted: TaskDef


def merged(wanted: TaskDef, others: Sequence[Also]) -> TaskDef:
    """One task that shows and asks for what all of them do; each fact once."""
    all_of = (wanted, *(other.wanted for other in others))
    form = {field.fact: field for one in all_of for field in one.form}
    shows = tuple(dict.fromkeys(name for one in all_of for name in one.shows))
    outcomes = {name: _needing(outcome, all_of) for name, outcome in wanted.outcomes.items()}
    return replace(wanted, form=tuple(form.values()), shows=shows, outcomes=outcomes)


def answered_alike(wanted: TaskDef, other: TaskDef) -> bool:
    """Whether one answer can stand for both: the same outcomes, shown to the same degree."""
    return wanted.outcomes.keys() == other.outcomes.keys() and wanted.link == other.link


def _needing(outcome: Outcome, all_of: Sequence[TaskDef]) -> Outcome:
    needs = dict.fromkeys(name for one in all_of for name in one.outcomes[outcome.name].needs)
    return replace(outcome, needs=tuple(needs))
