"""Taking the secrets out of a mail that has left: the words stay, tokens of links and codes become a mark.

The mail is cut at its boundaries and not read into the library's message classes, which takes ten times as long.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import string
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from email.header import Header, decode_header, make_header

MARK = "LINK-REMOVED"
CODE_MARK = "CODE-REMOVED"
_TOKEN_LENGTH = 43
_OF_TOKENS = frozenset((string.ascii_letters + string.digits + "-_").encode())
_APART = bytes(each if each in _OF_TOKENS else ord(" ") for each in range(256))
"""Blanks in the place of all that stands in no token."""
_IN_LINK = re.compile(rb"/([A-Za-z0-9_-]{%d})(?![A-Za-z0-9_-])" % _TOKEN_LENGTH)
_BOUNDARY = re.compile(rb'boundary="?([^";\s]+)')
_ENCODING = re.compile(rb"^content-transfer-encoding:[ \t]*([a-z0-9-]+)", re.IGNORECASE | re.MULTILINE)
_FIELDS = re.compile(rb"\r\n(?![ \t])")
_OUR_WORD = re.compile(rb"=\?utf-8\?b\?([^?]*)\?=(?:(?:\r\n)?[ \t]+(?==\?))?")
"""An encoded word as our mails have them, with the blanks that part it from the next."""

_Secrets = Mapping[bytes, bytes]
"""What has to go, and the mark that takes its place."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What stands between two boundaries; `said` and `text` are head and body, decoded."""

    head: bytes
    parted: bytes
    body: bytes
    encoding: bytes
    said: bytes
    text: bytes


def token_hash(token: bytes) -> str:
    """SHA-256 in hex: how a link's token is known to the database."""
    return hashlib.sha256(token).hexdigest()


def redact(raw: bytes, hashes: Collection[str], codes: Collection[str] = ()) -> bytes:
    """The mail with each token whose hash is in `hashes`, and each of the codes, replaced in its texts and headers."""
    if not hashes and not codes:
        return raw
    edges = b"|".join(re.escape(edge) for edge in _BOUNDARY.findall(raw))
    pieces = re.split(rb"(\r\n--(?:%b)(?:--)?[ \t]*(?=\r\n|\Z))" % edges, raw) if edges else [raw]
    parts = [_read(piece) for piece in pieces[::2]]
    tokens = _tokens(b"\n".join(words for part in parts for words in (part.said, part.text)), hashes)
    secrets = dict.fromkeys(tokens, MARK.encode()) | {code.encode(): CODE_MARK.encode() for code in codes}
    pieces[::2] = [_head(part, secrets) + part.parted + _body(part, secrets) for part in parts]
    return b"".join(pieces)


def _tokens(text: bytes, hashes: Collection[str]) -> Collection[bytes]:
    """Those of the text that are known. What no link ends with is looked for at every start, since a token may follow
    other characters of its alphabet."""
    found = {token for token in _IN_LINK.findall(text) if token_hash(token) in hashes}
    if len(found) == len(hashes):
        return found
    long = [word for word in text.translate(_APART).split() if len(word) >= _TOKEN_LENGTH]
    starts = ((word, start) for word in long for start in range(len(word) - _TOKEN_LENGTH + 1))
    tokens = {word[start : start + _TOKEN_LENGTH] for word, start in starts}
    return {token for token in tokens if token_hash(token) in hashes}


def _read(piece: bytes) -> _Part:
    head, parted, body = piece.partition(b"\r\n\r\n")
    found = _ENCODING.search(head)
    encoding = found[1].lower() if found else b""
    return _Part(head, parted, body, encoding, _said(head), _decoded(body, encoding))


def _said(head: bytes) -> bytes:
    if b"=?" not in head:
        return head
    said = _OUR_WORD.sub(lambda word: binascii.a2b_base64(word[1]), head)
    return said if b"=?" not in said else b"\r\n".join(map(_words, _FIELDS.split(head)))


def _words(field: bytes) -> bytes:
    """What a field says, in whatever way it was encoded."""
    value = field.decode("utf-8", "surrogateescape").partition(":")[2]
    return str(make_header(decode_header(value.strip()))).encode("utf-8", "surrogateescape")


def _head(part: _Part, secrets: _Secrets) -> bytes:
    if _clean(part.said, secrets) == part.said:
        return part.head
    return b"\r\n".join(_field(field, secrets) for field in _FIELDS.split(part.head))


def _field(field: bytes, secrets: _Secrets) -> bytes:
    words = _words(field)
    clean = _clean(words, secrets)
    if clean == words:
        return field
    name = field.partition(b":")[0].decode()
    told = Header(clean.decode("utf-8", "surrogateescape"), header_name=name)
    return f"{name}: {told.encode(linesep=chr(13) + chr(10))}".encode()


def _body(part: _Part, secrets: _Secrets) -> bytes:
    """Written anew only where a secret does not stand in it whole, or where a mark might make a line too long."""
    clean = _clean(part.text, secrets)
    if clean == part.text:
        return part.body
    body = _clean(part.body, secrets)
    if len(body) < len(part.body) and _decoded(body, part.encoding) == clean:
        return body
    return _encoded(clean, part.encoding)


def _decoded(body: bytes, encoding: bytes) -> bytes:
    if encoding == b"quoted-printable":
        return binascii.a2b_qp(body)
    return binascii.a2b_base64(body) if encoding == b"base64" else body


def _encoded(text: bytes, encoding: bytes) -> bytes:
    if encoding == b"quoted-printable":
        text = binascii.b2a_qp(text).replace(b"\r\n", b"\n")
    elif encoding == b"base64":
        text = base64.encodebytes(text)
    else:
        return text
    return text.replace(b"\n", b"\r\n")


def _clean(text: bytes, secrets: _Secrets) -> bytes:
    for secret, mark in secrets.items():
        text = text.replace(secret, mark)
    return text
