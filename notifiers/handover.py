"""Mails on their way over several connections, and what is committed of them: before each leaves, and how it went.

A commit waits for the disk, which takes longer than a mail does. So what several connections ask for is committed
together; each has one mail in hand at most, and only those are in doubt when the process ends.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

GATHER = 0.005
"""Seconds that a connection waits for the others, so that one commit is for all of them."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    address: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one hand-over went.

    accepted: the relay said 250 to the final dot. deferred: not taken, try again later. failed: refused for good.
    uncertain: the final dot may have been taken, nobody knows. stopped: lost or cancelled, nothing was sent.
    `reply` holds the relay's words. `outage`: the relay itself is out of reach, no other mail will fare better.
    """

    state: Literal["accepted", "deferred", "failed", "uncertain", "stopped"]
    reply: str
    outage: bool = False


Keep = Callable[[Sequence[int], Sequence[tuple[int, Delivery]]], Collection[int]]
"""Commits at once which mails, by their numbers, are being handed over from now on, and how others went; gives those of
the first that may leave."""


class Handover:
    """The mails of one pass. Its methods are called on the loop; `keep` stops the loop for the length of a commit."""

    def __init__(self, mails: Sequence[Outgoing], keep: Keep) -> None:
        self.mails = mails
        self.left = deque(range(len(mails)))
        self.outage: Delivery | None = None
        self._keep = keep
        self._in_hand: set[int] = set()
        self._asking: dict[int, asyncio.Future[bool]] = {}
        self._done: list[tuple[int, Delivery]] = []
        self._lanes = 0
        self._planned: asyncio.TimerHandle | None = None
        self._error: BaseException | None = None
        self._over = asyncio.Event()

    @contextmanager
    def talking(self) -> Iterator[None]:
        """The life of a connection's part in it."""
        self._lanes += 1
        try:
            yield
        finally:
            self._lanes -= 1
            self._look()

    @property
    def goes_on(self) -> bool:
        return bool(self.left) and self.outage is None and self._error is None

    def next(self) -> int | None:
        if not self.goes_on:
            return None
        number = self.left.popleft()
        self._in_hand.add(number)
        return number

    def back(self, number: int) -> None:
        """Leaves a mail of which nothing was handed over to the other connections, or to another pass."""
        self._in_hand.discard(number)
        self.left.appendleft(number)

    def without(self, down: Delivery) -> None:
        """One connection less; the last one decides whether the relay is down."""
        if self._lanes == 1:
            self.outage = down

    async def may_go(self, number: int) -> bool:
        """Answers after the commit in which the mail is being handed over."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asking[number] = answer
        self._look()
        return await answer

    def went(self, number: int, delivery: Delivery) -> None:
        """Written with the next commit, at the latest when nobody asks for one any more."""
        self._done.append((number, delivery))
        if delivery.outage:
            self.outage = delivery
        self.refused(number)

    def refused(self, number: int) -> None:
        self._in_hand.discard(number)
        self._look()

    async def over(self, lanes: Iterable[asyncio.Future[None]]) -> None:
        """Until no mail is in hand, and none can be taken any more."""
        for lane in lanes:
            lane.add_done_callback(lambda _: self._look())
        await self._over.wait()

    def stop(self) -> None:
        """Nothing more leaves. What waits for its commit is the caller's to cancel."""
        self.outage = self.outage or (Delivery("deferred", "stopped", outage=True) if self.left else None)
        self._asking.clear()

    def finish(self) -> None:
        """Writes what is not written yet. Raises what `keep` raised."""
        if self.outage is not None and self._error is None:
            self._done += [(number, self.outage) for number in self.left]
        if self._done:
            self._commit()
        if self._planned is not None:
            self._planned.cancel()
        if self._error is not None:
            raise self._error

    def _look(self) -> None:
        """Commits now when every connection waits for it, else a little later."""
        if self._asking and len(self._asking) >= self._lanes:
            self._commit()
        elif self._planned is None and (self._asking or self._done):
            self._planned = asyncio.get_running_loop().call_later(GATHER, self._commit)
        if not self._in_hand and (not self.goes_on or not self._lanes):
            self._over.set()

    def _commit(self) -> None:
        if self._planned is not None:
            self._planned.cancel()
            self._planned = None
        asking, self._asking = self._asking, {}
        done, self._done = self._done, []
        allowed: Collection[int] = ()
        try:
            if asking or done:
                allowed = self._keep(list(asking), done)
        except BaseException as error:
            self._error = self._error or error
        for number, answer in asking.items():
            if not answer.done():
                answer.set_result(number in allowed)
