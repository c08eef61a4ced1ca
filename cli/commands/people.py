"""`soppa people`: who works here, in which roles, under which login."""

from __future__ import annotations

import secrets
from base64 import b32encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.commands.acts import as_mapping as act_mapping
from cli.commands.acts import tell_begun
from cli.home import Home
from cli.identity import login
from cli.options import Commands, as_option, home_option, json_option
from cli.printing import print_json, say, table
from cli.staff.acts import GUARDED, Planned, begin, is_set_up, named_second, needs_second, plan_people, record_set_up
from cli.staff.directory import Matched, matched, read_directory
from cli.staff.people import (
    COLUMNS,
    changes,
    check_links,
    check_manned,
    check_unique,
    differing,
    faults_of_row,
    person_of,
    read_rows,
    row_of,
    wanted_of,
)
from cli.staff.totp import uri
from cli.wiring import House, open_house
from engine.errors import NotAllowed, Refused, Stale, UsageError
from engine.nodes import nearest

if TYPE_CHECKING:
    from engine.model.case import Actor
    from engine.model.office import Person
    from storage.entrance.acts import Act

MAY = frozenset({"privacy", "superintendent"})
A_FIFTH = 0.2
Changes = Sequence[tuple[str, "Person", str]]
"""`new` or `changed`, the person as they will be, and what changes."""


@click.group(cls=Commands, epilog="Example: soppa people import people.csv")
def command() -> None:
    """The people of the office: import, list, set, absence, leave, gaps, totp."""


@command.command("import", epilog="Example: soppa people import people.csv --apply")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--apply", "apply_", is_flag=True, help="Do it; without this only what would change is shown.")
@click.option("--yes", is_flag=True, help="Also where more than a fifth of the people would change.")
@click.option("--role", "roles", multiple=True, shell_complete=completion.roles,
              help="Of a directory: take in whoever is not known yet, with this role; write it once for each.")
@click.option("--unit", metavar="UNIT", help="Of a directory: only this organizational unit or department.")
@click.option("--reason", default="", help="Why; needed where roles change, for the second person who must agree.")
@as_option
@home_option
@json_option
def import_(file: Path, apply_: bool, yes: bool, roles: tuple[str, ...], unit: str | None, reason: str,
            as_login: str | None, home: Home, as_json: bool) -> None:
    """Take people from a CSV FILE. Columns: id, name, email, roles; login, language, deputy, supervisor, absent_from,
    absent_to, active, signs_from, signs_until.

    A column that is not there says nothing, and whoever is left out stays as they are. The export of a directory
    (Google Workspace, Microsoft Entra or 365, Active Directory) is taken as it is: it renames whom it knows by their
    address."""
    listed = read_directory(file)
    if listed is None and (roles or unit):
        raise UsageError("--role and --unit are for the export of a directory, which this table is not")
    if listed is not None and unit:
        listed = [one for one in listed if one.is_in(unit)]
    rows = read_rows(file) if listed is None else {}
    with open_house(home) as house:
        house.reader(as_login)
        before = _people(house)
        found = Matched(rows, (), 0) if listed is None else matched(listed, before, roles)
        wanted = wanted_of(found.rows, before)
        lines = {who.id: line for line, who in wanted.items()}
        wish = Wish(apply_, apply_, "--apply", reason, as_json, lines, found.suspended, found.strangers)
        changed = sum(how == "changed" for how, _, _ in changes(before, wanted.values()))
        if apply_ and not yes and before and changed / len(before) > A_FIFTH:
            raise Refused(f"{changed} of {len(before)} people would change, more than a fifth: look at them without "
                          f"--apply, and add --yes if this is the right file")
        _put(house, list(wanted.values()), as_login, wish)


@command.command("list", epilog="Example: soppa people list --json")
@as_option
@home_option
@json_option
def list_(as_login: str | None, home: Home, as_json: bool) -> None:
    """List the people."""
    with open_house(home) as house:
        house.reader(as_login)
        people = _people(house)
    if as_json:
        print_json([row_of(person) for person in people])
    else:
        table(["id", "name", "roles", "login", "deputy", ""], [
            [person.id, person.name, ", ".join(sorted(person.roles)), person.login or "", person.deputy or "",
             "" if person.active else "retired"] for person in people])


@command.command("set", epilog="Example: soppa people set carla --login cmendez --role custodian --role staff")
@click.argument("person", shell_complete=completion.people)
@click.option("--name")
@click.option("--email")
@click.option("--role", "roles", multiple=True, shell_complete=completion.roles,
              help="All roles of the person; write it once for each.")
