"""A real SMTP server for tests, with TLS; what it answers can be set."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from notifiers.smtp import RelaySettings


@dataclass
class Sink:
    """A server's handler; `rcpt` and `dot` are what it answers, `hang` makes it fall silent after the dot. It knows
    none of the addresses that it `refuses`."""

    rcpt: str = "250 OK"
    dot: str = "250 kept as 17"
    hang: bool = False
    refuses: set[str] = field(default_factory=set)
    mails: list[bytes] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str,  # noqa: N802
                          options: list[str]) -> str:
        if address in self.refuses:
            return "550 no such mailbox"
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(content)
        self.sessions.append(session)
        self.secure.append(session.ssl is not None)
        if self.hang:
            await asyncio.sleep(30)
        return self.dot

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
                     ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password == b"sesame", handled=False)


class TokenSink(Sink):
    """Takes tokens of OAuth 2.0 as well, of which one is good."""

    async def auth_XOAUTH2(self, server: SMTP, words: list[str]) -> AuthResult:  # noqa: N802
        told = base64.b64decode(words[1]).decode()
        self.logins.append(told)
        return AuthResult(success=told.endswith("\x01auth=Bearer fresh\x01\x01"), handled=False)


@dataclass
class Relay:
    """The server; it can be stopped and started again on the same port."""

    sink: Sink
    secure: ssl.SSLContext
    settings: RelaySettings
    controller: Controller | None = None

    def start(self) -> None:
        self.controller = Controller(self.sink, hostname="127.0.0.1", port=self.settings.port, tls_context=self.secure,
                                     require_starttls=True, authenticator=self.sink.authenticate)
        self.controller.start()

    def stop(self) -> None:
        if self.controller is not None:
            self.controller.stop()
            self.controller = None


@contextmanager
def mail_server(folder: Path, authority: trustme.CA | None = None, sink: Sink | None = None) -> Iterator[Relay]:
    """A running server whose certificate only the settings it comes with trust, or whoever trusts this authority."""
    authority = authority or trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    sink, secure = sink or Sink(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(secure)
    settings = RelaySettings("localhost", free_port(), "soppa@district.example", "District",
                             ca_file=folder / "ca.pem", timeout=5, dot_timeout=5, rest=0.05)
    relay = Relay(sink, secure, settings)
    relay.start()
    try:
        yield relay
    finally:
        relay.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Frank:
    """A relay in clear on loopback that reads ahead (PIPELINING), answers what it is told to, and grants so many
    connections; `silent` lets the others wait. `mails` are what it took. Use as a context manager."""

    answers: dict[str, str] = field(default_factory=dict)
    grants: int = 50
    silent: bool = False
    pipelines: bool = True
    mails: list[bytes] = field(default_factory=list)
    port: int = 0
    talking: int = 0
    greeted: int = 0
    has_mail: threading.Event = field(default_factory=threading.Event)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __enter__(self) -> Frank:
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._talk, "127.0.0.1", 0),
                                                       self.loop).result(5)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    async def _hang_up(self) -> None:
        self.server.close()
        talks = asyncio.all_tasks() - {asyncio.current_task()}
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    @property
    def settings(self) -> RelaySettings:
        return RelaySettings("127.0.0.1", self.port, "soppa@district.example", "District", tls="none", timeout=5,
                             dot_timeout=5, rest=0.0, connections=3)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.talking += 1
        self.greeted += 1
        if self.talking > self.grants and self.silent:
            await reader.read()
        elif self.talking > self.grants:
            writer.write(b"421 too many connections\r\n")
        else:
            writer.write(b"220 here\r\n")
            while line := await reader.readline():
                await self._answer(line[:4].decode().strip().upper(), reader, writer)
        self.talking -= 1
        writer.close()
        await writer.wait_closed()

    async def _answer(self, verb: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        usual = {"EHLO": "250-here\r\n250 PIPELINING" if self.pipelines else "250 here", "DATA": "354 go on"}
        answer = self.answers.get(verb, usual.get(verb, "250 ok"))
        writer.write(f"{answer}\r\n".encode())
        if verb == "DATA" and answer.startswith("354"):
            mail = b""
            while (line := await reader.readline()) != b".\r\n":
                if not line:
                    return
                mail += line
            self.mails.append(mail)
            self.has_mail.set()
            if (after := self.answers.get(".", "250 kept")) != "silence":
                writer.write(f"{after}\r\n".encode())
