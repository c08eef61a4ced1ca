"""A unit of systemd that failed is told by this machine's own mail, not by the relay that may be the reason."""

from __future__ import annotations

import datetime as dt
import os
import re
import smtplib
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from cli.home import Home
from cli.serving.clockwatch import stamp
from cli.settings import read_settings
from cli.status.alarmfile import Alarm, read_alarms, write_alarms
from cli.status.look import CRITICAL
from engine.errors import Refused, SoppaError, UsageError

SENDMAIL = ("/usr/sbin/sendmail", "/usr/lib/sendmail")
LOCAL = ("127.0.0.1", 25)
"""The mail server of this machine: Postfix's own program needs a group that a hardened unit does not let it take."""

PATIENCE = 30.0
STAYS = dt.timedelta(hours=24)
_UNIT = re.compile(r"[A-Za-z0-9:_.@\\-]{1,200}")


@dataclass(frozen=True, slots=True)
class Told:
    """`why` it was not mailed; `file` is None where that could not be written."""

    to: str
    mailed: bool
    why: str
    file: Path | None


def tell_failed(home: Home, unit: str, now: dt.datetime) -> Told:
    """Raises `UsageError` for what is no unit's name, `Refused` where nobody could be told at all."""
    if not _UNIT.fullmatch(unit):
        raise UsageError(f"'{unit[:50]}' is no name of a unit: write it as soppa-backup.service")
    to, why = _second_address(home), ""
    try:
        _mail(_message(to, unit, now))
    except (OSError, smtplib.SMTPException):
        why = f"neither {SENDMAIL[0]} nor a mail server on {LOCAL[0]} took it"
    file = _write(home, unit, now)
    if why and file is None:
        raise Refused(f"{unit} failed, and nobody could be told: {why}, and {home.alarms} cannot be written")
    return Told(to, not why, why, file)


def _second_address(home: Home) -> str:
    try:
        return read_settings(home.settings).alarm_to or "root"
    except (SoppaError, OSError):
        return "root"


def _message(to: str, unit: str, now: dt.datetime) -> EmailMessage:
    host = socket.gethostname()
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"soppa@{host}", to, f"soppa on {host}: {unit} failed"
    mail.set_content(f"{unit} failed on {host} at {stamp(now)}.\n\n  systemctl status {unit}\n"
                     f"  journalctl -u {unit} -n 50\n  soppa status\n")
    return mail


def _mail(mail: EmailMessage) -> None:
    """By the machine's mail program, else by its mail server. Raises `OSError` or `SMTPException`."""
    program = next((path for path in SENDMAIL if os.access(path, os.X_OK)), None)
    if program is not None:
        words = [program, "-i", "--", str(mail["To"])]
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(words, input=bytes(mail), timeout=PATIENCE, check=True, capture_output=True)  # noqa: S603
            return
    with smtplib.SMTP(*LOCAL, timeout=PATIENCE) as server:
        server.send_message(mail)


def _write(home: Home, unit: str, now: dt.datetime) -> Path | None:
    """Beside the alarms that are there; the daemon keeps it for a day."""
    known = read_alarms(home)
    mine = Alarm("unit", CRITICAL, f"{unit} failed at {stamp(now)}: journalctl -u {unit}", (now + STAYS).isoformat())
    others = [one for one in known.alarms if one.what != "unit" or not one.says.startswith(f"{unit} ")] if known else []
    try:
        write_alarms(home, now, (*others, mine), known.not_told if known else ())
    except OSError:
        return None
    return home.alarms
