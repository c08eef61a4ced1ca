"""One pass over the outbox: claim, compose, hand over, settle. Run by the heartbeat; twice is harmless."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from engine.errors import SoppaError
from engine.model.handed import Made, OutboxRow, OutboxState, Went
from engine.ports import Outbox
from notifiers.compose import Compose, Composed, ComposeOne, NoAddress
from notifiers.handover import Delivery, Keep, Outgoing

BACK_OFF = (dt.timedelta(minutes=1), dt.timedelta(minutes=5), dt.timedelta(minutes=15), dt.timedelta(hours=1))
LATER = dt.timedelta(hours=4)
TRIES = 16
"""Together with the pauses some 48 hours; then a deferred mail counts as failed."""

NOTHING_TO_SAY = "there is nothing to say any more: the task is closed or somebody else's, or the code has run out"
OUTAGE_PAUSE = dt.timedelta(minutes=1)
SICK_AFTER = 5


class Link(Protocol):
    """The way to the relay, as `smtp.SmtpLink` goes it."""

    def reachable(self) -> bool: ...

    def deliver_all(self, mails: Sequence[Outgoing], keep: Keep) -> None: ...


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

    def plus(self, states: Sequence[OutboxState], outage: bool) -> RelayReport:
        more = Counter(states)
        return RelayReport(self.accepted + more["accepted"], self.deferred + more["deferred"],
                           self.failed + more["failed"], self.uncertain + more["uncertain"],
                           self.cancelled + more["cancelled"], self.outage or outage)


@dataclass(frozen=True, slots=True)
class Quota:
    """How many mails the relay takes in a local day, and after how many of them letters to many wait. `told` hears how
    many mails wait once there is no room for them."""

    mails: int
    letters: int
    told: Callable[[int, dt.datetime], object]


@dataclass(frozen=True, slots=True)
class Relay:
    """`now` reads the clock: handing a batch over may take minutes."""

    outbox: Outbox
    failures: Failures
    link: Link
    compose: Compose
    now: Callable[[], dt.datetime]
    quota: Quota | None = None

    def run(self, limit: int) -> RelayReport:
        """Sends at most `limit` mails. A sick row is counted and passed over; an outage ends the pass."""
        if not self.link.reachable():
            return RelayReport(outage=True)
        batch = _Batch(self)
        batch.make(self._claimed(limit))
        if batch.ready:
            self.link.deliver_all([Outgoing(row.address or "", row.raw or b"") for row in batch.ready], batch.keep)
        return batch.report

    def _claimed(self, limit: int) -> Sequence[OutboxRow]:
        """As many as the day still has room for."""
        now = self.now()
        if self.quota is None:
            return self.outbox.claim(now, limit)
        count = self.outbox.day_count(now)
        room, letters = self.quota.mails - count.taken, self.quota.letters - count.taken
        rows = self.outbox.claim(now, max(0, min(limit, room)), max(0, letters))
        if min(room, letters) <= 0 and count.waiting > len(rows):
            self.quota.told(count.waiting - len(rows), now)
        return rows


class _Batch:
    """The mails of one pass."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.ready: list[OutboxRow] = []
        self.report = RelayReport()

    def make(self, rows: Sequence[OutboxRow]) -> None:
        """Composes what has no bytes yet, and keeps them all in one commit. What cannot be made, or has nothing to say,
        is settled."""
        now = self.relay.now()
        new = [row for row in rows if row.raw is None]
        compose = self._composing(new, now)
        made, went = [], []
        for row in new:
            found = self._made(row, compose)
            if isinstance(found, Made):
                made.append(found)
            elif found is not None:
                went.append(found)
        kept = self._prepared(made, now)
        self._settle(went)
        self.ready = [kept.get(row.id, row) for row in rows if row.raw is not None or row.id in kept]

    def keep(self, asking: Sequence[int], done: Sequence[tuple[int, Delivery]]) -> Collection[int]:
        """Says which of `ready` may be handed over. One whose outcome cannot be written takes no other with it."""
        now = self.relay.now()
        went = [_outcome(self.ready[number], delivery, now) for number, delivery in done]
        wanted = [self.ready[number] for number in asking]
        try:
            allowed = self.relay.outbox.record(wanted, went, now)
        except Exception:
            if not went:
                raise
            went = [each for each in went if self._recorded(each, now)]
            allowed = self.relay.outbox.record(wanted, (), now)
        self._count(went, outage=any(delivery.outage for _, delivery in done))
        return [number for number in asking if self.ready[number].id in allowed]

    def _composing(self, rows: Sequence[OutboxRow], now: dt.datetime) -> ComposeOne:
        """What composes each; where even the office cannot be read, that is what is wrong with each."""
        try:
            return self.relay.compose(rows, now)
        except Exception as error:
            return _unable(error)

    def _made(self, row: OutboxRow, compose: ComposeOne) -> Made | Went | None:
        try:
            found = compose(row)
        except NoAddress as error:
            return Went(row, "failed", str(error))
        except Exception as error:
            self._sick(row, error)
            return None
        return Went(row, "cancelled", NOTHING_TO_SAY) if found is None else _of(row, found)

    def _prepared(self, made: Sequence[Made], now: dt.datetime) -> dict[int, OutboxRow]:
        """The rows with their bytes, but for those whose claim was lost."""
        try:
            kept = set(self.relay.outbox.prepare(made, now))
        except Exception:
            kept = {each.row.id for each in made if self._prepared_alone(each, now)}
        return {each.row.id: _with_text(each) for each in made if each.row.id in kept}

    def _prepared_alone(self, made: Made, now: dt.datetime) -> bool:
        try:
            return made.row.id in self.relay.outbox.prepare([made], now)
        except Exception as error:
            self._sick(made.row, error)
            return False

    def _recorded(self, went: Went, now: dt.datetime) -> bool:
        try:
            self.relay.outbox.record((), [went], now)
        except Exception:  # it stays handing over, and is in doubt by name when its time has run out
            return False
        return True

    def _settle(self, went: Sequence[Went]) -> None:
        if went:
            self.relay.outbox.record((), went, self.relay.now())
            self._count(went)

    def _sick(self, row: OutboxRow, error: Exception) -> None:
        """Counts the failure. The fifth makes an incident, and the case learns that the mail failed."""
        text = str(error) if isinstance(error, SoppaError) else f"the mail cannot be made ({type(error).__name__})"
        now = self.relay.now()
        tries = self.relay.failures.failed("mail", row.id, text, now)
        if tries >= SICK_AFTER:
            self._settle([Went(row, "failed", text)])
        else:
            self._settle([Went(row, "deferred", text, now + pause(tries))])

    def _count(self, went: Sequence[Went], *, outage: bool = False) -> None:
        self.report = self.report.plus([each.state for each in went], outage)


