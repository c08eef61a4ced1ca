"""`soppa queue`: what waits for whom. On its path nothing heavy is imported: no ORM, no web, no SMTP."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from cli import completion
from cli.home import Home, check_home
from cli.options import home_option, json_option
from cli.printing import day, left, print_json, say, table
from cli.settings import read_settings
from engine.errors import UsageError
from engine.nodes import nearest
from storage.queue import QueueRow, open_queue_rows


@click.command(epilog="Example: soppa queue --role custodian --overdue")
@click.option("--role", shell_complete=completion.roles, help="Only tasks of this role.")
@click.option("--person", shell_complete=completion.people, help="Only tasks of this person (an id).")
@click.option("--process", shell_complete=completion.processes, help="Only cases of this process.")
@click.option("--overdue", is_flag=True, help="Only what is past its legal deadline or district target.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@home_option
@json_option
def command(role: str | None, person: str | None, process: str | None, overdue: bool, limit: int, home: Home,
            as_json: bool) -> None:
    """List open tasks, the nearest legal deadline first."""
    check_home(home)
    settings = read_settings(home.settings)
    today = dt.datetime.now(settings.zone).date()
    rows = open_queue_rows(settings.database or home.database, today=today, role=role, person=person, process=process,
                           overdue=overdue, limit=limit)
    if not rows:
        check_names(home, settings.database or home.database, role, person, process)
    if as_json:
        print_json([as_mapping(row) for row in rows])
    elif not rows:
        say("nothing waits")
    else:
        table(["legal deadline", "left", "district target", "case", "what to do", "who"], [
            [day(row.legal), left(row.legal, today), day(row.due or row.target), row.case_id,
             row.task or "(nobody is asked now)", who(row)] for row in rows])


def check_names(home: Home, database: str | Path, role: str | None, person: str | None, process: str | None) -> None:
    """Where nothing waits for a name, it may be that nobody has it. Raises `UsageError`."""
    from engine.roles import ROLES
    from storage import hints
    from workflows import Catalogue

    processes = {*Catalogue(home.workflows).processes(), *hints.processes(database)}
    for what, name, known in (("role", role, ROLES), ("person", person, hints.everybody(database)),
                              ("process", process, processes)):
        if name is not None and name not in known:
            raise UsageError(f"there is no {what} '{name}'{nearest(name, known)}")


def as_mapping(row: QueueRow) -> dict[str, object]:
    """The documented JSON keys; `clock` and `rule` are those of the nearest legal deadline."""
    clock = next((clock for clock in row.clocks if clock.legal == row.legal and not clock.window), None)
    return {"case": row.case_id, "process": row.process, "state": row.state, "title": row.title,
            "clock": clock.name if clock else None, "rule": clock.rule if clock else None, "legal_due": row.legal,
            "target_due": row.target, "task": row.task or None, "due": row.due, "who": who(row),
            "what": row.task_title or None}


def who(row: QueueRow) -> str:
    return ", ".join(name for _, name in row.assignees) or row.party or row.role or "nobody"
