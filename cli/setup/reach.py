"""Tests of whether people get through, kept as marks of the database: the newest of each kind, by its token's hash."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Literal, cast

from cli.wiring import House, new_token

Kind = Literal["probe", "mail"]
_KINDS: tuple[Kind, ...] = ("probe", "mail")


@dataclass(frozen=True, slots=True)
class Reached:
    """One test. `message_id` is a test mail's; `answered_at`, `arrival` and `peer` how its reader came."""

    token_hash: str
    at: str
    ends_at: str
    message_id: str = ""
    answered_at: str = ""
    arrival: str = ""
    peer: str = ""


def begin(house: House, kind: Kind, lasts: dt.timedelta, message_id: str = "") -> str:
    """A new test in the place of the one before; gives its token."""
    token, now = new_token(), house.clock()
    _keep(house, kind, Reached(_hash(token), now.isoformat(), (now + lasts).isoformat(), message_id))
    return token


def latest(house: House, kind: Kind) -> Reached | None:
    found = house.store.mark(f"reach_{kind}")
    return Reached(**cast("dict[str, str]", json.loads(found))) if found else None


class Reaches:
    """What the pages borrow: `web.site.Reach`."""

    def __init__(self, house: House) -> None:
        self.house = house

    def kind(self, token: str) -> Kind | None:
        now = self.house.clock()
        for kind in _KINDS:
            found = latest(self.house, kind)
            if found and found.token_hash == _hash(token) and now < dt.datetime.fromisoformat(found.ends_at):
                return kind
        return None

    def arrived(self, token: str, how: str, peer: str) -> None:
        found = latest(self.house, "mail")
        if found is not None and found.token_hash == _hash(token):
            now = self.house.clock().isoformat()
            _keep(self.house, "mail", replace(found, answered_at=now, arrival=how, peer=peer))


def _keep(house: House, kind: Kind, reached: Reached) -> None:
    house.store.set_mark(f"reach_{kind}", json.dumps(asdict(reached)))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
