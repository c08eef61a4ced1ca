"""A program in a real terminal of 80 columns: what it shows, and keys for it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TAKE = (
    "import fcntl, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "signal.signal(signal.SIGINT, signal.default_int_handler); from cli.main import main; sys.exit(main())"
)
"""Takes the terminal as its own, so that Ctrl-C reaches it, also where these tests run in the background."""


class Terminal:
    def __init__(self, process: subprocess.Popen[bytes], file: int) -> None:
        self.process, self.file, self.shown = process, file, ""

    def until(self, text: str, seconds: float = 60) -> str:
        """What was shown since the last call, once it holds this text."""
        ends = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < ends and self._read(), f"{text!r} is not shown in {self.shown[-2000:]!r}"
        shown, self.shown = self.shown, ""
        return shown

    def type(self, keys: str) -> None:
        os.write(self.file, keys.encode())

    def code(self, seconds: float = 30) -> int:
        """How it ended."""
        ends = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < ends, f"it has not ended: {self.shown[-2000:]!r}"
            self._read()
        return self.process.returncode

    def _read(self) -> bool:
        """False once the program has closed its side."""
        if not select.select([self.file], [], [], 0.1)[0]:
            return True
        try:
            self.shown += os.read(self.file, 65536).decode("utf-8", "replace")
        except OSError:
            time.sleep(0.05)
            return False
        return True


@contextmanager
def terminal(*args: str, out: Path = Path(os.devnull), rows: int = 24, columns: int = 80) -> Iterator[Terminal]:
    """`soppa` with these words; killed at the end of the block if it still runs. With `--json` its standard output goes
    into the file `out`."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    with out.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", _TAKE, *args], stdin=theirs, stdout=file if "--json" in args else theirs,
            stderr=theirs, start_new_session=True, env={**env, "TERM": "xterm-256color"},
        )  # fmt: skip
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
