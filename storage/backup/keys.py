"""The backup key: another key than the ring's, in a form that can be printed, kept in a safe and typed again."""

from __future__ import annotations

import hashlib
import os
from base64 import b32decode, b32encode
from dataclasses import dataclass

_BYTES = 32
_CHECK = 3
_GROUP = 4
_MISREAD = str.maketrans("018", "OIB")
"""Digits that no key holds, for the letters that they are taken for."""


@dataclass(frozen=True, slots=True, repr=False)
class BackupKey:
    secret: bytes

    @property
    def id(self) -> str:
        """Names the key and tells nothing of it; each backup says which one opens it."""
        return "b" + hashlib.sha256(b"soppa backup key\n" + self.secret).hexdigest()[:8]

    @property
    def text(self) -> str:
        """The key as it is printed: groups of four letters, the last five letters being a check."""
        letters = b32encode(self.secret + _check(self.secret)).decode()
        return "-".join(letters[place : place + _GROUP] for place in range(0, len(letters), _GROUP))


def new_backup_key() -> BackupKey:
    return BackupKey(os.urandom(_BYTES))


def read_backup_key(text: str) -> BackupKey | None:
    """The key in a file or as somebody typed it; lines that begin with # are none of it. None for a misread letter."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    letters = "".join("".join(lines).split()).replace("-", "").upper().translate(_MISREAD)
    try:
        known = b32decode(letters)
    except ValueError:
        return None
    secret, check = known[:_BYTES], known[_BYTES:]
    return BackupKey(secret) if len(secret) == _BYTES and check == _check(secret) else None


def _check(secret: bytes) -> bytes:
    return hashlib.sha256(b"soppa backup check\n" + secret).digest()[:_CHECK]
