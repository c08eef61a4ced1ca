"""The machine and the ways in and out: clock, disk, relay, pages, daemon."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import shutil
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from cli.serving.clockwatch import stamp, trouble
from cli.settings import LOOPBACK
from cli.setup.finding import Finding, edit, missing, note, ready
from cli.setup.reach import begin, latest
from cli.wiring import House
from engine.errors import SoppaError

QUIET = dt.timedelta(minutes=10)
"""A daemon silent for so long is taken for dead, as the pages' health takes it."""

ROOM = 1_000_000_000
"""Bytes that should be free: a mailing to every family and a backup need room besides the database."""

PATIENCE = 10.0
"""Seconds for each step of the way to the relay or the pages."""

PROBE_LASTS = dt.timedelta(minutes=2)
_DOWN = (502, 503, 504)


def look_at_clock(house: House) -> Iterator[Finding]:
    found = trouble(house.clock(), house.store.high_water())
    if found:
        yield missing("clock", found, "soppa clock accept --reason TEXT")
    else:
        yield ready("clock", f"it says {stamp(house.clock())}")


def look_at_disk(house: House) -> Iterator[Finding]:
    free = shutil.disk_usage(house.home.root).free
    if free < ROOM:
        yield missing("disk", f"{free // 1_000_000:,} MB are free where the home lies; 1,000 MB should be",
                      f"df -h {house.home.root}")
    else:
        yield ready("disk", f"{free // 1_000_000:,} MB are free")


def look_at_relay(house: House) -> Iterator[Finding]:
    """Really connects, and signs in."""
    from cli.serving.daemon import relay_settings
    from notifiers.smtp import look_at

    wanted = house.settings.relay
    if wanted is None:
        yield missing("relay", "no relay takes the mails, so all of them wait", "soppa setup")
        return
    try:
        looked = look_at(replace(relay_settings(wanted, house.settings.district), timeout=PATIENCE))
    except SoppaError as error:
        yield missing("relay", str(error), edit(house.home.settings))
        return
    if looked.trouble:
        yield missing("relay", looked.trouble, edit(house.home.settings))
    else:
        how = f"over {looked.tls}" if looked.tls else "without encryption on this machine"
        signed = f", signed in as {wanted.username}" if looked.signed_in else ""
        yield ready("relay", f"{wanted.host}:{wanted.port} takes mail from {wanted.sender} {how}{signed}")


def look_at_test_mail(house: House) -> Iterator[Finding]:
    if house.settings.relay is None:
        return
    found = latest(house, "mail")
    if found is None or not found.answered_at:
        yield note("test mail", "nobody has answered a test mail yet", "soppa mail test ADDRESS")
    else:
        yield ready("test mail", f"answered on {stamp(dt.datetime.fromisoformat(found.answered_at))}")


def look_at_pages(house: House) -> Iterator[Finding]:
    """Asks the public address itself, and whether it is this home that answers."""
    url = urlsplit(house.settings.public_url)
    change = edit(house.home.settings)
    if url.hostname in LOOPBACK:
        yield missing("pages", f"nobody else can open links to {house.settings.public_url} (public_url)", change)
    elif url.scheme == "https":
        yield _answered(house)
    elif house.settings.allow_http:
        yield _answered(house)
        yield note("pages", "plain http, as allow_http says: for a closed network only", change)
    else:
        yield missing("pages", f"public_url {house.settings.public_url} is plain http: anybody on the way can read it",
                      change)


def look_at_daemon(house: House) -> Iterator[Finding]:
    beat = house.store.high_water()
    if beat is None or house.clock() - beat > QUIET:
        last = "it was never at work" if beat is None else f"its last heartbeat was at {stamp(beat)}"
        yield missing("daemon", f"{last}: no reminder fires and no mail leaves", _serve(house))
    elif house.settings.workers > 1:
        yield _workers(house)
    else:
        yield ready("daemon", f"its last heartbeat was at {stamp(beat)}")


def _workers(house: House) -> Finding:
    """Whether as many are at work as `workers` says."""
    from cli.serving.crew import workers_at_work

    wanted, found = house.settings.workers, workers_at_work(house.store.base)
    says = f"{found} of {wanted} workers are at work"
    start = f"systemctl start soppa-worker@{{1..{wanted}}}"
    return ready("daemon", says) if found >= wanted else missing("daemon", says, start)


def _answered(house: House) -> Finding:
    address = house.settings.public_url
    try:
        status, body, to = _get(f"{address}/reach/{begin(house, 'probe', PROBE_LASTS)}")
    except (OSError, http.client.HTTPException) as error:
        return missing("pages", _unreached(address, error), _serve(house))
    if status in _DOWN:
        return missing("pages", f"the web server at {address} answers {status}: soppa does not listen at "
                                f"{house.settings.bind} behind it", _serve(house))
    if to:
        return missing("pages", f"{address} leads on to {to}: public_url must be where people end up",
                       edit(house.home.settings))
    told = _told(body) if status == http.HTTPStatus.OK else {}
    if told.get("soppa") != "here":
        return missing("pages", f"{address} is answered ({status}), but not by this home: another program, or another "
                                f"home's pages", edit(house.home.settings))
    return _proxied(house, told.get("arrival", ""), told.get("peer", ""))


def _proxied(house: House, arrival: str, peer: str) -> Finding:
    wrong = proxy_trouble(arrival, peer)
    if wrong is None or (arrival == "direct" and house.settings.allow_http):
        return ready("pages", f"{house.settings.public_url} is answered by this home")
    told = f"{edit('/etc/caddy/Caddyfile')} (or nginx's site) until it sends X-Forwarded-For as in deploy/"
    return missing("pages", wrong, edit(house.home.settings) if arrival == "stranger" else told)


def proxy_trouble(arrival: str, peer: str) -> str | None:
    """Why the pages do not see their visitors' addresses; None when they do. `arrival` as the pages tell it."""
    if arrival == "proxied":
        return None
    if arrival == "stranger":
        return (f"the web server in front speaks from {peer}, which is not in trusted_proxies: all visitors count as "
                f"one")
    untrusted = "" if arrival == "silent" else f", and {peer} is not in trusted_proxies"
    return (f"the web server in front does not tell the visitor's address (X-Forwarded-For){untrusted}: all visitors "
            f"count as one")


def _serve(house: House) -> str:
    return f"soppa serve --home {house.home.root}"


def _get(url: str) -> tuple[int, bytes, str]:
    """Status, body, and where it leads on to. Raises `OSError` or `HTTPException`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    asked = (http.client.HTTPConnection(host, parts.port, timeout=PATIENCE) if parts.scheme == "http" else
             http.client.HTTPSConnection(host, parts.port, timeout=PATIENCE, context=ssl.create_default_context()))
    try:
        asked.request("GET", parts.path, headers={"Accept": "application/json"})
        answer = asked.getresponse()
        to = answer.getheader("Location", "") if 300 <= answer.status < 400 else ""
        return answer.status, answer.read(10_000), to.partition("/reach/")[0]
    finally:
        asked.close()


def _unreached(address: str, error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"the certificate of {address} is not to be trusted ({error.verify_message})"
        case socket.gaierror():
            return f"there is no machine of the name in {address}: enter it in the DNS, or correct public_url"
        case ConnectionRefusedError():
            return f"nothing listens at {address}: start the web server in front, then soppa"
        case TimeoutError():
            return f"{address} does not answer within {PATIENCE:.0f} s: open the firewall, or correct public_url"
    return f"{address} cannot be asked ({type(error).__name__}): see that TLS ends there"


def _told(body: bytes) -> dict[str, str]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
