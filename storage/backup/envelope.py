"""The outside of a backup: a stream, compressed and sealed in chunks, that passes for whole only when it is.

A line that says what it is, a line with the key's id and a salt, then chunks of AES-256-GCM under a key of this file
alone. The nonce is the number of the chunk and whether it is the last, so that none can be left out, moved, taken from
another file, or cut off at the end.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from engine.errors import WrongEnvironment
from storage.backup.keys import BackupKey

_BEGINS = b"soppa backup "
_MAGIC = _BEGINS + b"1\n"
CHUNK = 256 * 1024
_TAG = 16
_LONGEST_LINE = 200


@dataclass(frozen=True, slots=True)
class Outside:
    """What can be read of a backup without its key. `bytes` are those of both lines."""

    key: str
    salt: bytes
    bytes: bytes


def read_outside(file: BinaryIO, name: str) -> Outside:
    """Raises `WrongEnvironment` for a file that is no backup, or one of a newer form."""
    magic = file.readline(_LONGEST_LINE)
    if magic != _MAGIC:
        if magic.startswith(_BEGINS) and magic.endswith(b"\n"):
            raise WrongEnvironment(f"{name} was made by a newer soppa: restore it with that one")
        raise WrongEnvironment(f"{name} is no backup of soppa: name another file")
    line = file.readline(_LONGEST_LINE)
    try:
        said = json.loads(line)
        return Outside(str(said["key"]), bytes.fromhex(said["salt"]), magic + line)
    except (ValueError, KeyError, TypeError):
        raise damaged(name) from None


def damaged(name: str) -> WrongEnvironment:
    return WrongEnvironment(f"{name} is damaged or was cut off: restore another backup")


class Sealing:
    """Writes one backup; it is whole once `finish` has returned."""

    def __init__(self, file: BinaryIO, key: BackupKey) -> None:
        salt = os.urandom(_TAG)
        self._file = file
        self._outside = _MAGIC + json.dumps({"key": key.id, "salt": salt.hex()}).encode() + b"\n"
        self._cipher = _cipher(key, salt)
        self._zip = zlib.compressobj(1)
        self._plain = bytearray()
        self._count = 0
        file.write(self._outside)

    def write(self, data: bytes) -> None:
        self._plain += self._zip.compress(data)
        while len(self._plain) > CHUNK:
            self._put(bytes(self._plain[:CHUNK]), last=False)
            del self._plain[:CHUNK]

    def finish(self) -> None:
        self._plain += self._zip.flush()
        while len(self._plain) > CHUNK:
            self._put(bytes(self._plain[:CHUNK]), last=False)
            del self._plain[:CHUNK]
        self._put(bytes(self._plain), last=True)

    def _put(self, plain: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._count, last), plain, self._outside))
        self._count += 1


def opened(file: BinaryIO, key: BackupKey, name: str) -> Iterator[bytes]:
    """What was written, piece by piece. Raises `WrongEnvironment` at the first piece that is not as it was written, and
    at the end of a file that was cut off; what came before it was authentic but is not to be used then."""
    outside = read_outside(file, name)
    if outside.key != key.id:
        raise WrongEnvironment(
            f"{name} was made with the backup key {outside.key}, and the key given is {key.id}: give that other key"
        )
    unzip = zlib.decompressobj()
    for plain in _chunks(file, _cipher(key, outside.salt), outside.bytes, name):
        yield unzip.decompress(plain)
    if not unzip.eof or unzip.unused_data:
        raise damaged(name)


def _chunks(file: BinaryIO, cipher: AESGCM, outside: bytes, name: str) -> Iterator[bytes]:
    count, sealed, last = 0, file.read(CHUNK + _TAG), False
    while not last:
        following = file.read(CHUNK + _TAG)
        last = not following
        try:
            yield cipher.decrypt(_nonce(count, last), sealed, outside)
        except InvalidTag:
            raise damaged(name) from None
        count, sealed = count + 1, following


def _cipher(key: BackupKey, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, b"soppa backup").derive(key.secret))


def _nonce(count: int, last: bool) -> bytes:
    return count.to_bytes(11, "big") + bytes([last])
