"""The heart of one house: which functions a beat calls, and where mail leaves."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from cli.serving.failpoint import clock_of, dying, taking_or_dying
from cli.serving.inhand import InHand, count_dead, in_hand
from cli.serving.watchdog import Pulse
from cli.serving.worker import Daemon, Duties, Heart
from cli.settings import RelaySettings as Wanted
from cli.status.ping import Ping
from cli.status.watch import Watch
from cli.upkeep.seen import Marker, check_not_set_back, marking
from cli.wiring import House, is_sqlite, machine_clock, new_token
from engine.errors import WrongEnvironment
from engine.model.handed import OutboxRow
from notifiers.compose import Compose, Composed, ComposeOne, Desk, composer
from notifiers.relay import Quota, Relay
from notifiers.smtp import RelaySettings, SmtpLink

DIED_AT_IT = "the process ended while it worked on this"

QUOTA_TOLD = "quota_told"
"""The mark of the day on which the officers heard that the relay's quota was used up."""

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
    stop, pulse = threading.Event(), Pulse()
    with in_hand(house.home) as hand, relay_of(house, pulse) as relay, marking(house, stop) as marker:
        yield Heart(duties(house, relay, hand, marker, tells_gaps=tells_gaps), house.clock, stop, pulse=pulse)


@contextmanager
def daemon_of(house: House) -> Iterator[Daemon]:
    """What `soppa worker` and `soppa serve` run: the heart of a single worker, or a part of several ones' work.

    Raises `WrongEnvironment` as `heart_of` does, and where several workers lack the library that deals out the work.
    """
    if house.settings.workers == 1:
        with heart_of(house) as heart:
            yield heart
        return
    try:
        from cli.serving.crew import Crew
    except ImportError:
        raise WrongEnvironment("several workers need more libraries: install soppa[postgres], or take workers out of "
                               "district.yaml") from None
    check_not_set_back(house)
    played = clock_of(house.settings, house.clock)
    tells_gaps, house, stop = played is house.clock, replace(house, clock=played), threading.Event()
    with in_hand(house.home) as hand, relay_of(house) as relay, marking(house, stop) as marker:
        mine = duties(house, relay, hand, marker, tells_gaps=tells_gaps)
        yield Crew(mine, house.clock, house.store.base, house.settings.workers, stop)


@contextmanager
def relay_of(house: House, pulse: Pulse | None = None) -> Iterator[Relay | None]:
    """The relay; each mail that is taken in hand moves the pulse."""
    wanted = house.settings.relay
    if wanted is None:
        yield None
        return
    with SmtpLink(relay_settings(wanted, house.settings.district)) as link:
        desk = desk_of(wanted, house.settings.district)
        compose = composer(house.store, house.store.outbox, house.definitions, house.make_office, desk)
        made = dying(house.settings, compose)
        yield Relay(house.store.outbox, house.store, link, made if pulse is None else moving(pulse, made), house.clock,
                    quota_of(house))


def moving(pulse: Pulse, compose: Compose) -> Compose:
    def composing(rows: Sequence[OutboxRow], now: dt.datetime) -> ComposeOne:
        one = compose(rows, now)

        def each(row: OutboxRow) -> Composed | None:
            pulse.moved()
            return one(row)

        return each

    return composing


def duties(house: House, relay: Relay | None, hand: InHand, marker: Marker, *, tells_gaps: bool) -> Duties:
    """Without a relay, mails wait in the outbox."""
    taking = taking_or_dying(house.settings, hand.take)

    watch, ping = Watch(house), Ping(house.settings.ping_url)

    def send(now: dt.datetime, limit: int) -> int:
        if relay is None:
            return 0
        report = relay.run(limit)
        watch.saw(report, now)
        return report.done

    def tick(now: dt.datetime, limit: int) -> int:
        ends = time.monotonic() + TICK_SECONDS
        with hand.working():
            return house.service.tick(now, limit, lambda: time.monotonic() >= ends, taking)

    def advance(now: dt.datetime, limit: int) -> int:
        with hand.working():
            return house.service.advance(now, limit, taking)

    def rescue(now: dt.datetime) -> None:
        count_dead(house.home, lambda kind, ref: house.store.failed(kind, ref, DIED_AT_IT, now, died=True))
        house.store.outbox.rescue(now)
        house.store.undoing.sweep(now)
        while house.service.recount(now):
            pass
        house.service.replan(now)
        house.documents.sweep(machine_clock(), house.store.views.named_documents)  # by the clock that dates files
        house.store.outbox.open_week(_officers(house, now), now)
        watch.look(now)

    def set_high_water(now: dt.datetime) -> None:
        house.store.set_high_water(now)
        marker.mark_now_and_then(now)
        ping.now_and_then()

    def was_off(last: dt.datetime, now: dt.datetime, done: int) -> None:
        said = {"off_from": last.isoformat(), "back_at": now.isoformat(), "done": str(done)}
        house.store.tell_gap(last, now, _officers(house, now), "while_off", said)

    return Duties(tick, advance, send, rescue,
                  lambda now: not house.store.has_work(now), house.store.high_water, set_high_water,
                  was_off if tells_gaps else None, marker.mark_now_and_then)


def _officers(house: House, now: dt.datetime) -> list[str]:
    """`person:ID` of whoever answers for privacy today."""
    with house.store.read() as unit:
        office = house.office(unit)
    return [f"person:{holder.person.id}" for holder in office.holders("privacy", office.today(now))]


def quota_of(house: House) -> Quota | None:
    """The relay's, with the way in which the officers hear that it is used up: once a day."""
    relay = house.settings.relay
    if relay is None or relay.daily_quota is None or relay.letters_a_day is None:
        return None
    quota = relay.daily_quota

    def told(waiting: int, now: dt.datetime) -> None:
        today = now.astimezone(house.settings.zone).date()
        if house.store.mark(QUOTA_TOLD) == str(today):
            return
        house.store.set_mark(QUOTA_TOLD, str(today))
        said = {"waiting": str(waiting), "quota": str(quota), "goes_on": str(today + dt.timedelta(days=1))}
        for officer in _officers(house, now):
            house.store.outbox.notify(officer, "quota", None, said, now)

    return Quota(quota, relay.letters_a_day, told)


def desk_of(wanted: Wanted, district: str) -> Desk:
    return Desk(wanted.sender, district, new_token)


def relay_settings(wanted: Wanted, district: str) -> RelaySettings:
    """Raises `WrongEnvironment` for settings that would send a password or mail in clear."""
    return RelaySettings(host=wanted.host, port=wanted.port, sender=wanted.sender, sender_name=district,
                         tls=wanted.tls, username=wanted.username, password_file=wanted.password_file,
                         token_file=wanted.token_file, connections=wanted.connections)


def lock_of(house: House) -> Path | None:
    """The lock of the one daemon of a SQLite file; None where several may run."""
    return house.home.lock if is_sqlite(house.home, house.settings) else None


def beat_until_quiet(heart: Heart, most: int = 1000) -> None:
    """Beats until nothing is left to do at this instant."""
    for _ in range(most):
        if heart.beat() == 0:
            break
