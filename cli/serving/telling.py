"""What a daemon's log says of work that failed: its cause, and not the same words each second."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass

from engine.errors import WrongEnvironment

EVERY = 60.0
"""Seconds after which a failure that lasts is told again."""

log = logging.getLogger("soppa")


def cause_of(error: Exception) -> str:
    """What may stand in a log: the environment's faults as they are told everywhere, others by their kind, since their
    text could be personal."""
    if isinstance(error, WrongEnvironment):
        return str(error)
    return f"{type(error).__name__}: {error.strerror}" if isinstance(error, OSError) else type(error).__name__


@dataclass(slots=True)
class Failing:
    """Something that is tried again and again."""

    cause: str = ""
    told_at: float = 0.0

    def tell(self, sentence: str, error: Exception) -> None:
        """At once when the cause is a new one, else each minute. `sentence` has a place for the cause."""
        cause, now = cause_of(error), time.monotonic()
        if cause != self.cause or now - self.told_at >= EVERY:
            log.error(sentence, cause, exc_info=bool(os.environ.get("SOPPA_TRACE")))
            self.cause, self.told_at = cause, now

    def over(self) -> None:
        self.cause = ""
