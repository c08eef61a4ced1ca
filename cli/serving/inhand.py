"""What a daemon has in hand, noted where the next start finds it: a row that kills the process is counted all the same.

One small file a process, locked for its life and written before each row, without waiting for the disk. A file that
nobody holds any more and that names a row was left by a process that died at that row.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.home import Home
from engine.errors import WrongEnvironment
from engine.ports import InHandKind

_WIDTH = 32
_BEGINS = "in-hand."
_NOTHING = b"".ljust(_WIDTH)

_KINDS: dict[str, InHandKind] = {"timer": "timer", "cycle": "cycle", "message": "message"}

Counted = Callable[[InHandKind, int], object]


@dataclass(frozen=True, slots=True)
class InHand:
    """`take` notes the row that is worked on from now on."""

    file: int

    def take(self, kind: InHandKind, ref: int) -> None:
        os.pwrite(self.file, f"{kind} {ref}".encode().ljust(_WIDTH), 0)

    @contextmanager
    def working(self) -> Iterator[None]:
        """A batch; at its end nothing is in hand."""
        try:
            yield
        finally:
            os.pwrite(self.file, _NOTHING, 0)


@contextmanager
def in_hand(home: Home) -> Iterator[InHand]:
    """The note of this process, taken away when the block ends. Raises `WrongEnvironment`."""
    path = home.root / f"{_BEGINS}{secrets.token_hex(8)}"
    hidden = path.with_name(f".{path.name}")
    try:
        file = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.pwrite(file, _NOTHING, 0)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise WrongEnvironment(f"{home.root} cannot be written ({error.strerror}): give the folder back to soppa's "
                               f"user, or make room") from error
    hidden.rename(path)  # under its name it is locked already, so that nobody takes it for a dead one's
    try:
        yield InHand(file)
    finally:
        path.unlink(missing_ok=True)
        os.close(file)


def count_dead(home: Home, count: Counted) -> None:
    """Counts the row that each dead process had in hand. A crash before the note is gone counts it once more."""
    for path in sorted(home.root.glob(f"{_BEGINS}*")):
        try:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            _count(file, path, count)
        finally:
            os.close(file)


def _count(file: int, path: Path, count: Counted) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # its owner lives
        return
    if os.fstat(file).st_nlink == 0:  # another start was faster
        return
    kind, _, ref = os.pread(file, _WIDTH, 0).decode("ascii", "replace").strip().partition(" ")
    if kind in _KINDS and ref.isdecimal():
        count(_KINDS[kind], int(ref))
    path.unlink(missing_ok=True)
