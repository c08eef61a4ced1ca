"""Personal values at rest: AES-256-GCM under a ring of keys, each value bound to the place it is stored at."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from engine.errors import WrongEnvironment

_KEY_BYTES = 32
_NONCE_BYTES = 12
_FORMAT = b"\x01"


@dataclass(frozen=True, slots=True, repr=False)
class Ring:
    """Keys by id. New values are sealed with `current`; older keys stay to read what they sealed.

    Sealed form: one byte of format, one byte with the length of the key id, the key id, the nonce, the ciphertext.
    """

    keys: Mapping[str, bytes]
    current: str

    def seal(self, plain: bytes, place: str) -> bytes:
        """Encrypts a value for one place, such as `cases/2026-0001`; it opens at no other."""
        name = self.current.encode()
        nonce = os.urandom(_NONCE_BYTES)
        return (
            _FORMAT + bytes([len(name)]) + name + nonce + self._cipher(self.current).encrypt(nonce, plain, _aad(place))
        )

    def open(self, sealed: bytes, place: str) -> bytes:
        """Raises `WrongEnvironment` when the key is lost, or the value was changed or moved from another place."""
        if sealed[:1] != _FORMAT or len(sealed) < 2:
            raise WrongEnvironment(f"{place} is damaged: restore the database from a backup")
        start = 2 + sealed[1]
        name, nonce, body = sealed[2:start], sealed[start : start + _NONCE_BYTES], sealed[start + _NONCE_BYTES :]
        try:
            return self._cipher(name.decode("ascii", "replace")).decrypt(nonce, body, _aad(place))
        except (InvalidTag, ValueError):
            raise WrongEnvironment(
                f"{place} does not open with key '{name.decode('ascii', 'replace')}': the key ring is another one, or "
                f"the row was changed; put the right ring back, or restore the database"
            ) from None

    def seal_json(self, value: object, place: str) -> bytes:
        return self.seal(canonical(value), place)

    def open_json(self, sealed: bytes, place: str) -> object:
        return json.loads(self.open(sealed, place))

    def digest(self, plain: bytes, place: str, key: str | None = None) -> str:
        """A keyed digest `KEY:HEX` that tells nothing about the value to those without the ring."""
        name = key or self.current
        mac = hmac.new(self._key(name), b"digest/" + place.encode() + b"\n" + plain, hashlib.sha256)
        return f"{name}:{mac.hexdigest()}"

    def _cipher(self, name: str) -> AESGCM:
        return AESGCM(self._key(name))

    def _key(self, name: str) -> bytes:
        key = self.keys.get(name)
        if key is None:
            raise WrongEnvironment(
                f"lost key: the key ring holds no key '{name}'; put the ring back from its own backup, personal data "
                f"cannot be read without it"
            )
        return key


def new_ring() -> Ring:
    """A ring with one fresh key."""
    name = f"k{secrets.token_hex(3)}"
    return Ring({name: AESGCM.generate_key(bit_length=8 * _KEY_BYTES)}, name)


def add_key(ring: Ring) -> Ring:
    """The same ring with a fresh key that seals from now on."""
    fresh = new_ring()
    return Ring({**ring.keys, **fresh.keys}, fresh.current)


def write_ring(ring: Ring) -> bytes:
    """The content of the file `keys/ring`."""
    keys = {name: b64encode(key).decode() for name, key in ring.keys.items()}
    return json.dumps({"current": ring.current, "keys": keys}, indent=1).encode() + b"\n"


def read_ring(content: bytes) -> Ring:
    """Raises `WrongEnvironment` when the content is no key ring."""
    try:
        document = json.loads(content)
        keys = {str(name): b64decode(key, validate=True) for name, key in document["keys"].items()}
        current = str(document["current"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WrongEnvironment("the key ring cannot be read: put keys/ring back from its own backup") from None
    if current not in keys or any(len(key) != _KEY_BYTES for key in keys.values()):
        raise WrongEnvironment("the key ring is damaged: put keys/ring back from its own backup")
    return Ring(keys, current)


def canonical(value: object) -> bytes:
    """JSON with sorted keys and without blanks: the same value gives the same bytes for ever."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _aad(place: str) -> bytes:
    return b"soppa/" + place.encode()
