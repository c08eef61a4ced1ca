"""Quoted-printable (RFC 2045 6.7), also in pieces: what is the same in many mails is encoded once."""

from __future__ import annotations

import binascii
from collections.abc import Iterable

_SOFT = b"=\r\n"
_LONGEST = 75


def quoted(text: str) -> bytes:
    """A whole text; its lines end with CRLF then."""
    return binascii.b2a_qp(text.encode()).replace(b"\n", b"\r\n")


def unquoted(coded: bytes) -> str:
    """The text with a single line feed at the end of its lines."""
    return binascii.a2b_qp(coded).decode().replace("\r\n", "\n")


def piece(text: str) -> bytes:
    """A part of a text, with room for the soft break behind it."""
    return quoted(f"{text}x")[:-1]


def value(text: str) -> bytes:
    """A part that is a value: where it needs two lines it is broken behind a slash, so that the token of a link stands
    whole."""
    if len(text) <= _LONGEST:
        return piece(text)
    place, slash, last = text.rpartition("/")
    return joined((piece(f"{place}{slash}"), piece(last)))


def joined(pieces: Iterable[bytes]) -> bytes:
    """The text that parts make; a reader sees nothing between them."""
    return _SOFT.join(filter(None, pieces))
