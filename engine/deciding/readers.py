"""Who reads and who acts: from a `Who` of a definition to people and parties, today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from engine.deciding.turn import Turn
from engine.model.case import Actor, Task
from engine.model.definition import Who
from engine.model.office import Holder, Office


def holders(turn: Turn, who: Who) -> tuple[Holder, ...]:
    """The people of the office who answer; none for a party. A person named in a fact is followed through deputies.

    Where nobody is named, or who was has left the district, the privacy officer answers, since somebody must.
    """
    if who.kind == "role":
        return turn.office.holders(who.name, turn.today)
    if who.kind != "person":
        return ()
    person = turn.office.person(str(turn.case.facts.get(who.name)))
    return turn.office.holders("privacy", turn.today) if person is None else turn.office.present(person, turn.today)


def recipients(turn: Turn, who: Who) -> tuple[str, ...]:
    """`person:ID` of everyone who answers, or `party:NAME` of a party that the case has."""
    if who.kind == "party":
        return (f"party:{who.name}",) if who.name in turn.case.parties else ()
    return tuple(f"person:{holder.person.id}" for holder in holders(turn, who))


def supervisors(turn: Turn, who: Who) -> tuple[str, ...]:
    """The supervisors of those who answer, or whoever stands in for them; whoever has none is their own. For one who
    has left the district the privacy officer reads."""
    above = {holder.person.supervisor or holder.person.id for holder in holders(turn, who)}
    people = [person for person in map(turn.office.person, above) if person is not None and person.active]
    found = [holder for person in people for holder in turn.office.present(person, turn.today) or [Holder(person)]]
    found += turn.office.holders("privacy", turn.today) if len(people) < len(above) else ()
    return tuple(f"person:{person}" for person in sorted({holder.person.id for holder in found}))


def reminded(turn: Turn, wanted: Iterable[str]) -> tuple[str, ...]:
    """Who reads a reminder that is meant for these readers: the custodian in the place of a party that reads no mail,
    since somebody must tell it on paper."""
    found: set[str] = set()
    for reader in wanted:
        found.update((reader,) if reads_mail(turn, reader) else recipients(turn, Who("role", "custodian")))
    return tuple(sorted(found))


def reads_mail(turn: Turn, reader: str) -> bool:
    kind, _, name = reader.partition(":")
    contact = turn.case.parties.get(name)
    return kind != "party" or (contact is not None and contact.reads_mail)


def may_do(office: Office, today: dt.date, task: Task, actor: Actor) -> bool:
    """Whether this actor may answer this task: an assignee, somebody who holds its role, or its party. What went by
    post the privacy officer may say too."""
    if actor.kind == "party":
        return task.party == actor.id
    if task.mail is not None and "privacy" in actor.roles:
        return True
    if task.role is None:
        return actor.id in task.assignees
    standing_in = {holder.person.id for holder in office.holders(task.role, today)}
    return actor.id in task.assignees or task.role in actor.roles or actor.id in standing_in


def may_give(turn: Turn, task: Task, actor: Actor) -> bool:
    """Whether this actor may see to whom a task waits for: whom it is for, their supervisors, the privacy officer and
    the custodian."""
    people = [person for person in map(turn.office.person, task.assignees) if person is not None]
    own = {id_ for person in people for id_ in (person.id, person.supervisor)}
    return actor.id in own or bool(actor.roles & {"privacy", "custodian"})
