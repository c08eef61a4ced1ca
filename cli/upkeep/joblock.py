"""One named job of a home at a time: whoever comes second is told who is at it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cli.home import Home
from engine.errors import Refused


def wait_while(home: Home, name: str, waiting: Callable[[], object]) -> None:
    """Returns once nobody does this job; `waiting` is called each second until then."""
    if not home.job_lock.exists():
        return
    looked = os.open(home.job_lock, os.O_RDWR | os.O_CLOEXEC)
    try:
        while _holder(looked)[1] == name and not _is_free(looked):
            waiting()
            time.sleep(1)
    finally:
        os.close(looked)


def _is_free(held: int) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    fcntl.flock(held, fcntl.LOCK_UN)
    return True


def _holder(held: int) -> tuple[str, str]:
    """The process, and its job."""
    pid, _, job = os.pread(held, 100, 0).decode("utf-8", "replace").strip().partition(" ")
    return pid or "unknown", job or "another job"


@contextmanager
def only_job(home: Home, name: str) -> Iterator[None]:
    """Holds the home's place for long jobs; the system frees it when the process ends, however it does. Raises
    `Refused` naming the process and what it does."""
    held = os.open(home.job_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder, job = _holder(held)
        os.close(held)
        raise Refused(f"process {holder} is doing {job} in this home already: wait until it is done") from error
    try:
        os.ftruncate(held, 0)
        os.pwrite(held, f"{os.getpid()} {name}\n".encode(), 0)
        yield
    finally:
        os.close(held)
