"""`soppa schedule`: which cases start by themselves, and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.home import Home
from cli.options import Commands, as_option, home_option, json_option
from cli.printing import day, print_json, say, table
from cli.wiring import House, open_house
from engine.model.definition import ANNIVERSARY
from engine.model.register import ACTIVE

if TYPE_CHECKING:
    from storage.looking.views import CycleLine


@click.group(cls=Commands, epilog="Example: soppa schedule list")
def command() -> None:
    """What starts by itself: list."""


@command.command("list", epilog="Example: soppa schedule list --process annual_attestation")
@click.option("--process", help="Only this process.", shell_complete=completion.processes)
@click.option("--all", "all_", is_flag=True, help="Also what has started already.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@as_option
@home_option
@json_option
def list_(process: str | None, all_: bool, limit: int, as_login: str | None, home: Home, as_json: bool) -> None:
    """List what starts next, the nearest first, and the agreements for which the register has no date."""
    with open_house(home) as house:
        house.reader(as_login)
        house.definitions.newest(process) if process else None
        lines = [line for line in house.store.views.cycles(started=all_) if process in (None, line.process)]
        labels, lacking = house.store.register.labels(), list(_lacking(house, process, lines))
        zone = house.settings.zone
    if as_json:
        print_json([*(_mapping(line, labels) for line in lines[:limit]), *lacking])
        return
    if not lines and not lacking:
        say("nothing starts by itself: no process has a schedule, or the daemon has not\nplanned it yet")
        return
    table(["starts", "process", "for", "about", ""], [
        [_moment(line.at or line.started_at, zone), line.process, day(line.on), _about(line.subject, labels),
         _told(line)] for line in lines[:limit]])
    if len(lines) > limit:
        say(f"… and {len(lines) - limit} more: add --limit")
    for each in lacking:
        say(f"{each['process']}: nothing is planned for {each['agreement']} ({each['about']}): the register has no "
            f"{each['lacks']} for it")


def _lacking(house: House, process: str | None, lines: list[CycleLine]) -> Iterator[dict[str, object]]:
    """The active agreements whose date the register does not know."""
    planned = {(line.process, line.subject) for line in lines}
    schedules = [(each.process, each.schedule) for each in house.definitions.scheduled()
                 if each.schedule is not None and each.schedule.of_agreements and process in (None, each.process)]
    dated = [(name, schedule.of) for name, schedule in schedules if schedule.of not in ("", ANNIVERSARY)]
    for holding in house.store.register.holdings() if dated else ():
        agreement = holding.agreement
        for name, field in dated if agreement is not None and agreement.status == ACTIVE else ():
            if agreement is not None and (name, agreement.id) not in planned and getattr(agreement, field) is None:
                yield {"process": name, "agreement": agreement.id, "about": holding.label, "cycle_on": None,
                       "starts_at": None, "state": "no_date", "case": None, "missed": 0, "lacks": field}


def _mapping(line: CycleLine, labels: Mapping[str, str]) -> dict[str, object]:
    """The documented JSON keys."""
    return {"process": line.process, "agreement": line.subject or None, "about": labels.get(line.subject),
            "cycle_on": line.on, "starts_at": line.at, "state": line.state, "case": line.case_id,
            "missed": line.missed, "lacks": None}


def _about(subject: str, labels: Mapping[str, str]) -> str:
    return f"{subject} {labels.get(subject, '')}".strip() or "–"


def _told(line: CycleLine) -> str:
    return {"waits": "", "started": f"started: {line.case_id}",
            "held_back": "held back: soppa incidents list"}[line.state]


def _moment(instant: dt.datetime | None, zone: dt.tzinfo) -> str:
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M}" if instant else "–"
