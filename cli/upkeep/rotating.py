"""Another key for what is sealed: made and copied first, then put to use while everything works, at last the old one
taken out of the ring. Each step can be begun again after a kill."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.home import Home, check_own, to_disk, write_private
from cli.identity import login
from cli.serving.clockwatch import stamp
from cli.upkeep.backups import Progress
from cli.upkeep.joblock import only_job
from cli.upkeep.ringfile import put_ring
from cli.wiring import House
from engine.errors import Refused, UsageError, WrongEnvironment
from engine.nodes import nearest
from storage.sealing import Ring, turned, with_next, without_key, write_ring
from storage.upkeep.rotation import Held, held_by_key, seal_anew

CHANGES = "key_changes"
"""The mark of the database that keeps who changed what of its keys, and why."""

RESTS = dt.timedelta(hours=1)
"""How long a key stays after the last value has left it: whoever began before may be writing still."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One key of the ring. `proofs_only`: the key is gone, and what is left of it checks digests."""

    key: str
    state: str
    values: int
    documents: int
    proofs: int


@dataclass(frozen=True, slots=True)
class Keys:
    """`left` is how much another key has sealed than the one that is to seal everything; `strangers` how much no key
    of the ring has sealed."""

    keys: tuple[Kept, ...]
    to: str
    left: int
    strangers: int


def keys_of_ring(house: House) -> Keys:
    ring = house.store.base.ring.now()
    names = [*ring.keys, *(name for name in ring.proofs if name not in ring.keys)]
    held, strangers = held_by_key(house.store.base, names)
    files = house.documents.count_by_key()
    kept = tuple(_kept(ring, name, held[name], files) for name in names)
    to = ring.next or ring.current
    left = sum(one.values + one.documents for one in kept if one.key != to)
    return Keys(kept, to, left, strangers + sum(count for name, count in files.items() if name not in names))


def make_next(home: Home, copy: Path) -> str:
    """Makes the key that will seal, and copies the ring that holds it to a place apart before the home has it."""
    from cli.upkeep.restoring import read_ring_file

    if copy.resolve().is_relative_to(home.root.resolve()):
        raise UsageError(f"{copy} lies in the home itself: name a place apart from it, such as a stick")
    check_own(home)
    with only_job(home, "soppa keys new"):
        ring = read_ring_file(home.ring)
        if ring.next is not None:
            raise Refused(f"the key {ring.next} waits to be used already: soppa keys rotate")
        fresh = with_next(ring)
        _copy(fresh, copy)
        put_ring(home.ring, fresh)
    return str(fresh.next)


def rotate(house: House, reason: str, now: dt.datetime, progress: Progress) -> Keys:
    """Seals everything with the next key, or goes on with that. Raises `Refused` where nothing is left to do."""
    check_own(house.home)
    with only_job(house.home, "soppa keys rotate"):
        plan, ring = keys_of_ring(house), house.store.base.ring.now()
        if ring.next is None and not plan.left:
            raise Refused(f"everything is sealed with the key {ring.current} already: soppa keys new makes another")
        if ring.next is not None:
            _record(house, "turned", plan.to, reason, now)
            put_ring(house.home.ring, turned(ring))
        _seal_all(house, plan.left, progress)
        _record(house, "done", plan.to, reason, house.clock())
    return keys_of_ring(house)


def retire(house: House, key: str, reason: str, now: dt.datetime) -> None:
    """Takes a key out of the ring for good. Raises `UsageError`, `Refused`."""
    check_own(house.home)
    with only_job(house.home, "soppa keys retire"):
        check_may_go(house, key, now)
        _record(house, "retired", key, reason, now)
        put_ring(house.home.ring, without_key(house.store.base.ring.now(), key))


def check_may_go(house: House, key: str, now: dt.datetime) -> None:
    """Raises `UsageError` for a key that is not there, `Refused` for one that is needed."""
    ring = house.store.base.ring.now()
    if key not in ring.keys:
        raise UsageError(f"the ring holds no key '{key}'{nearest(key, ring.keys)}: soppa keys list")
    if key in (ring.current, ring.next):
        raise Refused(f"the key {key} is {'to seal' if key == ring.next else 'sealing'}: only an older one can go")
    one = next(kept for kept in keys_of_ring(house).keys if kept.key == key)
    if one.values or one.documents:
        raise Refused(f"the key {key} still seals {one.values:,} values and {one.documents:,} documents: soppa keys "
                      f"rotate --apply --reason TEXT, and soppa verify where that leaves some")
    done = [change["at"] for change in changes(house) if change["what"] == "done"]
    free = dt.datetime.fromisoformat(done[-1]) + RESTS if done else now
    if now < free:
        raise Refused(f"the key {key} is out of use since less than an hour, and something that began before may seal "
                      f"with it still: take it out after {stamp(free)}")


def changes(house: House) -> list[dict[str, str]]:
    """What was done with the keys of this database, the oldest first."""
    kept: list[dict[str, str]] = json.loads(house.store.mark(CHANGES) or "[]")
    return kept


def _kept(ring: Ring, name: str, held: Held, files: Mapping[str, int]) -> Kept:
    state = {ring.current: "seals", ring.next: "next"}.get(name, "older" if name in ring.keys else "gone")
    return Kept(name, state, held.values, files.get(name, 0), held.proofs)


def _seal_all(house: House, total: int, progress: Progress) -> None:
    """Until nothing is found that opens: a process that has not looked at the ring yet may add to it meanwhile."""
    count = 0

    def done(more: int) -> None:
        nonlocal count
        count += more
        progress(min(count, total), total)

    while seal_anew(house.store.base, done) + house.documents.seal_anew(done):
        pass


def _copy(ring: Ring, copy: Path) -> None:
    try:
        write_private(copy, write_ring(ring))
        to_disk(copy.parent)
    except FileExistsError:
        raise UsageError(f"{copy} is there already: name another file, nothing was changed") from None
    except OSError as error:
        raise WrongEnvironment(f"the ring cannot be copied to {copy} ({error.strerror}): name another file, nothing "
                               f"was changed") from error


def _record(house: House, what: str, key: str, reason: str, now: dt.datetime) -> None:
    said = {"what": what, "key": key, "at": now.isoformat(timespec="seconds"), "by": login(), "reason": reason}
    house.store.set_mark(CHANGES, json.dumps([*changes(house), said]))
