"""The watchdog of systemd: a daemon that moves says so, one that is stuck is killed by it and started again.

A heartbeat may rightly take long: a relay may think ten minutes about the last dot of one mail. So it is not the beat
that tells, but whether anything has moved: a beat has begun or ended, a batch or a mail was taken in hand.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

LONGEST = 15 * 60.0
"""Seconds in which something has moved in a daemon that is not stuck."""


@dataclass(slots=True)
class Pulse:
    at: float = field(default_factory=time.monotonic)

    def moved(self) -> None:
        self.at = time.monotonic()

    def is_stuck(self) -> bool:
        return time.monotonic() - self.at > LONGEST


@contextmanager
def watched(pulse: Pulse, tell: Callable[[str], object]) -> Iterator[None]:
    """Tells as often as systemd wants it, for the length of the block and as long as the pulse moves."""
    seconds = _every()
    if seconds is None:
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(pulse, tell, seconds, ended), name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


def _watch(pulse: Pulse, tell: Callable[[str], object], seconds: float, ended: threading.Event) -> None:
    while True:
        if not pulse.is_stuck():
            tell("WATCHDOG=1")
        if ended.wait(seconds):
            return


def _every() -> float | None:
    """A third of the time after which systemd takes this process for stuck; None where it does not watch it."""
    word, whose = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not word.isdecimal() or (whose and whose != str(os.getpid())):
        return None
    return int(word) / 3_000_000
