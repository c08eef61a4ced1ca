"""`soppa people`: who works here, in which roles, under which login."""

from __future__ import annotations

import secrets
from base64 import b32encode
from collections.abc import Sequence
from pathlib import Path

import click

from cli.home import Home
from cli.options import as_option, home_option, json_option
from cli.people import changes, check_links, faults_of_row, person_of, read_people, row_of
from cli.printing import print_json, say, table
from cli.totp import uri
from cli.wiring import House, open_house
from engine.errors import NotAllowed, UsageError
from engine.nodes import nearest
from engine.office import Person

MAY = frozenset({"privacy", "superintendent"})


@click.group(epilog="Example: soppa people import people.csv")
def command() -> None:
    """The people of the office: import, list, set, totp."""


@command.command("import", epilog="Example: soppa people import people.csv --apply")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--apply", "apply_", is_flag=True, help="Do it; without this only what would change is shown.")
@as_option
@home_option
def import_(file: Path, apply_: bool, as_login: str | None, home: Home) -> None:
    """Take people from a CSV FILE: id, name, email, roles; login, language, deputy, supervisor, absence, active."""
    wanted = read_people(file)
    with open_house(home) as house:
        _put(house, wanted, as_login, apply_)


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
@as_option
@home_option
def set_(person: str, absent: str | None, roles: tuple[str, ...], as_login: str | None, home: Home,
         **given: str | None) -> None:
    """Change PERSON, or add them."""
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
        _put(house, [person_of(cells)], as_login, apply_=True)


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
        secret = b32encode(secrets.token_bytes(20)).decode()
        house.store.set_totp(person, secret)
    say(f"secret of {person} (shown once): {secret}")
    say(uri(secret, person, house.settings.district))


_NOBODY = Person("nobody", "", "", frozenset())


def _people(house: House) -> Sequence[Person]:
    return house.store.people()


def _put(house: House, wanted: Sequence[Person], as_login: str | None, apply_: bool) -> None:
    """Shows what would change and, with `apply_`, does it. The very first set-up needs no person."""
    before = _people(house)
    check_links({person.id: person for person in (*before, *wanted)}.values())
    found = changes(before, wanted)
    if not found:
        say("nothing changes")
        return
    table(["", "person", "what"], [[how, person.id, told] for how, person, told in found])
    if not apply_:
        say("nothing is changed yet: add --apply")
        return
    if before:
        actor = house.actor(as_login)
        if not actor.roles & MAY:
            raise NotAllowed(f"{actor.name} may not change people: it is for {' or '.join(sorted(MAY))}")
    for _, person, _ in found:
        house.store.save_person(person)
    say(f"{len(found)} changed")
