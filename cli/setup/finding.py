"""What a look at one thing before go-live found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Weight = Literal["ready", "note", "missing"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`missing` holds the go-live up, a `note` does not; `do` is the command that mends it."""

    what: str
    weight: Weight
    says: str
    do: str = ""


def ready(what: str, says: str) -> Finding:
    return Finding(what, "ready", says)


def note(what: str, says: str, do: str) -> Finding:
    return Finding(what, "note", says, do)


def missing(what: str, says: str, do: str) -> Finding:
    return Finding(what, "missing", says, do)
