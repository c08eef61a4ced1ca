"""The way to the relay: one kept connection, and an answer that tells what is certain.

The only asynchronous module. The connection lives on a loop of its own in a thread of its own, so that callers are
plain functions.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import aiosmtplib
from aiosmtplib import errors as smtp

from engine.errors import WrongEnvironment

T = TypeVar("T")

_BROKEN = (smtp.SMTPException, ssl.SSLError, OSError, TimeoutError)
"""What a connection can end with. A bad certificate is an `ssl.SSLError`, no `SMTPException`."""

_GOING_AWAY = 421

_FAREWELL = 0.02
"""Seconds for a TLS connection to close properly before its loop ends."""

DOT_TIMEOUT = 600.0
"""Seconds to wait for the reply to the final dot (RFC 5321 4.5.3.2.6)."""


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """`tls`: `starttls`, `tls` from the first byte, or `none`, which only a loopback host may have. `token_file` holds
    an access token of OAuth 2.0 in the place of a password, and is read at each connection. `timeout` (seconds) holds
    for every step but the final dot; `rest` is how long a relay that is down is left alone.

    Raises `WrongEnvironment` for settings that would send in clear over a network.
    """

    host: str
    port: int
    sender: str
    sender_name: str
    tls: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password_file: Path | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    timeout: float = 30.0
    dot_timeout: float = DOT_TIMEOUT
    rest: float = 30.0

    def __post_init__(self) -> None:
        if self.tls == "none" and not is_loopback(self.host):
            raise WrongEnvironment(f"relay.tls: 'none' would send mail in clear to {self.host}: use starttls or tls")
        if self.username is not None and self.password_file is None and self.token_file is None:
            raise WrongEnvironment("relay.username is set without relay.password_file: name the file with the password")
        if self.password_file is not None and self.token_file is not None:
            raise WrongEnvironment("relay.password_file and relay.token_file are both set: leave one of them out")
        if self.token_file is not None and self.username is None:
            raise WrongEnvironment("relay.token_file is set without relay.username: name the mailbox that it is for")
        if self.username is not None and self.tls == "none":
            raise WrongEnvironment("relay.username needs relay.tls: a password is never sent in clear")


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one hand-over went.

    accepted: the relay said 250 to the final dot. deferred: not taken, try again later. failed: refused for good.
    uncertain: the final dot may have been taken, nobody knows. stopped: lost or cancelled, nothing was sent.
    `reply` holds the relay's words. `outage`: the relay itself is out of reach, no other mail will fare better.
    """

    state: Literal["accepted", "deferred", "failed", "uncertain", "stopped"]
    reply: str
    outage: bool = False


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at the relay found. `trouble` says what is wrong in one sentence, and what to do; None when the relay
    would take our mails. `tls` is the version that was spoken, empty without encryption."""

    trouble: str | None
    tls: str = ""
    signed_in: bool = False


class SmtpLink:
    """One connection to the relay, opened when first needed and kept. Only `abandon` may be called by another thread.

    Raises `WrongEnvironment` when the password's file is not as it should be.
    """

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._password = read_password(settings.password_file) if settings.password_file else None
        self._running: Future[Any] | None = None
        self._client: aiosmtplib.SMTP | None = None
        self._down_until = 0.0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self.close()

    def reachable(self) -> bool:
        """False while the relay is known to be down; after each rest it is tried again, without any mail."""
        if self._down_until == 0.0:
            return True
        if time.monotonic() < self._down_until:
            return False
        return self._opened() is None

    def deliver(self, address: str, raw: bytes, on_handing_over: Callable[[], bool]) -> Delivery:
        """Hands one mail over. `on_handing_over` is called once the relay has taken sender and recipient, before the
        first byte of the mail; when it gives False, nothing is sent.

        Any failure after it without an answer from the relay is `uncertain`; a plain 4xx or 5xx is an answer.
        Raises what `on_handing_over` raises.
        """
        try:
            refusal = self._addressed(address)
        except CancelledError:
            refusal = Delivery("deferred", "stopped before the mail was handed over", outage=True)
        if refusal is not None:
            return refusal
        try:
            wanted = on_handing_over()
        except BaseException:
            self._drop()
            raise
        if not wanted:
            self._drop()
            return Delivery("stopped", "the mail was cancelled before it was handed over")
        return self._handed_over(raw)

    def abandon(self) -> None:
        """Stops waiting for the relay: the mail in hand becomes `uncertain`, or `deferred` if it had not begun."""
        running = self._running
        if running is not None:
            running.cancel()

    def close(self) -> None:
        """Says goodbye and ends the thread; may be called twice."""
        if not self._thread.is_alive():
            return
        self._drop()
        self._run(asyncio.sleep(_FAREWELL))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        running = asyncio.run_coroutine_threadsafe(work, self._loop)
        self._running = running
        return running.result()

    def _opened(self) -> Delivery | None:
        """None when there is a connection."""
        if self._client is not None and self._client.is_connected:
            return None
        try:
            self._client = self._run(_connect(self._settings, self._password))
        except _BROKEN as error:
            return self._down(f"the relay is out of reach: {_said(error)}")
        self._down_until = 0.0
        return None

    def _down(self, reply: str) -> Delivery:
        self._down_until = time.monotonic() + self._settings.rest
        return Delivery("deferred", reply, outage=True)

    def _addressed(self, address: str) -> Delivery | None:
        """None when the relay took sender and recipient. A kept connection that has died meanwhile is opened again."""
        kept = self._client is not None
        down = self._opened()
        if down is not None:
            return down
        refusal = self._run(_envelope(self._connected(), self._settings.sender, address))
        if refusal is None or not refusal.outage:
            return refusal
        self._drop()
        return self._addressed(address) if kept else self._down(refusal.reply)

    def _handed_over(self, raw: bytes) -> Delivery:
        try:
            delivery = self._run(_data(self._connected(), raw, self._settings.dot_timeout))
        except CancelledError:
            delivery = Delivery("uncertain", "stopped while waiting for the relay's answer")
        if delivery.state == "uncertain" or delivery.outage:
            self._drop()
        return delivery

    def _connected(self) -> aiosmtplib.SMTP:
        if self._client is None:
            raise RuntimeError("no connection to the relay is open")
        return self._client

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            self._run(_goodbye(client))


def look_at(settings: RelaySettings) -> Looked:
    """Really connects, encrypts, signs in and names our sender, and sends nothing. Raises `WrongEnvironment` for a
    password that cannot be read."""
    password = read_password(settings.password_file) if settings.password_file else None
    return asyncio.run(_looked(settings, password))


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_password(path: Path) -> str:
    """The first line of the file. Raises `WrongEnvironment` when it cannot be read or everybody could read it."""
    try:
        if path.stat().st_mode & 0o007:
            raise WrongEnvironment(f"{path}: other users can read the relay's password: chmod o= it")
        return path.read_text("utf-8").split("\n", 1)[0].strip()
    except OSError as error:
        raise WrongEnvironment(f"{path}: the relay's password cannot be read: {error.strerror}") from error


async def _connect(settings: RelaySettings, password: str | None) -> aiosmtplib.SMTP:
    secure = None if settings.tls == "none" else ssl.create_default_context(cafile=settings.ca_file)
    client = aiosmtplib.SMTP(
        hostname=settings.host, port=settings.port, use_tls=settings.tls == "tls",
        start_tls=settings.tls == "starttls", tls_context=secure, timeout=settings.timeout,
        local_hostname=settings.sender.rpartition("@")[2],
        username=settings.username, password=password if settings.username else None,
        oauth_token_generator=partial(_token, settings.token_file) if settings.token_file else None,
    )
    await client.connect()
    return client


async def _token(file: Path) -> str:
    """Read anew for each connection, since whoever writes the file renews it within the hour. One that cannot be read
    is like a wrong one: the relay is out of reach until it can."""
    try:
        return read_password(file)
    except WrongEnvironment as error:
        raise smtp.SMTPAuthenticationError(0, str(error)) from error


async def _looked(settings: RelaySettings, password: str | None) -> Looked:
    try:
        client = await _connect(settings, password)
    except _BROKEN as error:
        await asyncio.sleep(_FAREWELL)
        return Looked(_trouble(settings, error.__cause__ or error))
    try:
        spoken = client.transport.get_extra_info("ssl_object") if client.transport else None
        await client.mail(settings.sender)
        return Looked(None, spoken.version() if spoken else "", settings.username is not None)
    except _BROKEN as error:
        return Looked(f"the relay refuses mail from {settings.sender} ({_said(error)}): have it allow this sender")
    finally:
        await _goodbye(client)


def _trouble(settings: RelaySettings, error: BaseException) -> str:
    """The most telling sentence first: each error is an instance of those below it too."""
    where = f"{settings.host}:{settings.port}"
    match error:
        case smtp.SMTPAuthenticationError():
            kept = (f"the password in {settings.password_file}" if settings.token_file is None
                    else f"renew the token in {settings.token_file}")
            return f"{where} refuses the user or the password ({error.code}): correct relay.username, or {kept}"
        case ssl.SSLCertVerificationError():
            return (f"the certificate of {where} is not to be trusted ({error.verify_message}): correct relay.host, or "
                    f"have the relay renew it")
        case smtp.SMTPException() if "STARTTLS" in str(error):
            return f"{where} offers no STARTTLS: correct relay.port, or set relay.tls to tls where it encrypts at once"
        case smtp.SMTPException() if "AUTH" in str(error):
            return f"{where} lets nobody sign in: correct relay.port, or leave relay.username out"
        case ssl.SSLError() | smtp.SMTPServerDisconnected():
            return f"{where} does not speak as relay.tls '{settings.tls}' says: port 587 is starttls, port 465 is tls"
    return _unreachable(where, error)


def _unreachable(where: str, error: BaseException) -> str:
    match error:
        case TimeoutError() | smtp.SMTPTimeoutError():
            return f"{where} does not answer: correct relay.host and relay.port, or open the firewall"
        case socket.gaierror():
            return f"there is no machine named {where.rpartition(':')[0]}: correct relay.host"
        case ConnectionRefusedError():
            return f"nothing listens at {where}: correct relay.port, or start the relay"
    return f"{where} cannot be reached ({_said(error)}): correct relay.host and relay.port"


async def _envelope(client: aiosmtplib.SMTP, sender: str, address: str) -> Delivery | None:
    """MAIL and RCPT. None when both were taken. A refused sender is the relay's set-up, not this mail's fault."""
    try:
        await client.mail(sender)
        await client.rcpt(address)
    except smtp.SMTPSenderRefused as error:
        return Delivery("deferred", f"the relay refuses our sender: {_reply(error)}", outage=True)
    except smtp.SMTPRecipientRefused as error:
        with contextlib.suppress(*_BROKEN):
            await client.rset()
        return _answered(error)
    except _BROKEN as error:
        return Delivery("deferred", f"the relay is out of reach: {_said(error)}", outage=True)
    return None


async def _data(client: aiosmtplib.SMTP, raw: bytes, timeout: float) -> Delivery:
    try:
        answer = await client.data(raw, timeout=timeout)
    except smtp.SMTPDataError as error:
        return _answered(error)
    except _BROKEN as error:
        return Delivery("uncertain", f"no answer to the final dot: {_said(error)}")
    return Delivery("accepted", f"{answer.code} {answer.message}")


async def _goodbye(client: aiosmtplib.SMTP) -> None:
    try:
        if client.is_connected:
            await client.quit(timeout=2)
    except _BROKEN:
        client.close()


def _answered(error: smtp.SMTPResponseException) -> Delivery:
    """A reply is certain: 5xx is for good, 421 means that the relay goes away, any other 4xx is for now."""
    if 500 <= error.code < 600:
        return Delivery("failed", _reply(error))
    if 400 <= error.code < 500:
        return Delivery("deferred", _reply(error), outage=error.code == _GOING_AWAY)
    return Delivery("uncertain", f"an answer that SMTP does not know: {_reply(error)}")


def _reply(error: smtp.SMTPResponseException) -> str:
    return f"{error.code} {' '.join(str(error.message).split())}"


def _said(error: BaseException) -> str:
    """The error's words on one line; some have none."""
    return " ".join(str(error).split()) or type(error).__name__
