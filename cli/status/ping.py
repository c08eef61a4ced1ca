"""The signal of a daemon that lives: a request to a monitor after a finished loop, which never waits for it."""

from __future__ import annotations

import http.client
import logging
import ssl
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

EVERY = 60.0
PATIENCE = 5.0
"""Seconds for each step of the way."""

log = logging.getLogger("soppa")


@dataclass(slots=True)
class Ping:
    """`url` is https, and a secret: it never stands in a line of the log."""

    url: str | None
    context: ssl.SSLContext | None = None
    sent: float = 0.0
    failed: bool = False
    _busy: threading.Lock = field(default_factory=threading.Lock)

    def now_and_then(self) -> None:
        """Once a minute, on a thread of its own; not while the one before is under way."""
        if self.url is None or time.monotonic() - self.sent < EVERY or not self._busy.acquire(blocking=False):
            return
        self.sent = time.monotonic()
        threading.Thread(target=self._send, args=(self.url,), name="ping", daemon=True).start()

    def _send(self, url: str) -> None:
        try:
            status = get(url, self.context)
            self._told(None if 200 <= status < 300 else f"it was answered with {status}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._told(type(error).__name__)
        finally:
            self._busy.release()

    def _told(self, wrong: str | None) -> None:
        """Says once that it fails, and once that it works again."""
        if wrong is not None and not self.failed:
            log.warning("the ping to the monitor failed (%s); the next one tries again", wrong)
        if wrong is None and self.failed:
            log.warning("the ping to the monitor works again")
        self.failed = wrong is not None


def get(url: str, context: ssl.SSLContext | None = None) -> int:
    """The status of the answer; one that leads elsewhere is not followed. Raises `OSError` or `HTTPException`."""
    parts = urlsplit(url)
    asked = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=PATIENCE,
                                        context=context or ssl.create_default_context())
    try:
        asked.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        answer = asked.getresponse()
        answer.read(1000)
        return answer.status
    finally:
        asked.close()
