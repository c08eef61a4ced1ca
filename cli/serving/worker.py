"""The daemon: a heartbeat that calls four idempotent functions, and the pages beside it when asked for.

The rows are the only truth; APScheduler only ticks (in memory, one run at a time, never late). What a beat does not
finish the next one does, after a crash as well. SIGTERM: no new beat, at most 8 s for the one in hand, out within 10 s.
Several workers share the work in another way (`cli.serving.crew`).
"""

from __future__ import annotations

import datetime as dt
import fcntl
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Protocol

from apscheduler.schedulers.background import BackgroundScheduler

from cli.serving.clockwatch import gap, trouble
from cli.serving.telling import Failing
from cli.serving.watchdog import Pulse, watched
from engine.errors import WrongEnvironment

BATCH = 50
BEAT = 1.0
"""Seconds between heartbeats."""

RESCUE_EVERY = dt.timedelta(minutes=1)
MARK_EVERY = dt.timedelta(seconds=30)
PATIENCE = 8.0
"""Seconds that the work in hand gets after SIGTERM."""

log = logging.getLogger("soppa")
Work = Callable[[dt.datetime, int], int]


@dataclass(frozen=True, slots=True)
class Duties:
    """What a beat calls. Each is idempotent and says how much it did; `idle` is a cheap look at the tables."""

    tick: Work
    advance: Work
    relay: Work
    rescue: Callable[[dt.datetime], object]
    idle: Callable[[dt.datetime], bool]
    high_water: Callable[[], dt.datetime | None]
    set_high_water: Callable[[dt.datetime], None]
    was_off: Callable[[dt.datetime, dt.datetime, int], object] | None = None
    """Told once of a gap: from when, until when, and how much was done since."""

    alive: Callable[[dt.datetime], object] = lambda now: None
    """A sign of life of this process, left in the database."""


class Daemon(Protocol):
    """What works until `stop` is set."""

    stop: threading.Event

    def at_work(self) -> AbstractContextManager[None]:
        """At work in the background for the length of the block; `stop` is set at its end."""

    def rests(self, patience: float) -> bool:
        """Waits so many seconds for the work in hand; whether that has ended."""


@dataclass(slots=True)
class Heart:
    """Beats on one thread. `stop` is looked at between pieces of work."""

    duties: Duties
    clock: Callable[[], dt.datetime]
    stop: threading.Event = field(default_factory=threading.Event)
    working: threading.Lock = field(default_factory=threading.Lock)
    pulse: Pulse = field(default_factory=Pulse)
    rescued_at: dt.datetime | None = None
    mark: dt.datetime | None = None
    told: str | None = None
    failing: Failing = field(default_factory=Failing)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        with beating(self), watched(self.pulse, notify):
            yield

    def rests(self, patience: float) -> bool:
        return self.working.acquire(timeout=max(0.0, patience))

    def beat(self) -> int:
        """One heartbeat: does what is due now and says how much that was. Never raises: an error is logged."""
        with self.working:
            self.pulse.moved()
            try:
                done = self._beat(self.clock())
            except Exception as error:
                self.failing.tell("heartbeat failed (%s); it is tried again each second", error)
                return 0
            else:
                self.failing.over()
                return done
            finally:
                self.pulse.moved()

    def _beat(self, now: dt.datetime) -> int:
        self._rescue(now)
        paused = self._paused(now)
        done = 0 if self.duties.idle(now) else self._work(now, paused)
        if not paused:
            self._mark(now, done)
        return done

    def _work(self, now: dt.datetime, paused: bool) -> int:
        """Links and alarms go on while deadline work is paused: the relay always runs."""
        works = (self.duties.relay,) if paused else (self.duties.tick, self.duties.advance, self.duties.relay)
        done = 0
        for work in works:
            if not self.stop.is_set():
                done += self._until_done(work, now)
        return done

    def _until_done(self, work: Work, now: dt.datetime) -> int:
        """A backlog is worked off in batches; after ten of them the others get their turn."""
        total = 0
        for _ in range(10):
            self.pulse.moved()
            done = work(now, BATCH)
            total += done
            if done < BATCH or self.stop.is_set():
                break
        return total

    def _paused(self, now: dt.datetime) -> bool:
        """Says a trouble once when it begins, and once when it is over."""
        found = trouble(now, self.mark)
        if found is not None or self.mark is None:
            self.mark = self.duties.high_water()
            found = trouble(now, self.mark)
        if found is not None and self.told is None:
            log.error("%s", found)
        if found is None and self.told is not None:
            log.warning("the clock is believed again; deadline work goes on")
        self.told = found
        return found is not None

    def _mark(self, now: dt.datetime, done: int) -> None:
        if gap(now, self.mark) is not None:
            self._tell_gap(now, done)
        if self.mark is None or now - self.mark >= MARK_EVERY:
            self.duties.set_high_water(now)
            self.mark = now

    def _tell_gap(self, now: dt.datetime, done: int) -> None:
        """Not when another worker was awake meanwhile, or has told it already."""
        last = self.duties.high_water()
        silence = gap(now, last)
        if silence is None or last is None:
            return
        log.warning("%s", silence)
        if self.duties.was_off is not None:
            self.duties.was_off(last, now, done)

    def _rescue(self, now: dt.datetime) -> None:
        if self.rescued_at is None or abs(now - self.rescued_at) >= RESCUE_EVERY:
            self.duties.rescue(now)
            self.rescued_at = now


