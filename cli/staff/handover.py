"""Somebody leaves the office: what is theirs goes to another, and every way in is closed, in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.errors import Refused, UsageError
from engine.model.messages import HandOver
from engine.nodes import nearest
from storage.register import latest

if TYPE_CHECKING:
    from engine.model.case import Actor
    from engine.model.office import Person
    from registry.values import Holding
    from storage.entrance.people import Access, OpenTask
    from storage.store import SqlStore
    from storage.unit import SqlUnit


@dataclass(frozen=True, slots=True)
class Leaving:
    """What goes from `person` to `to`: `changed` are the people as they will be, and `unmanned` the roles that nobody
    holds then."""

    person: Person
    to: Person
    changed: tuple[Person, ...]
    tasks: Sequence[OpenTask]
    products: Sequence[Holding]
    access: Access
    unmanned: tuple[str, ...]


def leaving(store: SqlStore, person_id: str, to_id: str | None, now: dt.datetime) -> Leaving:
    """Looks at what a person leaves behind; without `to_id` their deputy takes over.

    Raises `UsageError` for somebody unknown or who has left already, or when nobody takes over.
    """
    with store.read() as unit:
        people = {one.id: one for one in unit.people()}
        person = _working(people, person_id)
        if to_id is None and person.deputy is None:
            raise UsageError(f"{person.id} has no deputy: name who takes over with --to")
        to = _working(people, to_id or person.deputy or "")
        if to.id == person.id:
            raise UsageError(f"{person.id} cannot take over from themselves: name another with --to")
        staff = unit.staff(now)
        tasks, access = staff.open_tasks(person.id), staff.access(person.id)
    changed = tuple(after for one in people.values() if (after := _without(one, person, to)) != one)
    stay = [one for one in people.values() if one.active and one.id != person.id]
    unmanned = tuple(sorted(person.roles - frozenset().union(*(one.roles for one in stay))))
    return Leaving(person, to, changed, tasks, sponsored(store, person), access, unmanned)


def sponsored(store: SqlStore, person: Person) -> list[Holding]:
    """The products that a person is the sponsor of, by id or by address."""
    return _of_sponsor(store.register.holdings(), person)


def carry_out(unit: SqlUnit, person: Person, to: Person, actor: Actor, reason: str, now: dt.datetime) -> None:
    """Hands over, in the transaction that retires the person. Each case with a task of theirs gets a message: it is
    delivered at once or by the daemon, one case at a time."""
    staff = unit.staff(now)
    for case_id in sorted({task.case_id for task in staff.open_tasks(person.id)}):
        source = f"leave/{person.id}/{case_id}/{now.isoformat()}"
        unit.leave(case_id, HandOver(person.id, to.id, actor, reason), source, now)
    writer = unit.register_writer(actor, now, f"{person.id} leaves")
    for holding in _of_sponsor(unit.holdings(), person):
        writer.enter({"sponsor": to.id}, holding)
    writer.flush()
    staff.pass_mail_on(person.id, to.id)
    staff.lock_out(person.id)


def _of_sponsor(found: Iterable[Holding], person: Person) -> list[Holding]:
    names = {person.id, person.email.casefold()}
    return [one for one in latest(found) if (one.product.sponsor or "").casefold() in names]


def _working(people: dict[str, Person], person_id: str) -> Person:
    if person_id not in people:
        raise UsageError(f"unknown person '{person_id}'{nearest(person_id, people)}")
    if not people[person_id].active:
        raise Refused(f"{person_id} has left already: nothing is done")
    return people[person_id]


def _without(one: Person, person: Person, to: Person) -> Person:
    """A person as they are once another has left: the one who takes over is deputy and supervisor in their place, and
    stands in wherever a case names who has left."""
    if one.id == person.id:
        return replace(one, active=False, login=None, deputy=to.id)
    heirs = {person.id: to.id if one.id != to.id else None}
    above = {person.id: to.id if one.id != to.id else person.supervisor}
    return replace(one, deputy=heirs.get(one.deputy or "", one.deputy),
                   supervisor=above.get(one.supervisor or "", one.supervisor))
