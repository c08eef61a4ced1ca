"""The heart of one house: which functions a beat calls, and where mail leaves."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.failpoint import dying, taking_or_dying
from cli.inhand import InHand, count_dead, in_hand
from cli.seen import Marker, check_not_set_back, marking
from cli.settings import RelaySettings as Wanted
from cli.wiring import House, is_sqlite, new_token
from cli.worker import Duties, Heart
from notifiers.compose import Desk, composer
from notifiers.relay import Relay
from notifiers.smtp import RelaySettings, SmtpLink

DIED_AT_IT = "the process ended while it worked on this"

TICK_SECONDS = 0.1
"""How long one batch of timers may keep other writers waiting."""


@contextmanager
def heart_of(house: House, *, tells_gaps: bool = True) -> Iterator[Heart]:
    """A heart ready to beat; the connection to the relay is closed with the block.

    A played clock jumps: `tells_gaps` False keeps the officer from hearing of each jump. Raises `WrongEnvironment` for
    a database that was set back to an earlier moment, `FaultySettings` for a calendar of the district with faults.
    """
    check_not_set_back(house)
    house.make_office(())  # a calendar with faults ends it here, not each beat
    stop = threading.Event()
    with in_hand(house.home) as hand, relay_of(house) as relay, marking(house, stop) as marker:
        yield Heart(duties(house, relay, hand, marker, tells_gaps=tells_gaps), house.clock, stop)


@contextmanager
def relay_of(house: House) -> Iterator[Relay | None]:
    wanted = house.settings.relay
    if wanted is None:
        yield None
        return
    with SmtpLink(relay_settings(wanted, house.settings.district)) as link:
        desk = desk_of(wanted, house.settings.district)
        compose = composer(house.store, house.store.outbox, house.definitions, house.make_office, desk)
        yield Relay(house.store.outbox, house.store, link, dying(house.settings, compose), house.clock)


def duties(house: House, relay: Relay | None, hand: InHand, marker: Marker, *, tells_gaps: bool) -> Duties:
    """Without a relay, mails wait in the outbox."""
    taking = taking_or_dying(house.settings, hand.take)

    def send(now: dt.datetime, limit: int) -> int:
        return 0 if relay is None else relay.run(limit).done

    def tick(now: dt.datetime, limit: int) -> int:
        ends = time.monotonic() + TICK_SECONDS
        with hand.working():
            return house.service.tick(now, limit, lambda: time.monotonic() >= ends, taking)

    def advance(now: dt.datetime, limit: int) -> int:
        with hand.working():
            return house.service.advance(now, limit, taking)

    def rescue(now: dt.datetime) -> None:
        count_dead(house.home, lambda kind, ref: house.store.failed(kind, ref, DIED_AT_IT, now))
        house.store.outbox.rescue(now)
        while house.service.recount(now):
            pass
        house.service.replan(now)
        house.documents.sweep(now, house.store.views.named_documents)
        house.store.outbox.open_week(_officers(house, now), now)

    def set_high_water(now: dt.datetime) -> None:
        house.store.set_high_water(now)
        marker.mark_now_and_then(now)

    def was_off(last: dt.datetime, now: dt.datetime, done: int) -> None:
        said = {"off_from": last.isoformat(), "back_at": now.isoformat(), "done": str(done)}
        for officer in _officers(house, now):
            house.store.outbox.notify(officer, "while_off", None, said, now)

    return Duties(tick, advance, send, rescue,
                  lambda now: not house.store.has_work(now), house.store.high_water, set_high_water,
                  was_off if tells_gaps else None)


def _officers(house: House, now: dt.datetime) -> list[str]:
    """`person:ID` of whoever answers for privacy today."""
    with house.store.read() as unit:
        office = house.office(unit)
    return [f"person:{holder.person.id}" for holder in office.holders("privacy", office.today(now))]


def desk_of(wanted: Wanted, district: str) -> Desk:
    return Desk(wanted.sender, district, new_token)


def relay_settings(wanted: Wanted, district: str) -> RelaySettings:
    """Raises `WrongEnvironment` for settings that would send a password or mail in clear."""
    return RelaySettings(host=wanted.host, port=wanted.port, sender=wanted.sender, sender_name=district,
                         tls=wanted.tls, username=wanted.username, password_file=wanted.password_file,
                         token_file=wanted.token_file)


def lock_of(house: House) -> Path | None:
    """The lock of the one daemon of a SQLite file; None where several may run."""
    return house.home.lock if is_sqlite(house.home, house.settings) else None


def beat_until_quiet(heart: Heart, most: int = 1000) -> None:
    """Beats until nothing is left to do at this instant."""
    for _ in range(most):
        if heart.beat() == 0:
            break
