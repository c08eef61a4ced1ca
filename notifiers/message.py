"""A rendered text as the bytes of one mail to one reader. Built once; every retry sends the same bytes.

All our mails have one shape, so they are written by hand: the library's message classes, which know every shape, take
fifty times as long. The tests hold what is written here against the library's own reading of it.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import format_datetime
from functools import lru_cache

from engine.errors import UsageError
from engine.model.handed import OutboxRow
from notifiers.quoted import quoted
from notifiers.render import Rendered, one_line

_LINE = 998
"""The longest line that a mail may hold, in octets (RFC 5322 2.1.1)."""

_FOLD = 76
_WORD = 42
"""Octets of text in one encoded word, which may be 75 characters long (RFC 2047 2)."""

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_NOT_IN_ADDRESS = re.compile(r'[ <>,;:"()\[\]\\@]')
_NOT_IN_HEAD = re.compile(rb"[^\t\x20-\x7e]")

_BETWEEN, _AROUND = "=_soppa_text", "=_soppa_all"
"""Boundaries. No line of a part can begin with one: `=_` is not a thing that quoted-printable or base64 writes."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Whom a mail is from or to; `email` is plain `local@domain`."""

    name: str
    email: str


def build(rendered: Rendered, *, sender: Mailbox, to: Mailbox, message_id: str, date: dt.datetime,
          thread: str | None = None, reply_to: Mailbox | None = None, invite: bytes | None = None) -> bytes:
    """The whole mail with CRLF line ends, 7-bit.

    `thread` is the Message-ID that all mails of one case refer to, `date` an aware instant. Raises `UsageError` when a
    header would hold a control character or an address that plain SMTP cannot carry.
    """
    lines = [_own_line("From", sender), _address_line("To", to)]
    if reply_to is not None:
        lines.append(_own_line("Reply-To", reply_to))
    lines += [_folded("Subject", _words(one_line(rendered.subject))), f"Date: {format_datetime(date)}",
              _folded("Message-ID", message_id)]
    if thread is not None:
        lines += [_folded("In-Reply-To", thread), _folded("References", thread)]
    lines += ["Auto-Submitted: auto-generated", "X-Auto-Response-Suppress: All",
              f"Content-Language: {one_line(rendered.language)}", "MIME-Version: 1.0"]
    head = "\r\n".join(lines).encode()
    _check_head(head)
    texts = _multipart("alternative", _BETWEEN, _text("plain", quoted(rendered.text)), _text("html", rendered.page))
    return b"%b\r\n%b" % (head, texts if invite is None else _multipart("mixed", _AROUND, texts, _entry(invite)))


def address(name: str, email: str) -> Mailbox:
    """A reader's address. Raises `UsageError` unless it is plain `local@domain` in ASCII on one line."""
    local, at, domain = email.strip().rpartition("@")
    plain = email.isascii() and email.strip().isprintable() and not _NOT_IN_ADDRESS.search(local + domain)
    if not (at and local and domain and plain):
        raise UsageError("the reader's address is not of the form name@example.org: correct it and try again")
    return Mailbox(one_line(name), f"{local}@{domain}")


def domain_of(sender: str) -> str:
    return sender.rpartition("@")[2]


def message_id(row: OutboxRow, domain: str) -> str:
    """The same for every try of one row, and for no other row."""
    parts = (row.case_id or "", row.mail, row.step, row.occurrence, row.recipient)
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
    return f"<{digest}@{domain}>"


def thread_id(case_id: str, domain: str) -> str:
    """What all mails of one case refer to, so that programs show them together. No mail has this id."""
    return f"<case-{case_id}@{domain}>"


def _address_line(name: str, one: Mailbox) -> str:
    shown = one.name
    if not _is_plain(shown):
        shown = _words(shown)
    elif not _ATOMS.fullmatch(shown):
        shown = '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return _folded(name, f"{shown} <{one.email}>" if shown else one.email)


_own_line = lru_cache(maxsize=8)(_address_line)
"""The office's own, which is the same in all mails."""


def _words(text: str) -> str:
    """Plain words as they are, others encoded in pieces that hold whole characters."""
    return text if _is_plain(text) else " ".join(map(_encoded, _cut(text.encode())))


def _is_plain(text: str) -> bool:
    return text.isascii() and "=?" not in text


def _cut(text: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(text):
        end = start + _WORD
        while end < len(text) and text[end] & 0xC0 == 0x80:  # inside a character of UTF-8
            end -= 1
        yield text[start:end]
        start = end


def _encoded(piece: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(piece).decode()}?="


def _folded(name: str, value: str) -> str:
    """Folds at spaces only, never after the name: programs that thread by an id want it whole, and readers see a blank
    before a subject that begins on its second line."""
    line = f"{name}: {value}"
    if len(line) <= _FOLD:
        return line
    lines, line = [], f"{name}:"
    for word in value.split(" "):
        if word and len(line) + 1 + len(word) > _FOLD and not line.endswith(":"):
            lines.append(line)
            line = ""
        line = f"{line} {word}"
    return "\r\n".join([*lines, line])


def _multipart(kind: str, boundary: str, *parts: bytes) -> bytes:
    edge = f"--{boundary}".encode()
    inner = b"".join(b"%b\r\n%b\r\n" % (edge, part) for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode() + inner + edge + b"--\r\n"


def _text(kind: str, coded: bytes) -> bytes:
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    return head.encode() + coded


def _entry(invite: bytes) -> bytes:
    head = ('Content-Type: text/calendar; charset="utf-8"; method="PUBLISH"\r\nContent-Transfer-Encoding: base64\r\n'
            'Content-Disposition: attachment; filename="due.ics"\r\n\r\n')
    return head.encode() + base64.encodebytes(invite).replace(b"\n", b"\r\n")


def _check_head(head: bytes) -> None:
    lines = head.split(b"\r\n")
    if max(map(len, lines)) > _LINE or _NOT_IN_HEAD.search(b"".join(lines)):
        raise UsageError("a header of the mail holds a control character or is too long: shorten the names in it")
