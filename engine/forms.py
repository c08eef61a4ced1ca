"""What people typed, read as the values of declared facts; or a message beside each field that cannot be read."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping

from engine.case import Contact, FactValue
from engine.definition import Definition, FactDef
from engine.nodes import nearest

MAX_TEXT = 4_000
MAX_CONTACTS = 200
Raw = str | Iterable[str]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
_ADDRESS = re.compile(r"[^@\s<>\"(),:;\[\]\\]+@[^@\s<>\"(),:;\[\]\\]+\.[^@\s<>\"(),:;\[\]\\.]+")
_CONTACT = re.compile(r"\s*(?P<name>[^<>]+?)\s*(?:<(?P<address>[^<>]*)>)?\s*")
_TRUE = {"true", "yes", "y", "1", "sí", "si"}
_FALSE = {"false", "no", "n", "0"}


class FieldError(ValueError):
    """One field cannot be read; the message says what to type."""


def read_values(
    definition: Definition, names: Iterable[str], raw: Mapping[str, Raw]
) -> tuple[Mapping[str, FactValue], Mapping[str, str]]:
    """The values of the named facts that were typed, and a message for each that cannot be read.

    Fields left empty are in neither. A name that is no fact of the definition gets a message with the nearest.
    """
    values: dict[str, FactValue] = {}
    errors: dict[str, str] = {}
    allowed = tuple(names)
    for name, typed in raw.items():
        fact = definition.fact(name) if name in allowed else None
        if fact is None:
            errors[name] = f"there is no field '{name}' here{nearest(name, allowed)}"
            continue
        try:
            value = read_value(fact, typed)
        except FieldError as error:
            errors[name] = str(error)
            continue
        if value is not None:
            values[name] = value
    return values, errors


def read_value(fact: FactDef, typed: Raw) -> FactValue | None:
    """One value, or None where nothing was typed. Raises `FieldError`."""
    items = [typed] if isinstance(typed, str) else list(typed)
    items = [item.strip() for item in items if item.strip()]
    if not items:
        return None
    if any(len(item) > MAX_TEXT for item in items):
        raise FieldError(f"at most {MAX_TEXT:,} characters")
    if any(_CONTROL.search(item.replace("\r\n", "\n")) for item in items):
        raise FieldError("contains a control character: type it again")
    if fact.type.kind == "set":
        return _set(fact, items)
    if len(items) > 1:
        raise FieldError("only one value is wanted here")
    return _READERS[fact.type.kind](fact, items[0].replace("\r\n", "\n"))


def read_contact(typed: str) -> Contact:
    """`Name <address>` or a name alone. Raises `FieldError`."""
    found = _CONTACT.fullmatch(typed)
    if found is None:
        raise FieldError(f"'{typed}' is no contact: write Name <address@example.org>")
    address = found["address"]
    if address is not None and not _ADDRESS.fullmatch(address.strip()):
        raise FieldError(f"'{address}' is no mail address: write Name <address@example.org>")
    return Contact(found["name"], address.strip() if address else None)


def _bool(fact: FactDef, typed: str) -> FactValue:
    if typed.lower() in _TRUE | _FALSE:
        return typed.lower() in _TRUE
    raise FieldError("answer yes or no")


def _text(fact: FactDef, typed: str) -> FactValue:
    return typed


def _int(fact: FactDef, typed: str) -> FactValue:
    if re.fullmatch(r"-?\d{1,9}", typed):
        return int(typed)
    raise FieldError("type a whole number")


def _date(fact: FactDef, typed: str) -> FactValue:
    try:
        return dt.date.fromisoformat(typed)
    except ValueError as error:
        raise FieldError(f"'{typed}' is no date: write it as 2026-05-04") from error


def _instant(fact: FactDef, typed: str) -> FactValue:
    try:
        instant = dt.datetime.fromisoformat(typed)
    except ValueError as error:
        raise FieldError(f"'{typed}' is no moment: write it as 2026-05-04T09:30-05:00") from error
    if instant.tzinfo is None:
        raise FieldError(f"'{typed}' has no time zone: add an offset such as -05:00")
    return instant.astimezone(dt.UTC)


def _choice(fact: FactDef, typed: str) -> FactValue:
    if typed in fact.type.options:
        return typed
    raise FieldError(f"'{typed}' is no choice{nearest(typed, fact.type.options)}")


def _set(fact: FactDef, items: list[str]) -> FactValue:
    chosen = {part.strip() for item in items for part in item.split(",") if part.strip()}
    for option in sorted(chosen - set(fact.type.options)):
        raise FieldError(f"'{option}' is no choice{nearest(option, fact.type.options)}")
    return frozenset(chosen)


def _contacts(fact: FactDef, typed: str) -> FactValue:
    lines = [line for line in re.split(r"[\n;]", typed) if line.strip()]
    if len(lines) > MAX_CONTACTS:
        raise FieldError(f"at most {MAX_CONTACTS} contacts")
    return tuple(read_contact(line) for line in lines)


_READERS: Mapping[str, Callable[[FactDef, str], FactValue]] = {
    "bool": _bool,
    "text": _text,
    "int": _int,
    "date": _date,
    "instant": _instant,
    "choice": _choice,
    "contacts": _contacts,
    "document": _text,
    "person": _text,
}
