"""A small SMTP server for the demo: takes every mail on loopback, keeps it in memory and shows it as pages.

It speaks what a relay speaks (EHLO, MAIL, RCPT, DATA, RSET, NOOP, QUIT) and delivers nothing to anybody. The pages are
read-only; a mail's HTML is shown in a sandboxed frame that runs no script and loads nothing.
"""

from __future__ import annotations

import asyncio
import base64
import html
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Self

MAX_MAIL = 5_000_000
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>body{{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;
color:#1b2a3d;background:#f5f7f9;overflow-wrap:anywhere}}a{{color:#24527a}}h1{{font-size:1.6rem;line-height:1.25}}
ol,ul{{list-style:none;padding:0}}li a{{display:inline-block;padding:.6rem 0}}ol li{{border-bottom:1px solid #d5dbe1}}
ol a{{font-weight:600}}span{{color:#4b5763;display:block}}pre{{white-space:pre-wrap;background:#fff;padding:1rem}}
iframe{{width:100%;height:34rem;border:1px solid #858f9a;background:#fff;box-sizing:border-box}}
</style><body>{body}</body></html>"""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail taken. `envelope_to` is the address the relay was given."""

    number: int
    envelope_to: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def subject(self) -> str:
        return str(self.message["subject"] or "")

    def part(self, kind: str) -> str:
        """The text of the first `plain` or `html` part; empty when there is none."""
        body = self.message.get_body(preferencelist=(kind,))
        return "" if body is None else str(body.get_content())


@dataclass(slots=True)
class MailSink:
    """Runs both servers on a thread of its own. Use as a context manager; ports 0 are chosen by the system. `pause` is
    how many seconds it takes to think before it accepts a mail."""

    smtp_port: int = 0
    web_port: int = 0
    pause: float = 0.0
    mails: list[Mail] = field(default_factory=list)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _servers: list[asyncio.Server] = field(default_factory=list)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail-sink", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        if self._thread is not None:
            self._thread.join(5)
        self._loop.close()

    async def _open(self) -> None:
        smtp = await asyncio.start_server(self._smtp, "127.0.0.1", self.smtp_port, limit=MAX_MAIL)
        web = await asyncio.start_server(self._web, "127.0.0.1", self.web_port)
        self._servers += [smtp, web]
        self.smtp_port, self.web_port = (int(server.sockets[0].getsockname()[1]) for server in (smtp, web))

    async def _hang_up(self) -> None:
        for server in self._servers:
            server.close()
        talks = asyncio.all_tasks() - {asyncio.current_task()}
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    async def _smtp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipients: list[str] = []
        try:
            await _answer(writer, "220 localhost demo sink")
            while (line := (await reader.readline()).decode("utf-8", "replace")).strip() or line:
                verb = line[:4].upper().strip()
                if verb == "QUIT":
                    await _answer(writer, "221 bye")
                    break
                await self._command(verb, line, recipients, reader, writer)
        except (ConnectionError, ValueError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _command(self, verb: str, line: str, recipients: list[str], reader: asyncio.StreamReader,
                       writer: asyncio.StreamWriter) -> None:
        if verb == "EHLO":
            await _answer(writer, "250-localhost\r\n250-8BITMIME\r\n250 SMTPUTF8")
        elif verb == "RCPT":
            recipients.append(line.partition("<")[2].partition(">")[0])
            await _answer(writer, "250 ok")
        elif verb == "DATA":
            await _answer(writer, "354 go on")
            raw = await _body(reader)
            number = self._keep(raw, recipients)
            recipients.clear()
            await asyncio.sleep(self.pause)
            await _answer(writer, f"250 ok, mail {number}")
        elif verb in ("HELO", "MAIL", "RSET", "NOOP"):
            await _answer(writer, "250 ok")
        else:
            await _answer(writer, "502 not known here")

    def _keep(self, raw: bytes, recipients: list[str]) -> int:
        number = len(self.mails) + 1
        self.mails.append(Mail(number, ", ".join(recipients), raw))
        return number

    async def _web(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode("latin-1").split()
            status, page = self._page(request[0], request[1]) if len(request) > 1 else ("400 Bad Request", "")
            content = page.encode()
            writer.write(f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n"
                         f"Content-Length: {len(content)}\r\nContent-Security-Policy: default-src 'none'; "
                         "style-src 'unsafe-inline'; frame-src data:"
                         "\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n"
                         "\r\n".encode() + (b"" if request[:1] == ["HEAD"] else content))
            await writer.drain()
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    def _page(self, method: str, path: str) -> tuple[str, str]:
        number = path.strip("/")
        if method not in ("GET", "HEAD"):
            return "405 Method Not Allowed", _page("Not here", "<p>These pages are for reading.</p>")
        if not number:
            return "200 OK", _page("Mails of the demo", _list(self.mails))
        if number.isdecimal() and 0 < int(number) <= len(self.mails):
            return "200 OK", _page(f"Mail {number}", _show(self.mails[int(number) - 1]))
        return "404 Not Found", _page("Not here", '<p>There is no such mail. <a href="/">All mails</a></p>')


async def _answer(writer: asyncio.StreamWriter, line: str) -> None:
    writer.write(line.encode() + b"\r\n")
    await writer.drain()


async def _body(reader: asyncio.StreamReader) -> bytes:
    """The lines up to the single dot, unstuffed. Raises `ValueError` when larger than `MAX_MAIL`."""
    lines: list[bytes] = []
    size = 0
    while (line := await reader.readline()) != b".\r\n":
        if not line.endswith(b"\n"):
            raise asyncio.IncompleteReadError(line, None)
        lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        size += len(line)
        if size > MAX_MAIL:
            raise ValueError("mail too large")
    return b"".join(lines)


def _page(title: str, body: str) -> str:
    return _PAGE.format(title=html.escape(title), body=f"<h1>{html.escape(title)}</h1>{body}")


def _list(mails: list[Mail]) -> str:
    rows = "".join(f'<li><a href="/{mail.number}">{html.escape(mail.subject)}</a>'
                   f"<span>mail {mail.number}, to {html.escape(mail.envelope_to)}</span></li>"
                   for mail in reversed(mails))
    none = "" if mails else "<p>No mail has left yet: reload in a moment.</p>"
    return f"<p>The newest first; reload to see more. Nothing here was delivered to anybody.</p>{none}<ol>{rows}</ol>"


def _show(mail: Mail) -> str:
    framed = base64.b64encode(mail.part("html").encode()).decode()
    frame = f'<iframe sandbox title="the mail as HTML" src="data:text/html;charset=utf-8;base64,{framed}"></iframe>'
    return (f'<p><a href="/">All mails</a></p><p>To {html.escape(mail.envelope_to)}<br>'
            f'<strong>{html.escape(mail.subject)}</strong></p>{_links(mail.part("plain"))}'
            f'<h2>As HTML</h2>{frame if framed else "<p>There is no HTML part.</p>"}'
            f'<h2>As text</h2><pre>{html.escape(mail.part("plain"))}</pre>')


def _links(text: str) -> str:
    """The web addresses of the text part as links to click."""
    found = dict.fromkeys(word.strip("<>().,") for word in text.split() if "http://" in word or "https://" in word)
    safe = [word for word in found if word.startswith(("http://", "https://"))]
    items = "".join(f'<li><a rel="noreferrer" href="{html.escape(word)}">{html.escape(word)}</a></li>' for word in safe)
    return f"<h2>Follow its links here</h2><ul>{items}</ul>" if items else ""
