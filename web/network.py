"""Who asks, as far as the network tells: address, its network, and whether a form came from our own page."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
from collections.abc import Iterable, Sequence
from typing import Literal

from engine.ports import Links

Arrival = Literal["direct", "proxied", "silent", "stranger"]
MINUTE = dt.timedelta(minutes=1)
PER_MINUTE = {"token": 60, "address": 600, "network": 3000}
"""Wide enough for a whole school behind one address."""
MISSES_PER_MINUTE = 60


def client_address(peer: str, forwarded: str, trusted: Sequence[str]) -> str:
    """The nearest address that is no trusted proxy. A header from a stranger is not believed."""
    hops = [*(hop.strip() for hop in forwarded.split(",") if hop.strip()), peer]
    for hop in reversed(hops):
        if hop not in trusted:
            return hop if _address(hop) else peer
    return peer


def arrival(peer: str, forwarded: str, trusted: Sequence[str]) -> Arrival:
    """How a request came: `direct` from its sender, `proxied` by a web server that is believed, by a trusted one that
    is `silent` about its sender, or by a `stranger` whose word is not taken."""
    if forwarded.strip():
        return "proxied" if peer in trusted else "stranger"
    return "silent" if peer in trusted else "direct"


def network_of(address: str) -> str:
    """The /24 or /64 that an address lies in; what is no address is its own network."""
    found = _address(address)
    if found is None:
        return address
    return str(ipaddress.ip_network(f"{found}/{24 if found.version == 4 else 64}", strict=False))


def within_limits(links: Links, address: str, token: str, now: dt.datetime) -> bool:
    """Counts one request for its token, address and network."""
    asked = {"token": token, "address": address, "network": network_of(address)}
    return all(_count(links, kind, key, PER_MINUTE[kind], now) for kind, key in asked.items() if key)


def missed(links: Links, address: str, now: dt.datetime) -> bool:
    """Counts an unknown token; False when this address has tried too many. Right tokens are never counted here."""
    return _count(links, "missed", address, MISSES_PER_MINUTE, now)


def from_own_page(origin: str, headers: Iterable[tuple[str, str]]) -> bool:
    """Whether a POST may come from our own page.

    Under `Referrer-Policy: no-referrer` browsers send `Origin: null` even with our own forms; `Sec-Fetch-Site` then
    tells. On plain http it is missing, and the nonce of the form alone decides.
    """
    given = {name.lower(): value for name, value in headers}
    site, sender = given.get("sec-fetch-site"), given.get("origin", "null")
    return site in (None, "same-origin") and sender in ("null", origin)


def _count(links: Links, kind: str, key: str, limit: int, now: dt.datetime) -> bool:
    bucket = hashlib.sha256(f"{kind}/{key}".encode()).hexdigest()[:32]
    return links.allow(f"{kind}:{bucket}", limit, MINUTE, now)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
