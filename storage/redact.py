"""Taking the secrets out of a mail that has left: the words stay, tokens of links and codes become a mark."""

from __future__ import annotations

import base64
import hashlib
import quopri
import re
from collections.abc import Collection
from email import message_from_bytes
from email.header import Header, decode_header, make_header
from email.message import Message
from email.policy import compat32
from typing import cast

MARK = "LINK-REMOVED"
CODE_MARK = "CODE-REMOVED"
_TOKEN_LENGTH = 43
_AS_IT_STANDS = compat32.clone(linesep="\r\n", mangle_from_=False)
"""Nothing is taken apart that is not asked for: the policies that understand every header cost ten times as much."""


def token_hash(token: str) -> str:
    """SHA-256 in hex: how a link's token is known to the database."""
    return hashlib.sha256(token.encode()).hexdigest()


def redact(raw: bytes, hashes: Collection[str], codes: Collection[str] = ()) -> bytes:
    """The mail with each token whose hash is in `hashes`, and each of the codes, replaced in its texts and headers."""
    if not hashes and not codes:
        return raw
    mail = message_from_bytes(raw, policy=_AS_IT_STANDS)
    for part in mail.walk():
        if part.get_content_maintype() == "text":
            _redact_part(part, hashes, codes)
    for name, value in mail.items():
        words = str(make_header(decode_header(value)))
        clean = _clean(words, hashes, codes)
        if clean != words:
            mail.replace_header(name, Header(clean, header_name=name).encode(linesep="\r\n"))
    return mail.as_bytes()


def _redact_part(part: Message, hashes: Collection[str], codes: Collection[str]) -> None:
    charset = part.get_content_charset() or "utf-8"
    text = cast("bytes", part.get_payload(decode=True)).decode(charset, "replace")
    clean = _clean(text, hashes, codes)
    if clean != text:
        encoding = "base64" if part.get("content-transfer-encoding", "").lower() == "base64" else "quoted-printable"
        part.set_payload(_encoded(clean.encode(charset, "replace"), encoding))
        del part["content-transfer-encoding"]
        part["content-transfer-encoding"] = encoding


def _encoded(content: bytes, encoding: str) -> str:
    lines = base64.encodebytes(content) if encoding == "base64" else quopri.encodestring(content)
    return lines.decode("ascii").replace("\r\n", "\n")


def _clean(text: str, hashes: Collection[str], codes: Collection[str]) -> str:
    """A token may follow other characters of its alphabet, so every start is tried."""
    found = {
        token
        for word in re.findall(r"[A-Za-z0-9_-]{43,}", text)
        for start in range(len(word) - 42)
        if token_hash(token := word[start : start + 43]) in hashes
    }
    for token in found:
        text = text.replace(token, MARK)
    for code in codes:
        text = text.replace(code, CODE_MARK)
    return text
