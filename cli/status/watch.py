"""What the daemon looks at each minute: it writes the alarms down, and mails the privacy officer what is new."""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cli.serving.telling import cause_of
from cli.status import certificate
from cli.status.alarmfile import Alarm, read_alarms, write_alarms
from cli.status.look import Look
from cli.status.looks import MAILED, RELAY, looks_at
from cli.wiring import House

WRITTEN_EVERY = dt.timedelta(minutes=5)
NOTICE = "alarm"
"""The mail to the privacy officer."""

_TOLD = "alarms_told"
log = logging.getLogger("soppa")


class Report(Protocol):
    """What one pass of the relay did."""

    @property
    def accepted(self) -> int: ...
    @property
    def deferred(self) -> int: ...
    @property
    def outage(self) -> bool: ...


@dataclass(slots=True)
class Watch:
    house: House
    refuses: bool | None = None
    _asking: threading.Lock = field(default_factory=threading.Lock)

    def saw(self, report: Report, now: dt.datetime) -> None:
        """Marks since when the relay takes nothing. Written when that changes only."""
        if report.accepted and self.refuses is not False:
            self._mark("")
            self.refuses = False
        elif not report.accepted and (report.outage or report.deferred) and not self.refuses:
            if not self.house.store.mark(RELAY):
                self._mark(json.dumps({"since": now.isoformat(timespec="seconds")}))
            self.refuses = True

    def look(self, now: dt.datetime) -> None:
        """Never raises: an alarm that cannot be written must not stop the work."""
        try:
            self._look(now)
        except Exception as error:
            log.error("the look at alarms failed (%s); the next one tries again", cause_of(error))

    def _look(self, now: dt.datetime) -> None:
        self._ask_certificate(now)
        found = [look for look in looks_at(self.house, now) if look.level and look.what != "daemon"]
        self._write(found, now)
        self._tell(found, now)

    def _write(self, found: Sequence[Look], now: dt.datetime) -> None:
        """When something has changed, and every five minutes to say that somebody looks."""
        known = read_alarms(self.house.home)
        before = known.alarms if known else ()
        kept = [one for one in before if one.until and dt.datetime.fromisoformat(one.until) > now]
        alarms = (*(Alarm(look.what, look.level, look.says) for look in found), *kept)
        others = [person.login for person in self.house.store.people()
                  if person.login and "privacy" not in person.roles]  # fmt: skip
        if (known is None or known.alarms != alarms or known.not_told != tuple(sorted(others))
                or abs(now - dt.datetime.fromisoformat(known.at)) >= WRITTEN_EVERY):  # fmt: skip
            write_alarms(self.house.home, now, alarms, others)

    def _tell(self, found: Sequence[Look], now: dt.datetime) -> None:
        """Each alarm once, until it is over; nobody in a home of made-up people."""
        if self.house.settings.demo:
            return
        wrong = {look.what: look for look in found if look.what in MAILED}
        told: Collection[str] = json.loads(self.house.store.mark(_TOLD) or "[]")
        if set(told) == wrong.keys():
            return
        for what in sorted(wrong.keys() - set(told)):
            self._mail({"what": what, "says": wrong[what].says, "says_es": wrong[what].es}, now)
        self.house.store.set_mark(_TOLD, json.dumps(sorted(wrong)))

    def _mail(self, said: Mapping[str, str], now: dt.datetime) -> None:
        with self.house.store.read() as unit:
            office = self.house.office(unit)
        for holder in office.holders("privacy", office.today(now)):
            self.house.store.outbox.notify(f"person:{holder.person.id}", NOTICE, None, said, now)

    def _ask_certificate(self, now: dt.datetime) -> None:
        if certificate.is_old(self.house, now) and self._asking.acquire(blocking=False):
            threading.Thread(target=self._asked, args=(now,), name="certificate", daemon=True).start()

    def _asked(self, now: dt.datetime) -> None:
        try:
            certificate.ask(self.house, now)
        except Exception as error:
            log.warning("the certificate could not be looked at (%s)", type(error).__name__)
        finally:
            self._asking.release()

    def _mark(self, value: str) -> None:
        self.house.store.set_mark(RELAY, value)
