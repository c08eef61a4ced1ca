"""`soppa year`: a whole year of a sample district, through the real engine, storage, relay and SMTP, in minutes."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.home import Home
from cli.options import json_option, read_date
from cli.printing import bar, print_json, say, table
from engine.errors import Refused

if TYPE_CHECKING:
    from cli.year.report import Report


@click.command(epilog="Example: soppa year --from 2026-07-01")
@click.option("--from", "first", default="2026-07-01", show_default=True, metavar="DATE", help="The first day.")
@click.option("--days", type=click.IntRange(1, 365), default=365, show_default=True)
@json_option
def command(first: str, days: int, as_json: bool) -> None:
    """Play a year of a district of 5,000 students on a fake clock: 200 operators, 120 sponsorships, a season of
    attestations, 15 requests of parents, one breach; three in ten vendors never answer. Nothing is kept."""
    from cli.demo.sink import MailSink
    from cli.year.report import report_of
    from cli.year.run import live, new_year

    begins = read_date(first, "--from")
    logging.disable(logging.WARNING)
    with (
        tempfile.TemporaryDirectory(prefix="soppa-year-") as folder,
        MailSink() as sink,
        new_year(Home(Path(folder) / "home"), sink, begins) as year,
        bar("days") as tell,
    ):
        live(year, begins, days, lambda day: tell(day, days))
        report = report_of(year)
    print_json(_mapping(report)) if as_json else _print(report)
    if report.incidents or report.refused:
        raise Refused(f"{report.incidents} incidents, {len(report.refused)} answers refused: see above")


def _print(report: Report) -> None:
    table(["process", "outcome", "cases"], _rows(report.cases))
    say()
    table(["rule", "legal dates", "number"], _rows(report.deadlines))
    say()
    table(["to", "mail", "number"], _rows(report.mails))
    say()
    table(["of", "rung", "fired"], _rows(report.rungs))
    say()
    table(
        ["mail budget", "at most", "was", "when", ""],
        [
            [one.whose, str(one.limit), str(one.most), one.when, "held" if one.held else "not held"]
            for one in report.budgets
        ],
    )
    for sentence in report.refused[:20]:
        say(f"refused: {sentence}")
    say(f"incidents: {report.incidents}")


def _rows(counted: Mapping[tuple[str, str], int]) -> list[list[str]]:
    return [[first, second, f"{count:,}"] for (first, second), count in sorted(counted.items())]


def _mapping(report: Report) -> Mapping[str, object]:
    """The documented JSON keys."""

    def lines(counted: Mapping[tuple[str, str], int], *names: str) -> list[dict[str, object]]:
        return [
            {names[0]: first, names[1]: second, "number": count} for (first, second), count in sorted(counted.items())
        ]

    return {
        "cases": lines(report.cases, "process", "outcome"),
        "deadlines": lines(report.deadlines, "rule", "ended"),
        "mails": lines(report.mails, "to", "mail"),
        "rungs": lines(report.rungs, "of", "rung"),
        "budgets": [
            {"whose": one.whose, "limit": one.limit, "most": one.most, "when": one.when, "held": one.held}
            for one in report.budgets
        ],
        "incidents": report.incidents,
        "refused": list(report.refused),
    }
