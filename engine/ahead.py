"""A batch of due timers and cycles, and what they need to know, which is read for a few of them at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.model.case import Case
from engine.model.cycles import NOTHING, Planned
from engine.model.handed import DueCycle, DueTimer
from engine.model.register import SUPERSEDES, Entry
from engine.ports import Unit

READ_AHEAD = 10
CASES_AHEAD = 25
WITHOUT_SUBJECT = ""


@dataclass(frozen=True, slots=True)
class Known:
    """Of one due cycle: its agreement with those before it, the newest first; what stands in the rows of its schedule;
    whether any case about these agreements has ended."""

    lineage: tuple[Entry, ...]
    planned: Planned
    any_ended: bool

    @property
    def entry(self) -> Entry:
        return self.lineage[0]

    @property
    def register(self) -> Mapping[str, Entry]:
        return {} if self.entry.id == WITHOUT_SUBJECT else {self.entry.id: self.entry}


@dataclass(slots=True)
class Batch:
    """What is read ahead is used once, since what is done with it changes it. What could not be read with the others is
    read alone, so that it fails alone. `earlier` is the first timer that one of them has set for its case. Timers that
    have `fired` are marked at the end, with one statement."""

    timers: Sequence[DueTimer] = ()
    cycles: Sequence[DueCycle] = ()
    earlier: dict[str, dt.datetime] = field(default_factory=dict)
    fired: list[DueTimer] = field(default_factory=list)
    _cases: dict[str, Case] = field(default_factory=dict)
    _known: dict[int, Known] = field(default_factory=dict)

    def case(self, unit: Unit, timer: DueTimer) -> Case:
        if timer.case_id not in self._cases:
            at = self.timers.index(timer)
            ahead = [each.case_id for each in self.timers[at : at + CASES_AHEAD]]
            self._cases.update(unit.cases(each for each in ahead if each not in self._cases))
        return self._cases.pop(timer.case_id, None) or unit.case(timer.case_id)

    def known(self, unit: Unit, cycle: DueCycle) -> Known:
        """Raises `UsageError` for an agreement that the register does not have."""
        if cycle.id not in self._known:
            at = self.cycles.index(cycle)
            self._known = dict(_known(unit, self.cycles[at : at + READ_AHEAD], unit.readable_entries))
        return self._known.pop(cycle.id, None) or dict(_known(unit, [cycle], unit.entries))[cycle.id]

    def forget_register(self) -> None:
        """For when one of them has written into it."""
        self._known.clear()


Reads = Callable[[Iterable[str]], Mapping[str, Entry]]


def _known(unit: Unit, due: Sequence[DueCycle], reads: Reads) -> Iterator[tuple[int, Known]]:
    entries = _with_those_before({row.subject for row in due} - {WITHOUT_SUBJECT}, reads)
    lines = {row: line for row in due if (line := _lineage(row.subject, entries))}
    for process in {row.process for row in lines}:
        mine = [row for row in lines if row.process == process]
        planned = unit.cycles(process, [row.subject for row in mine])
        ended = set(unit.subjects_ended(process, {entry.id for row in mine for entry in lines[row]}))
        for row in mine:
            any_ended = any(entry.id in ended for entry in lines[row])
            yield row.id, Known(lines[row], planned.get(row.subject, NOTHING), any_ended)


def _with_those_before(agreements: set[str], reads: Reads) -> dict[str, Entry]:
    """Agreements and, however far back, those that they renew."""
    found: dict[str, Entry] = {}
    while wanted := agreements - found.keys():
        news = reads(wanted)
        found |= news
        agreements = {str(entry.values[SUPERSEDES]) for entry in news.values() if SUPERSEDES in entry.values}
    return found


def _lineage(agreement: str, entries: Mapping[str, Entry]) -> tuple[Entry, ...]:
    """An agreement and those before it: what was asked about the one it renews was asked about the same product. Empty
    where one of them was not read."""
    if agreement == WITHOUT_SUBJECT:
        return (Entry(WITHOUT_SUBJECT, {}),)
    found: dict[str, Entry] = {}
    wanted: object = agreement
    while isinstance(wanted, str) and wanted not in found:
        if wanted not in entries:
            return ()
        found[wanted] = entries[wanted]
        wanted = entries[wanted].values.get(SUPERSEDES)
    return tuple(found.values())
