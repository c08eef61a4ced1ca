"""One-time codes by time (RFC 6238): SHA-1, 30 seconds, six digits, as every authenticator app makes them."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
from urllib.parse import quote

STEP = 30


def code(secret: str, counter: int) -> str:
    """The code of one time step; `secret` is base32 text."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8), casefold=True)
    digest = hmac.digest(key, counter.to_bytes(8, "big"), hashlib.sha1)
    at = digest[-1] & 0x0F
    return f"{(int.from_bytes(digest[at:at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def matching(secret: str, given: str, now: dt.datetime) -> int | None:
    """The time step whose code this is, now or one step to either side; None when it is no code."""
    present = int(now.timestamp()) // STEP
    steps = [step for step in (present - 1, present, present + 1)
             if hmac.compare_digest(code(secret, step).encode(), given.strip().encode())]
    return steps[0] if steps else None


def uri(secret: str, person: str, district: str) -> str:
    """What an authenticator app reads."""
    return f"otpauth://totp/{quote(district)}:{quote(person)}?secret={secret}&issuer={quote(district)}"
