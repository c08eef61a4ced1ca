"""People as a table: a CSV file read strictly, and what it would change."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cli.tables import read_table
from engine.errors import FaultyInput, Refused, UsageError
from engine.faults import Fault, Mark
from engine.model.roles import ROLES
from engine.nodes import nearest
from engine.words import LANGUAGES

if TYPE_CHECKING:
    from engine.model.office import Person

REQUIRED = ("id", "name", "email", "roles")
OPTIONAL = ("login", "language", "deputy", "supervisor", "absent_from", "absent_to", "active", "signs_from",
            "signs_until")
COLUMNS = (*REQUIRED, *OPTIONAL)
_ID = re.compile(r"[a-z][a-z0-9._\-]{0,63}")
EMAIL = re.compile(r"[^@\s<>\"(),:;\[\]\\]+@[^@\s<>\"(),:;\[\]\\]+")


def read_people(path: Path) -> tuple[Person, ...]:
    """The people of a CSV file as it stands."""
    return tuple(map(person_of, read_rows(path).values()))


def read_rows(path: Path) -> dict[int, dict[str, str]]:
    """The cells of a CSV file with a header row, by the line each row ends on. Raises `FaultyInput` with every fault
    and its row."""
    table = read_table(path, _wrong_columns)
    faults = [Fault(mark, message) for mark, cells in table for message in faults_of_row(cells)]
    faults += _wrong_together(table)
    if faults:
        raise FaultyInput(faults)
    return {mark.line: cells for mark, cells in table}


def faults_of_row(cells: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the cells of one person, each as a sentence."""
    if not _ID.fullmatch(cells["id"]):
        yield f"id '{cells['id']}': use small letters, digits, '.', '_' and '-', beginning with a letter"
    if not cells["name"] or any(not cell.isprintable() for cell in cells.values()):
        yield "name: a name is needed, and no control characters anywhere"
    if not EMAIL.fullmatch(cells["email"]):
        yield f"email '{cells['email']}' is not a mail address"
    for role in cells["roles"].split():
        if role not in ROLES:
            yield f"roles: there is no role '{role}'{nearest(role, ROLES, len(ROLES))}"
    language = cells.get("language") or "en"
    if language not in LANGUAGES:
        yield f"language: nothing is written in '{language}'{nearest(language, LANGUAGES)}"
    if cells.get("active", "") not in ("", "yes", "no"):
        yield f"active: '{cells['active']}' is neither yes nor no"
    yield from _wrong_absence(cells)


def person_of(cells: Mapping[str, str]) -> Person:
    """A person from cells without faults."""
    from engine.model.office import Person

    absent = (_day(cells, "absent_from"), _day(cells, "absent_to"))
    return Person(
        id=cells["id"], name=cells["name"], email=cells["email"], roles=frozenset(cells["roles"].split()),
        login=cells.get("login") or None, language=cells.get("language") or "en",
        deputy=cells.get("deputy") or None, supervisor=cells.get("supervisor") or None,
        absent=None if absent[0] is None or absent[1] is None else (absent[0], absent[1]),
        active=cells.get("active") != "no", signs_from=_day(cells, "signs_from"),
        signs_until=_day(cells, "signs_until"))


def row_of(person: Person) -> dict[str, str]:
    """The person as CSV cells; `person_of` reads them back."""
    away = person.absent
    return {"id": person.id, "name": person.name, "email": person.email, "roles": " ".join(sorted(person.roles)),
            "login": person.login or "", "language": person.language, "deputy": person.deputy or "",
            "supervisor": person.supervisor or "", "absent_from": away[0].isoformat() if away else "",
            "absent_to": away[1].isoformat() if away else "", "active": "yes" if person.active else "no",
            "signs_from": person.signs_from.isoformat() if person.signs_from else "",
            "signs_until": person.signs_until.isoformat() if person.signs_until else ""}


def wanted_of(rows: Mapping[int, Mapping[str, str]], before: Iterable[Person]) -> dict[int, Person]:
    """Who the rows of a file are about, as they will be: a column that the file does not have says nothing."""
    known = {person.id: person for person in before}
    return {line: person_of({**row_of(known[cells["id"]]), **cells} if cells["id"] in known else cells)
            for line, cells in rows.items()}


