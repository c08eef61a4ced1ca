"""`soppa people absence`: days on which somebody is away, what falls due meanwhile, and who stands in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cli.home import Home
from cli.needtoknow import veiled_tasks
from cli.printing import day, print_json, say, table
from cli.staff.gaps import asked, of_person
from cli.staff.people import faults_of_row, person_of, row_of
from cli.wiring import House, open_house
from engine.errors import NotAllowed, Refused, UsageError
from engine.model.messages import HandOver
from engine.nodes import nearest
from engine.proof.gaps import Gap, role_gaps

if TYPE_CHECKING:
    from engine.model.case import Actor
    from engine.model.office import Holder, Person
    from storage.entrance.people import OpenTask
    from storage.unit import SqlUnit

MAY = frozenset({"privacy", "superintendent"})


@dataclass(frozen=True, slots=True)
class Away:
    """`days` is `FROM..TO`, or empty where the absence ends."""

    person: str
    days: str
    hand_over: bool
    as_json: bool


@dataclass(frozen=True, slots=True)
class Looked:
    """`tasks` fall due while the person is away, `stands_in` is who is there on the first day, `gaps` are the roles
    that nobody is there for."""

    person: Person
    tasks: Sequence[OpenTask]
    stands_in: Holder | None
    gaps: Sequence[Gap]


def away(home: Home, wish: Away, as_login: str | None) -> None:
    """Raises `UsageError`, `NotAllowed`, or `Refused` where tasks are to be handed over and nobody stands in."""
    with open_house(home) as house:
        actor = house.actor(as_login)
        person = _changed(house, wish)
        if actor.id != person.id and not actor.roles & MAY:
            raise NotAllowed(f"{actor.name} may say that they are away, and of others only {' or '.join(sorted(MAY))}")
        looked = _look(house, person)
        if wish.hand_over and looked.tasks and looked.stands_in is None:
            raise Refused(f"nobody stands in for {person.id}: soppa people set {person.id} --deputy ID")
        _keep(house, looked, actor, wish)
        closed = house.closed_of(actor, (task.case_id for task in looked.tasks))
        looked = replace(looked, tasks=veiled_tasks(looked.tasks, closed))
    if wish.as_json:
        print_json(_mapping(looked, wish))
    else:
        _print(looked, wish)


def _changed(house: House, wish: Away) -> Person:
    known = {one.id: one for one in house.store.people()}
    if wish.person not in known:
        raise UsageError(f"unknown person '{wish.person}'{nearest(wish.person, known)}")
    cells = row_of(known[wish.person])
    cells["absent_from"], _, cells["absent_to"] = wish.days.partition("..")
    wrong = list(faults_of_row(cells))
    if wrong:
        raise UsageError("\n".join(f"{wish.person}: {message}" for message in wrong))
    return person_of(cells)


def _look(house: House, person: Person) -> Looked:
    now = house.clock()
    with house.store.read() as unit:
        people = [person if one.id == person.id else one for one in unit.people()]
        tasks = unit.staff(now).open_tasks(person.id)
    office = house.make_office(people)
    if person.absent is None:
        return Looked(person, (), None, ())
    first, last = max(person.absent[0], office.today(now)), person.absent[1]
    if last < first:
        raise UsageError(f"{person.id}: the absence ended on {day(last)}: give days that are still to come")
    roles = asked([house.definitions.newest(process) for process in house.definitions.processes()])
    gaps = role_gaps(office, person.roles & roles, first, (last - first).days + 1)
    due = [task for task in tasks if task.due is not None and task.due <= last]
    there = [one for one in office.present(person, first) if one.person.id != person.id]
    return Looked(person, due, there[0] if there else None, of_person(gaps, person.id))


def _keep(house: House, looked: Looked, actor: Actor, wish: Away) -> None:
    now = house.clock()
    with house.store.begin() as unit:
        before = {one.id: one for one in unit.people()}[looked.person.id]
        unit.save_person(replace(before, absent=looked.person.absent))
        if wish.hand_over and looked.stands_in is not None:
            _hand_over(unit, looked, looked.stands_in.person, actor, wish, now)
    if wish.hand_over:
        house.service.advance(now, len(looked.tasks) + 1)


def _hand_over(unit: SqlUnit, looked: Looked, to: Person, actor: Actor, wish: Away, now: dt.datetime) -> None:
    by_case: dict[str, list[str]] = {}
    for task in looked.tasks:
        by_case.setdefault(task.case_id, []).append(task.id)
    for case_id, tasks in by_case.items():
        command = HandOver(looked.person.id, to.id, actor, f"away {wish.days}", tuple(tasks))
        unit.leave(case_id, command, f"away/{looked.person.id}/{case_id}/{now.isoformat()}", now)


def _print(looked: Looked, wish: Away) -> None:
    person = looked.person
    if person.absent is None:
        say(f"{person.name} is not away any more")
        return
    say(f"{person.name} is away {day(person.absent[0])} to {day(person.absent[1])}")
    say(f"stands in: {looked.stands_in.person.name if looked.stands_in else 'nobody'}")
    if looked.tasks:
        say(f"\nopen tasks due by then ({len(looked.tasks)})" + (", handed over" if wish.hand_over else ""))
        table(["case", "task", "district target", "what"],
              [[task.case_id, task.id, day(task.due), task.title] for task in looked.tasks])
        if not wish.hand_over:
            say("they stay with whoever is away: add --hand-over")
    for gap in looked.gaps:
        say(f"nobody of {gap.role} is there {_span(gap.first, gap.last)}: it falls to {gap.falls_to or 'nobody'}")


def _span(first: dt.date, last: dt.date) -> str:
    return day(first) if first == last else f"{day(first)} to {day(last)}"


def _mapping(looked: Looked, wish: Away) -> dict[str, object]:
    """The documented JSON keys."""
    absent = looked.person.absent
    return {
        "person": looked.person.id, "absent_from": absent[0] if absent else None,
        "absent_to": absent[1] if absent else None,
        "stands_in": looked.stands_in.person.id if looked.stands_in else None,
        "tasks": [{"case": task.case_id, "task": task.id, "due": task.due} for task in looked.tasks],
        "handed_over": wish.hand_over and bool(looked.tasks),
        "gaps": [{"role": gap.role, "from": gap.first, "to": gap.last, "falls_to": gap.falls_to}
                 for gap in looked.gaps],
    }
