"""How long the certificate of the pages is good still, asked where it is served. The answer is kept for the daemon's
alarms; nobody waits for it there."""

from __future__ import annotations

import datetime as dt
import json
import socket
import ssl
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from cli.wiring import House

PATIENCE = 5.0
MARK = "certificate"
ASKED_EVERY = dt.timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Until when it is good, or what is wrong with it."""

    asked_at: str
    until: str = ""
    wrong: str = ""


def kept(house: House) -> Certificate | None:
    found = house.store.mark(MARK)
    return Certificate(**json.loads(found)) if found else None


def ask(house: House, now: dt.datetime) -> Certificate | None:
    """Asks the public address, and keeps the answer; None where there is no TLS to ask."""
    url = urlsplit(house.settings.public_url)
    if url.scheme != "https" or url.hostname is None:
        return None
    found = _asked(url.hostname, url.port or 443, now)
    house.store.set_mark(MARK, json.dumps(asdict(found)))
    return found


def is_old(house: House, now: dt.datetime) -> bool:
    """Whether it is time to ask again."""
    if urlsplit(house.settings.public_url).scheme != "https":
        return False
    found = kept(house)
    return found is None or abs(now - dt.datetime.fromisoformat(found.asked_at)) >= ASKED_EVERY


def _asked(host: str, port: int, now: dt.datetime) -> Certificate:
    asked_at = now.isoformat(timespec="seconds")
    try:
        with (socket.create_connection((host, port), PATIENCE) as plain,
              ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secured):  # fmt: skip
            ends = str((secured.getpeercert() or {})["notAfter"])
    except ssl.SSLCertVerificationError as error:
        return Certificate(asked_at, wrong=f"it is not to be trusted ({error.verify_message})")
    except (OSError, KeyError, ValueError) as error:
        return Certificate(asked_at, wrong=f"it cannot be asked for ({type(error).__name__})")
    until = dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), dt.UTC)
    return Certificate(asked_at, until.isoformat())
