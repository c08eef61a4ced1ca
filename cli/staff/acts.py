"""Acts of two persons: who the second one is, what they are shown, and what happens when they confirm.

An act keeps the changes as both persons were shown them. Confirming works them out again, and refuses when anything
would come out otherwise.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from cli.identity import actor_of
from cli.printing import day
from cli.staff.people import changes, check_links, check_manned, person_of, row_of
from cli.wiring import House, new_token
from engine.errors import AlreadyDecided, NotAllowed, Refused, Stale, UsageError
from engine.words import say, written

if TYPE_CHECKING:
    from cli.retention.agreeing import Wish
    from engine.model.case import Actor, Case
    from engine.model.definition import Definition
    from engine.model.office import Office, Person
    from engine.ports import Unit
    from storage.entrance.acts import Act
    from storage.unit import SqlUnit

LASTS = dt.timedelta(days=7)
LATER_DATE, ROLES, PURGE = "later_legal_date", "change_of_roles", "purge"
_DOES = {LATER_DATE: "A legal date of case {case} moves later", ROLES: "Roles of people change",
         PURGE: "What need not be kept any more is removed for good"}
FIRST_SET_UP = "first set-up"
"""Stands in the place of the second person while an office is set up and nobody could be one."""

ALONE = "nobody"
"""Stands there where somebody leaves who could confirm nothing: it gives nobody a role."""

GUARDED = frozenset({"privacy", "superintendent"})
"""Whoever holds one of these could confirm in another's name: their login, address and deputy are guarded too."""

Shown = Sequence[Sequence[str]]
"""Lines of (what, now, would be)."""


@dataclass(frozen=True, slots=True)
class Planned:
    """An act that has not begun: what it would change, and who would be asked."""

    act: str
    case_id: str | None
    by: str
    second: Person
    reason: str
    shown: Shown
    content: Mapping[str, object]


def second_for(office: Office, beginner: str, today: dt.date) -> Person:
    """The person who must confirm what `beginner` begins, or who stands in for them. Raises `Refused`."""
    named = named_second(office, beginner)
    if named is None and office.second_person is not None:
        raise Refused(f"second_person '{office.second_person}' in district.yaml is nobody here: soppa people list")
    if named is None:
        raise Refused("nobody but you could be the second person: name one as second_person in district.yaml, or give "
                      "somebody the role superintendent")
    present = office.present(named, today)
    if not present:
        raise Refused(f"{named.name}, the second person, is away and nobody stands in: soppa people set {named.id} "
                      "--deputy ID, or name another second_person in district.yaml")
    if present[0].person.id == beginner:
        raise Refused("the second person of this office is you yourself: name another as second_person in "
                      "district.yaml")
    return present[0].person


def named_second(office: Office, beginner: str = "") -> Person | None:
    """The second person of the settings; without one, a superintendent other than the beginner."""
    if office.second_person is not None:
        person = office.person(office.second_person)
        return person if person is not None and person.active else None
    others = (p for _, p in sorted(office.people.items()) if p.active and "superintendent" in p.roles)
    return next((person for person in others if person.id != beginner), None)


def plan_record(house: House, case_id: str, given: Mapping[str, str], actor: Actor, reason: str) -> Planned:
    """A legal date that would move later. Raises `Refused` where there is no second person."""
    from cli.values import fact_values
    from engine.model.messages import RecordFacts

    now = house.clock()
    with house.store.read() as unit:
        case, office = unit.case(case_id), house.office(unit)
    second = second_for(office, actor.id, office.today(now))
    definition = house.definitions.pinned(case.process, case.version, case.hash)
    values = fact_values(definition, given)
    before, after = house.service.would(case_id, RecordFacts(values, actor, reason, second.id), now)
    return Planned(LATER_DATE, case_id, actor.id, second, reason, case_changes(definition, before, after),
                   {"given": dict(given)})


def plan_people(house: House, before: Sequence[Person], wanted: Sequence[Person], actor: Actor, reason: str) -> Planned:
    """A change of roles. Raises `Refused` where there is no second person, `UsageError` without a reason."""
    if not reason.strip():
        raise UsageError("a change of roles needs a reason: add --reason")
    office = house.make_office(before)
    second = second_for(office, actor.id, office.today(house.clock()))
    return Planned(ROLES, None, actor.id, second, reason, people_changes(before, wanted),
                   {"people": [row_of(person) for person in wanted]})


