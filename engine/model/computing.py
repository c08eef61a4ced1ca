"""Facts that nobody types, since they follow from others: a charge, the day after a quarter, a set from rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from engine.law.quarters import quarter_days
from engine.model.case import FactValue, TableRow
from engine.model.definition import Definition
from engine.model.parts import Charge, FactDef, Picked


def is_computed(fact: FactDef) -> bool:
    return fact.charge is not None or fact.quarter_after is not None or fact.picked is not None


def rests_on(fact: FactDef) -> frozenset[str]:
    """The facts that must be recorded before this one can be worked out."""
    if fact.charge is not None:
        return frozenset({fact.charge.of, fact.charge.price})
    if fact.picked is not None:
        return frozenset({fact.picked.table})
    return frozenset({fact.quarter_after}) if fact.quarter_after is not None else frozenset()


def reads_too(fact: FactDef) -> frozenset[str]:
    """Every fact that bears on it, those included that may be unknown."""
    waived = {fact.charge.waived} if fact.charge is not None and fact.charge.waived else set()
    return rests_on(fact) | waived


def computed(definition: Definition, facts: Mapping[str, FactValue]) -> Mapping[str, FactValue]:
    """What follows from the facts as they are."""
    known = (fact for fact in definition.facts.values() if is_computed(fact) and rests_on(fact) <= facts.keys())
    return {fact.name: _value(fact, facts) for fact in known}


def _value(fact: FactDef, facts: Mapping[str, FactValue]) -> FactValue:
    if fact.charge is not None:
        return _dollars(cents(fact.charge, facts))
    if fact.picked is not None:
        return _said_yes(fact.picked, facts)
    day = facts[str(fact.quarter_after)]
    return quarter_days(day)[1]  # type: ignore[arg-type]


def cents(charge: Charge, facts: Mapping[str, FactValue]) -> int:
    """The units beyond the free ones, each at its price or the most that may be asked; nothing where it is waived."""
    if charge.waived is not None and facts.get(charge.waived) is True:
        return 0
    units, price = (max(0, int(str(facts[name]))) for name in (charge.of, charge.price))
    return max(0, units - charge.free) * min(price, charge.most)


def _said_yes(picked: Picked, facts: Mapping[str, FactValue]) -> frozenset[str]:
    rows = cast(tuple[TableRow, ...], facts[picked.table])
    return frozenset(row.key for row in rows if row.cells[picked.column])


def _dollars(amount: int) -> str:
    return f"${amount // 100:,}.{amount % 100:02d}"
