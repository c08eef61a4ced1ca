"""A rendered text as the bytes of one mail to one reader. Built once; every retry sends the same bytes."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from typing import ClassVar, Literal

from engine.errors import UsageError
from engine.ports import OutboxRow
from notifiers.render import Rendered, one_line

_LINE = 998
"""The longest line that a mail may hold, in octets (RFC 5322 2.1.1)."""


class _Unbroken(UnstructuredHeader, BaseHeader):
    """Folds at spaces only. The stock fold turns a word of some 70 characters into encoded words, and programs that
    thread or unsubscribe by such a header no longer understand it."""

    max_count: ClassVar[Literal[1] | None] = None

    def fold(self, *, policy: Policy) -> str:
        lines, line = [], f"{self.name}:"
        for word in str(self).split():
            if len(line) + 1 + len(word) > 76 and not line.endswith(":"):
                lines.append(line)
                line = ""
            line = f"{line} {word}"
        return policy.linesep.join([*lines, line]) + policy.linesep


class _Subject(_Unbroken):
    """The stock fold puts a plain subject of 70 characters on a line below its name, and readers see a blank before it.
    Other letters still become encoded words."""

    max_count = 1

    def fold(self, *, policy: Policy) -> str:
        return _Unbroken.fold(self, policy=policy) if str(self).isascii() else BaseHeader.fold(self, policy=policy)


def _policy() -> Policy[EmailMessage]:
    headers = HeaderRegistry()
    for name in ("message-id", "in-reply-to", "references"):
        headers.map_to_type(name, _Unbroken)
    headers.map_to_type("subject", _Subject)
    return SMTP.clone(header_factory=headers, cte_type="7bit")


POLICY = _policy()


def build(rendered: Rendered, *, sender: Address, to: Address, message_id: str, date: dt.datetime,
          thread: str | None = None, reply_to: Address | None = None, invite: bytes | None = None) -> bytes:
    """The whole mail with CRLF line ends, 7-bit.

    `thread` is the Message-ID that all mails of one case refer to, `date` an aware instant. Raises `UsageError` when a
    header would hold a control character or an address that plain SMTP cannot carry.
    """
    mail = EmailMessage(policy=POLICY)
    mail["From"] = sender
    mail["To"] = to
    if reply_to is not None:
        mail["Reply-To"] = reply_to
    mail["Subject"] = one_line(rendered.subject)
    mail["Date"] = date
    mail["Message-ID"] = message_id
    if thread is not None:
        mail["In-Reply-To"] = thread
        mail["References"] = thread
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(rendered.text, cte="quoted-printable")
    mail.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    if invite is not None:
        mail.add_attachment(invite, maintype="text", subtype="calendar", filename="due.ics", cte="base64",
                            params={"charset": "utf-8", "method": "PUBLISH"})
    mail["Content-Language"] = rendered.language  # after the parts: each of them takes such a header away
    raw = mail.as_bytes()
    _check_head(raw)
    return raw


def address(name: str, email: str) -> Address:
    """A reader's address. Raises `UsageError` unless it is plain `local@domain` in ASCII on one line."""
    local, at, domain = email.strip().rpartition("@")
    plain = email.isascii() and email.strip().isprintable() and not any(c in " <>,;:\"()[]\\@" for c in local + domain)
    if not (at and local and domain and plain):
        raise UsageError("the reader's address is not of the form name@example.org: correct it and try again")
    return Address(one_line(name), local, domain)


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


def _check_head(raw: bytes) -> None:
    head: Sequence[bytes] = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    for line in head:
        if len(line) > _LINE or any((byte < 32 and byte != 9) or byte > 126 for byte in line):
            raise UsageError("a header of the mail holds a control character or is too long: shorten the names in it")
