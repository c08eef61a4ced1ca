"""What the import of an audience records: how many there are, and how many read a language in which no letter is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from engine.model.case import FactValue
from engine.model.definition import OTHER_LANGUAGES, UNWRITTEN, AudienceDef, Definition

NONE = "none"


def letter_languages(definition: Definition, audience: AudienceDef) -> frozenset[str]:
    """The languages in which every mail to an audience is written."""
    texts = [set(mail.texts) for mail in definition.mails.values()
             if mail.to.kind == "audience" and mail.to.name == audience.name]  # fmt: skip
    return frozenset(set.intersection(*texts)) if texts else frozenset()


def facts_of_import(
    definition: Definition, audience: AudienceDef, languages: Iterable[str]
) -> Mapping[str, FactValue]:
    """The facts of an import, from the language of each that was imported."""
    count = Counter(languages)
    written = letter_languages(definition, audience)
    unwritten = {language: number for language, number in sorted(count.items()) if language not in written}
    known: dict[str, FactValue] = {
        OTHER_LANGUAGES: sum(unwritten.values()),
        UNWRITTEN: ", ".join(f"{language} ({number:,})" for language, number in unwritten.items()) or NONE,
    }
    asked = {fact: known[word] if word in known else count[word] for word, fact in audience.languages.items()}
    return {audience.counted: count.total(), **asked}
