"""`soppa queue`: what waits for whom."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass

import click

from cli.home import Home
from cli.options import home_option, json_option
from cli.printing import day, left, print_json, say, table
from cli.wiring import House, open_house
from engine.case import Case, Clock, Task
from engine.definition import Definition
from engine.definition import say as in_words
from engine.office import Office


@dataclass(frozen=True, slots=True)
class Line:
    """One open task with the legal deadline that presses most in its case. Field names are the JSON keys."""

    case: str
    process: str
    state: str
    title: str
    clock: str | None
    rule: str | None
    legal_due: dt.date | None
    target_due: dt.date | None
    task: str
    due: dt.date | None
    who: str
    what: str

    @property
    def dates(self) -> tuple[dt.date, dt.date]:
        return self.legal_due or dt.date.max, self.due or self.target_due or dt.date.max


@click.command(epilog="Example: soppa queue --role custodian --overdue")
@click.option("--role", help="Only tasks of this role.")
@click.option("--person", help="Only tasks of this person (an id).")
@click.option("--process", help="Only cases of this process.")
@click.option("--overdue", is_flag=True, help="Only what is past its legal deadline or district target.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@home_option
@json_option
def command(role: str | None, person: str | None, process: str | None, overdue: bool, limit: int, home: Home,
            as_json: bool) -> None:
    """List open tasks, the nearest legal deadline first."""
    with open_house(home) as house:
        today = house.clock().astimezone(house.settings.zone).date()
        lines = [line for line in read_lines(house, role, person, process) if not overdue or is_late(line, today)]
    shown = sorted(lines, key=lambda line: line.dates)[:limit]
    if as_json:
        print_json([asdict(line) for line in shown])
    elif not shown:
        say("nothing waits")
    else:
        table(["legal deadline", "left", "district target", "case", "task", "who"], [
            [day(line.legal_due), left(line.legal_due, today), day(line.due or line.target_due), line.case,
             line.task, line.who] for line in shown])


def read_lines(house: House, role: str | None, person: str | None, process: str | None) -> list[Line]:
    """Every task that somebody is asked to do; offered ones wait for nobody."""
    rows = house.store.views.case_rows(process=process, open_only=True)
    with house.store.read() as unit:
        office = house.office(unit)
        cases = [unit.case(row.id) for row in rows]
    return [_line(case, task, house.definitions.pinned(case.process, case.version, case.hash), office)
            for case in cases for task in case.tasks
            if task.is_open and not task.offered and role in (None, task.role)
            and (person is None or person in task.assignees)]


def is_late(line: Line, today: dt.date) -> bool:
    return any(date is not None and date < today for date in (line.legal_due, line.due))


def _line(case: Case, task: Task, definition: Definition, office: Office) -> Line:
    clock = _pressing(case)
    names = [known.name for known in map(office.person, task.assignees) if known]
    return Line(
        case=case.id, process=case.process, state=case.state, title=in_words(definition.title, "en"),
        clock=clock.name if clock else None, rule=clock.rule if clock else None,
        legal_due=clock.legal if clock else None, target_due=clock.target if clock else None, task=task.name,
        due=task.due, who=", ".join(names) or task.party or task.role or "nobody", what=task.title)


def _pressing(case: Case) -> Clock | None:
    """The running clock with the nearest legal date."""
    running = [clock for clock in case.clocks.values() if clock.status == "running" and clock.legal is not None]
    return min(running, key=lambda clock: (clock.legal or dt.date.max, clock.name), default=None)