@contextmanager
def beating(heart: Heart) -> Iterator[None]:
    """Runs the heartbeat in the background for the length of the block."""
    scheduler = BackgroundScheduler(timezone=dt.UTC)
    scheduler.add_job(heart.beat, "interval", seconds=BEAT, max_instances=1, coalesce=True, misfire_grace_time=None,
                      next_run_time=dt.datetime.now(dt.UTC))
    scheduler.start()
    try:
        yield
    finally:
        heart.stop.set()
        scheduler.shutdown(wait=False)


@contextmanager
def only_daemon(lock: Path | None) -> Iterator[None]:
    """Holds the one daemon's place on a SQLite file; `None` (PostgreSQL) lets many run. Raises `WrongEnvironment`."""
    if lock is None:
        yield
        return
    held = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(held, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(held)
        raise WrongEnvironment(f"process {holder} is this home's daemon already: stop it first, or use PostgreSQL for "
                               "several") from error
    os.ftruncate(held, 0)
    os.write(held, f"{os.getpid()}\n".encode())
    try:
        yield
    finally:
        os.close(held)


def run(
    daemon: Daemon,
    lock: Path | None,
    pages: AbstractContextManager[None] | None = None,
    ready: Callable[[], object] = lambda: None,
) -> None:
    """Works until SIGTERM or SIGINT, with `pages` open all the while when given. `ready` is called once at work."""
    quiet()
    with only_daemon(lock):
        catch_signals(daemon.stop)
        with pages or nullcontext(), daemon.at_work():
            notify("READY=1")
            ready()
            daemon.stop.wait()
            ends = time.monotonic() + PATIENCE
            notify("STOPPING=1")
        leave(daemon, ends - time.monotonic())


def leave(daemon: Daemon, patience: float) -> None:
    """Waits for the work in hand, then leaves in any case: what is not committed was not done."""
    if not daemon.rests(max(0.0, patience)):
        log.warning("the work in hand did not end within %d s: the next start looks after it", PATIENCE)
        logging.shutdown()
        os._exit(0)


def catch_signals(stop: threading.Event) -> None:
    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)


def quiet() -> None:
    """Our own log lines hold ids only; those of libraries would only say that they work."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.Formatter.converter = time.gmtime
    for name in ("apscheduler", "procrastinate", "psycopg.pool", "transitions"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def notify(message: str) -> None:
    """Tells systemd, where it listens (`Type=notify`)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as told:
        told.connect("\0" + address[1:] if address.startswith("@") else address)
        told.send(message.encode())
