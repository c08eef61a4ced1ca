"""Dates that can be and hardly are: somebody is asked once whether they are right, before they are recorded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.deciding.dates import before_its_law, day_of
from engine.model.case import FactValue
from engine.model.definition import Definition, FactDef
from engine.model.office import Office

LONG_AGO, FAR_AHEAD = 365, 1826
"""Days: where a definition does not say what is usual, a year back and five years ahead."""


@dataclass(frozen=True, slots=True)
class Unlikely:
    """A date of a fact that is `days` from today: negative where it lies back."""

    fact: str
    day: dt.date
    days: int

    @property
    def key(self) -> str:
        """What is ticked: this very date, so that another one is asked about again."""
        return f"{self.fact}:{self.day.isoformat()}"

    def __str__(self) -> str:
        far = f"{-self.days:,} days ago" if self.days < 0 else f"{self.days:,} days from now"
        return f"{self.fact}: {self.day} is {far}"


def unlikely_dates(
    definition: Definition, values: Mapping[str, FactValue], known: Mapping[str, FactValue], office: Office,
    now: dt.datetime,
) -> Iterator[Unlikely]:  # fmt: skip
    """Of newly typed values the dates that are further off than is usual; what is on file is not asked about again, nor
    what cannot be at all."""
    today = office.today(now)
    for name, value in values.items():
        fact, day = definition.facts.get(name), day_of(value, office)
        if fact is None or day is None or known.get(name) == value:
            continue
        if before_its_law(definition, name, day) or _before_another(fact, day, {**known, **values}, office):
            continue
        days = (day - today).days
        if not -_usual(fact) <= days <= FAR_AHEAD:
            yield Unlikely(name, day, days)


def _before_another(fact: FactDef, day: dt.date, facts: Mapping[str, FactValue], office: Office) -> bool:
    firsts = (day_of(facts.get(source.name), office) for source in fact.not_before if source.kind == "fact")
    return any(first is not None and day < first for first in firsts)


def _usual(fact: FactDef) -> int:
    return LONG_AGO if fact.usual_days is None else fact.usual_days
