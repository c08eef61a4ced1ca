"""Personal values at rest: AES-256-GCM under a ring of keys, each value bound to the place it is stored at."""

from __future__ import annotations

import hmac
import json
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from engine.errors import WrongEnvironment

_KEY_BYTES = 32
_NONCE_BYTES = 12
_FORMAT = b"\x01"
LONGEST_BEGINNING = 2 + 255
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
quoted = json.encoder.encode_basestring
"""A text as JSON, its letters as they are."""


@dataclass(frozen=True, slots=True, repr=False)
class Ring:
    """Keys by id. New values are sealed with `current`; older keys stay to read what they sealed, and `next` waits to
    take its place.

    `proofs` are the keys of digests by the same ids, which outlive the key that seals; a key without one proves with
    itself. `lookup` names the key of digests by which something is found again: it never changes.
    `source` gives the ring as its file is now, so that a process at work seals with a new key from the moment it is
    there; a ring with a source stands for that.

    Sealed form: one byte of format, one byte with the length of the key id, the key id, the nonce, the ciphertext.
    """

    keys: Mapping[str, bytes]
    current: str
    proofs: Mapping[str, bytes] = field(default_factory=dict)
    lookup: str | None = None
    next: str | None = None
    source: Callable[[], Ring] | None = None
    _ciphers: dict[str, AESGCM] = field(init=False, default_factory=dict, compare=False)

    def now(self) -> Ring:
        """The ring as it is at this moment: for many values in one transaction, after the rows of that are read."""
        return self if self.source is None else self.source()

    def seal(self, plain: bytes, place: str) -> bytes:
        """Encrypts a value for one place, such as `cases/2026-0001`; it opens at no other."""
        ring = self.now()
        nonce = os.urandom(_NONCE_BYTES)
        return begins(ring.current) + nonce + ring._cipher(ring.current).encrypt(nonce, plain, _aad(place))

    def open(self, sealed: bytes, place: str) -> bytes:
        """Raises `WrongEnvironment` when the key is lost, or the value was changed or moved from another place."""
        if sealed[:1] != _FORMAT or len(sealed) < 2:
            raise WrongEnvironment(f"{place} is damaged: restore the database from a backup")
        start = 2 + sealed[1]
        name, nonce, body = sealed[2:start], sealed[start : start + _NONCE_BYTES], sealed[start + _NONCE_BYTES :]
        try:
            return self.now()._cipher(name.decode("ascii", "replace")).decrypt(nonce, body, _aad(place))
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
        ring = self.now()
        name = key or ring.current
        proof = ring.proofs[name] if name in ring.proofs else ring._key(name)
        mac = hmac.digest(proof, b"digest/" + place.encode() + b"\n" + plain, "sha256")
        return f"{name}:{mac.hex()}"

    def lookup_digest(self, plain: bytes, place: str) -> str:
        """A digest that stays the same whatever key seals: of what is looked for by it."""
        ring = self.now()
        return ring.digest(plain, place, ring.lookup or ring.current)

    def _cipher(self, name: str) -> AESGCM:
        if name not in self._ciphers:
            self._ciphers[name] = AESGCM(self._key(name))
        return self._ciphers[name]

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


def with_next(ring: Ring) -> Ring:
    """The same ring with a fresh key that seals nothing yet."""
    fresh = new_ring()
    proofs = {**ring.proofs, fresh.current: secrets.token_bytes(_KEY_BYTES)}
    keys = {**ring.keys, **fresh.keys}
    return replace(ring, keys=keys, proofs=proofs, lookup=ring.lookup or ring.current, next=fresh.current)


def turned(ring: Ring) -> Ring:
    """The ring whose next key seals from now on."""
    return replace(ring, current=ring.next or ring.current, next=None)


def add_key(ring: Ring) -> Ring:
    """The same ring with a fresh key that seals from now on."""
    return turned(with_next(ring))


def without_key(ring: Ring, name: str) -> Ring:
    """The ring after a key has gone that seals nothing any more: its digests can be checked still."""
    proof = ring.proofs.get(name, ring.keys[name])
    left = {other: key for other, key in ring.keys.items() if other != name}
    return replace(ring, keys=left, proofs={**ring.proofs, name: proof}, lookup=ring.lookup or ring.current)


@cache
def begins(name: str) -> bytes:
    """How every value begins that was sealed with this key."""
    return _FORMAT + bytes([len(name)]) + name.encode()


def key_of(sealed: bytes) -> str:
    """The id of the key that sealed a value, of which its beginning is enough; empty for no sealed value."""
    if sealed[:1] != _FORMAT or len(sealed) < 2:
        return ""
    return sealed[2 : 2 + sealed[1]].decode("ascii", "replace")


def write_ring(ring: Ring) -> bytes:
    """The content of the file `keys/ring`."""
    said: dict[str, object] = {"current": ring.current, "keys": _written(ring.keys)}
    said |= {"proofs": _written(ring.proofs)} if ring.proofs else {}
    said |= {name: word for name, word in (("lookup", ring.lookup), ("next", ring.next)) if word}
    return json.dumps(said, indent=1).encode() + b"\n"


def read_ring(content: bytes) -> Ring:
    """Raises `WrongEnvironment` when the content is no key ring."""
    try:
        document = json.loads(content)
        keys, proofs = _read(document["keys"]), _read(document.get("proofs", {}))
        current, lookup, following = str(document["current"]), document.get("lookup"), document.get("next")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WrongEnvironment("the key ring cannot be read: put keys/ring back from its own backup") from None
    sizes = {len(key) for key in (*keys.values(), *proofs.values())}
    known = {current, following or current} <= keys.keys() and (lookup or current) in {**keys, **proofs}
    if not known or sizes != {_KEY_BYTES}:
        raise WrongEnvironment("the key ring is damaged: put keys/ring back from its own backup")
    return Ring(keys, current, proofs, lookup, following)


def _written(keys: Mapping[str, bytes]) -> dict[str, str]:
    return {name: b64encode(key).decode() for name, key in keys.items()}


def _read(keys: Mapping[str, str]) -> dict[str, bytes]:
    return {str(name): b64decode(key, validate=True) for name, key in keys.items()}


def canonical(value: object) -> bytes:
    """JSON with sorted keys and without blanks: the same value gives the same bytes for ever."""
    return _CANONICAL.encode(value).encode()


def canonical_words(words: Mapping[str, str]) -> str:
    """`canonical` of words by their names, as text, in a third of the time: each line of a history has two of them."""
    return "{" + ",".join([f"{quoted(name)}:{quoted(words[name])}" for name in sorted(words)]) + "}"


def _aad(place: str) -> bytes:
    return b"soppa/" + place.encode()
