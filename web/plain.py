"""A plain page of one title and one sentence instead of what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class PlainPage(Exception):
    """A page of one title and one sentence (`KEY_title` and `KEY_text` of the words) instead of what was asked for."""

    key: str
    status: int
    language: str
    values: Mapping[str, str] = field(default_factory=dict)


def unknown(language: str) -> PlainPage:
    """Whatever does not exist, and whatever this visitor may not know of, looks like this."""
    return PlainPage("unknown", 404, language)
