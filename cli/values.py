"""What was typed after `-f`, as facts and parties of a definition. Every wrong word is told, one a line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from engine.deciding.forms import FieldError, languages, read_values
from engine.deciding.forms import read_contact as read_name
from engine.errors import UsageError
from engine.model.case import Contact, FactValue
from engine.model.definition import Definition
from engine.nodes import nearest
from engine.words import LANGUAGES


def facts_and_parties(
    definition: Definition, given: Mapping[str, str], people: Collection[str] | None = None
) -> tuple[dict[str, FactValue], dict[str, Contact]]:
    """What a case starts with; a fact that names a person names one of `people`, where they are known.

    Raises `UsageError`.
    """
    known = {*definition.facts, *definition.parties}
    unknown = [f"process {definition.process} has no fact or party '{name}'{nearest(name, known)}"
               for name in given if name not in known]
    if unknown:
        raise UsageError("\n".join(unknown))
    known_languages = languages(definition)
    parties = {name: read_contact(name, word, known_languages)
               for name, word in given.items() if name in definition.parties}
    rest = {name: word for name, word in given.items() if name not in definition.parties}
    return fact_values(definition, rest, people), parties


def fact_values(
    definition: Definition, given: Mapping[str, str], people: Collection[str] | None = None
) -> dict[str, FactValue]:
    """The values of facts. Raises `UsageError` for unknown names, empty words, wrong values and, where `people` are
    known, somebody who is none of them."""
    unknown = [f"process {definition.process} has no fact '{name}'{nearest(name, definition.facts)}"
               for name in given if name not in definition.facts and name != "posted_on"]
    if unknown:
        raise UsageError("\n".join(unknown))
    values, errors = read_values(definition, [*definition.facts, "posted_on"], given, people=people)
    wrong = [f"{name}: {error}" for name, error in errors.items()]
    wrong += [f"{name}: nothing is given: write {name}=VALUE"
              for name in given if name not in values and name not in errors]
    if wrong:
        raise UsageError("\n".join(wrong))
    return dict(values)


def read_contact(name: str, word: str, known_languages: Collection[str] = LANGUAGES) -> Contact:
    """`Ana Ruiz <ana@example.org>; language=es; address=12 Oak St; paper`. Raises `UsageError`."""
    first, *rest = word.split(";")
    try:
        contact = read_name(first)
    except FieldError as error:
        raise UsageError(f"{name}: {error}") from error
    extra = dict(_extra(name, part.strip()) for part in rest if part.strip())
    language = extra.get("language", "en")
    if language not in known_languages:
        raise UsageError(f"{name}: nothing is written in the language '{language}'{nearest(language, known_languages)}")
    return replace(contact, language=language, address=extra.get("address", ""),
                   paper="paper" in extra)


def _extra(name: str, part: str) -> tuple[str, str]:
    key, equals, value = part.partition("=")
    if (key.strip(), bool(equals)) not in (("language", True), ("address", True), ("paper", False)):
        raise UsageError(f"{name}: '{part}' is no part of a contact: write language=es, address=12 Oak St or paper")
    return key.strip(), value.strip()