def changes(before: Iterable[Person], after: Iterable[Person]) -> list[tuple[str, Person, str]]:
    """`new` or `changed`, the person as they will be, and what changes. Nobody is deleted by leaving them out."""
    known = {person.id: person for person in before}
    found = []
    for person in after:
        old = known.get(person.id)
        if old is None:
            found.append(("new", person, f"{person.name}, {', '.join(sorted(person.roles)) or 'no role'}"))
        elif old != person:
            told = "; ".join(f"{key}: {was or '–'} → {now or '–'}" for key, was, now in differing(old, person))
            found.append(("changed", person, told))
    return found


def differing(old: Person | None, new: Person) -> list[tuple[str, str, str]]:
    """The cells of a person that differ, as (column, was, becomes); of a new one all that are filled."""
    was, becomes = row_of(old) if old else dict.fromkeys(COLUMNS, ""), row_of(new)
    return [(key, was[key], becomes[key]) for key in becomes if was[key] != becomes[key]]


def check_manned(before: Iterable[Person], after: Iterable[Person]) -> None:
    """Somebody stays privacy officer: what nobody else answers for comes to them. Raises `Refused`."""
    had = any(person.active and "privacy" in person.roles for person in before)
    if had and not any(person.active and "privacy" in person.roles for person in after):
        raise Refused("nobody would be privacy officer any more, to whom all falls that nobody else answers for: give "
                      "somebody the role privacy first")


def check_links(people: Iterable[Person]) -> None:
    """Deputies and supervisors must be people. Raises `UsageError` naming each that is not."""
    known = {person.id: person for person in people}
    wrong = [f"{person.id}: {what} '{other}' is nobody{nearest(other, known)}"
             for person in known.values()
             for what, other in (("deputy", person.deputy), ("supervisor", person.supervisor))
             if other is not None and other not in known]
    if wrong:
        raise UsageError("\n".join(wrong))


def check_unique(people: Iterable[Person]) -> None:
    """A login belongs to one person. Raises `UsageError` naming each that two have."""
    first: dict[str, str] = {}
    wrong = [f"{person.id}: the login '{person.login}' belongs to {first[person.login]} already"
             for person in people
             if person.login and first.setdefault(person.login, person.id) != person.id]
    if wrong:
        raise UsageError("\n".join(wrong))


def _wrong_columns(names: list[str], mark: Mark) -> Iterator[Fault]:
    for name in names:
        if name not in COLUMNS:
            yield Fault(mark, f"unknown column '{name}'{nearest(name, COLUMNS)}")
    for name in REQUIRED:
        if name not in names:
            yield Fault(mark, f"the column '{name}' is missing: the header needs {', '.join(REQUIRED)}")


def _wrong_together(rows: Iterable[tuple[Mark, Mapping[str, str]]]) -> list[Fault]:
    """The same id, address or login twice."""
    faults, first = [], dict[tuple[str, str], int]()
    for mark, row in rows:
        for column in ("id", "email", "login"):
            value = (row.get(column) or "").strip().lower()
            if value and (column, value) in first:
                faults.append(Fault(mark, f"{column} '{value}' is on line {first[column, value]} already"))
            first.setdefault((column, value), mark.line)
    return faults


def _wrong_absence(cells: Mapping[str, str]) -> Iterator[str]:
    for column in ("absent_from", "absent_to", "signs_from", "signs_until"):
        try:
            _day(cells, column)
        except ValueError:
            yield f"{column}: '{cells[column]}' is not a date: write it as 2026-07-01"
            return
    first, last = _day(cells, "absent_from"), _day(cells, "absent_to")
    if (first is None) != (last is None) or (first is not None and last is not None and last < first):
        yield "absent_from and absent_to: give both, in their order"
    begins, ends = _day(cells, "signs_from"), _day(cells, "signs_until")
    if begins is not None and ends is not None and ends < begins:
        yield "signs_until is before signs_from"


def _day(cells: Mapping[str, str], column: str) -> dt.date | None:
    word = cells.get(column, "")
    return dt.date.fromisoformat(word) if word else None
