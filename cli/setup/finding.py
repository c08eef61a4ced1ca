"""What a look at one thing before go-live found."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Weight = Literal["ready", "note", "missing"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`missing` holds the go-live up, a `note` does not; `do` is the command that mends it."""

    what: str
    weight: Weight
    says: str
    do: str = ""


def edit(file: Path | str) -> str:
    """The command that opens a file for whoever called: behind sudo it is not theirs."""
    return f"{'sudoedit' if 'SUDO_USER' in os.environ else 'editor'} {file}"


def ready(what: str, says: str) -> Finding:
    return Finding(what, "ready", says)


def note(what: str, says: str, do: str) -> Finding:
    return Finding(what, "note", says, do)


def missing(what: str, says: str, do: str) -> Finding:
    return Finding(what, "missing", says, do)