@click.option("--login", help="User of the operating system.")
@click.option("--language")
@click.option("--deputy", shell_complete=completion.people, help="Id of whoever stands in.")
@click.option("--supervisor", shell_complete=completion.people)
@click.option("--absent", metavar="FROM..TO", help="Days away; an empty text ends the absence.")
@click.option("--active", type=click.Choice(["yes", "no"]))
@click.option("--signs-from", metavar="DATE", help="Since when they may sign agreements, by the Board's list.")
@click.option("--signs-until", metavar="DATE", help="Until when; give it when the role signer is taken away.")
@click.option("--reason", default="", help="Why; needed where roles change.")
@click.option("--begin", "begin_", is_flag=True,
              help="Where roles change: ask the second person; without this it is only shown.")
@as_option
@home_option
@json_option
def set_(person: str, absent: str | None, roles: tuple[str, ...], reason: str, begin_: bool, as_login: str | None,
         home: Home, as_json: bool, **given: str | None) -> None:
    """Change PERSON, or add them. Roles, and how those who confirm are known, take a second person."""
    with open_house(home) as house:
        known = {one.id: one for one in _people(house)}
        cells = row_of(known[person]) if person in known else dict.fromkeys(COLUMNS, "") | {"id": person}
        cells.update({key: value for key, value in given.items() if value is not None})
        if roles:
            cells["roles"] = " ".join(roles)
        if absent is not None:
            cells["absent_from"], _, cells["absent_to"] = absent.partition("..")
        wrong = list(faults_of_row(cells))
        if wrong:
            raise UsageError("\n".join(f"{person}: {message}" for message in wrong))
        _put(house, [person_of(cells)], as_login, Wish(True, begin_, "--begin", reason, as_json))


@command.command(epilog="Example: soppa people leave dana --to omar --reason 'retires' --apply")
@click.argument("person", shell_complete=completion.people)
@click.option("--to", default=None, shell_complete=completion.people,
              help="Who takes over; the deputy without it.")
@click.option("--reason", default="", help="Why; needed with --apply.")
@click.option("--apply", "apply_", is_flag=True, help="Do it; without this it is only shown.")
@as_option
@home_option
@json_option
def leave(person: str, to: str | None, reason: str, apply_: bool, as_login: str | None, home: Home, as_json: bool
          ) -> None:
    """PERSON leaves: their tasks, products and mail go to another, their sessions and links end, and they are retired.

    Whoever may confirm acts of two persons leaves only with the second person's consent."""
    from cli.staff.leaving import Wish as Leave
    from cli.staff.leaving import leave as go

    go(home, Leave(person, to, reason, apply_, as_json), as_login)


@command.command(epilog="Example: soppa people absence carla 2026-12-21..2027-01-04 --hand-over")
@click.argument("person", shell_complete=completion.people)
@click.argument("days", metavar="FROM..TO", default="")
@click.option("--end", is_flag=True, help="The absence on file ends, or never begins.")
@click.option("--hand-over", is_flag=True, help="Give the open tasks that fall due meanwhile to whoever stands in.")
@as_option
@home_option
@json_option
def absence(person: str, days: str, end: bool, hand_over: bool, as_login: str | None, home: Home, as_json: bool
            ) -> None:
    """PERSON is away FROM..TO: what falls due meanwhile, and on whom it lands. Reminders go to the deputy."""
    from cli.staff.absence import Away, away

    if end == bool(days):
        raise UsageError("say either the days, FROM..TO, or --end")
    away(home, Away(person, days, hand_over, as_json), as_login)


@command.command(epilog="Example: soppa people gaps --days 90")
@click.option("--days", type=click.IntRange(1, 400), default=90, show_default=True)
@as_option
@home_option
@json_option
def gaps(days: int, as_login: str | None, home: Home, as_json: bool) -> None:
    """Which rungs of open cases land on nobody, or on somebody else, since people are away."""
    from cli.staff.gaps import show_gaps

    show_gaps(home, days, as_login, as_json=as_json)


@command.command(epilog="Example: soppa people totp carla")
@click.argument("person", shell_complete=completion.people)
@as_option
@home_option
@json_option
def totp(person: str, as_login: str | None, home: Home, as_json: bool) -> None:
    """Make a new secret for PERSON's one-time codes. It is shown once, for their authenticator app.

    With --json the secret goes to stderr alone: what programs keep holds none.
    """
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
    click.echo(f"secret of {person} (shown once): {secret}", err=as_json)
    click.echo(uri(secret, person, house.settings.district), err=as_json)
    if as_json:
        print_json({"person": person, "has_secret": True})


@dataclass(frozen=True, slots=True)
class Wish:
    """How far to go: `apply` changes what one person may, `begin` asks the second one; `word` is the option for it.
    `as_json` says how to tell it; `rows` are the lines of a file by the ids on them. `suspended` are the people whom a
    directory has so, `strangers` how many it has whom nobody knows here."""

    apply: bool
    begin: bool
    word: str
    reason: str
    as_json: bool
    rows: Mapping[str, int] = field(default_factory=dict)
    suspended: Sequence[str] = ()
    strangers: int = 0


