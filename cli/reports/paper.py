"""A report as a PDF."""

from __future__ import annotations

from dataclasses import asdict

from cli.reports.counting import FEW, NONE, by_stand
from cli.reports.drawing import draw
from cli.reports.report import Report, Strip, counts_table
from notifiers.typesetting import typeset


def report_pdf(report: Report, district: str) -> bytes:
    """Raises `UsageError` where no PDF can be made."""
    return typeset(["paper.typ", "report.typ"], _paper(report, district), "the report")


def _paper(report: Report, district: str) -> dict[str, object]:
    return {
        "title": report.title,
        "district": district,
        "keywords": [],
        "footer": f"{report.title} · {report.period}",
        "period": str(report.period),
        "lead": list(report.lead),
        "few": f"A percentage stands only where at least {FEW} were decided, and is never rounded up.",
        "bars": [asdict(bar) for bar in report.bars],
        "decided": [one for one in map(_decided, report.groups) if one["on_time"] != NONE],
        "strips": [_strip(strip) for strip in report.strips],
        "tables": [asdict(table) for table in (*report.tables, counts_table(report.groups))],
    }


def _decided(group: Strip) -> dict[str, object]:
    counts = by_stand(group.dates)
    return {"label": group.title, "on_time": group.on_time, "met": counts["met"], "late": counts["late"],
            "overdue": counts["overdue"]}


def _strip(strip: Strip) -> dict[str, object]:
    drawing = draw(strip.dates)
    return {"title": strip.title, "law": strip.law, "says": strip.says, "on_time": strip.on_time,
            "drawing": asdict(drawing) if drawing else None}
