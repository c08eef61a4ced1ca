"""The legal dates of cases, gathered by duty: whose it is, under which rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cli.reports.counting import Counted, counted
from cli.reports.period import Period
from cli.reports.report import Strip
from engine.model.definition import ClockDef, say
from engine.ports import Definitions
from storage.looking.reporting import DateCounted

COLUMNS = ("case", "process", "clock", "rule", "citation", "duty_of", "day_0", "legal_due", "target_due", "ended_on",
           "stands", "days_used", "days_of_period")  # fmt: skip
OWNERS: Mapping[str, str] = {"district": "", "operator": "Operator’s duty: ", "other": "Another’s duty: "}


@dataclass(frozen=True, slots=True)
class Duty:
    """A legal date of a case, with the clock that it is of."""

    date: DateCounted
    clock: ClockDef
    counted: Counted


def duties_of(dates: Iterable[DateCounted], definitions: Definitions, period: Period) -> list[Duty]:
    """The legal deadlines among these dates. Windows are another party's right, and nobody can miss them."""
    found = ((date, definitions.pinned(date.process, date.version, date.hash).clocks.get(date.clock)) for date in dates)
    return [
        Duty(date, clock, counted(date.case_id, date.anchor, date.legal, date.status, date.ended_on, period.today))
        for date, clock in found
        if clock is not None and not clock.window and clock.rule.kind_of_date != "district target"
    ]


def strips_of(duties: Sequence[Duty]) -> list[Strip]:
    """One strip for each rule and clock, the district's own before those of others."""
    found: dict[tuple[str, str, str], list[Duty]] = {}
    for duty in duties:
        found.setdefault((duty.clock.rule.duty_of, duty.clock.rule.id, duty.clock.name), []).append(duty)
    return [_strip(some) for _, some in sorted(found.items())]


def csv_row(duty: Duty) -> Sequence[object]:
    date, rule = duty.date, duty.clock.rule
    return (date.case_id, date.process, date.clock, rule.id, rule.citation, rule.duty_of, date.anchor, date.legal,
            date.target, date.ended_on, duty.counted.stand, duty.counted.used, duty.counted.days)


def _strip(duties: Sequence[Duty]) -> Strip:
    clock = duties[0].clock
    rule = clock.rule
    length = f", {rule.length} {rule.unit.replace('_', ' ')}" if rule.length and rule.unit else ""
    title = f"{OWNERS[rule.duty_of]}{say(clock.title, 'en')}"
    law = f"{rule.id}, {rule.citation}{length}"
    return Strip(title, law, [duty.counted for duty in duties])