def _people(house: House) -> Sequence[Person]:
    return house.store.people()


def _confirms(house: House, person: Person) -> bool:
    named = named_second(house.make_office(_people(house)))
    return bool(person.roles & GUARDED) or (named is not None and named.id == person.id)


def _put(house: House, wanted: Sequence[Person], as_login: str | None, wish: Wish) -> None:
    """Shows what would change and, where wished, does it or asks the second person. The first set-up is exempt."""
    before = _people(house)
    everybody = {person.id: person for person in (*before, *wanted)}.values()
    check_links(everybody)
    found = changes(before, wanted)
    check_unique(everybody)
    check_manned(before, everybody)
    if not wish.as_json:
        _show(before, found, wish)
    changed, office = [person for _, person, _ in found], house.make_office(before)
    exempt = not is_set_up(house, office) or not _anybody_known(before)
    guarded = needs_second(office, changed) and not exempt
    if not found or not wish.apply:
        _tell(wish, before, found, guarded)
        return
    by = _who_may(house, before, as_login)
    if guarded and by is not None:
        _tell(wish, before, found, guarded, _asked(house, plan_people(house, before, changed, by, wish.reason), wish))
        return
    with house.store.begin() as unit:
        if tuple(unit.people()) != tuple(before):
            raise Stale("somebody else has changed the people meanwhile: nothing was changed, run it again")
        for person in changed:
            unit.save_person(person)
        if exempt:
            record_set_up(house, unit, before, changed, by.id if by else login())
    _tell(wish, before, found, guarded, done=True)


def _show(before: Sequence[Person], found: Changes, wish: Wish) -> None:
    """Each row that differs with its cells, one a line, and who is not in the file."""
    known = {person.id: person for person in before}
    lines = [[str(wish.rows.get(person.id, "")), how, person.id, f"{column}: {was or '–'} → {becomes or '–'}"]
             for how, person, _ in found for column, was, becomes in differing(known.get(person.id), person)
             if column != "id"]
    if lines:
        headers = ["line", "", "person", "what"]
        table(headers if wish.rows else headers[1:], [line if wish.rows else line[1:] for line in lines])
    left_out = _left_out(before, wish)
    if left_out:
        say(f"not in the file, and left as they are: {', '.join(left_out)}; soppa people leave hands over and retires")
    if wish.suspended:
        say(f"suspended in the directory, and left as they are: {', '.join(wish.suspended)}; soppa people leave hands "
            f"over and retires")
    if wish.strangers:
        say(f"{wish.strangers:,} of the directory are not known here, and left out: --role ROLE takes them in")


def _left_out(before: Sequence[Person], wish: Wish) -> list[str]:
    """Whoever works here and has no row."""
    seen = {*wish.rows, *wish.suspended}
    return [person.id for person in before if wish.rows and person.active and person.id not in seen]


def _tell(
    wish: Wish, before: Sequence[Person], found: Changes, guarded: bool, act: Act | None = None, *, done: bool = False
) -> None:
    """How it ended: nothing to do, only shown, a second person asked, or done."""
    if wish.as_json:
        known = {person.id: person for person in before}
        shown = [{"person": person.id, "how": how, "what": told, "row": wish.rows.get(person.id),
                  "fields": [{"column": column, "was": was or None, "becomes": becomes or None}
                             for column, was, becomes in differing(known.get(person.id), person)]}
                 for how, person, told in found]
        begun = act_mapping(act) if act else None
        print_json({"changes": shown, "applied": done, "needs_second": guarded, "act": begun,
                    "left_out": _left_out(before, wish), "suspended": list(wish.suspended),
                    "strangers": wish.strangers})
    elif not found:
        say("nothing changes")
    elif done:
        say(f"{len(found)} changed")
    elif act is None:
        say(f"nothing is changed yet: add {wish.word}" + (" and --reason, to ask the second person" if guarded else ""))


def _who_may(house: House, before: Sequence[Person], as_login: str | None) -> Actor | None:
    """Who changes people; None while nobody has a login, since then nobody could. Raises `NotAllowed`."""
    if not _anybody_known(before):
        return None
    actor = house.actor(as_login)
    if not actor.roles & MAY:
        raise NotAllowed(f"{actor.name} may not change people: it is for {' or '.join(sorted(MAY))}")
    return actor


def _anybody_known(people: Sequence[Person]) -> bool:
    """Whether the program can tell anybody at the terminal."""
    return any(person.active and person.login for person in people)


def _asked(house: House, planned: Planned, wish: Wish) -> Act:
    """Asks the second person. Raises `Refused` where that was not wished."""
    if not wish.begin:
        raise Refused(f"a change of roles, or of how a guarded person is known, needs a second person; nothing is "
                      f"changed: add {wish.word} to ask {planned.second.name}")
    act = begin(house, planned)
    if not wish.as_json:
        tell_begun(house, act)
    return act
