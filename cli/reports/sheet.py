"""The rows behind a report as CSV: every cell quoted, and an apostrophe before what a spreadsheet would compute."""

from __future__ import annotations

import csv
import io

from cli.reports.report import Report
from registry.export import defused


def sheet_of(report: Report) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(report.columns)
    writer.writerows([defused("" if cell is None else str(cell)) for cell in row] for row in report.rows)
    return out.getvalue()
