"""What need not be kept any more on a day, by class, and what a preservation holds back."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import workflows
from cli.wiring import House
from engine.model.retention import Kind, Retention
from storage.removal import preservations, retention
from storage.removal.purges import Item
from storage.removal.retention import EndedCase
from storage.sealing import canonical
from storage.tables import OUTBOX, PENDING_ACTS
from storage.unit import SqlUnit


@dataclass(frozen=True, slots=True)
class Held:
    """What is due and stays: `ref` is the case of the preservation, `reason` its words."""

    kind: str
    ref: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Due:
    """What is due of one class. `count` is how many of what people count: cases, people, mails. `since` is the earliest
    day on which any of it was due."""

    kind: Kind
    items: Sequence[Item]
    count: int
    since: dt.date | None


@dataclass(frozen=True, slots=True)
class Outlook:
    as_of: dt.date
    table: Retention
    due: Sequence[Due]
    held: Sequence[Held] = field(default_factory=tuple)

    def items(self) -> list[Item]:
        """Numbered, as they are removed."""
        found = [item for due in self.due for item in due.items]
        return [Item(number, one.kind, one.what, one.ref, one.due_on) for number, one in enumerate(found, 1)]

    def digest(self) -> str:
        """Tells one list of items from another."""
        listed = [[item.kind, item.ref, item.due_on.isoformat()] for item in self.items()]
        return hashlib.sha256(canonical(listed)).hexdigest()


def terms_of(house: House) -> Retention:
    """The shipped terms under the district's own. Raises `FaultyInput`."""
    return workflows.retention(house.home.retention)


def look(house: House, unit: SqlUnit, as_of: dt.date, spared: Collection[str] = ()) -> Outlook:
    """What is due on a day; the cases `spared` and their families are left out."""
    return _Look(house, unit, terms_of(house), as_of, frozenset(spared)).outlook()


@dataclass
class _Look:
    house: House
    unit: SqlUnit
    table: Retention
    as_of: dt.date
    spared: frozenset[str]

    def outlook(self) -> Outlook:
        families, held = self._families()
        due = [self._due(kind, families) for kind in self.table.kinds.values()]
        return Outlook(self.as_of, self.table, due, held)

    @cached_property
    def cases(self) -> Mapping[str, EndedCase]:
        return retention.cases(self.unit.connection, self.house.settings.zone)

    @cached_property
    def preserved(self) -> Mapping[str, str]:
        found = preservations.every(self.unit.connection, self.house.store.base.ring)
        return {one.case_id: one.reason for one in found}

    @cached_property
    def agreement_ends(self) -> Mapping[str, dt.date | None]:
        return retention.agreement_ends(self.unit.connection)

    @cached_property
    def roots(self) -> Mapping[str, str]:
        """The case at the top of each case's family."""
        return {case_id: self._root(case_id) for case_id in self.cases}

    def _root(self, case_id: str) -> str:
        above = self.cases[case_id].parent
        while above in self.cases:
            case_id, above = str(above), self.cases[str(above)].parent
        return case_id

    def _families(self) -> tuple[Mapping[str, dt.date], list[Held]]:
        """The cases that are due, each with the day on which the last of its family was; and those held back."""
        members = defaultdict[str, list[EndedCase]](list)
        for case in self.cases.values():
            members[self.roots[case.id]].append(case)
        due: dict[str, dt.date] = {}
        held: list[Held] = []
        for family in members.values():
            days = [self._case_due(case) for case in family]
            ids = [case.id for case in family]
            last = max((day for day in days if day), default=None)
            if None in days or last is None or last > self.as_of or not self.spared.isdisjoint(ids):
                continue
            keeper = next((case_id for case_id in ids if case_id in self.preserved), None)
            waiting = [case for case in family if not case.purged]
            if keeper is None:
                due |= {case.id: last for case in waiting}
            else:
                held += [Held(self.table.of_process(case.process).name, case.id, keeper, self.preserved[keeper])
                         for case in waiting]  # fmt: skip
        return due, held

    def _case_due(self, case: EndedCase) -> dt.date | None:
        """None while it runs, or while an agreement does on which its term waits."""
        kind = self.table.of_process(case.process)
        if case.ended_on is None:
            return None
        day = kind.due_on(case.ended_on)
        if kind.start != "agreement_ended" or day > self.as_of:
            return day
        named = retention.agreements_of(self.unit.connection, case.id)
        ends = [self.agreement_ends[one] for one in named if one in self.agreement_ends]
        if None in ends:
            return None
        return kind.due_on(max([case.ended_on, *(end for end in ends if end)]))

    def _due(self, kind: Kind, families: Mapping[str, dt.date]) -> Due:
        match kind.what:
            case "case":
                mine = {one: day for one, day in families.items()
                        if self.table.of_process(self.cases[one].process).name == kind.name}  # fmt: skip
                return _several(kind, mine)
            case "audience":
                return _several(kind, dict(self._audiences(kind, families)))
            case "person":
                left = {one.ref: kind.due_on(one.since) for one in retention.people(self.unit.connection)}
                return _several(kind, {ref: day for ref, day in left.items() if day <= self.as_of})
            case "operator":
                return _several(kind, dict(self._operators(kind)))
            case _:
                return self._at_once(kind)

    def _audiences(self, kind: Kind, families: Mapping[str, dt.date]) -> Iterator[tuple[str, dt.date]]:
        """Those of cases that are kept themselves."""
        for case_id in sorted(retention.with_recipients(self.unit.connection)):
            ended = self.cases[case_id].ended_on
            family = {one for one, root in self.roots.items() if root == self.roots[case_id]}
            if ended is None or case_id in families or not family.isdisjoint({*self.preserved, *self.spared}):
                continue
            if kind.due_on(ended) <= self.as_of:
                yield case_id, kind.due_on(ended)

    def _operators(self, kind: Kind) -> Iterator[tuple[str, dt.date]]:
        """But those that a preserved case is about."""
        kept = [retention.agreements_of(self.unit.connection, case_id) for case_id in self.preserved]
        for one in retention.operators(self.unit.connection):
            named = retention.agreements_of_operator(self.unit.connection, one.ref)
            if kind.due_on(one.since) <= self.as_of and all(named.isdisjoint(its) for its in kept):
                yield one.ref, kind.due_on(one.since)

    def _at_once(self, kind: Kind) -> Due:
        """What goes by its age alone, as one item."""
        before = kind.cut_off(self.as_of)
        count, oldest = self._aged(kind, dt.datetime.combine(before, dt.time(), self.house.settings.zone))
        since = kind.due_on(oldest.astimezone(self.house.settings.zone).date()) if oldest else None
        items = [Item(0, kind.name, kind.what, before.isoformat(), self.as_of)] if count else []
        return Due(kind, items, count, since)

    def _aged(self, kind: Kind, before: dt.datetime) -> tuple[int, dt.datetime | None]:
        connection = self.unit.connection
        if kind.what == "access":
            return sum(retention.count(connection, table, old) for table, old in retention.access(before)), None
        table, at = (OUTBOX, OUTBOX.c.created_at) if kind.what == "brief" else (PENDING_ACTS, PENDING_ACTS.c.at)
        old = retention.briefs(before, self.preserved) if kind.what == "brief" else retention.acts(before)
        return retention.count(connection, table, old), retention.oldest(connection, at, old)


def _several(kind: Kind, found: Mapping[str, dt.date]) -> Due:
    items = [Item(0, kind.name, kind.what, ref, day) for ref, day in sorted(found.items())]
    return Due(kind, items, len(items), min(found.values(), default=None))
