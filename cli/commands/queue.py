"""`soppa queue`: what waits for whom. On its path nothing heavy is imported: no ORM, no web, no SMTP."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from cli import completion
from cli.home import Home, check_home
from cli.needtoknow import closed_to, veiled
from cli.options import as_option, home_option, json_option
from cli.printing import ROOMY, columns, day, left, near_day, print_json, say, table
from cli.settings import Settings, read_settings
from cli.viewers import reader_of, viewer
from engine.errors import UsageError
from engine.nodes import nearest
from storage.looking.queue import QueueRow, View, open_queue_rows, snoozed_count

HEADERS = ("legal deadline", "left", "district target", "case", "what to do", "who")
"""A day that an agreement sets stands beside the target, with its name."""
NARROW = ("case", "by when", "what to do", "who")
"""The columns of a terminal that is not `ROOMY`: all dates stand in one, each with its name and what is left."""


@click.command(epilog="Example: soppa queue --role custodian --overdue")
@click.option("--mine", is_flag=True, help="Only what waits for you.")
@click.option("--role", shell_complete=completion.roles, help="Only tasks of this role.")
@click.option("--person", shell_complete=completion.people, help="Only tasks of this person (an id).")
@click.option("--process", shell_complete=completion.processes, help="Only cases of this process.")
@click.option("--overdue", is_flag=True, help="Only what is past its legal deadline or district target.")
@click.option("--snoozed", is_flag=True, help="Only what you have snoozed; it is left out otherwise.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--watch", is_flag=True, help="Keep it on the screen and look again every two seconds; Ctrl-C ends it.")
@as_option
@home_option
@json_option
def command(mine: bool, role: str | None, person: str | None, process: str | None, overdue: bool, snoozed: bool,
            limit: int, watch: bool, as_login: str | None, home: Home, as_json: bool) -> None:
    """List open tasks, the nearest legal deadline first; one that our agreement shortens is told apart."""
    check_home(home)
    settings = read_settings(home.settings)
    database = settings.database or home.database
    view = View(_today(settings), viewer(settings, database, as_login, needed=mine or snoozed), role, person, process,
                overdue, mine, snoozed, limit)
    if watch:
        _watch(settings, home, database, view, as_json)
        return
    rows = _rows(settings, home, database, view)
    if not rows:
        check_names(home, database, role, person, process)
    if as_json:
        print_json([as_mapping(row) for row in rows])
    else:
        _print(rows, view, snoozed_count(database, view.today, view.login or ""))


def _rows(settings: Settings, home: Home, database: str | Path, view: View) -> list[QueueRow]:
    """What is wanted, and of cases that the viewer need not know of only that they are there."""
    rows = open_queue_rows(database, view)
    if view.login is None:
        return rows
    reader = reader_of(settings, database, view.login)
    closed = closed_to(reader, {row.case_id: row.process for row in rows}, home, database)
    return veiled(rows, closed, narrowed=bool(view.role or view.person or view.overdue or view.mine or view.snoozed))


def check_names(home: Home, database: str | Path, role: str | None, person: str | None, process: str | None) -> None:
    """Where nothing waits for a name, it may be that nobody has it. Raises `UsageError`."""
    from engine.model.roles import ROLES
    from storage.looking import hints
    from workflows import Catalogue

    processes = {*Catalogue(home.workflows).processes(), *hints.processes(database)}
    for what, name, known in (("role", role, ROLES), ("person", person, hints.everybody(database)),
                              ("process", process, processes)):
        if name is not None and name not in known:
            raise UsageError(f"there is no {what} '{name}'{nearest(name, known)}")


def as_mapping(row: QueueRow) -> dict[str, object]:
    """The documented JSON keys; `clock` and `rule` are those of the nearest legal deadline, or else of the nearest day
    that an agreement sets."""
    wanted = row.legal or row.agreement
    clock = next((clock for clock in row.clocks if clock.legal == wanted and not clock.window), None)
    return {"case": row.case_id, "process": row.process, "state": row.state, "title": row.title,
            "clock": clock.name if clock else None, "rule": clock.rule if clock else None, "legal_due": row.legal,
            "agreement_due": row.agreement, "target_due": row.target, "task": row.task or None, "due": row.due,
            "who": who(row), "what": row.task_title or None, "snoozed_until": row.snoozed_until,
            "preserved": row.preserved}


def cells(row: QueueRow, today: dt.date, *, narrow: bool = False) -> list[str]:
    back = f" (until {row.snoozed_until:%b} {row.snoozed_until.day})" if row.snoozed_until else ""
    what = (row.task_title or "(nobody is asked now)") + back + (" (preserved)" if row.preserved else "")
    target = row.due or row.target
    if narrow:
        return [row.case_id, _all({"legal": row.legal, "agreement": row.agreement, "target": target}, today), what,
                who(row)]
    passed = f", {left(target, today)}" if target is not None and target < today else ""
    others = ([day(target) + passed] if target or not row.agreement else []) + (
        [f"agreement {day(row.agreement)}, {left(row.agreement, today)}"] if row.agreement else [])
    return [day(row.legal), left(row.legal, today), "\n".join(others), row.case_id, what, who(row)]


def _all(dates: Mapping[str, dt.date | None], today: dt.date) -> str:
    return "\n".join(f"{name} {near_day(when, today)}, {left(when, today)}"
                     for name, when in dates.items() if when is not None) or "–"


def who(row: QueueRow) -> str:
    return ", ".join(name for _, name in row.assignees) or row.party or row.role or "nobody"


def _today(settings: Settings) -> dt.date:
    return dt.datetime.now(settings.zone).date()


def _print(rows: Sequence[QueueRow], view: View, snoozed: int) -> None:
    if rows:
        narrow = columns() < ROOMY
        table(NARROW if narrow else HEADERS, [cells(row, view.today, narrow=narrow) for row in rows])
    else:
        say("nothing is snoozed" if view.snoozed else "nothing waits")
    if snoozed and not view.snoozed:
        say(_snoozed_line(snoozed))


def _snoozed_line(number: int) -> str:
    return f"{number} task{'s are' if number > 1 else ' is'} snoozed: soppa queue --snoozed"


def _watch(settings: Settings, home: Home, database: str | Path, view: View, as_json: bool) -> None:
    """Raises `UsageError` where nobody is looking."""
    if as_json or not sys.stdout.isatty():
        raise UsageError("--watch is for a person at a terminal: leave it out, and ask as often as you need")
    from cli.watching import watch_queue

    def look() -> tuple[View, Sequence[QueueRow], str]:
        now = replace(view, today=_today(settings))
        snoozed = snoozed_count(database, now.today, view.login or "")
        return now, _rows(settings, home, database, now), _snoozed_line(snoozed) if snoozed and not view.snoozed else ""

    narrow = columns() < ROOMY
    watch_queue(look, lambda row, today: cells(row, today, narrow=narrow), NARROW if narrow else HEADERS)
