"""Carrying out a purge: rows, then files, then the bytes that the database still has; then the certificate.

Whoever is killed runs it again: each step looks at what is left.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cli.home import Home
from cli.retention.certificate import certificate_of
from cli.retention.memory import free_memory
from cli.upkeep.joblock import only_job
from cli.wiring import House
from engine.errors import Refused, UsageError
from engine.nodes import nearest
from storage.removal import purges
from storage.removal.purges import Item, Purge
from storage.removal.purging import Remover

_LEFT = re.compile(r"(?:evidence|letters)-(\d{4}-\d{4,})\b.*")
"""Files of a case that somebody has left in the home."""

_OURS = frozenset({"keys", "documents", "workflows", "references", "calendars"})
_COUNTED = "documents"
"""Stands in the counts of an item once its files are listed."""

Progress = Callable[[int, int], None]


def run(house: House, act_id: str, progress: Progress, memory: Callable[[], int] = free_memory) -> Purge:
    """Does what is left to do of a purge, and gives it with its certificate.

    Raises `UsageError` for an unknown one, `Refused` where nobody has confirmed it yet, another process is at it, this
    machine lacks the memory for the last step, or the home keeps all of it elsewhere still.
    """
    found = purge_of(house, act_id)
    with only_job(house.home, "soppa purge run"):
        if found.finished_at is None:
            _check_asides(house.home)
            _rows(house, found, progress)
            _files(house, found)
            _check_memory(purges.memory_to_shred(house.store.base), memory())
            purges.shred(house.store.base)
            done = certificate_of(house, found, purges.items(house.store.base, found.id), house.clock())
            purges.finish(house.store.base, found.id, done, house.clock())
    return purge_of(house, act_id)


def purge_of(house: House, act_id: str) -> Purge:
    known = {one.id: one for one in purges.purges(house.store.base)}
    if act_id in known:
        return known[act_id]
    act = house.store.acts.find(act_id)
    if act is not None and act.act == "purge" and act.confirmed_by is None:
        raise Refused(f"act {act_id} waits for its second person: nothing is removed before they confirm it")
    raise UsageError(f"there is no purge '{act_id}'{nearest(act_id, known)}: soppa purge list names them")


def _rows(house: House, purge: Purge, progress: Progress) -> None:
    remover = Remover(house.store.base, purge, house.clock)
    found = purges.items(house.store.base, purge.id)
    for done, item in enumerate(found, 1):
        while not remover.take(item.number):
            continue
        progress(done, len(found))


def _files(house: House, purge: Purge) -> None:
    """Documents that no case names any more, and what was left in the home of the cases that are gone."""
    base, root = house.store.base, house.home.root
    waiting = [item for item in purges.items(base, purge.id) if item.state == "files"]
    unlisted = [item for item in waiting if _COUNTED not in (item.counts or {})]
    names = {name for item in unlisted for name in item.files}
    named = set(house.store.views.named_documents(names)) if names else set[str]()
    left = _left_in(house.home) if unlisted else {}
    listed = {item.number: _listed(house.home, item, named, left) for item in unlisted}
    for item in listed.values():
        purges.put_item(base, purge.id, item, house.clock())
    for item in waiting:
        now = listed.get(item.number, item)
        for name in now.files:
            (root / name).unlink(missing_ok=True)
        purges.put_item(base, purge.id, replace(now, state="done", files=()), house.clock())


def _check_asides(home: Home) -> None:
    if home.asides:
        raise Refused(f"{home.asides[0]} holds everything as it was before the move to PostgreSQL: take it away, then "
                      f"run this again")


def _check_memory(wanted: int, free: int) -> None:
    """A machine that runs out of memory ends some process, and it need not be this one."""
    if wanted > free:
        raise Refused(f"what was to go is gone from the tables; to take it out of the file too, {wanted / 1e6:,.0f} MB "
                      f"of memory are needed, and {free / 1e6:,.0f} MB are free: make room (swap will do), then run "
                      f"this again")


def _listed(home: Home, item: Item, named: Collection[str], left: Mapping[str, Sequence[Path]]) -> Item:
    """An item with the files that go, as paths of the home, counted and hashed before the first one goes: a kill then
    changes nothing of what the certificate says."""
    documents = [path for name in item.files if name not in named
                 for path in (home.documents / name, home.documents / "new" / name) if path.is_file()]
    exports, digest = list(left.get(item.ref, ())), item.digest
    for path in (*documents, *exports):
        said = hashlib.sha256(path.read_bytes()).hexdigest()
        digest = hashlib.sha256((digest + said).encode()).hexdigest()
    counts = {**(item.counts or {}), _COUNTED: len(documents), "exports": len(exports)}
    files = tuple(path.relative_to(home.root).as_posix() for path in (*documents, *exports))
    return replace(item, counts=counts, digest=digest, files=files)


def _left_in(home: Home) -> Mapping[str, Sequence[Path]]:
    found = defaultdict[str, list[Path]](list)
    for path in _below(home.root):
        named = _LEFT.fullmatch(path.name)
        if named:
            found[named[1]].append(path)
    return found


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink() and path.name not in _OURS:
            yield from _below(path)
        elif path.is_file():
            yield path
