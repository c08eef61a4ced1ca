"""What is said to a relay once it has greeted us: an envelope, a mail, and its answers (RFC 5321, 2920).

The library that opens the connection writes mail and final dot at once and waits for each answer on its own; here the
envelope is one packet where the relay allows it, and what came before the mail is told apart from what came after.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

_PLAIN = re.compile(r"[^\x00-\x20<>\x7f-\U0010ffff]+")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_MOST_LINES = 100
_LONGEST = 2**16

GO_AHEAD = 354
FAREWELL = 2.0


class Broken(Exception):
    """The connection ended, fell silent, or says what SMTP does not know."""


@dataclass(frozen=True, slots=True)
class Reply:
    code: int
    text: str

    @property
    def is_good(self) -> bool:
        return 200 <= self.code < 300

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip()


class Lines(asyncio.Protocol):
    """What the relay says, line by line as it comes in."""

    def __init__(self) -> None:
        self.ended: Broken | None = None
        self._lines: deque[bytes] = deque()
        self._begun = b""
        self._more = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        *lines, self._begun = (self._begun + data).split(b"\n")
        self._lines.extend(lines)
        if len(self._begun) > _LONGEST or len(self._lines) > 3 * _MOST_LINES:
            self.ended = Broken("the relay's answer has no end")
        self._more.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.ended = Broken("the relay hung up" if error is None else _on_one_line(error))
        self._more.set()

    async def next(self, until: float) -> bytes:
        """Waits for it up to this moment of the loop. Raises `Broken`."""
        while not self._lines:
            if self.ended is not None:
                raise self.ended
            self._more.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._more.wait()
            except TimeoutError as error:
                raise Broken("the relay does not answer") from error
        return self._lines.popleft()


@dataclass(frozen=True, slots=True)
class Talk:
    """One connection. `pipelines` says that the relay reads on while it answers; `timeout` holds for every answer but
    that to the final dot. Everything here raises `Broken`."""

    lines: Lines
    transport: asyncio.Transport
    pipelines: bool
    timeout: float

    @property
    def is_open(self) -> bool:
        return not self.transport.is_closing() and self.lines.ended is None

    async def envelope(self, sender: str, address: str) -> Sequence[Reply]:
        """The answers to MAIL, RCPT and DATA, up to the first that refuses; after three the relay waits for a mail.

        Raises `ValueError` for an address that could be taken for more than one.
        """
        if not (_PLAIN.fullmatch(sender) and _PLAIN.fullmatch(address)):
            raise ValueError("an address with blanks or control characters is given to no relay")
        commands = [f"MAIL FROM:<{sender}>", f"RCPT TO:<{address}>", "DATA"]
        if not self.pipelines:
            return await self._one_by_one(commands)
        self._write("".join(f"{command}\r\n" for command in commands).encode())
        replies = [await self._reply(self.timeout) for _ in commands]
        if replies[2].code == GO_AHEAD and not (replies[0].is_good and replies[1].is_good):
            self._write(b".\r\n")  # nobody was accepted as its reader, so this ends an empty mail to nobody
            await self._reply(self.timeout)
        wrong = next((number for number, reply in enumerate(replies) if not _goes_on(reply)), None)
        return replies if wrong is None else replies[: wrong + 1]

    async def mail(self, raw: bytes, timeout: float) -> Reply:
        """Sends it with the final dot, and waits for the answer to that."""
        self._write(_stuffed(raw))
        return await self._reply(timeout)

    async def reset(self) -> None:
        self._write(b"RSET\r\n")
        await self._reply(self.timeout)

    async def end(self) -> None:
        """Says goodbye if there is anybody."""
        with contextlib.suppress(Broken):
            self._write(b"QUIT\r\n")
            await self._reply(FAREWELL)
        self.transport.close()

    def cut(self) -> None:
        """Closes without a word: what the relay has of a mail is thrown away by it."""
        self.transport.abort()

    async def _one_by_one(self, commands: Sequence[str]) -> Sequence[Reply]:
        replies: list[Reply] = []
        for command in commands:
            self._write(f"{command}\r\n".encode())
            replies.append(await self._reply(self.timeout))
            if not _goes_on(replies[-1]):
                break
        return replies

    def _write(self, what: bytes) -> None:
        if self.transport.is_closing():
            raise Broken("the connection is closed")
        self.transport.write(what)

    async def _reply(self, timeout: float) -> Reply:
        """An answer of one line or several."""
        until = asyncio.get_running_loop().time() + timeout
        texts: list[str] = []
        for _ in range(_MOST_LINES):
            line = await self.lines.next(until)
            texts.append(line[4:].decode("ascii", "replace").strip())
            if line[3:4] != b"-":
                return Reply(_code(line), " ".join(texts))
        raise Broken("the relay's answer has no end")


def _code(line: bytes) -> int:
    try:
        return int(line[:3])
    except ValueError as error:
        raise Broken(_on_one_line(error)) from error


def _on_one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _goes_on(reply: Reply) -> bool:
    return reply.is_good or reply.code == GO_AHEAD


def _stuffed(raw: bytes) -> bytes:
    """With CRLF at each line's end, a dot more before each dot that begins a line, and the final dot."""
    if not raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r"):
        raw = _LINE_END.sub(b"\r\n", raw)
    raw = raw.replace(b"\r\n.", b"\r\n..")
    return (b"." if raw.startswith(b".") else b"") + raw + (b".\r\n" if raw.endswith(b"\r\n") else b"\r\n.\r\n")
