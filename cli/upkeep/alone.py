"""One process at a time at a job of a home, by a lock on a file that ends with its holder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import Refused


@contextmanager
def alone(lock: Path, doing: str) -> Iterator[None]:
    """Raises `Refused` naming the process that is at it already; `doing` as in `is making a backup of this home`."""
    held = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(held, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(held)
        raise Refused(f"process {holder} {doing} already: wait for it") from error
    try:
        os.ftruncate(held, 0)
        with suppress(OSError):  # a full disk; the lock holds without a name
            os.write(held, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(held)
