"""Why a decided fact is as it is: the reasons of its decision table that hold in a case."""

from __future__ import annotations

from engine.model.case import Case
from engine.model.definition import Definition, Words
from engine.model.guards import evaluate


def reasons(definition: Definition, case: Case, fact: str) -> tuple[Words, ...]:
    """In the order of the table; empty for a fact that somebody typed, and while it is not decided."""
    decision = definition.decisions.get(fact)
    if decision is None or fact not in case.facts:
        return ()
    return tuple(reason.text for reason in decision.reasons if evaluate(reason.when, case.facts, case.at) is True)
