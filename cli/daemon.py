"""The heart of one house: which functions a beat calls, and where mail leaves."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.settings import RelaySettings as Wanted
from cli.wiring import House, is_sqlite, new_token
from cli.worker import Duties, Heart
from notifiers.compose import Desk, composer
from notifiers.relay import Relay
from notifiers.smtp import RelaySettings, SmtpLink

TICK_SECONDS = 0.1
"""How long one batch of timers may keep other writers waiting."""


@contextmanager
def heart_of(house: House, *, tells_gaps: bool = True) -> Iterator[Heart]:
    """A heart ready to beat; the connection to the relay is closed with the block.

    A played clock jumps: `tells_gaps` False keeps the officer from hearing of each jump.
    """
    wanted = house.settings.relay
    if wanted is None:
        yield Heart(duties(house, None, tells_gaps=tells_gaps), house.clock)
        return
    with SmtpLink(relay_settings(wanted, house.settings.district)) as link:
        desk = desk_of(wanted, house.settings.district)
        compose = composer(house.store, house.store.outbox, house.definitions, house.make_office, desk)
        relay = Relay(house.store.outbox, house.store, link, compose, house.clock)
        yield Heart(duties(house, relay, tells_gaps=tells_gaps), house.clock)


def duties(house: House, relay: Relay | None, *, tells_gaps: bool) -> Duties:
    """Without a relay, mails wait in the outbox."""
    def send(now: dt.datetime, limit: int) -> int:
        return 0 if relay is None else relay.run(limit).done

    def tick(now: dt.datetime, limit: int) -> int:
        ends = time.monotonic() + TICK_SECONDS
        return house.service.tick(now, limit, lambda: time.monotonic() >= ends)

    def rescue(now: dt.datetime) -> None:
        house.store.outbox.rescue(now)
        while house.service.recount(now):
            pass
        house.service.replan(now)

    def was_off(last: dt.datetime, now: dt.datetime, done: int) -> None:
        said = {"off_from": last.isoformat(), "back_at": now.isoformat(), "done": str(done)}
        with house.store.read() as unit:
            office = house.office(unit)
        for holder in office.holders("privacy", office.today(now)):
            house.store.outbox.notify(f"person:{holder.person.id}", "while_off", None, said, now)

    return Duties(tick, house.service.advance, send, rescue,
                  lambda now: not house.store.has_work(now), house.store.high_water, house.store.set_high_water,
                  was_off if tells_gaps else None)


def desk_of(wanted: Wanted, district: str) -> Desk:
    return Desk(wanted.sender, district, new_token)


def relay_settings(wanted: Wanted, district: str) -> RelaySettings:
    """Raises `WrongEnvironment` for settings that would send a password or mail in clear."""
    return RelaySettings(host=wanted.host, port=wanted.port, sender=wanted.sender, sender_name=district,
                         tls=wanted.tls, username=wanted.username, password_file=wanted.password_file)


def lock_of(house: House) -> Path | None:
    """The lock of the one daemon of a SQLite file; None where several may run."""
    return house.home.lock if is_sqlite(house.home, house.settings) else None


def beat_until_quiet(heart: Heart, most: int = 1000) -> None:
    """Beats until nothing is left to do at this instant."""
    for _ in range(most):
        if heart.beat() == 0:
            break
