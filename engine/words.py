"""Texts and values as a reader gets them. Light: what only prints needs nothing else of the engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.model.case import Contact, FactValue, TableRow

LANGUAGES = ("en", "es")
"""What our own mails and pages are written in."""

Words = Mapping[str, str]
"""One text in several languages, by language code; `en` is always there."""


def say(words: Words, language: str) -> str:
    """The text in the language asked for, else in English."""
    return words.get(language) or words["en"]


def written(value: FactValue) -> str:
    """A fact as text: dates in ISO form, sets sorted and joined by commas, rows and contacts by semicolons."""
    match value:
        case bool():
            return "true" if value else "false"
        case dt.datetime() | dt.date():
            return value.isoformat()
        case frozenset():
            return ", ".join(sorted(value))
        case tuple():
            return "; ".join(_written_item(item) for item in value)
        case _:
            return str(value)


def _written_item(item: Contact | TableRow) -> str:
    cells = getattr(item, "cells", None)
    if cells is None:
        return item.name  # type: ignore[union-attr]
    return f"{item.key}: {', '.join(f'{name} {written(cell)}' for name, cell in cells.items())}"  # type: ignore[union-attr]
