"""One worker among several on a PostgreSQL database: Procrastinate deals out the work, the rows stay the only truth.

Its jobs are of two sorts. A *beat* looks at what is due and deals it out; a *batch* calls one of the four functions
until there is no more, or its shift is over. A job that is lost loses nothing, since the next beat deals the work anew,
and one that runs twice does nothing twice, since each row is claimed in the database.

Each worker has two lanes, so that no date waits for a mail.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ProcrastinateException
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager

from cli.serving.clockwatch import trouble
from cli.serving.telling import cause_of
from cli.serving.worker import BATCH, BEAT, PATIENCE, RESCUE_EVERY, Duties, Heart, Work, notify
from storage.base import Base
from storage.database import for_libpq, is_pooled
from storage.looking.waiting import Waiting, waiting
from storage.upkeep.jobs import lanes_at_work, make_job_tables

DATES, MAIL = "dates", "mail"
LANES = (DATES, MAIL)
FIRST = 10
"""The priority of beats and rescues; batches have 0, and the older one is first."""

SHIFT = 2.0
"""Seconds after which a batch lets the other jobs of its lane go first."""

ALIVE_EVERY, DEAD_AFTER = 10.0, 30.0
"""Seconds between signs of life, and without one after which a worker is taken for dead."""

LONGEST = {DATES: 90.0, MAIL: 20 * 60.0}
"""Seconds in which each job ends, or hangs: a relay may take ten minutes to answer one mail."""

AGAIN = 3.0
"""Seconds after which a worker whose database went away tries again."""

MANY = 1_000_000

log = logging.getLogger("soppa")


def workers_at_work(base: Base) -> int:
    return lanes_at_work(base, DEAD_AFTER) // len(LANES)


class Crew:
    """This process's part of the work. `size` is how many workers there should be."""

    def __init__(
        self, duties: Duties, clock: Callable[[], dt.datetime], base: Base, size: int, stop: threading.Event
    ) -> None:
        """Makes the tables of the jobs, where they are not there."""
        self.duties, self.clock, self.base, self.size, self.stop = duties, clock, base, size, stop
        self._works: Mapping[str, Work] = {"tick": duties.tick, "advance": duties.advance, "relay": duties.relay}
        self._heart = Heart(self._dealing(duties), clock, stop)
        self._due = Waiting(0, 0, 0)
        self._wanted: dict[str, int] = {}
        self._tasks: dict[str, Any] = {}
        self._since: dict[str, float] = {}
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="crew", daemon=True)
        make_job_tables(base, SchemaManager.get_schema())
        self._listens = not is_pooled(base.engine)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self.stop.set()

    def rests(self, patience: float) -> bool:
        self._thread.join(patience)
        return not self._thread.is_alive()

    # --- on its own thread: two lanes, and what wakes them -----------------------------------------------------------

    async def _run(self) -> None:
        """Starts over when the database went away."""
        asked = asyncio.ensure_future(asyncio.to_thread(self.stop.wait))
        while not self.stop.is_set():
            try:
                await self._until(asked)
            except Exception as error:
                _tell("the database went away", error)
            await asyncio.wait([asked], timeout=AGAIN)

    async def _until(self, asked: asyncio.Future[bool]) -> None:
        async with self._app().open_async() as app:
            parts = [*(_lane(app, name, listens=self._listens) for name in LANES), self._wake(), self._live()]
            at_work: list[asyncio.Future[Any]] = [asyncio.ensure_future(part) for part in parts]
            ended, _ = await asyncio.wait([asked, *at_work], return_when=asyncio.FIRST_COMPLETED)
            for one in at_work:
                one.cancel()
            await asyncio.gather(*at_work, return_exceptions=True)
            for one in ended - {asked}:
                one.result()

    def _app(self) -> App:
        kwargs = {"prepare_threshold": None, "connect_timeout": 10}
        app = App(connector=PsycopgConnector(
            conninfo=for_libpq(self.base.engine), kwargs=kwargs, min_size=1, max_size=4, timeout=10))
        for name, job in (("beat", self._beat), ("rescue", self._rescue)):
            self._tasks[name] = app.task(name=name, queue=DATES, queueing_lock=name, priority=FIRST)(job)
        for name in self._works:
            self._tasks[name] = app.task(name=name, queue=_lane_of(name))(self._batch(name))
        return app

    async def _wake(self) -> None:
        """Leaves a beat each second, and a rescue now and then. Seconds are those of a clock that nobody can set."""
        rescued = -RESCUE_EVERY.total_seconds()
        while True:
            await self._leave("beat")
            if time.monotonic() - rescued >= RESCUE_EVERY.total_seconds():
                rescued = time.monotonic()
                await self._leave("rescue")
            await asyncio.sleep(BEAT)

    async def _live(self) -> None:
        """Gives signs of life, unless a job hangs: then the watchdog ends this process."""
        while True:
            hung = [name for name, since in self._since.items() if time.monotonic() - since > LONGEST[name]]
            if hung:
                log.error("the %s have hung at one job for %d s", " and ".join(hung), LONGEST[hung[0]])
            else:
                await asyncio.to_thread(self.duties.alive, self.clock())
                notify("WATCHDOG=1")
            await asyncio.sleep(ALIVE_EVERY)

    async def _leave(self, name: str, lane: int | None = None) -> None:
        """Leaves a job, unless the same one waits already."""
        task = self._tasks[name]
        with suppress(AlreadyEnqueued):
            if lane is None:
                await task.defer_async()
            else:
                await task.configure(queueing_lock=f"{name}/{lane}").defer_async(lane=lane)

    # --- the jobs ----------------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        for name, count in (await self._do(DATES, self._look, {})).items():
            for lane in range(count):
                await self._leave(name, lane)

    async def _rescue(self) -> None:
        """What dead workers had in hand goes back by the leases of its rows; their jobs are taken away."""
        await self._do(DATES, lambda: self.duties.rescue(self.clock()), None)
        manager = self._tasks["rescue"].blueprint.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER):
            with suppress(ProcrastinateException):  # another worker's rescue was faster
                await manager.finish_job(job, status=Status.FAILED, delete_job=True)
        await manager.prune_stalled_workers(DEAD_AFTER)

    def _batch(self, name: str) -> Callable[[int], Awaitable[None]]:
        async def batch(lane: int) -> None:
            if await self._do(_lane_of(name), partial(self._shift, name), False) and not self.stop.is_set():
                await self._leave(name, lane)

        return batch

    async def _do(self, lane: str, work: Callable[[], Any], otherwise: object) -> Any:
        """What `work` gives; an error is told by its kind, and the next beat tries again."""
        self._since[lane] = time.monotonic()
        try:
            return await asyncio.to_thread(work)
        except Exception as error:
            _tell("a job failed", error)
            return otherwise
        finally:
            self._since.pop(lane, None)

    def _shift(self, name: str) -> bool:
        """Whether there is more when the shift is over. Links and alarms go on while the clock is not believed."""
        work, ends = self._works[name], time.monotonic() + SHIFT
        if name != "relay" and trouble(self.clock(), self.duties.high_water()) is not None:
            return False
        while not self.stop.is_set() and work(self.clock(), BATCH) >= BATCH:
            if time.monotonic() >= ends:
                return True
        return False

    # --- a beat: as the heart of a single worker beats, but that it deals out instead of doing ------------------------

    def _look(self) -> dict[str, int]:
        """How many batches of each sort are wanted now."""
        self._wanted = {}
        self._heart.beat()
        return self._wanted

    def _dealing(self, duties: Duties) -> Duties:
        def idle(now: dt.datetime) -> bool:
            self._due = waiting(self.base, now, BATCH * self.size)
            return self._due.total == 0

        def was_off(last: dt.datetime, now: dt.datetime, done: int) -> None:
            if duties.was_off is not None:
                duties.was_off(last, now, waiting(self.base, now, MANY).total)

        return replace(
            duties,
            tick=lambda now, limit: self._deal("tick", self._due.dates),
            advance=lambda now, limit: self._deal("advance", self._due.messages),
            relay=lambda now, limit: self._deal("relay", self._due.mails),
            rescue=lambda now: None,
            idle=idle,
            was_off=was_off,
        )

    def _deal(self, name: str, count: int) -> int:
        """A batch for each worker as far as there is work."""
        if count:
            self._wanted[name] = min(self.size, -(-count // BATCH))
        return 0


async def _lane(app: App, name: str, *, listens: bool) -> None:
    await app.run_worker_async(
        queues=[name], name=name, concurrency=1, fetch_job_polling_interval=BEAT, listen_notify=listens,
        delete_jobs="always", shutdown_graceful_timeout=PATIENCE, install_signal_handlers=False,
        update_heartbeat_interval=ALIVE_EVERY, stalled_worker_timeout=DEAD_AFTER)  # fmt: skip


def _lane_of(name: str) -> str:
    return MAIL if name == "relay" else DATES


def _tell(what: str, error: Exception) -> None:
    log.error("%s (%s); it is tried again", what, cause_of(error), exc_info=bool(os.environ.get("SOPPA_TRACE")))