def _unable(error: Exception) -> ComposeOne:
    def one(row: OutboxRow) -> Composed | None:
        raise error

    return one


def _of(row: OutboxRow, found: Composed) -> Made:
    return Made(row, found.address, found.message_id, found.raw, found.links)


def _with_text(made: Made) -> OutboxRow:
    hashes = frozenset(link.token_hash for link in made.links)
    return replace(made.row, address=made.address, message_id=made.message_id, raw=made.raw, hashes=hashes)


def _outcome(row: OutboxRow, delivery: Delivery, now: dt.datetime) -> Went:
    """The relay's own trouble is not the mail's: it is tried again soon, and never given up for that."""
    if delivery.state == "stopped":
        raise ValueError(f"mail {row.id} was not handed over: there is nothing to record")
    if delivery.state != "deferred":
        return Went(row, delivery.state, delivery.reply)
    if delivery.outage:
        return Went(row, "deferred", delivery.reply, now + OUTAGE_PAUSE)
    if row.attempts >= TRIES:
        return Went(row, "failed", f"given up after {row.attempts} tries: {delivery.reply}")
    return Went(row, "deferred", delivery.reply, now + pause(row.attempts))


def pause(attempts: int) -> dt.timedelta:
    """How long a mail waits after its so-many-th try (from 1): 1, 5, 15, 60 minutes, then 4 hours."""
    return BACK_OFF[attempts - 1] if attempts <= len(BACK_OFF) else LATER
