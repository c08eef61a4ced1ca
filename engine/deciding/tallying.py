"""How many cases came before this one in a quarter: a number that the office is offered, and may correct.

What cases have in common is compared as it was typed, without regard to case and blanks; of a party who it is, as
everywhere: the mail address, or the name with the postal address.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from engine.deciding.turn import Turn
from engine.law.quarters import fiscal_quarter, quarter_days
from engine.model.case import Case, Contact, FactValue, Suggestion
from engine.model.definition import Definition
from engine.model.guards import evaluate
from engine.model.parts import Tally


def tallies(definition: Definition) -> Mapping[str, Tally]:
    return {name: fact.tally for name, fact in definition.facts.items() if fact.tally is not None}


def counted_from(definition: Definition, facts: Mapping[str, FactValue]) -> dt.date | None:
    """The first day of the quarter in which cases are counted; None while the case has nothing to count."""
    days = [facts.get(tally.on) for name, tally in tallies(definition).items() if name not in facts]
    return min((quarter_days(day)[0] for day in days if isinstance(day, dt.date)), default=None)


def suggest(turn: Turn) -> None:
    """Offers each number that is not recorded yet, with the cases that were counted."""
    others = turn.office.others
    for name, tally in tallies(turn.definition).items() if others is not None else ():
        if name in turn.case.facts or _common(turn.case, tally) is None:
            continue
        found = [case.id for case in others or () if _counts(turn.case, case, tally)]
        suggestion = Suggestion(len(found), turn.today, ", ".join(found))
        turn.change(suggested={**turn.case.suggested, name: suggestion})


def _counts(case: Case, other: Case, tally: Tally) -> bool:
    """Whether another case came before, in the same quarter, about the same."""
    day, theirs = case.facts.get(tally.on), other.facts.get(tally.on)
    if not isinstance(day, dt.date) or not isinstance(theirs, dt.date) or other.id == case.id:
        return False
    if fiscal_quarter(day) != fiscal_quarter(theirs) or (theirs, other.id) > (day, case.id):
        return False
    applies = tally.where is None or evaluate(tally.where, other.facts, other.at) is not False
    return applies and _common(other, tally) == _common(case, tally)


def _common(case: Case, tally: Tally) -> tuple[str, ...] | None:
    """What must be the same, in comparable form; None while some of it is unknown."""
    found = [case.parties.get(name) or case.facts.get(name) for name in tally.same]
    return None if None in found else tuple(_plain(value) for value in found)


def _plain(value: object) -> str:
    who = (value.email or f"{value.name}\n{value.address}") if isinstance(value, Contact) else str(value)
    return " ".join(who.lower().split())
