"""Taking the secrets out of a mail that has left: the words stay, tokens of links and codes become a mark."""

from __future__ import annotations

import base64
import hashlib
import quopri
import re
from collections.abc import Collection
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

MARK = "LINK-REMOVED"
CODE_MARK = "CODE-REMOVED"
_TOKEN_LENGTH = 43


def token_hash(token: str) -> str:
    """SHA-256 in hex: how a link's token is known to the database."""
    return hashlib.sha256(token.encode()).hexdigest()


def redact(raw: bytes, hashes: Collection[str], codes: Collection[str] = ()) -> bytes:
    """The mail with each token whose hash is in `hashes`, and each of the codes, replaced in its texts and headers."""
    if not hashes and not codes:
        return raw
    mail = message_from_bytes(raw, policy=SMTP)
    for part in mail.walk():
        if part.get_content_maintype() == "text":
            _redact_part(part, hashes, codes)
    for name, value in list(mail.items()):
        clean = _clean(str(value), hashes, codes)
        if clean != str(value):
            mail.replace_header(name, clean)
    return mail.as_bytes()


def _redact_part(part: EmailMessage, hashes: Collection[str], codes: Collection[str]) -> None:
    text = part.get_content()
    clean = _clean(text, hashes, codes)
    if clean != text:
        charset = part.get_content_charset() or "utf-8"
        encoding = "base64" if part.get("content-transfer-encoding", "").lower() == "base64" else "quoted-printable"
        part.set_payload(_encoded(clean.encode(charset, "replace"), encoding))
        del part["content-transfer-encoding"]
        part["content-transfer-encoding"] = encoding


def _encoded(content: bytes, encoding: str) -> str:

    return (base64.encodebytes(content) if encoding == "base64" else quopri.encodestring(content)).decode("ascii")


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
