"""The file `keys/ring`: read, looked at again whenever it has changed, and put in the place of the one before."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from cli.home import to_disk, write_private
from storage.sealing import Ring, read_ring, write_ring


@dataclass(slots=True)
class RingFile:
    """The ring as its file is now. A file that is gone leaves a process at work with what it has read."""

    path: str
    ring: Ring
    mark: tuple[int, int, int]

    def __call__(self) -> Ring:
        mark = _mark(self.path)
        if mark is not None and mark != self.mark:
            self.ring, self.mark = read_ring(Path(self.path).read_bytes()), mark
        return self.ring


def open_ring(path: Path) -> Ring:
    """A ring that follows its file, into which another process may put a new key. Raises `WrongEnvironment`."""
    mark = _mark(str(path)) or (0, 0, 0)
    ring = read_ring(path.read_bytes())
    return replace(ring, source=RingFile(str(path), ring, mark))


def put_ring(path: Path, ring: Ring) -> None:
    """Puts a ring in the place of the one before, at once or not at all."""
    for half in path.parent.glob(".ring-*"):  # what a killed run had begun to write; the job's lock is ours
        half.unlink(missing_ok=True)
    new = path.with_name(f".ring-{secrets.token_hex(4)}")
    write_private(new, write_ring(ring))
    os.replace(new, path)
    to_disk(path.parent)


def _mark(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
