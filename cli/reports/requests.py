"""`soppa report requests`: what parents asked for, what became of it, and how long it took. Nobody is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from cli.reports.duties import Duty, duties_of, strips_of
from cli.reports.period import Period
from cli.reports.report import STAND_WORDS, Bar, Report, Table, strip_mapping
from cli.reports.year import title_of
from engine.law.days import day_name
from engine.model.definition import Definition
from engine.ports import Definitions
from storage.looking.reporting import CaseCounted, Reporting

COLUMNS = ("case", "process", "began_on", "ended_on", "outcome", "days_open", "clock", "day_0", "legal_due",
           "clock_ended_on", "stands", "days_used", "days_of_period")  # fmt: skip


def requests_report(reporting: Reporting, definitions: Definitions, period: Period) -> Report:
    cases = [case for case in reporting.cases(period.begins, period.ends)
             if _is_request(case, definitions.pinned(case.process, case.version, case.hash))]
    mine = {case.id for case in cases}
    dates = [date for date in reporting.dates_of(period.begins, period.ends) if date.case_id in mine]
    duties = duties_of(dates, definitions, period)
    strips, names = strips_of(duties), title_of(cases, definitions)
    ended = sum(case.outcome is not None for case in cases)
    return Report(
        name="requests",
        title="Requests of parents",
        period=period,
        lead=[f"Requests of parents and students that came: {len(cases):,}. Answered, withdrawn or closed: {ended:,}; "
              f"open: {len(cases) - ended:,}."],
        bars=[Bar(names[process], count, sum(case.process == process and case.outcome is not None for case in cases))
              for process, count in sorted(Counter(case.process for case in cases).items())],
        strips=strips,
        groups=strips,
        tables=[_list(cases, duties, names, period.zone)],
        columns=COLUMNS,
        rows=[row for case in cases for row in _rows(case, duties, period)],
        keys={"requests": [{"process": process, "outcome": outcome or "still open", "number": count}
                           for (process, outcome), count in sorted(Counter(
                               (case.process, case.outcome or "") for case in cases).items())],
              "deadlines": [strip_mapping(strip) for strip in strips]},
    )  # fmt: skip


def _is_request(case: CaseCounted, definition: Definition) -> bool:
    """Whether a parent or student asked: such a party is needed to begin it, and no other case began it."""
    asks = (name for name, party in definition.parties.items() if party.kind == "parent")
    return case.parent is None and any(name in definition.start_needs for name in asks)


def _list(cases: Sequence[CaseCounted], duties: Sequence[Duty], names: Mapping[str, str], zone: ZoneInfo) -> Table:
    rows = [[case.id, names[case.process], day_name(case.started_at.astimezone(zone).date()),
             case.outcome or "open", _last(case, duties)] for case in cases]
    return Table("Each request", ["case", "what", "began", "outcome", "latest legal date"], rows,
                 [0.8, 0, 1.05, 1.2, 1.9])


def _last(case: CaseCounted, duties: Sequence[Duty]) -> str:
    """The latest legal date of a case, and how it stands."""
    mine = [duty for duty in duties if duty.date.case_id == case.id and duty.date.legal is not None]
    if not mine:
        return "–"
    last = max(mine, key=lambda duty: str(duty.date.legal))
    return f"{day_name(last.date.legal)}, {STAND_WORDS[last.counted.stand]}" if last.date.legal else "–"


def _rows(case: CaseCounted, duties: Sequence[Duty], period: Period) -> list[Sequence[object]]:
    """A row for each legal date of a request; one row for a request without any."""
    began = case.started_at.astimezone(period.zone).date()
    ended = case.ended_at.astimezone(period.zone).date() if case.ended_at else None
    own = (case.id, case.process, began, ended, case.outcome, ((ended or period.today) - began).days)
    mine = [duty for duty in duties if duty.date.case_id == case.id]
    return [(*own, duty.date.clock, duty.date.anchor, duty.date.legal, duty.date.ended_on, duty.counted.stand,
             duty.counted.used, duty.counted.days) for duty in mine] or [(*own, *[None] * 7)]
