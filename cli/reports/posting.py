"""`soppa report posting`: whether each agreement that was signed became public in time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from cli.reports.counting import Counted, by_stand, counted
from cli.reports.period import Period
from cli.reports.report import STAND_WORDS, Report, Strip, Table, strip_mapping
from engine.errors import OutsideCalendar
from engine.law.calendar import ONE_DAY
from engine.law.clocks import Calendars, Rule, derive
from engine.law.days import day_name
from engine.model.register import ACTIVE
from registry.fields import TYPES
from registry.values import label
from storage.looking.reporting import AgreementCounted, Reporting

COLUMNS = ("agreement", "product", "operator", "type", "status", "signed_on", "legal_due", "posted_on", "stands",
           "days_used", "days_of_period")  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Posting:
    agreement: AgreementCounted
    counted: Counted


def posting_report(reporting: Reporting, rule: Rule, calendars: Calendars, period: Period) -> Report:
    """`rule` is the one under which agreements are posted."""
    found = [_posting(one, rule, calendars, period) for one in reporting.agreements(period.first, period.last)]
    before = reporting.agreements(dt.date.min, period.first - ONE_DAY)
    still = [one for one in (_posting(each, rule, calendars, period) for each in before if each.status == ACTIVE)
             if one.counted.stand == "overdue"]
    counts = by_stand([one.counted for one in found])
    law = f"{rule.id}, {rule.citation}, {rule.length} business days"
    whole = [Strip("From signing to the website", law, [one.counted for one in found])] if found else []
    strips = [Strip(TYPES.get(kind, kind), law, [one.counted for one in found if one.agreement.type == kind])
              for kind in sorted({one.agreement.type for one in found})]
    return Report(
        name="posting",
        title="Agreements and their posting",
        period=period,
        lead=[f"Agreements signed: {len(found):,}. Public in time: {counts['met']:,}; posted late: {counts['late']:,}; "
              f"overdue and not public: {counts['overdue']:,}; not public and not due yet: {counts['running']:,}; "
              f"signed on a day outside the calendar: {counts['undated']:,}.",
              f"In force, signed before this time, and overdue to this day: {len(still):,}."],
        bars=[],
        strips=whole,
        groups=strips,
        tables=[_late("Late, or not public and overdue", found),
                *([_late("Signed before this time, and overdue to this day", still)] if still else [])],
        columns=COLUMNS,
        rows=[_row(one) for one in found],
        keys={"agreements": len(found), "deadlines": [strip_mapping(strip) for strip in strips],
              "late": [dict(zip(COLUMNS, _row(one), strict=True)) for one in found
                       if one.counted.stand in ("late", "overdue")],
              "overdue_from_before": [dict(zip(COLUMNS, _row(one), strict=True)) for one in still]},
    )  # fmt: skip


def _posting(one: AgreementCounted, rule: Rule, calendars: Calendars, period: Period) -> _Posting:
    """A date beyond the calendar is none, and told as such."""
    try:
        legal = derive(rule, one.signed_on, calendars).legal
    except OutsideCalendar:
        legal = None
    if legal is None:
        return _Posting(one, Counted(one.id, "undated", one.signed_on, None, one.posted_on, period.today))
    status = "satisfied" if one.posted_on else "running"
    return _Posting(one, counted(one.id, one.signed_on, legal, status, one.posted_on, period.today))


def _late(title: str, found: Sequence[_Posting]) -> Table:
    late = [one for one in found if one.counted.stand in ("late", "overdue")]
    rows = [[one.agreement.id, label(one.agreement.product, one.agreement.operator),
             day_name(one.counted.legal) if one.counted.legal else "–",
             day_name(one.agreement.posted_on) if one.agreement.posted_on else "not public",
             f"{(one.counted.until - one.counted.legal).days:,}" if one.counted.legal else "–"] for one in late]
    none = f"None: no posting of this time is {STAND_WORDS['late']} or {STAND_WORDS['overdue']}."
    return Table(title, ["agreement", "product", "legal date", "posted", "days late"], rows,
                 [0.75, 0, 1.15, 1.15, 0.75], note="" if rows else none)


def _row(one: _Posting) -> Sequence[object]:
    agreement = one.agreement
    return (agreement.id, agreement.product, agreement.operator, agreement.type, agreement.status, agreement.signed_on,
            one.counted.legal, agreement.posted_on, one.counted.stand, one.counted.used, one.counted.days)
