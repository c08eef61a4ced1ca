"""One pass over the outbox: claim, compose, hand over, settle, row by row. Run by the heartbeat; twice is harmless."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from engine.errors import SoppaError
from engine.ports import Outbox, OutboxRow, OutboxState
from notifiers.compose import Composed, NoAddress
from notifiers.smtp import Delivery

Compose = Callable[[OutboxRow, dt.datetime], Composed | None]

BACK_OFF = (dt.timedelta(minutes=1), dt.timedelta(minutes=5), dt.timedelta(minutes=15), dt.timedelta(hours=1))
LATER = dt.timedelta(hours=4)
TRIES = 16
"""Together with the pauses some 48 hours; then a deferred mail counts as failed."""

OUTAGE_PAUSE = dt.timedelta(minutes=1)
SICK_AFTER = 5


class Link(Protocol):
    """The way to the relay, as `smtp.SmtpLink` goes it."""

    def reachable(self) -> bool: ...

    def deliver(self, address: str, raw: bytes, on_handing_over: Callable[[], bool]) -> Delivery: ...


class Failures(Protocol):
    """Where failures are counted, as `engine.ports.Store` does."""

    def failed(self, kind: Literal["timer", "message", "mail"], ref: int, error: str, now: dt.datetime) -> int: ...


@dataclass(frozen=True, slots=True)
class RelayReport:
    """How many rows went which way. `outage`: the relay is down, the rest of the batch waits."""

    accepted: int = 0
    deferred: int = 0
    failed: int = 0
    uncertain: int = 0
    cancelled: int = 0
    outage: bool = False

    @property
    def done(self) -> int:
        return self.accepted + self.deferred + self.failed + self.uncertain + self.cancelled

    def with_one(self, state: OutboxState) -> RelayReport:
        match state:
            case "accepted":
                return replace(self, accepted=self.accepted + 1)
            case "failed":
                return replace(self, failed=self.failed + 1)
            case "uncertain":
                return replace(self, uncertain=self.uncertain + 1)
            case "cancelled":
                return replace(self, cancelled=self.cancelled + 1)
            case _:
                return replace(self, deferred=self.deferred + 1)


@dataclass(frozen=True, slots=True)
class Relay:
    """`now` reads the clock: handing a batch over may take minutes."""

    outbox: Outbox
    failures: Failures
    link: Link
    compose: Compose
    now: Callable[[], dt.datetime]

    def run(self, limit: int) -> RelayReport:
        """Sends at most `limit` mails. A sick row is counted and passed over; an outage ends the pass."""
        report = RelayReport()
        if not self.link.reachable():
            return replace(report, outage=True)
        for row in self.outbox.claim(self.now(), limit):
            if report.outage:
                self._wait(row, "the relay was out of reach")
                report = report.with_one("deferred")
                continue
            state, outage = self._one(row)
            report = replace(report.with_one(state) if state else report, outage=outage)
        return report

    def _one(self, row: OutboxRow) -> tuple[OutboxState | None, bool]:
        """Its new state, None when another process has taken the row; and whether the relay is down."""
        try:
            ready = self._prepared(row)
        except NoAddress as error:
            return self._settled(row, "failed", str(error)), False
        except Exception as error:
            return self._sick(row, error), False
        if isinstance(ready, str):
            return self._settled(row, "cancelled", ready), False
        if ready is None or ready.address is None or ready.raw is None:
            return None, False
        delivery = self.link.deliver(ready.address, ready.raw, lambda: self.outbox.handing_over(row, self.now()))
        return self._recorded(row, delivery), delivery.outage

    def _prepared(self, row: OutboxRow) -> OutboxRow | str | None:
        """The row with its bytes; why there is nothing to send; or None when the claim was lost."""
        if row.raw is not None:
            return row
        now = self.now()
        composed = self.compose(row, now)
        if composed is None:
            return "there is nothing to say any more: the task is closed or somebody else's, or the code has run out"
        kept = self.outbox.prepare(row, address=composed.address, message_id=composed.message_id, raw=composed.raw,
                                   links=composed.links, now=now)
        if not kept:
            return None
        return replace(row, address=composed.address, message_id=composed.message_id, raw=composed.raw)

    def _recorded(self, row: OutboxRow, delivery: Delivery) -> OutboxState | None:
        if delivery.state == "stopped":
            return None
        if delivery.state != "deferred":
            return self._settled(row, delivery.state, delivery.reply)
        if delivery.outage:
            return self._wait(row, delivery.reply)
        if row.attempts >= TRIES:
            return self._settled(row, "failed", f"given up after {row.attempts} tries: {delivery.reply}")
        now = self.now()
        self.outbox.settle(row, "deferred", delivery.reply, now, now + pause(row.attempts))
        return "deferred"

    def _wait(self, row: OutboxRow, reply: str) -> OutboxState:
        """The relay's trouble is not the mail's: it is tried again soon, and never given up for that."""
        now = self.now()
        self.outbox.settle(row, "deferred", reply, now, now + OUTAGE_PAUSE)
        return "deferred"

    def _settled(self, row: OutboxRow, state: OutboxState, reply: str) -> OutboxState:
        self.outbox.settle(row, state, reply, self.now())
        return state

    def _sick(self, row: OutboxRow, error: Exception) -> OutboxState:
        """Counts the failure. The fifth makes an incident, and the case learns that the mail failed."""
        text = str(error) if isinstance(error, SoppaError) else f"the mail cannot be made ({type(error).__name__})"
        now = self.now()
        tries = self.failures.failed("mail", row.id, text, now)
        if tries >= SICK_AFTER:
            return self._settled(row, "failed", text)
        self.outbox.settle(row, "deferred", text, now, now + pause(tries))
        return "deferred"


def pause(attempts: int) -> dt.timedelta:
    """How long a mail waits after its so-many-th try (from 1): 1, 5, 15, 60 minutes, then 4 hours."""
    return BACK_OFF[attempts - 1] if attempts <= len(BACK_OFF) else LATER
