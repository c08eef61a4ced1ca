"""`soppa people gaps`: ladders of open cases climbed against the absences, and the days on which nobody is there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.home import Home
from cli.printing import bar, print_json, say, table
from cli.wiring import House, open_house
from engine.errors import Refused, SoppaError
from engine.model.roles import ROLES
from engine.proof.gaps import Gap, Landing, landings, role_gaps

if TYPE_CHECKING:
    from engine.model.case import Actor
    from engine.model.definition import Definition
    from engine.model.office import Office

SHOWN = 40
"""Of more rungs than these a person is shown the first ones."""


@dataclass(frozen=True, slots=True)
class Found:
    gaps: tuple[Gap, ...]
    landings: tuple[Landing, ...]
    sick: tuple[str, ...]

    @property
    def on_nobody(self) -> list[Landing]:
        return [one for one in self.landings if one.falls_to is None]


def show_gaps(home: Home, days: int, as_login: str | None, *, as_json: bool) -> None:
    """Raises `Refused` where a rung lands on nobody."""
    with open_house(home) as house:
        reader = house.reader(as_login)
        with house.store.read() as unit:
            office = house.office(unit)
        today = office.today(house.clock())
        found = gaps_in(house, office, today, days, reader)
    if as_json:
        print_json(_mapping(found))
    else:
        _print(found, office, days)
    if found.on_nobody:
        count = len(found.on_nobody)
        raise Refused(f"{count} {'rung lands' if count == 1 else 'rungs land'} on nobody: name a deputy "
                      "(soppa people set ID --deputy ID), or give the task to another (soppa reassign, or soppa people "
                      "absence ID FROM..TO --hand-over)")


def gaps_in(house: House, office: Office, today: dt.date, days: int, who: Actor | None = None) -> Found:
    """Without the rungs of cases that this person need not know of."""
    until = office.at_local(today + dt.timedelta(days=days), 0)
    definitions = [house.definitions.newest(process) for process in house.definitions.processes()]
    gaps = role_gaps(office, asked(definitions), today, days)
    rungs: list[Landing] = []
    sick: list[str] = []
    waiting = dict(house.store.views.waiting_timers(until))
    for case_id in house.closed_of(who, waiting):
        del waiting[case_id]
    with bar("climbing") as done:
        for number, (case_id, timers) in enumerate(waiting.items(), 1):
            with house.store.read() as unit:
                case = unit.case(case_id)
            try:
                definition = house.definitions.pinned(case.process, case.version, case.hash)
                rungs += landings(definition, case, timers, office, until)
            except SoppaError:
                sick.append(case_id)
            done(number, len(waiting))
    return Found(tuple(gaps), tuple(sorted(rungs, key=lambda one: (one.on, one.case_id))), tuple(sick))


def asked(definitions: Collection[Definition]) -> set[str]:
    """The roles that tasks, clocks and mails of these processes are for."""
    tasks = [task.who for one in definitions for state in one.states.values() for task in state.tasks]
    clocks = [clock.owner for one in definitions for clock in one.clocks.values()]
    mails = [mail.to for one in definitions for mail in one.mails.values()]
    rungs = {place for one in definitions for clock in one.clocks.values() if clock.ladder
             for rung in clock.ladder.rungs for place in rung.to}
    return {who.name for who in (*tasks, *clocks, *mails) if who.kind == "role"} | rungs & set(ROLES)


def _print(found: Found, office: Office, days: int) -> None:
    away = [gap for gap in found.gaps if gap.away]
    if away:
        say("days on which nobody of a role is there, deputies included")
        table(["role", "from", "to", "away", "falls to"],
              [[gap.role, str(gap.first), str(gap.last), ", ".join(gap.away), gap.falls_to or "nobody"]
               for gap in away])
    unheld = [gap for gap in found.gaps if not gap.away]
    if unheld:
        say(f"nobody holds {', '.join(dict.fromkeys(gap.role for gap in unheld))}: see soppa check --district")
    if found.landings:
        say(f"\nrungs that do not reach whom they are meant for ({len(found.landings)})")
        table(["on", "case", "rung", "meant for", "falls to", "what"],
              [[str(one.on), one.case_id, one.rung, one.meant_for, one.falls_to or "nobody", one.what]
               for one in found.landings[:SHOWN]])
    if found.sick:
        say(f"not looked at, since they cannot go on: {', '.join(found.sick)}")
    if not found.gaps and not found.landings:
        say(f"in the next {days} days somebody is there for everything")


def _mapping(found: Found) -> Mapping[str, object]:
    """The documented JSON keys."""
    return {
        "gaps": [{"role": gap.role, "from": gap.first, "to": gap.last, "away": list(gap.away), "falls_to": gap.falls_to}
                 for gap in found.gaps],
        "rungs": [_rung(one) for one in found.landings],
        "not_looked_at": list(found.sick),
    }


def _rung(one: Landing) -> Mapping[str, object]:
    return {"case": one.case_id, "what": one.what, "rung": one.rung, "on": one.on, "meant_for": one.meant_for,
            "falls_to": one.falls_to}


def of_person(gaps: Sequence[Gap], person: str) -> list[Gap]:
    """The gaps that the absence of one person is part of."""
    return [gap for gap in gaps if person in gap.away]
