"""The way to the relay: a few kept connections, and answers that tell what is certain.

The connections live on a loop of their own, which runs only while something is asked of it, so that callers are plain
functions. Only this module and `talk` are asynchronous.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import aiosmtplib
from aiosmtplib import errors as smtp

from engine.errors import WrongEnvironment
from notifiers.handover import Delivery, Handover, Keep, Outgoing
from notifiers.talk import GO_AHEAD, Broken, Lines, Reply, Talk

T = TypeVar("T")

_BROKEN = (Broken, smtp.SMTPException, ssl.SSLError, OSError, TimeoutError)
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
    for every step but the final dot; `rest` is how long a relay that is down is left alone; `connections` is how many
    it is asked for at a time.

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
    connections: int = 1

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
class Looked:
    """What a look at the relay found. `trouble` says what is wrong in one sentence, and what to do; None when the relay
    would take our mails. `tls` is the version that was spoken, empty without encryption."""

    trouble: str | None
    tls: str = ""
    signed_in: bool = False


class SmtpLink:
    """Connections to the relay, opened when first needed and kept. Only `abandon` may be called by another thread.

    Raises `WrongEnvironment` when the password's file is not as it should be.
    """

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._password = read_password(settings.password_file) if settings.password_file else None
        self._talks: list[Talk | None] = [None] * settings.connections
        self._running: asyncio.Task[Any] | None = None
        self._work: Handover | None = None
        self._down_until = 0.0
        self._loop = asyncio.new_event_loop()

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
        return self._rested(self._run(self._opened(0)))

    def deliver(self, address: str, raw: bytes, on_handing_over: Callable[[], bool]) -> Delivery:
        """Hands one mail over, as `deliver_all` does; `stopped` when `on_handing_over` gives False."""
        found = Delivery("stopped", "the mail was cancelled before it was handed over")

        def keep(asking: Sequence[int], done: Sequence[tuple[int, Delivery]]) -> Collection[int]:
            nonlocal found
            if done:
                found = done[-1][1]
            return asking if asking and on_handing_over() else ()

        self.deliver_all([Outgoing(address, raw)], keep)
        return found

    def deliver_all(self, mails: Sequence[Outgoing], keep: Keep) -> None:
        """Hands mails over, one at a time on each connection, and tells `keep` of each how it went.

        `keep` is asked once the relay has taken sender and recipient, before the first byte of a mail: what it does not
        allow is not sent. Any failure after it without an answer from the relay is `uncertain`; a plain 4xx or 5xx is
        an answer. Once the relay is out of reach, the others are `deferred` with `outage`. Raises what `keep` raises.
        """
        work = self._work = Handover(mails, keep)
        try:
            self._run(self._all(work))
        finally:
            self._work = None
            self._rested(work.outage)

    def abandon(self) -> None:
        """Stops waiting for the relay: mails in hand become `uncertain`, or `deferred` if they had not begun."""
        if self._running is not None:
            self._loop.call_soon_threadsafe(self._stop)

    def close(self) -> None:
        """Says goodbye; may be called twice."""
        if self._loop.is_closed() or self._loop.is_running():
            return
        self._run(self._goodbye())
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        running: asyncio.Task[T] = self._loop.create_task(work)
        self._running = running
        try:
            return self._loop.run_until_complete(running)
        finally:
            self._running = None

    def _stop(self) -> None:
        if self._work is not None:
            self._work.stop()
        if self._running is not None:
            self._running.cancel()

    def _rested(self, outage: Delivery | None) -> bool:
        """Whether there was no outage; after one the relay is left alone for its rest."""
        self._down_until = 0.0 if outage is None else time.monotonic() + self._settings.rest
        return outage is None

    async def _goodbye(self) -> None:
        await asyncio.gather(*(talk.end() for talk in self._talks if talk is not None))
        self._talks = [None] * len(self._talks)
        await asyncio.sleep(_FAREWELL)

    async def _all(self, work: Handover) -> None:
        wanted = range(min(len(self._talks), len(work.left)))
        lanes = [asyncio.ensure_future(self._lane(place, work)) for place in wanted]
        try:
            await work.over(lanes)
        except asyncio.CancelledError:
            pass
        finally:
            work.stop()
            for lane in lanes:  # those that still wait for a connection, and after a stop all others
                lane.cancel()
            ended = await asyncio.gather(*lanes, return_exceptions=True)
            work.finish()
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _lane(self, place: int, work: Handover) -> None:
        """Mails one after the other on one connection."""
        with work.talking():
            while work.goes_on:
                down = await self._opened(place)
                if down is not None:
                    work.without(down)
                    return
                number = work.next()
                if number is None or not await self._one(place, work, number):
                    return

    async def _one(self, place: int, work: Handover, number: int) -> bool:
        """False when this connection is of no more use."""
        try:
            refusal = await self._addressed(place, work.mails[number].address)
            if refusal is not None and refusal.outage:
                work.back(number)
                work.without(refusal)
                return False
            allowed = refusal is None and await work.may_go(number)
        except asyncio.CancelledError:
            work.back(number)
            self._cut(place)
            raise
        if refusal is not None:
            work.went(number, refusal)
        elif allowed:
            work.went(number, await self._sent(place, work.mails[number].raw))
        else:
            work.refused(number)
            self._cut(place)
        return True

    async def _opened(self, place: int) -> Delivery | None:
        """None when there is a connection."""
        talk = self._talks[place]
        if talk is not None and talk.is_open:
            return None
        try:
            self._talks[place] = await _connect(self._settings, self._password)
        except _BROKEN as error:
            return Delivery("deferred", f"the relay is out of reach: {_said(error)}", outage=True)
        return None

    async def _addressed(self, place: int, address: str) -> Delivery | None:
        """None when the relay took sender and recipient. A kept connection that has died meanwhile is opened again."""
        kept = self._talks[place] is not None
        down = await self._opened(place)
        if down is not None:
            return down
        refusal = await _envelope(self._talk(place), self._settings.sender, address)
        if refusal is None or not refusal.outage:
            return refusal
        self._cut(place)
        return await self._addressed(place, address) if kept else refusal

    async def _sent(self, place: int, raw: bytes) -> Delivery:
        delivery = await _mail(self._talk(place), raw, self._settings.dot_timeout)
        if delivery.state == "uncertain" or delivery.outage:
            self._cut(place)
        return delivery

    def _talk(self, place: int) -> Talk:
        talk = self._talks[place]
        if talk is None:
            raise RuntimeError("no connection to the relay is open")
        return talk

    def _cut(self, place: int) -> None:
        talk, self._talks[place] = self._talks[place], None
        if talk is not None:
            talk.cut()


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


async def _connect(settings: RelaySettings, password: str | None) -> Talk:
    client = await _greeted(settings, password)
    transport = client.transport
    if not isinstance(transport, asyncio.Transport):
        raise Broken("the relay hung up")
    lines = Lines()
    transport.set_protocol(lines)  # from here on the library is not asked any more
    return Talk(lines, transport, client.supports_extension("pipelining"), settings.timeout)


async def _greeted(settings: RelaySettings, password: str | None) -> aiosmtplib.SMTP:
    secure = None if settings.tls == "none" else ssl.create_default_context(cafile=settings.ca_file)
    client = aiosmtplib.SMTP(
        hostname=settings.host, port=settings.port, use_tls=settings.tls == "tls",
        start_tls=settings.tls == "starttls", tls_context=secure, timeout=settings.timeout,
        local_hostname=settings.sender.rpartition("@")[2],
        username=settings.username, password=password if settings.username else None,
        oauth_token_generator=partial(_token, settings.token_file) if settings.token_file else None,
    )
    await client.connect()
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except smtp.SMTPHeloError:
            await client.helo()
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
        client = await _greeted(settings, password)
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


async def _envelope(talk: Talk, sender: str, address: str) -> Delivery | None:
    """None when all was taken. A refused sender is the relay's set-up, not this mail's fault."""
    try:
        replies = await talk.envelope(sender, address)
        last = replies[-1]
        if last.code == GO_AHEAD and len(replies) == 3:
            return None
        if len(replies) == 1:
            return Delivery("deferred", f"the relay refuses our sender: {last}", outage=True)
        await talk.reset()
    except Broken as error:
        return Delivery("deferred", f"the relay is out of reach: {_said(error)}", outage=True)
    except ValueError as error:
        return Delivery("failed", str(error))
    refusal = _answered(last)
    return replace(refusal, state="deferred", outage=True) if refusal.state == "uncertain" else refusal


async def _mail(talk: Talk, raw: bytes, timeout: float) -> Delivery:
    try:
        reply = await talk.mail(raw, timeout)
    except asyncio.CancelledError:
        return Delivery("uncertain", "stopped while waiting for the relay's answer")
    except Broken as error:
        return Delivery("uncertain", f"no answer to the final dot: {_said(error)}")
    return Delivery("accepted", str(reply)) if reply.is_good else _answered(reply)


async def _goodbye(client: aiosmtplib.SMTP) -> None:
    try:
        if client.is_connected:
            await client.quit(timeout=2)
    except _BROKEN:
        client.close()


def _answered(reply: Reply) -> Delivery:
    """A reply is certain: 5xx is for good, 421 means that the relay goes away, any other 4xx is for now."""
    if 500 <= reply.code < 600:
        return Delivery("failed", str(reply))
    if 400 <= reply.code < 500:
        return Delivery("deferred", str(reply), outage=reply.code == _GOING_AWAY)
    return Delivery("uncertain", f"an answer that SMTP does not know: {reply}")


def _said(error: BaseException) -> str:
    """The error's words on one line; some have none."""
    return " ".join(str(error).split()) or type(error).__name__
