"""Where nobody is: days on which everybody of a role is away with their deputies, and the rungs that fall on them.

Pure: ladders are climbed by the very function that fires them, on a copy of the case, while nobody answers anything.
"""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.deciding.decide import decide
from engine.law.calendar import ONE_DAY
from engine.law.ladders import Ladder, chasing
from engine.model.case import Case, Task
from engine.model.definition import Definition
from engine.model.messages import CancelTimers, Event, FireTimer, SetTimer
from engine.model.office import Office
from engine.model.roles import ROLES
from engine.words import say

MAX_FIRED = 1000
"""More rungs than a case climbs in the days looked at."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A role of which nobody is there from `first` to `last`: `away` are the ids of its people (none where nobody holds
    it), `falls_to` the id of whoever answers instead, None where nobody does."""

    role: str
    first: dt.date
    last: dt.date
    away: tuple[str, ...]
    falls_to: str | None


@dataclass(frozen=True, slots=True)
class Landing:
    """A rung that does not reach whom it is meant for: `meant_for` is a role, or the id of a person who is away."""

    case_id: str
    what: str
    rung: str
    on: dt.date
    meant_for: str
    falls_to: str | None


def role_gaps(office: Office, roles: Iterable[str], first: dt.date, days: int) -> list[Gap]:
    """The gaps of these roles in so many days, days that are alike taken together."""
    found: list[Gap] = []
    for role in sorted(set(roles)):
        found += _together(gap for n in range(days) if (gap := _gap(office, role, first + n * ONE_DAY)) is not None)
    return found


def landings(
    definition: Definition, case: Case, timers: Mapping[str, dt.datetime], office: Office, until: dt.datetime
) -> Iterator[Landing]:
    """The rungs of a case up to an instant that reach nobody, or somebody else than they are meant for. `timers` are
    those that wait, by their keys. Raises as `decide` does for a case that cannot go on."""
    waiting = [(at, key) for key, at in timers.items()]
    heapq.heapify(waiting)
    for _ in range(MAX_FIRED):
        if not waiting or waiting[0][0] > until:
            return
        at, key = heapq.heappop(waiting)
        before, decision = case, decide(definition, case, FireTimer(key), at, office)
        case = decision.case
        for effect in decision.effects:
            match effect:
                case SetTimer(new, when):
                    heapq.heappush(waiting, (when, new))
                case CancelTimers(prefix):
                    waiting = [one for one in waiting if not one[1].startswith(prefix)]
                    heapq.heapify(waiting)
        for event in decision.events:
            if event.kind == "rung_fired":
                yield from _astray(definition, before, event, office.today(at), office)


def _gap(office: Office, role: str, day: dt.date) -> Gap | None:
    if office.own_holders(role, day):
        return None
    holders = office.holders(role, day)
    away = tuple(person.id for person in office.with_role(role))
    return Gap(role, day, day, away, holders[0].person.id if holders else None)


def _together(gaps: Iterable[Gap]) -> list[Gap]:
    found: list[Gap] = []
    for gap in gaps:
        last = found[-1] if found else None
        same = last is not None and last.last + ONE_DAY == gap.first and last.falls_to == gap.falls_to
        if last is not None and same and last.away == gap.away:
            found[-1] = Gap(gap.role, last.first, gap.last, gap.away, gap.falls_to)
        else:
            found.append(gap)
    return found


def _astray(definition: Definition, case: Case, event: Event, on: dt.date, office: Office) -> Iterator[Landing]:
    of, rung = event.detail["of"], event.detail["rung"]
    task: Task | None = None
    if of in definition.clocks:
        what, roles = say(definition.clocks[of].title, "en"), _roles_of_clock(definition, of, rung)
        people: tuple[str, ...] = ()
    else:
        task = case.task(of)
        what, roles = task.title if task else of, _roles_of_task(definition, case, of, rung)
        people = task.assignees if task and not office.anybody_there(task.assignees, on) else ()
    for role in roles:
        gap = _gap(office, role, on)
        if gap is not None:
            yield Landing(case.id, what, rung, on, role, gap.falls_to)
    holders = office.holders(task.role, on) if task is not None and task.role is not None else ()
    for person_id in people:
        yield Landing(case.id, what, rung, on, person_id, holders[0].person.id if holders else None)


def _roles_of_clock(definition: Definition, name: str, rung: str) -> tuple[str, ...]:
    clock = definition.clocks[name]
    ladder = chasing(clock.ladder) if clock.ladder and clock.rule.duty_of == "operator" else clock.ladder
    owner = (clock.owner.name,) if clock.owner.kind == "role" else ()
    return _roles(ladder, rung, owner)


def _roles_of_task(definition: Definition, case: Case, task_id: str, rung: str) -> tuple[str, ...]:
    task = case.task(task_id)
    wanted = definition.task(task) if task is not None else None
    return _roles((wanted and wanted.ladder) or definition.soft, rung, ())


def _roles(ladder: Ladder | None, rung: str, owner: tuple[str, ...]) -> tuple[str, ...]:
    """The roles that a rung goes to; whoever stands above somebody, and parties, are none."""
    to = next((one.to for one in ladder.rungs if one.id == rung), ()) if ladder else ()
    return tuple(dict.fromkeys(role for place in to for role in (owner if place == "owner" else (place,))
                               if role in ROLES))
