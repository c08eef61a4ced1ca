"""What taking an answer back needs to know: what an answer leaves behind, and the command."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.model.case import Actor, Case

TAKEN_BACK = "the answer was taken back"
"""Why a mail is cancelled, and a clock void or counted again. A clock that is void for this begins anew when there is
cause."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Of an answer of staff: up to which instant it may be taken back. `answers` are the tasks with their outcomes.
    `barred` says why it may not be, and is empty where it may. Its mails leave at that instant where it `waits`."""

    until: dt.datetime
    answers: tuple[tuple[str, str], ...]
    barred: str = ""
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as the store kept it: whose it was and when, the `revision` of the case after it, the case as it was
    `before`, and the timers that waited then. Without `before` where it is `barred`. `left` says what of it is on its
    way or gone. `agreements` are those of the register that it has changed and that are as before again, `started` the
    children that do not begin, each with its process."""

    by: str
    at: dt.datetime
    until: dt.datetime
    revision: int
    answers: tuple[tuple[str, str], ...] = ()
    barred: str = ""
    before: Case | None = None
    timers: Mapping[str, dt.datetime] = field(default_factory=dict)
    left: str = ""
    agreements: tuple[str, ...] = ()
    started: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Undo:
    """Takes the last answer in a case back. `answered` is what the store kept of it; None where there is nothing, or
    nothing any more."""

    actor: Actor
    reason: str = ""
    answered: Kept | None = None
