"""`soppa people`: who works here, in which roles, under which login."""

from __future__ import annotations

import secrets
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from cli.acts import GUARDED, Planned, begin, is_set_up, named_second, needs_second, plan_people, record_set_up
from cli.commands.acts import tell_begun
from cli.home import Home
from cli.identity import login
from cli.options import as_option, home_option, json_option
from cli.people import changes, check_links, check_unique, faults_of_row, person_of, read_people, row_of
from cli.printing import print_json, say, table
from cli.totp import uri
from cli.wiring import House, open_house
from engine.case import Actor
from engine.errors import NotAllowed, Refused, UsageError
from engine.nodes import nearest
from engine.office import Person

MAY = frozenset({"privacy", "superintendent"})


@click.group(epilog="Example: soppa people import people.csv")
def command() -> None:
    """The people of the office: import, list, set, totp."""


@command.command("import", epilog="Example: soppa people import people.csv --apply")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--apply", "apply_", is_flag=True, help="Do it; without this only what would change is shown.")
@click.option("--reason", default="", help="Why; needed where roles change, for the second person who must agree.")
@as_option
@home_option
def import_(file: Path, apply_: bool, reason: str, as_login: str | None, home: Home) -> None:
    """Take people from a CSV FILE: id, name, email, roles; login, language, deputy, supervisor, absence, active."""
    wanted = read_people(file)
    with open_house(home) as house:
        _put(house, wanted, as_login, Wish(apply_, apply_, "--apply", reason))


@command.command("list", epilog="Example: soppa people list --json")
@home_option
@json_option
def list_(home: Home, as_json: bool) -> None:
    """List the people."""
    with open_house(home) as house:
        people = _people(house)
    if as_json:
        print_json([row_of(person) for person in people])
    else:
        table(["id", "name", "roles", "login", "deputy", ""], [
            [person.id, person.name, ", ".join(sorted(person.roles)), person.login or "", person.deputy or "",
             "" if person.active else "retired"] for person in people])


@command.command("set", epilog="Example: soppa people set carla --login cmendez --role custodian --role staff")
@click.argument("person")
@click.option("--name")
@click.option("--email")
@click.option("--role", "roles", multiple=True, help="All roles of the person; write it once for each.")
@click.option("--login", help="User of the operating system.")
@click.option("--language")
@click.option("--deputy", help="Id of whoever stands in.")
@click.option("--supervisor")
@click.option("--absent", metavar="FROM..TO", help="Days away; an empty text ends the absence.")
@click.option("--active", type=click.Choice(["yes", "no"]))
@click.option("--reason", default="", help="Why; needed where roles change.")
@click.option("--begin", "begin_", is_flag=True,
              help="Where roles change: ask the second person; without this it is only shown.")
@as_option
@home_option
def set_(person: str, absent: str | None, roles: tuple[str, ...], reason: str, begin_: bool, as_login: str | None,
         home: Home, **given: str | None) -> None:
    """Change PERSON, or add them. Roles, and how those who confirm are known, take a second person."""
    with open_house(home) as house:
        known = {one.id: one for one in _people(house)}
        cells = row_of(known[person]) if person in known else dict.fromkeys(row_of(_NOBODY), "") | {"id": person}
        cells.update({key: value for key, value in given.items() if value is not None})
        if roles:
            cells["roles"] = " ".join(roles)
        if absent is not None:
            cells["absent_from"], _, cells["absent_to"] = absent.partition("..")
        wrong = list(faults_of_row(cells))
        if wrong:
            raise UsageError("\n".join(f"{person}: {message}" for message in wrong))
        _put(house, [person_of(cells)], as_login, Wish(True, begin_, "--begin", reason))


@command.command(epilog="Example: soppa people totp carla")
@click.argument("person")
@as_option
@home_option
def totp(person: str, as_login: str | None, home: Home) -> None:
    """Make a new secret for one-time codes of PERSON and show it once, for their authenticator app."""
    with open_house(home) as house:
        known = {one.id: one for one in _people(house)}
        if person not in known:
            raise UsageError(f"unknown person '{person}'{nearest(person, known)}")
        actor = house.actor(as_login)
        if actor.id != person and not actor.roles & MAY:
            raise NotAllowed(f"{actor.name} may make a secret for nobody but themselves: ask the privacy officer")
        if actor.id != person and house.store.links.totp_secret(person) is not None and _confirms(house, known[person]):
            raise NotAllowed(f"{person} confirms acts of two persons and has a secret already: only they may make a "
                             f"new one, or another second_person is named in district.yaml")
        secret = b32encode(secrets.token_bytes(20)).decode()
        house.store.set_totp(person, secret)
    say(f"secret of {person} (shown once): {secret}")
    say(uri(secret, person, house.settings.district))


_NOBODY = Person("nobody", "", "", frozenset())


@dataclass(frozen=True, slots=True)
class Wish:
    """How far to go: `apply` changes what one person may, `begin` asks the second one; `word` is the option for it."""

    apply: bool
    begin: bool
    word: str
    reason: str


def _people(house: House) -> Sequence[Person]:
    return house.store.people()


def _confirms(house: House, person: Person) -> bool:
    named = named_second(house.make_office(_people(house)))
    return bool(person.roles & GUARDED) or (named is not None and named.id == person.id)


def _put(house: House, wanted: Sequence[Person], as_login: str | None, wish: Wish) -> None:
    """Shows what would change and, where wished, does it or asks the second person. The first set-up is exempt."""
    before = _people(house)
    check_links({person.id: person for person in (*before, *wanted)}.values())
    found = changes(before, wanted)
    if not found:
        say("nothing changes")
        return
    table(["", "person", "what"], [[how, person.id, told] for how, person, told in found])
    changed, office = [person for _, person, _ in found], house.make_office(before)
    check_unique({person.id: person for person in (*before, *wanted)}.values())
    exempt = not is_set_up(house, office)
    guarded = needs_second(office, changed) and not exempt
    if not wish.apply:
        say(f"nothing is changed yet: add {wish.word}" + (" and --reason, to ask the second person" if guarded else ""))
        return
    by = _who_may(house, before, as_login)
    if guarded and by is not None:
        _ask_second(house, plan_people(house, before, changed, by, wish.reason), wish)
        return
    with house.store.begin() as unit:
        for person in changed:
            unit.save_person(person)
        if exempt:
            record_set_up(house, unit, before, changed, by.id if by else login())
    say(f"{len(found)} changed")


def _who_may(house: House, before: Sequence[Person], as_login: str | None) -> Actor | None:
    """Who changes people; None while there are none. Raises `NotAllowed`."""
    if not before:
        return None
    actor = house.actor(as_login)
    if not actor.roles & MAY:
        raise NotAllowed(f"{actor.name} may not change people: it is for {' or '.join(sorted(MAY))}")
    return actor


def _ask_second(house: House, planned: Planned, wish: Wish) -> None:
    if not wish.begin:
        raise Refused(f"a change of roles, or of how a guarded person is known, needs a second person; nothing is "
                      f"changed: add {wish.word} to ask {planned.second.name}")
    tell_begun(house, begin(house, planned))
