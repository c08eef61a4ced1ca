"""A row that kills the process, made on purpose: `SOPPA_FAILPOINT=timer/17`, in a home marked as demo only.

The tests of faults hold the daemon to its promise with it: five such ends are an incident, and the others go on.
"""

from __future__ import annotations

import datetime as dt
import os
import signal

from cli.settings import Settings
from engine.ports import InHandKind, OutboxRow, Taking
from notifiers.compose import Composed
from notifiers.relay import Compose

VARIABLE = "SOPPA_FAILPOINT"


def dying(settings: Settings, compose: Compose) -> Compose:
    """`compose`, or one that dies at the mail named."""
    named = _named(settings)
    if named is None:
        return compose

    def until_then(row: OutboxRow, now: dt.datetime) -> Composed | None:
        _die_at(f"mail/{row.id}", named)
        return compose(row, now)

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
