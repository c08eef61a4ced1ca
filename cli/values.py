"""What was typed, as facts and parties of a definition. Every wrong word is told, each with its fact."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from engine.case import Contact, FactValue
from engine.definition import Definition, FactDef
from engine.errors import UsageError
from engine.nodes import nearest

MAX_TEXT = 4_000
_CONTACT = re.compile(r"\s*([^<>;]+?)\s*(?:<\s*([^<>\s@]+@[^<>\s@]+)\s*>)?\s*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_YES, _NO = ("yes", "true"), ("no", "false")


def facts_and_parties(definition: Definition, given: Mapping[str, str], zone: ZoneInfo) -> tuple[
        dict[str, FactValue], dict[str, Contact]]:
    """What a case starts with. Raises `UsageError` naming every unknown name or wrong value."""
    unknown = [name for name in given if name not in definition.parties and name not in definition.facts]
    if unknown:
        known = {*definition.facts, *definition.parties}
        raise UsageError(f"process {definition.process} has no fact or party '{unknown[0]}'{nearest(unknown[0], known)}")
    parties = {name: read_contact(word) for name, word in given.items() if name in definition.parties}
    rest = {name: word for name, word in given.items() if name not in definition.parties}
    return fact_values(definition, rest, zone), parties


def fact_values(definition: Definition, given: Mapping[str, str], zone: ZoneInfo) -> dict[str, FactValue]:
    """The values of facts. Raises `UsageError` naming every unknown fact and wrong value, one a line."""
    found: dict[str, FactValue] = {}
    wrong: list[str] = []
    for name, word in given.items():
        fact = definition.fact(name)
        try:
            if fact is None:
                raise UsageError(f"unknown fact '{name}'{nearest(name, definition.facts)}")
            found[name] = read_value(fact, word, zone)
        except UsageError as error:
            wrong.append(str(error))
    if wrong:
        raise UsageError("\n".join(wrong))
    return found


def read_value(fact: FactDef, word: str, zone: ZoneInfo) -> FactValue:
    """One fact. Dates are local; an instant without an offset is refused. Raises `UsageError`."""
    readers: Mapping[str, Callable[[FactDef, str], FactValue]] = {
        "bool": _bool, "int": _int, "date": _date, "instant": _instant, "choice": _choice, "set": _set,
        "contacts": lambda _, text: tuple(read_contact(part) for part in re.split(r"\n|\|", text) if part.strip())}
    return readers.get(fact.type.kind, _text)(fact, word)


def read_contact(word: str) -> Contact:
    """`Ana Ruiz <ana@example.org>; language=es; address=12 Oak St; paper`. Raises `UsageError`."""
    first, *rest = word.split(";")
    match = _CONTACT.fullmatch(first)
    if match is None or _CONTROL.search(word):
        raise UsageError(f"'{first.strip()}' is no contact: write 'Ana Ruiz <ana@example.org>; language=es'")
    extra = dict(_extra(part.strip()) for part in rest if part.strip())
    return Contact(match[1], match[2], extra.get("language", "en"), extra.get("address", ""), "paper" in extra)


def _extra(part: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if (name.strip(), bool(equals)) not in (("language", True), ("address", True), ("paper", False)):
        raise UsageError(f"'{part}' is no part of a contact: write language=es, address=12 Oak St or paper")
    return name.strip(), value.strip()


def _bool(fact: FactDef, word: str) -> bool:
    if word.lower() not in _YES + _NO:
        raise UsageError(f"{fact.name}: '{word}' is neither yes nor no")
    return word.lower() in _YES


def _int(fact: FactDef, word: str) -> int:
    if not re.fullmatch(r"-?\d{1,9}", word.strip()):
        raise UsageError(f"{fact.name}: '{word}' is not a whole number")
    return int(word)


def _date(fact: FactDef, word: str) -> dt.date:
    try:
        return dt.date.fromisoformat(word.strip())
    except ValueError:
        raise UsageError(f"{fact.name}: '{word}' is not a date: write it as 2026-07-01") from None


def _instant(fact: FactDef, word: str) -> dt.datetime:
    try:
        instant = dt.datetime.fromisoformat(word.strip())
    except ValueError:
        raise UsageError(f"{fact.name}: '{word}' is no instant: write it as 2026-07-01T14:00-05:00") from None
    if instant.tzinfo is None:
        raise UsageError(f"{fact.name}: '{word}' has no time zone: add Z or an offset such as -06:00")
    return instant.astimezone(dt.UTC)


def _choice(fact: FactDef, word: str) -> str:
    if word not in fact.type.options:
        raise UsageError(f"{fact.name}: '{word}' is unknown{nearest(word, fact.type.options)}")
    return word


def _set(fact: FactDef, word: str) -> frozenset[str]:
    return frozenset(_choice(fact, part.strip()) for part in word.split(",") if part.strip())


def _text(fact: FactDef, word: str) -> str:
    if not word.strip() or len(word) > MAX_TEXT or _CONTROL.search(word):
        raise UsageError(f"{fact.name}: write 1 to {MAX_TEXT:,} characters without control characters")
    return word.strip()
