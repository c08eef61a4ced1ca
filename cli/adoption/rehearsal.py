"""What an adoption would do, found out by doing it and taking it back: where each case stands, how many mails leave.

Nothing is kept. Families of cases are rehearsed in small transactions, so that the daemon waits for none of them long.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cli.adoption.plan import Planned
from cli.adoption.rows import parent_of
from cli.wiring import House
from engine.errors import AlreadyDecided, SoppaError
from engine.faults import Fault
from engine.law.days import FIRE_HOUR

if TYPE_CHECKING:
    from engine.model.case import Case
    from engine.model.messages import Decision
    from engine.model.office import Office
    from storage.unit import SqlUnit

AT_ONCE = 20
"""Rows of one rehearsal, a family more or less."""

BRIEF = "brief"


@dataclass(slots=True)
class Rehearsed:
    """`cases` by key as they would be, with how many rungs had passed before; `known` are keys that are cases already,
    `mails` the local days on which mails would leave, `briefs` those of briefs, one a reader and day."""

    cases: dict[str, tuple[Case, int]] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    mails: list[dt.date] = field(default_factory=list)
    briefs: set[tuple[str, dt.date]] = field(default_factory=set)

    @property
    def by_day(self) -> Mapping[dt.date, int]:
        return dict(sorted(Counter([*self.mails, *(day for _, day in self.briefs)]).items()))


def rehearse(house: House, planned: Sequence[Planned]) -> Rehearsed:
    found, now = Rehearsed(), house.clock()
    office = house.make_office(house.store.people())
    for batch in _families(planned):
        with house.store.rehearse() as unit:
            before = unit.last_mail()
            for one in batch:
                _adopt(house, unit, one, now, found)
            _next_morning(house, unit, [found.cases[one.row.key][0] for one in batch if one.row.key in found.cases],
                          office, now)
            for mail, recipient, at in unit.mails_after(before):
                if mail == BRIEF:
                    found.briefs.add((recipient, office.today(at)))
                else:
                    found.mails.append(office.today(at))
    return found


def _families(planned: Sequence[Planned]) -> Iterator[list[Planned]]:
    """Batches in which every child has its parent."""
    roots: dict[str, str] = {}
    families: dict[str, list[Planned]] = {}
    for one in planned:
        root = roots.setdefault(one.row.key, roots.get(parent_of(one.row) or "", one.row.key))
        families.setdefault(root, []).append(one)
    batch: list[Planned] = []
    for family in families.values():
        batch += family
        if len(batch) >= AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _adopt(house: House, unit: SqlUnit, one: Planned, now: dt.datetime, found: Rehearsed) -> None:
    if _is_known(unit, one, found):
        return
    try:
        with unit.savepoint():
            decision = house.service.adopt_in(unit, one.adoption, now)
    except AlreadyDecided as error:
        if _is_known(unit, one, found):  # by another terminal, a moment ago
            return
        said = f"{error}, from a row that said something else: correct the case itself (soppa record)"
        found.faults.append(Fault(one.row.mark, said))
    except SoppaError as error:
        found.faults += [Fault(one.row.mark, f"{one.row.key}: {line}") for line in str(error).splitlines()]
    else:
        found.cases[one.row.key] = (decision.case, _passed(decision))


def _is_known(unit: SqlUnit, one: Planned, found: Rehearsed) -> bool:
    taken = unit.adopted_as(one.row.key)
    if taken is None or taken.digest != one.adoption.digest:
        return False
    found.known[one.row.key] = taken.case_id
    return True


def _passed(decision: Decision) -> int:
    return sum(event.kind == "rung_before_adoption" for event in decision.events)


def _next_morning(house: House, unit: SqlUnit, cases: Sequence[Case], office: Office, now: dt.datetime) -> None:
    """Fires what falls due up to the next business day's brief."""
    morning = office.at_local(office.calendars.strict.nth_after(office.today(now), 1)[0], FIRE_HOUR)
    due = [(case.id, key, max(at, now)) for case in cases for key, at in unit.timers_until(case.id, morning)]
    house.service.fire_in(unit, due)
