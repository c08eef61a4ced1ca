"""Texts and values as a reader gets them. Light: what only prints needs nothing else of the engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.case import FactValue

LANGUAGES = ("en", "es")
"""What our own mails and pages are written in."""

Words = Mapping[str, str]
"""One text in several languages, by language code; `en` is always there."""


def say(words: Words, language: str) -> str:
    """The text in the language asked for, else in English."""
    return words.get(language) or words["en"]


def written(value: FactValue) -> str:
    """A fact as text: dates in ISO form, sets and lists sorted and joined by commas."""
    match value:
        case bool():
            return "true" if value else "false"
        case dt.datetime() | dt.date():
            return value.isoformat()
        case frozenset():
            return ", ".join(sorted(value))
        case tuple():
            return ", ".join(contact.name for contact in value)
        case _:
            return str(value)
