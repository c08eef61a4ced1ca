"""Standing schedules at work on a store: which cycle waits for whom, and the case that a due one starts.

The service calls it inside its own transactions; nothing here begins one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from engine.ahead import WITHOUT_SUBJECT, Known
from engine.deciding.suggesting import suggestions
from engine.errors import Refused, UsageError
from engine.model.case import SYSTEM, Case
from engine.model.cycles import NOTHING, Cycle, Planned, latest, next_cycle, which_day
from engine.model.definition import CYCLE_ON, SUBJECT, Definition, ScheduleDef
from engine.model.handed import DueCycle
from engine.model.messages import Decision, OfSchedule, StartCase
from engine.model.office import Office
from engine.model.register import SUPERSEDES, Entry
from engine.ports import Definitions, Unit

Opens = Callable[[Definition, StartCase], Decision]
"""Opens a case in the transaction at hand."""


@dataclass(frozen=True, slots=True)
class Standing:
    definitions: Definitions

    def plan(self, unit: Unit, agreements: Iterable[str], now: dt.datetime, office: Office) -> None:
        """Plans the cycles of these agreements anew: after they were entered, changed or ended."""
        wanted = sorted(set(agreements))
        scheduled = _of_agreements(self.definitions.scheduled()) if wanted else ()
        entries = unit.entries(wanted) if scheduled else {}
        for definition, schedule in scheduled:
            _plan(unit, definition.process, schedule, entries, now, office)

    def plan_page(self, unit: Unit, beyond: str, limit: int, now: dt.datetime, office: Office) -> str | None:
        """Plans so many active agreements after `beyond`; the last of them, or None when there are no more. The first
        page plans what is about no agreement, and takes away what no schedule wants."""
        scheduled = self.definitions.scheduled()
        if not beyond:
            unit.drop_cycles([definition.process for definition in scheduled])
            for definition in scheduled:
                if definition.schedule is not None and not definition.schedule.of_agreements:
                    nobody = {WITHOUT_SUBJECT: Entry(WITHOUT_SUBJECT, {})}
                    _plan(unit, definition.process, definition.schedule, nobody, now, office)
        page = unit.active_agreements(beyond, limit) if _of_agreements(scheduled) else ()
        self.plan(unit, page, now, office)
        return page[-1] if len(page) == limit else None

    def schedules(self, office: Office) -> str:
        """A word that changes when a schedule does, or what the district has set for its days."""
        months = f"{office.fiscal_year_start}/{office.attestation_month or ''}/"
        begins = ",".join(map(str, office.calendars.school.begins))
        hashes = (f"{each.process}:{each.hash[:16]}" for each in self.definitions.scheduled())
        return " ".join([*hashes, months + begins])

    def following(
        self, unit: Unit, definition: Definition, command: StartCase, earlier: str, office: Office
    ) -> StartCase:
        """The command of a case that follows an earlier one: it is suggested the answers of that.

        Raises `UsageError` for a case that does not exist or is of another process, `Refused` for one still open.
        """
        case = unit.case(earlier)
        if case.process != definition.process:
            raise UsageError(f"case {earlier} is of process {case.process}: name one of {definition.process}")
        if case.is_open:
            raise Refused(f"case {earlier} is still open: its answers are suggested once it has ended")
        was = self.definitions.pinned(case.process, case.version, case.hash)
        suggested = suggestions(definition, case, was, unit.recorded_at(earlier), office)
        return replace(command, after=earlier, suggested=suggested)

    def start(
        self, unit: Unit, due: DueCycle, known: Known, now: dt.datetime, office: Office, opens: Opens
    ) -> Decision | None:
        """Opens the case of a due cycle, whose agreement the office knows, and plans the next one; gives the decision
        that opened it. Of several that are due only the last one starts; what no schedule wants any more is taken away,
        and gives none. It is suggested the answers of the cycle before, and whatever was answered anew between the
        two."""
        definition = self.definitions.newest(due.process)
        schedule, entry = definition.schedule, known.entry
        if schedule is None or schedule.of_agreements != bool(due.subject) or not _is_wanted(schedule, entry):
            unit.plan_cycles(due.process, {due.subject: None})
            return None
        cycle, missed = latest(schedule, entry.values, due.cycle, now, office)
        begun = OfSchedule(office.today(cycle.at), missed)
        facts = {CYCLE_ON: cycle.on, **({SUBJECT: entry.id} if schedule.of_agreements else {}),
                 **dict(schedule.facts), **which_day(definition, schedule, cycle.on, office)}  # fmt: skip
        command = StartCase(unit.new_case_id(office.today(now)), SYSTEM, facts, {}, cycle=begun)
        lineage = [one.id for one in known.lineage]
        earlier = unit.last_ended(due.process, lineage) if known.any_ended else ()
        for case_id in reversed(earlier):
            newer = self.following(unit, definition, command, case_id, office)
            command = replace(newer, suggested={**command.suggested, **newer.suggested})
        decision = opens(definition, command)
        rows = _begun(known.planned, cycle.on, decision.case)
        then = next_cycle(schedule, entry.values, rows, now, office)
        unit.cycle_done(due, cycle.on, decision.case.id, missed, now, then)
        return decision


def _begun(planned: Planned, on: dt.date, case: Case) -> Planned:
    """What stands in the rows once the cycle that waited has started a case."""
    return Planned(last=max(planned.last or on, on), open=planned.open or case.is_open)


def _of_agreements(definitions: Iterable[Definition]) -> list[tuple[Definition, ScheduleDef]]:
    return [(each, each.schedule) for each in definitions if each.schedule is not None and each.schedule.of_agreements]


def _plan(
    unit: Unit, process: str, schedule: ScheduleDef, entries: Mapping[str, Entry], now: dt.datetime, office: Office
) -> None:
    there = unit.cycles(process, entries)
    news: dict[str, Cycle | None] = {}
    for subject, entry in entries.items():
        planned = there.get(subject, NOTHING)
        if planned == NOTHING and schedule.catches_up and schedule.days:
            planned = _of_the_one_before(unit, process, entry)
        if planned.stopped:
            continue
        wanted = next_cycle(schedule, entry.values, planned, now, office) if _is_wanted(schedule, entry) else None
        if wanted != planned.waits:
            news[subject] = wanted
    if news:
        unit.plan_cycles(process, news)


def _of_the_one_before(unit: Unit, process: str, entry: Entry) -> Planned:
    """What a renewed agreement need not be asked again: the cycle that has started for the one that it supersedes."""
    before = entry.values.get(SUPERSEDES)
    found = unit.cycles(process, [before]).get(before, NOTHING) if isinstance(before, str) else NOTHING
    return Planned(last=found.last)


def _is_wanted(schedule: ScheduleDef, entry: Entry) -> bool:
    return entry.is_active or not schedule.of_agreements
