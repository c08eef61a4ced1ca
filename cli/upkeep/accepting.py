"""Taking a database into service that was set back: by a restore, a snapshot, or a file put back by hand.

What was done since then is lost to it, but not to the world. So whatever it would send for the first time now, and may
have sent before, is put in doubt by name; what it is to do later goes on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from cli.identity import login
from cli.serving.clockwatch import stamp, trouble
from cli.serving.daemon import lock_of
from cli.serving.worker import only_daemon
from cli.upkeep.seen import keep, kept, setback, why_doubted
from cli.wiring import House
from engine.errors import Refused
from storage.upkeep.seen import RESTORED, accept, accepted, seen_in

NOTICE = "set_back"
"""The mail to the privacy officer."""


@dataclass(frozen=True, slots=True)
class Taken:
    """`was` is what was wrong, None where nothing was; `doubtful` are numbers of mails."""

    was: str | None
    doubtful: tuple[int, ...]
    accepted: tuple[Mapping[str, str], ...]


def take(house: House, reason: str, now: dt.datetime, otherwise: str | None = None) -> Taken:
    """`otherwise` is why, where nothing shows it. The record comes last, so that a crash leaves the home refused.

    Raises `WrongEnvironment` while a daemon works, `Refused` while the clock cannot be believed.
    """
    base = house.store.base
    with only_daemon(lock_of(house)):
        was = setback(house) or otherwise
        if was is None:
            return Taken(None, (), tuple(accepted(base)))
        wrong = trouble(now, house.store.high_water())
        if wrong is not None:
            raise Refused(wrong)
        since = dt.datetime.fromisoformat(house.store.mark(RESTORED) or seen_in(base).at or now.isoformat())
        doubtful = _doubt(house, since, now)
        _tell(house, since, len(doubtful), now)
        record = {"at": stamp(now), "by": login(), "reason": reason, "was": was}
        keep(house.home, accept(base, now, kept(house.home).count, record))
    return Taken(was, doubtful, tuple(accepted(base)))


def _doubt(house: House, since: dt.datetime, now: dt.datetime) -> tuple[int, ...]:
    """Mails that wait, and those of all that has fallen due since: another may have done and sent the same."""
    outbox, why = house.store.outbox, why_doubted(since)
    waiting = outbox.doubt(now, why)
    while house.service.tick(now) + house.service.advance(now):
        pass
    return (*waiting, *outbox.doubt(now, why))


def _tell(house: House, since: dt.datetime, doubtful: int, now: dt.datetime) -> None:
    with house.store.read() as unit:
        office = house.office(unit)
    said = {"since": since.isoformat(), "doubtful": str(doubtful)}
    for holder in office.holders("privacy", office.today(now)):
        house.store.outbox.notify(f"person:{holder.person.id}", NOTICE, None, said, now)
