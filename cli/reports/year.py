"""`soppa report year`: the cases that began, and the legal dates that fell due."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from cli.reports.counting import by_stand
from cli.reports.duties import COLUMNS, csv_row, duties_of, strips_of
from cli.reports.period import Period
from cli.reports.report import Bar, Report, Table, strip_mapping
from engine.law.calendar import ONE_DAY
from engine.model.definition import say
from engine.ports import Definitions
from storage.looking.reporting import CaseCounted, Reporting


def year_report(reporting: Reporting, definitions: Definitions, period: Period) -> Report:
    cases = reporting.cases(period.begins, period.ends)
    duties = duties_of(reporting.due(period.first, period.last), definitions, period)
    strips = strips_of(duties)
    before = duties_of(reporting.due(dt.date.min, period.first - ONE_DAY), definitions, period)
    still = sum(duty.counted.stand == "overdue" for duty in before)
    counts, bars = by_stand([duty.counted for duty in duties]), _bars(cases, definitions)
    others = duties_of(reporting.dates_of(period.begins, period.ends), definitions, period)
    undated = sum(duty.counted.stand == "undated" and duty.date.status == "running" for duty in others)
    return Report(
        name="year",
        title="The year in cases and deadlines",
        period=period,
        lead=[f"Cases that began: {len(cases):,}; of these have ended: {sum(bar.done for bar in bars):,}.",
              f"Legal deadlines that fall in this time: {len(duties):,}. Met in time: {counts['met']:,}; done late: "
              f"{counts['late']:,}; overdue: {counts['overdue']:,}; still running: {counts['running']:,}; void, and "
              f"counted nowhere else: {counts['void']:,}.",
              f"Legal deadlines from before this time that are overdue to this day: {still:,}.",
              f"Duties of the cases that began which run without a legal date (a hold stands, or the law gives no "
              f"number): {undated:,}."],
        bars=bars,
        strips=strips,
        groups=strips,
        tables=[_outcomes(cases, definitions)],
        columns=COLUMNS,
        rows=[csv_row(duty) for duty in duties],
        keys={"cases": [{"process": bar.label, "began": bar.whole, "ended": bar.done}
                        for bar in _bars(cases, definitions, titled=False)],
              "deadlines": [strip_mapping(strip) for strip in strips], "without_date": undated,
              "overdue_from_before": still},
    )  # fmt: skip


def _bars(cases: Sequence[CaseCounted], definitions: Definitions, *, titled: bool = True) -> list[Bar]:
    """Each process, the one with the most cases first."""
    began = Counter(case.process for case in cases)
    done = Counter(case.process for case in cases if case.outcome is not None)
    names = title_of(cases, definitions)
    return [Bar(names[process] if titled else process, count, done[process])
            for process, count in sorted(began.items(), key=lambda item: (-item[1], item[0]))]


def _outcomes(cases: Sequence[CaseCounted], definitions: Definitions) -> Table:
    names = title_of(cases, definitions)
    found = Counter((names[case.process], case.outcome or "") for case in cases)
    rows = [[process, outcome or "still open", f"{count:,}"] for (process, outcome), count in sorted(found.items())]
    return Table("How the cases ended", ["process", "outcome", "cases"], rows, [0, 1.8, 0.6])


def title_of(cases: Sequence[CaseCounted], definitions: Definitions) -> dict[str, str]:
    """The title of each process, as its cases have it."""
    pinned = {case.process: definitions.pinned(case.process, case.version, case.hash) for case in cases}
    return {process: say(definition.title, "en") for process, definition in pinned.items()}
