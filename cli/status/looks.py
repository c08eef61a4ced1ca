"""The looks: each names one thing, says how it stands, and gives the figure behind it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from cli.serving.clockwatch import stamp, trouble
from cli.status.certificate import Certificate, kept
from cli.status.disk import disk_of
from cli.status.look import CRITICAL, OK, UNKNOWN, WARNING, Level, Look
from cli.upkeep.seen import setback
from cli.wiring import House
from storage.looking.state import Waiting, in_doubt, open_incidents, waiting

QUIET = dt.timedelta(minutes=10)
BACKUP_AFTER = dt.timedelta(hours=26)
BACKUP_LONG_AFTER = dt.timedelta(hours=50)
REFUSES_AFTER = dt.timedelta(hours=1)
DAYS_WARN, DAYS_CRITICAL = 14, 3
BACKUP, BACKUP_FAILED, RELAY = "backup_made", "backup_failed", "relay_refuses"
"""Marks of the database: the last backup, the last one that failed since, and since when the relay takes nothing."""


MAILED = ("backup", "disk", "certificate")
"""What the privacy officer is mailed of. The others are told by mails of their own, stand in the brief, or keep mail
itself from leaving."""


def looks_at(house: House, now: dt.datetime, certificate: Certificate | None = None) -> Sequence[Look]:
    """`certificate` as it was asked for just now; without it the answer that is kept."""
    return [_daemon(house, now), _clock(house, now), _histories(house), _relay(house, now), _mails(house),
            _incidents(house), _backup(house, now), disk_of(house.home.root),
            *_certificate(certificate or kept(house), now)]  # fmt: skip


def no_mail_since(house: House, now: dt.datetime) -> dt.datetime | None:
    """Since when the relay has taken nothing, once that is an alarm."""
    since = _refused_since(house, waiting(house.store.base, now))
    return since if since is not None and now - since > REFUSES_AFTER else None


def _daemon(house: House, now: dt.datetime) -> Look:
    beat = house.store.high_water()
    if beat is None:
        return Look("daemon", CRITICAL, "it was never at work: soppa serve")
    age = max(0, int((now - beat).total_seconds()))
    bad = now - beat > QUIET
    says = f"no heartbeat since {stamp(beat)}: no reminder fires and no mail leaves" if bad else f"{age} s ago"
    return Look("daemon", CRITICAL if bad else OK, says, age, "s", "", str(int(QUIET.total_seconds())))


def _clock(house: House, now: dt.datetime) -> Look:
    found = trouble(now, house.store.high_water())
    return Look("clock", CRITICAL if found else OK, found or "it is believed")


def _histories(house: House) -> Look:
    found = setback(house)
    return Look("histories", CRITICAL if found else OK, found or "they were not set back")


def _relay(house: House, now: dt.datetime) -> Look:
    waits = waiting(house.store.base, now)
    since = _refused_since(house, waits)
    figure = 0 if since is None else max(0, int((now - since).total_seconds()))
    limit = str(int(REFUSES_AFTER.total_seconds()))
    if since is None or now - since <= REFUSES_AFTER:
        return Look("relay", OK, "it takes mail", figure, "s", "", limit)
    if house.settings.relay is None:
        return Look("relay", CRITICAL, f"there is none, and mails wait since {stamp(since)}", figure, "s", "", limit)
    return Look("relay", CRITICAL, f"it has taken no mail since {stamp(since)}, {waits.mails:,} wait: soppa doctor",
                figure, "s", "", limit)


def _refused_since(house: House, waits: Waiting) -> dt.datetime | None:
    """As the daemon has seen it; where that says nothing, how long a mail has waited whose time has come."""
    known = json.loads(house.store.mark(RELAY) or "{}") if waits.mails else {}
    return dt.datetime.fromisoformat(known["since"]) if known else waits.since


def _mails(house: House) -> Look:
    number = in_doubt(house.store.base)
    says = f"{number:,} in doubt: soppa mail outbox --state uncertain" if number else "none is in doubt"
    return Look("mails", WARNING if number else OK, says, number, "", "0")


def _incidents(house: House) -> Look:
    number = open_incidents(house.store.base)
    says = f"{number:,} wait for a person: soppa incidents list" if number else "none"
    return Look("incidents", WARNING if number else OK, says, number, "", "0")


def _backup(house: House, now: dt.datetime) -> Look:
    made, failed = (json.loads(house.store.mark(name) or "{}") for name in (BACKUP, BACKUP_FAILED))
    if failed:
        when = stamp(dt.datetime.fromisoformat(failed["at"]))
        return Look("backup", CRITICAL, f"the one of {when} failed: {failed['says']}",
                    es=f"falló la del {when}{_in_english(failed['says'])}")
    if not made:
        return Look("first_backup", OK if house.settings.demo else WARNING, "none was ever made: soppa backup --to DIR")
    at = dt.datetime.fromisoformat(made["at"])
    age = max(0, int((now - at).total_seconds()))
    level: Level = OK if now - at <= BACKUP_AFTER else WARNING if now - at <= BACKUP_LONG_AFTER else CRITICAL
    warn, critical = (str(int(limit.total_seconds())) for limit in (BACKUP_AFTER, BACKUP_LONG_AFTER))
    return Look("backup", level, f"the last one is of {stamp(at)}", age, "s", warn, critical,
                f"la última es del {stamp(at)}")


def _certificate(found: Certificate | None, now: dt.datetime) -> Sequence[Look]:
    if found is None:
        return ()
    if found.wrong:
        return (Look("certificate", CRITICAL if "trusted" in found.wrong else UNKNOWN, found.wrong,
                     es=f"no pudo comprobarse o no es válido{_in_english(found.wrong)}"),)
    until = dt.datetime.fromisoformat(found.until)
    days = (until - now).days
    level: Level = CRITICAL if days < DAYS_CRITICAL else WARNING if days < DAYS_WARN else OK
    return (Look("certificate", level, f"it ends on {stamp(until)}", days, "d", f"{DAYS_WARN}:", f"{DAYS_CRITICAL}:",
                 es=f"vence el {stamp(until)}"),)


def _in_english(words: str) -> str:
    """What the machine or a library said, which there is in English only."""
    return f"; el mensaje, en inglés: «{words}»"
