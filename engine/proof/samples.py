"""What a story need not say: values for what a form wants and nothing in the definition asks about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache

from engine.model.definition import Definition, FactDef, TaskDef
from engine.model.register import entry_id
from engine.proof.assumptions import about
from engine.proof.reading import every_guard


def fillings(definition: Definition, task: str, outcome: str, on: str) -> Mapping[str, str]:
    """As typed, a value for each fact that this answer has to give and that changes nothing; `on` is an ISO date."""
    named = [one for state in definition.states.values() for one in state.tasks if one.name == task]
    wanted = dict.fromkeys(fact for one in named for fact in _wanted_by(one, outcome))
    asked = _asked(definition)
    return {name: _value(definition.facts[name], on) for name in wanted if name not in asked}


def _wanted_by(task: TaskDef, outcome: str) -> Sequence[str]:
    needs = task.outcomes[outcome].needs if outcome in task.outcomes else ()
    return [*(each.fact for each in task.form if each.required), *needs]


@cache
def _asked(definition: Definition) -> frozenset[str]:
    """The facts on which the course of a case hangs: guards, decisions, clocks, targets and parties read them."""
    dates = {name for clock in definition.clocks.values() for name in clock.anchor.names("fact")}
    terms = {name for clock in definition.clocks.values() for name in (clock.days_fact, clock.agreed_fact) if name}
    dues = [task.due for state in definition.states.values() for task in state.tasks if task.due is not None]
    targets = {name for due in dues for name in (due.of, due.days) if name}
    parties = {party.source for party in definition.parties.values() if party.source}
    agreements = {name for name, fact in definition.facts.items() if fact.type.kind == "agreement" or fact.taken}
    return frozenset().union(agreements, dates, terms, targets, parties, *map(about, every_guard(definition)))


def _value(fact: FactDef, on: str) -> str:
    match fact.type.kind:
        case "bool":
            return "yes"
        case "int":
            return "1"
        case "date":
            return on
        case "instant":
            return f"{on}T12:00+00:00"
        case "choice" | "set":
            return next(iter(fact.option_labels))
        case "person":
            return "privacy"
        case "agreements":
            return entry_id("A", 1)
        case "contacts":
            return "Sample <sample@party.example>"
        case "table":
            return json.dumps(_rows(fact, on))
        case _:
            return "https://sample.example" if fact.web_address else "Sample"


def _rows(fact: FactDef, on: str) -> object:
    """One row, for the sample of a set where the rows are chosen there; of a table with fixed rows, each of them."""
    cells = {name: _value(column, on) for name, column in fact.columns.items()}
    keys = fact.type.rows or fact.type.options[:1]
    return [{"key": key, **cells} for key in keys] if keys else [cells]
