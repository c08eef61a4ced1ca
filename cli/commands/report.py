"""`soppa report`: what was met and what was not, over a year or any other time."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.home import Home, write_private
from cli.options import Commands, as_option, home_option, json_option
from cli.printing import WIDTH, print_json, say, table
from cli.wiring import House, open_house
from engine.errors import UsageError

if TYPE_CHECKING:
    from cli.reports.period import Period
    from cli.reports.report import Report
    from engine.model.case import Actor

POSTING = "R-POST-CONTRACT"


@click.group(cls=Commands, epilog="Example: soppa report year --pdf year.pdf")
def command() -> None:
    """Deadlines met and missed: year, posting, requests."""


def _options(made: Callable[..., None]) -> Callable[..., None]:
    for option in reversed((
        click.option("--from", "first", metavar="DATE", default=None,
                     help="The first day; that of this fiscal year without it."),
        click.option("--to", "last", metavar="DATE", default=None, help="The last day; it is a year without it."),
        click.option("--pdf", type=click.Path(path_type=Path, dir_okay=False), default=None,
                     help="Write it as a PDF with pictures, into a new file."),
        click.option("--csv", "sheet", type=click.Path(path_type=Path, dir_okay=False), default=None,
                     help="Write the rows behind it as CSV, into a new file."),
        as_option, home_option, json_option,
    )):  # fmt: skip
        made = option(made)
    return made


@command.command(epilog="Example: soppa report year --from 2026-07-01 --pdf year.pdf")
@_options
def year(**given: Any) -> None:
    """Cases that began, deadlines that fell due.

    How many legal deadlines were met in time or late, are overdue, still run, or became void; days used of each."""
    from cli.reports.year import year_report
    from storage.looking.reporting import Reporting

    _report(lambda house, period: year_report(Reporting(house.store.base), house.definitions, period), **given)


@command.command(epilog="Example: soppa report posting --csv posting.csv")
@_options
def posting(**given: Any) -> None:
    """Agreements signed, and public in time or not.

    Each agreement under the ten business days of 105 ILCS 85/27(c), and which were late."""
    import workflows
    from cli.reports.posting import posting_report
    from storage.looking.reporting import Reporting

    rule = workflows.lawbook().rules[POSTING]
    _report(lambda house, period: posting_report(
        Reporting(house.store.base), rule, house.make_office(house.store.people()).calendars, period), **given)


@command.command(epilog="Example: soppa report requests --pdf requests.pdf")
@_options
def requests(**given: Any) -> None:
    """What parents asked for, and how long it took.

    Each request by its case number, with its outcome and legal date; nobody is named."""
    from cli.reports.requests import requests_report
    from storage.looking.reporting import Reporting

    _report(lambda house, period: requests_report(Reporting(house.store.base), house.definitions, period), **given)


def _report(make: Callable[[House, Period], Report], *, first: str | None, last: str | None, pdf: Path | None,
            sheet: Path | None, as_login: str | None, home: Home, as_json: bool) -> None:
    from cli.reports.period import read_period

    for file in (pdf, sheet):
        if file is not None and file.exists():
            raise UsageError(f"{file} is there already: name a new file")
    with open_house(home) as house:
        reader = house.reader(as_login)
        zone, today = house.settings.zone, house.clock().astimezone(house.settings.zone).date()
        report = make(house, read_period(first, last, today, house.settings.fiscal_year_start, zone))
        report = _open_to(house, report, reader)
        district = house.settings.district
    files = _write(report, district, pdf, sheet)
    if as_json:
        print_json(_mapping(report, files))
    else:
        _print(report, files)


def _open_to(house: House, report: Report, reader: Actor | None) -> Report:
    """Without the rows of single cases that the reader need not know of; they are counted all the same."""
    if "case" not in report.columns:
        return report
    place = report.columns.index("case")
    closed = house.closed_of(reader, (str(row[place]) for row in report.rows))
    tables = [replace(one, rows=[row for row in one.rows if not closed & {str(cell) for cell in row}])
              for one in report.tables]
    return replace(report, rows=[row for row in report.rows if row[place] not in closed], tables=tables)


def _write(report: Report, district: str, pdf: Path | None, sheet: Path | None) -> list[Path]:
    from cli.reports.paper import report_pdf
    from cli.reports.sheet import sheet_of

    made = [(pdf, report_pdf(report, district))] if pdf is not None else []
    made += [(sheet, sheet_of(report).encode())] if sheet is not None else []
    for file, content in made:
        try:
            write_private(file, content)
        except OSError as error:
            raise UsageError(f"{file} cannot be written ({error.strerror}): name another") from error
    return [file for file, _ in made]


def _print(report: Report, files: list[Path]) -> None:
    say(report.title)
    say(str(report.period))
    say()
    for sentence in report.lead:
        say(textwrap.fill(sentence, WIDTH))
    if report.bars:
        say()
        table(["began", "cases", "ended"], [[bar.label, f"{bar.whole:,}", f"{bar.done:,}"] for bar in report.bars])
    _print_groups(report)
    for one in report.tables:
        if one.rows:
            say()
            say(one.title)
            table(one.header, one.rows)
        elif one.note:
            say(one.note)
    for file in files:
        say(f"written: {file}")


def _print_groups(report: Report) -> None:
    """How many of each duty stand how, in two lines, since a table of them would not fit."""
    if report.groups:
        say()
        say("How the legal dates stand")
    for group in report.groups:
        say(textwrap.fill(group.title, WIDTH - 2, initial_indent="  ", subsequent_indent="  "))
        say(f"    on time: {group.on_time}  ({group.counts})")


def _mapping(report: Report, files: list[Path]) -> dict[str, object]:
    """The documented JSON keys."""
    return {"report": report.name, "from": report.period.first, "to": report.period.last, "as_of": report.period.today,
            **report.keys, "files": [str(file) for file in files]}