def plan_purge(house: House, wish: Wish, actor: Actor, reason: str) -> Planned:
    """A purge of what is due. Raises `Refused` where nothing is, or there is no second person; `UsageError` without a
    reason, or without the commission's certificate where it is needed."""
    from cli.retention.agreeing import check_certificate, content, outlook_of, shown

    if not reason.strip():
        raise UsageError("a purge needs a reason: add --reason")
    with house.store.read() as unit:
        office, outlook = house.office(unit), outlook_of(house, unit, wish)
    if not outlook.items():
        kept = "; ".join(f"case {one.ref} is preserved ({one.reason})" for one in outlook.held[:3])
        raise Refused(f"nothing is due on {day(wish.as_of)}: {kept or 'there is nothing to remove'}")
    check_certificate(outlook.table, outlook.due, wish)
    second = second_for(office, actor.id, office.today(house.clock()))
    return Planned(PURGE, None, actor.id, second, reason.strip(), shown(outlook), content(wish, outlook))


def begin(house: House, planned: Planned) -> Act:
    """Keeps the act and queues the mail to its second person, in one transaction."""
    from storage.entrance.acts import Act

    now, token = house.clock(), new_token()
    digest = hashlib.sha256(token.encode()).hexdigest()
    payload = {**planned.content, "second": planned.second.id, "reason": planned.reason, "token_hash": digest,
               "changes": [list(line) for line in planned.shown]}
    act = Act(_id_of(token), planned.act, planned.case_id, payload, planned.by, now, now + LASTS)
    with house.store.begin() as unit:
        unit.begin_act(act, token)
    return act


def find_act(house: House, token: str) -> Act | None:
    """The act whose mail holds this token."""
    act = house.store.acts.find(_id_of(token))
    digest = hashlib.sha256(token.encode()).hexdigest()
    return act if act is not None and act.payload.get("token_hash") == digest else None


def confirm_act(house: House, act_id: str, person_id: str) -> None:
    """Confirms an act and does what it says, in one transaction.

    Raises `NotAllowed` for anybody but its second person, `AlreadyDecided`, `Stale` when what it changes has changed,
    `Refused` or `UsageError`; then nothing is done.
    """
    act = house.store.acts.act(act_id)
    check_waiting(act, person_id, house.clock())
    does = {LATER_DATE: _record, ROLES: _save_people, PURGE: _begin_purge}
    does[act.act](house, act, person_id)


def check_waiting(act: Act, person: str, now: dt.datetime) -> None:
    """Raises `AlreadyDecided`, `NotAllowed` or `Refused` with the reason."""
    if act.confirmed_by is not None:
        raise AlreadyDecided(f"act {act.id} was confirmed by {act.confirmed_by} already")
    if act.by == person:
        raise NotAllowed(f"you began act {act.id} yourself: {text_of(act, 'second')} must confirm it")
    if text_of(act, "second") != person:
        raise NotAllowed(f"act {act.id} waits for {text_of(act, 'second')}: nobody else may confirm it")
    if act.expires <= now:
        raise Refused(f"act {act.id} waited too long for its second person: {act.by} may begin it again")


def case_changes(definition: Definition, before: Case, after: Case) -> Shown:
    """The facts and legal dates that differ."""
    lines = []
    for name, value in after.facts.items():
        if before.facts.get(name) != value:
            was = written(before.facts[name]) if name in before.facts else "–"
            fact = definition.fact(name)
            lines.append((say(fact.label, "en") if fact else name, was, written(value)))
    for name, clock in after.clocks.items():
        old = before.clocks.get(name)
        if old is None or old.legal != clock.legal:
            title = say(definition.clocks[name].title, "en")
            lines.append((f"Legal deadline: {title}", day(old.legal if old else None), day(clock.legal)))
    return lines


def people_changes(before: Iterable[Person], wanted: Iterable[Person]) -> Shown:
    known = {person.id: person for person in before}
    lines = []
    for _, person, _ in changes(known.values(), wanted):
        was = row_of(known[person.id]) if person.id in known else {}
        lines += [(f"{person.name}: {key.replace('_', ' ')}", was.get(key) or "–", cell or "–")
                  for key, cell in row_of(person).items() if was.get(key, "") != cell and key != "id"]
    return lines


def needs_second(office: Office, wanted: Iterable[Person]) -> bool:
    """Whether these changes give or take a role or the right to sign, bring one back, or touch how one of the guarded
    people is known."""
    named = named_second(office)
    return any(_is_guarded(office.person(person.id), person, named) for person in wanted)


def is_set_up(house: House, office: Office) -> bool:
    """Whether this office has (or once had) a second person; until then changes of roles are exempt, and recorded."""
    return named_second(office) is not None or any(act.payload.get("set_up") == "over"
                                                   for act in house.store.acts.every())


