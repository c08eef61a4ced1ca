"""One named job of a home at a time: whoever comes second is told who is at it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from cli.home import Home
from engine.errors import Refused


@contextmanager
def only_job(home: Home, name: str) -> Iterator[None]:
    """Holds the home's place for long jobs; the system frees it when the process ends, however it does. Raises
    `Refused` naming the process and what it does."""
    held = os.open(home.job_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder, _, job = os.read(held, 100).decode("utf-8", "replace").strip().partition(" ")
        os.close(held)
        raise Refused(f"process {holder or 'unknown'} is doing {job or 'another job'} in this home already: wait until "
                      f"it is done") from error
    try:
        os.ftruncate(held, 0)
        os.pwrite(held, f"{os.getpid()} {name}\n".encode(), 0)
        yield
    finally:
        os.close(held)
