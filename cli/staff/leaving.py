"""`soppa people leave`: shown first, then done by one person, or by two where it touches who may confirm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cli.commands.acts import as_mapping as act_mapping
from cli.commands.acts import tell_begun
from cli.home import Home
from cli.needtoknow import veiled_tasks
from cli.printing import day, print_json, say, table
from cli.staff.acts import begin, is_set_up, needs_second, plan_people, record_alone
from cli.staff.handover import Leaving, carry_out, leaving
from cli.staff.people import check_links, check_manned, differing
from cli.wiring import House, open_house
from engine.errors import NotAllowed, Stale, UsageError

if TYPE_CHECKING:
    from engine.model.case import Actor
    from storage.entrance.acts import Act

MAY = frozenset({"privacy", "superintendent"})
SHOWN = 20
"""Of more tasks or products than these a person is shown the first ones."""


@dataclass(frozen=True, slots=True)
class Wish:
    person: str
    to: str | None
    reason: str
    apply: bool
    as_json: bool


def leave(home: Home, wish: Wish, as_login: str | None) -> None:
    """Raises `UsageError`, `NotAllowed`, or `Refused` where there must be a second person and is none."""
    if wish.apply and not wish.reason.strip():
        raise UsageError("that somebody leaves needs a reason: add --reason")
    with open_house(home) as house:
        actor = house.actor(as_login)
        if not actor.roles & MAY:
            raise NotAllowed(f"{actor.name} may not retire people: it is for {' or '.join(sorted(MAY))}")
        found = leaving(house.store, wish.person, wish.to, house.clock())
        closed = house.closed_of(actor, (task.case_id for task in found.tasks))
        shown = replace(found, tasks=veiled_tasks(found.tasks, closed))
        people = house.store.people()
        everybody = {one.id: one for one in (*people, *found.changed)}.values()
        check_links(everybody)
        check_manned(people, everybody)
        office = house.make_office(people)
        guarded = needs_second(office, found.changed) and is_set_up(house, office)
        if not wish.as_json:
            _print(house, shown)
        act = _do(house, found, actor, wish, guarded=guarded) if wish.apply else None
    if wish.as_json:
        print_json(_mapping(shown, act, applied=wish.apply and not guarded, guarded=guarded))
    elif not wish.apply:
        say("nothing is changed yet: add --apply --reason TEXT" + (", to ask the second person" if guarded else ""))


def _do(house: House, found: Leaving, actor: Actor, wish: Wish, *, guarded: bool) -> Act | None:
    """The act that waits for its second person; None where it is done."""
    if guarded:
        reason = f"{wish.reason} ({found.person.name} leaves; {found.to.name} takes over)"
        planned = plan_people(house, house.store.people(), found.changed, actor, reason)
        leaves = {"leaves": {"person": found.person.id, "to": found.to.id}}
        act = begin(house, replace(planned, content={**planned.content, **leaves}))
        if not wish.as_json:
            tell_begun(house, act)
        return act
    now = house.clock()
    with house.store.begin() as unit:
        before = unit.people()
        if {one.id: one for one in before}.get(found.person.id) != found.person:
            raise Stale("somebody else has changed the people meanwhile: nothing was changed, run it again")
        record_alone(house, unit, before, found.changed, actor.id, wish.reason)
        for one in found.changed:
            unit.save_person(one)
        carry_out(unit, found.person, found.to, actor, wish.reason, now)
    house.service.advance(now, len(found.tasks) + 1)
    if not wish.as_json:
        say(f"{found.person.name} has left; {found.to.name} has taken over")
    return None


def _print(house: House, found: Leaving) -> None:
    say(f"{found.person.name} leaves, {found.to.name} takes over")
    if found.tasks:
        say(f"\nopen tasks ({len(found.tasks)})")
        table(["case", "task", "district target", "what"],
              [[task.case_id, task.id, day(task.due), task.title] for task in found.tasks[:SHOWN]])
    if found.products:
        say(f"\nproducts sponsored ({len(found.products)})")
        table(["product", "", "operator"], [[one.product.id, one.product.name, one.operator.name]
                                            for one in found.products[:SHOWN]])
    say(f"\nclosed: {found.access.sessions} sessions, {found.access.links} links, the login and the authenticator")
    for one in found.changed:
        if one.id != found.person.id:
            was = next(person for person in house.store.people() if person.id == one.id)
            for column, old, new in differing(was, one):
                say(f"{one.name}: {column} {old} → {new or '–'}")
    for role in found.unmanned:
        say(f"nobody holds the role {role} then: soppa people set {found.to.id} --role {role} with their other roles")
    for key in _named_in_settings(house, found.person.id):
        say(f"district.yaml names {found.person.id} as {key}: name another there")


def _named_in_settings(house: House, person_id: str) -> list[str]:
    own = house.settings
    named = [f"stand-in of {role}" for role, person in own.stand_ins.items() if person == person_id]
    return named + (["second_person"] if own.second_person == person_id else [])


def _mapping(found: Leaving, act: Act | None, *, applied: bool, guarded: bool) -> Mapping[str, object]:
    """The documented JSON keys."""
    return {
        "person": found.person.id, "to": found.to.id, "applied": applied, "needs_second": guarded,
        "act": act_mapping(act) if act else None,
        "tasks": [{"case": task.case_id, "task": task.id, "due": task.due} for task in found.tasks],
        "products": [one.product.id for one in found.products],
        "sessions": found.access.sessions, "links": found.access.links, "unmanned": list(found.unmanned),
    }
