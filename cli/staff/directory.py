"""People from a directory's own export (Google Workspace, Microsoft Entra and 365, Active Directory).

It says names and addresses, and who is suspended; of roles, logins and deputies it says nothing, so these stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.staff.people import faults_of_row
from cli.tables import read_table
from engine.errors import FaultyInput
from engine.faults import Fault, Mark

if TYPE_CHECKING:
    from engine.model.office import Person

_EMAIL = ("email address", "mail", "emailaddress", "email", "userprincipalname", "user principal name")
_NAME = ("displayname", "display name", "name")
_FIRST, _LAST = ("first name", "givenname"), ("last name", "surname")
_STATE = ("status", "accountenabled", "enabled")
_UNIT, _KIND = ("org unit path", "department"), ("usertype",)
_OWN = frozenset({"email", "name"})
"""Titles that the table of `soppa people import` has too: they alone make no directory."""

_GONE = frozenset({"suspended", "archived", "false", "no"})
_REMARK = re.compile(r"\s*\[[^\]]*\]")
_NO_ID = re.compile(r"[^a-z0-9._-]")


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody in a directory, and the line they stand on."""

    mark: Mark
    name: str
    email: str
    suspended: bool
    unit: str = ""

    def is_in(self, unit: str) -> bool:
        """Whether they belong to an organizational unit, or one below it; to a department."""
        mine, wanted = self.unit.casefold().rstrip("/"), unit.casefold().rstrip("/")
        return mine == wanted or mine.startswith(f"{wanted}/")


@dataclass(frozen=True, slots=True)
class Matched:
    """A directory held against the people: the rows of who is known by their address or taken in, by line; the ids of
    people who are suspended there; how many it has that nobody knows here."""

    rows: Mapping[int, dict[str, str]]
    suspended: tuple[str, ...]
    strangers: int


def read_directory(path: Path) -> list[Listed] | None:
    """Who is in a directory; None for a file that is none, such as a table of people of our own.

    Raises `UsageError` and `FaultyInput` for a file that cannot be read as a table.
    """
    try:
        table = read_table(path, _no_directory)
    except _NoDirectoryError:
        return None
    listed = (_listed(mark, {_plain(title): cell for title, cell in cells.items()}) for mark, cells in table)
    return [one for one in listed if one is not None]


def matched(listed: Iterable[Listed], people: Iterable[Person], roles: Sequence[str]) -> Matched:
    """Whoever is not known yet is taken in with these roles; without any they are only counted.

    Raises `FaultyInput` with every name or address that cannot be taken.
    """
    by_mail = {person.email.casefold(): person for person in people}
    taken = {person.id for person in by_mail.values()}
    rows: dict[int, dict[str, str]] = {}
    suspended: list[str] = []
    strangers, faults = 0, list[Fault]()
    for one in listed:
        known = by_mail.get(one.email.casefold())
        if one.suspended:
            suspended += [known.id] if known is not None and known.active else []
        elif known is not None:
            rows[one.mark.line] = {"id": known.id, "name": one.name or known.name, "email": known.email}
        elif roles:
            rows[one.mark.line] = _new(one, roles, taken)
            faults += [Fault(one.mark, wrong) for wrong in faults_of_row(rows[one.mark.line])]
        else:
            strangers += 1
    if faults:
        raise FaultyInput(faults)
    return Matched(rows, tuple(suspended), strangers)


class _NoDirectoryError(Exception):
    """The titles are those of another table."""


def _no_directory(names: list[str], mark: Mark) -> Iterable[Fault]:
    if not _is_directory(map(_plain, names)):
        raise _NoDirectoryError
    return ()


def _plain(title: str) -> str:
    """`Email Address [Required]` as `email address`."""
    return _REMARK.sub("", title).strip().lower()


def _is_directory(titles: Iterable[str]) -> bool:
    has = set(titles)
    named = has & set(_NAME) or (has & set(_FIRST) and has & set(_LAST))
    telling = has & {*_EMAIL, *_NAME, *_FIRST} - _OWN
    return bool(has & set(_EMAIL) and named and telling) and "roles" not in has


def _listed(mark: Mark, cells: Mapping[str, str]) -> Listed | None:
    """None for a guest, and for whoever has no address."""
    email, kind = _first(cells, _EMAIL), _first(cells, _KIND).lower()
    if not email or kind == "guest":
        return None
    first = " ".join(filter(None, (_first(cells, _FIRST), _first(cells, _LAST))))
    state = _first(cells, _STATE).lower()
    return Listed(mark, _first(cells, _NAME) or first, email, state in _GONE, _first(cells, _UNIT))


def _first(cells: Mapping[str, str], titles: Iterable[str]) -> str:
    return next((cells[title] for title in titles if cells.get(title)), "")


def _new(one: Listed, roles: Sequence[str], taken: set[str]) -> dict[str, str]:
    stem = _NO_ID.sub("", one.email.partition("@")[0].lower()).lstrip("0123456789._-") or "person"
    numbers = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(taken) + 2))
    name = next(each for each in numbers if each not in taken)
    taken.add(name)
    return {"id": name, "name": one.name, "email": one.email, "roles": " ".join(roles)}
