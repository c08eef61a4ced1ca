"""Taking the secrets out of a mail that has left: the words stay, tokens of links and codes become a mark.

The mail is cut at its boundaries and not read into the library's message classes, which takes ten times as long.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import string
from collections.abc import Collection
from email.header import Header, decode_header, make_header

MARK = "LINK-REMOVED"
CODE_MARK = "CODE-REMOVED"
_TOKEN_LENGTH = 43
_OF_TOKENS = frozenset((string.ascii_letters + string.digits + "-_").encode())
_APART = bytes(each if each in _OF_TOKENS else ord(" ") for each in range(256))
"""Blanks in the place of all that stands in no token."""
_BOUNDARY = re.compile(rb'boundary="?([^";\s]+)')
_ENCODING = re.compile(rb"^content-transfer-encoding:[ \t]*([a-z0-9-]+)", re.IGNORECASE | re.MULTILINE)
_FIELDS = re.compile(rb"\r\n(?![ \t])")


def token_hash(token: bytes) -> str:
    """SHA-256 in hex: how a link's token is known to the database."""
    return hashlib.sha256(token).hexdigest()


def redact(raw: bytes, hashes: Collection[str], codes: Collection[str] = ()) -> bytes:
    """The mail with each token whose hash is in `hashes`, and each of the codes, replaced in its texts and headers."""
    if not hashes and not codes:
        return raw
    edges = b"|".join(re.escape(edge) for edge in _BOUNDARY.findall(raw))
    pieces = re.split(rb"(\r\n--(?:%b)(?:--)?[ \t]*(?=\r\n|\Z))" % edges, raw) if edges else [raw]
    return b"".join(piece if number % 2 else _piece(piece, hashes, codes) for number, piece in enumerate(pieces))


def _piece(piece: bytes, hashes: Collection[str], codes: Collection[str]) -> bytes:
    """What stands between two boundaries: headers, an empty line, a text."""
    head, parted, body = piece.partition(b"\r\n\r\n")
    return _head(head, hashes, codes) + parted + _body(head, body, hashes, codes)


def _head(head: bytes, hashes: Collection[str], codes: Collection[str]) -> bytes:
    hides = _clean(head, hashes, codes) != head
    if not hides and b"=?" not in head:
        return head
    return b"\r\n".join(_field(field, hashes, codes) if hides or b"=?" in field else field
                       for field in _FIELDS.split(head))


def _field(field: bytes, hashes: Collection[str], codes: Collection[str]) -> bytes:
    name, colon, value = field.decode("utf-8", "surrogateescape").partition(":")
    words = str(make_header(decode_header(value.strip()))).encode("utf-8", "surrogateescape")
    clean = _clean(words, hashes, codes)
    if clean == words:
        return field
    told = Header(clean.decode("utf-8", "surrogateescape"), header_name=name)
    return f"{name}{colon} {told.encode(linesep=chr(13) + chr(10))}".encode()


def _body(head: bytes, body: bytes, hashes: Collection[str], codes: Collection[str]) -> bytes:
    found = _ENCODING.search(head)
    encoding = found[1].lower() if found else b""
    text = _decoded(body, encoding)
    clean = _clean(text, hashes, codes)
    return body if clean == text else _encoded(clean, encoding)


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


def _clean(text: bytes, hashes: Collection[str], codes: Collection[str]) -> bytes:
    """A token may follow other characters of its alphabet, so every start is tried."""
    long = [word for word in text.translate(_APART).split() if len(word) >= _TOKEN_LENGTH]
    starts = ((word, start) for word in long for start in range(len(word) - _TOKEN_LENGTH + 1))
    tokens = {word[start : start + _TOKEN_LENGTH] for word, start in starts}
    for token in tokens:
        if token_hash(token) in hashes:
            text = text.replace(token, MARK.encode())
    for code in codes:
        text = text.replace(code.encode(), CODE_MARK.encode())
    return text