def record_set_up(house: House, unit: SqlUnit, before: Sequence[Person], wanted: Sequence[Person], by: str) -> None:
    """The line of an exempt change, in the transaction that makes it."""
    from storage.entrance.acts import Act

    now = house.clock()
    people = {person.id: person for person in (*before, *wanted)}
    over = named_second(house.make_office(people.values())) is not None
    payload = {"second": FIRST_SET_UP, "reason": FIRST_SET_UP, "set_up": "over" if over else "goes on",
               "changes": [list(line) for line in people_changes(before, wanted)]}
    unit.begin_act(Act(_id_of(new_token()), ROLES, None, payload, by, now, now, FIRST_SET_UP, now), None)


def record_alone(
    house: House, unit: SqlUnit, before: Sequence[Person], wanted: Sequence[Person], by: str, reason: str
) -> None:
    """The line of somebody's leaving that took nobody else, in the transaction that does it."""
    from storage.entrance.acts import Act

    now = house.clock()
    payload = {"second": ALONE, "reason": reason, "changes": [list(line) for line in people_changes(before, wanted)]}
    unit.begin_act(Act(_id_of(new_token()), ROLES, None, payload, by, now, now, ALONE, now), None)


def title_of(act: Act) -> str:
    return _DOES[act.act].format(case=act.case_id)


def shown_by(act: Act) -> Shown:
    return cast("Shown", act.payload["changes"])


def text_of(act: Act, name: str) -> str:
    """`second` or `reason` of an act."""
    return str(act.payload[name])


def _record(house: House, act: Act, second: str) -> None:
    from cli.values import fact_values

    case_id, now = str(act.case_id), house.clock()
    with house.store.read() as unit:
        case, people = unit.case(case_id), {person.id: person for person in unit.people()}
    definition = house.definitions.pinned(case.process, case.version, case.hash)
    values = fact_values(definition, cast("Mapping[str, str]", act.payload["given"]))

    def as_shown(unit: Unit, before: Case, after: Case) -> None:
        unit.confirm_act(act.id, second, now)
        _check_unchanged(act, case_changes(definition, before, after))

    house.service.record(case_id, values, _beginner(act, people), now, text_of(act, "reason"), second, as_shown)


def _save_people(house: House, act: Act, second: str) -> None:
    wanted = [person_of(cells) for cells in cast("Sequence[Mapping[str, str]]", act.payload["people"])]
    with house.store.begin() as unit:
        unit.confirm_act(act.id, second, house.clock())
        before = unit.people()
        _beginner(act, {person.id: person for person in before})
        _check_unchanged(act, people_changes(before, wanted))
        everybody = {person.id: person for person in (*before, *wanted)}.values()
        check_links(everybody)
        check_manned(before, everybody)
        for person in wanted:
            unit.save_person(person)
        if "leaves" in act.payload:
            _hand_over(house, unit, act, {person.id: person for person in before})


def _begin_purge(house: House, act: Act, second: str) -> None:
    """Writes down what is to be removed; `soppa purge run` removes it."""
    from cli.retention.agreeing import agree

    now = house.clock()
    with house.store.begin() as unit:
        unit.confirm_act(act.id, second, now)
        people = {person.id: person for person in unit.people()}
        roles = {"began": _role(people[_beginner(act, people).id]), "confirmed": _role(people[second])}
        _check_unchanged(act, agree(house, unit, act, roles, now))


def _role(person: Person) -> str:
    return ", ".join(sorted(person.roles)).replace("_", " ") or "staff"


def _hand_over(house: House, unit: SqlUnit, act: Act, people: Mapping[str, Person]) -> None:
    from cli.staff.handover import carry_out

    names = cast("Mapping[str, str]", act.payload["leaves"])
    person, to = people[names["person"]], people[names["to"]]
    carry_out(unit, person, to, _beginner(act, people), text_of(act, "reason"), house.clock())


def _check_unchanged(act: Act, shown: Shown) -> None:
    if [list(line) for line in shown] != [list(line) for line in shown_by(act)]:
        raise Stale(f"what act {act.id} changes has changed since it was begun: begin it again")


def _beginner(act: Act, people: Mapping[str, Person]) -> Actor:
    person = people.get(act.by)
    if person is None or not person.active:
        raise Refused(f"{act.by}, who began act {act.id}, does not work here any more: begin it again")
    return actor_of(person)


def _is_guarded(old: Person | None, new: Person, named: Person | None) -> bool:
    if old is None:
        return bool(new.roles)
    if old.roles != new.roles or (new.active and not old.active and new.roles):
        return True
    if (old.signs_from, old.signs_until) != (new.signs_from, new.signs_until):
        return True
    guarded = bool(old.roles & GUARDED) or (named is not None and named.id == old.id)
    known_by = replace(new, name=old.name, language=old.language, supervisor=old.supervisor, absent=old.absent)
    return guarded and known_by != old


def _id_of(token: str) -> str:
    """An act is called by the beginning of its token's SHA-256, so that the mail's token finds it."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]
