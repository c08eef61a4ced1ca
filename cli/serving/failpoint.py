"""A row that kills the process, made on purpose: `SOPPA_FAILPOINT=timer/17`, in a home marked as demo only; and a clock
that a test moves, for processes that it starts: `SOPPA_PLAYED_CLOCK=FILE`.

The tests of faults hold the daemon to its promise with it: five such ends are an incident, and the others go on.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from cli.settings import Settings
from cli.wiring import Clock
from engine.model.handed import OutboxRow
from engine.ports import InHandKind, Taking
from notifiers.compose import Compose, Composed, ComposeOne

VARIABLE = "SOPPA_FAILPOINT"
PLAYED = "SOPPA_PLAYED_CLOCK"


def dying(settings: Settings, compose: Compose) -> Compose:
    """`compose`, or one that dies at the mail named."""
    named = _named(settings)
    if named is None:
        return compose

    def until_then(rows: Sequence[OutboxRow], now: dt.datetime) -> ComposeOne:
        compose_one = compose(rows, now)

        def one(row: OutboxRow) -> Composed | None:
            _die_at(f"mail/{row.id}", named)
            return compose_one(row)

        return one

    return until_then


def taking_or_dying(settings: Settings, take: Taking) -> Taking:
    """`take`, or one that dies once it has noted the row named."""
    named = _named(settings)
    if named is None:
        return take

    def until_then(kind: InHandKind, ref: int) -> None:
        take(kind, ref)
        _die_at(f"{kind}/{ref}", named)

    return until_then


def clock_of(settings: Settings, clock: Clock) -> Clock:
    """`clock`, or one that several processes read from a file that a test moves on."""
    named = os.environ.get(PLAYED) if settings.demo else None
    return clock if named is None else partial(_read, Path(named))


def _read(file: Path) -> dt.datetime:
    return dt.datetime.fromisoformat(file.read_text("ascii"))


def dies_at(settings: Settings, here: str) -> None:
    """Ends the process, where this place is named."""
    named = _named(settings)
    if named is not None:
        _die_at(here, named)


def _named(settings: Settings) -> str | None:
    return os.environ.get(VARIABLE) if settings.demo else None


def _die_at(here: str, named: str) -> None:
    if here == named:
        os.kill(os.getpid(), signal.SIGKILL)
