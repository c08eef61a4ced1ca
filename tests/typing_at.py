"""A program at a terminal of 80 columns, and somebody who types when they are asked."""

from __future__ import annotations

import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fcntl import ioctl

_SIT_DOWN = (
    "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)
"""Makes the terminal the program's own, so that Ctrl-C reaches it, also where these tests run in the background."""


@dataclass
class Terminal:
    """`seen` is all that the program has printed; what was answered already is not looked for again."""

    child: subprocess.Popen[bytes]
    line: int
    seen: str = ""
    answered: int = 0

    def answer(self, question: str, word: str, seconds: float = 60.0) -> None:
        """Types a line once the question stands there."""
        ends = time.monotonic() + seconds
        while question not in self.seen[self.answered :]:
            assert time.monotonic() < ends and self._read(), f"'{question}' was not asked:\n{self.seen}"
        self.answered = self.seen.index(question, self.answered) + len(question)
        time.sleep(0.05)  # a hidden prompt throws away what was typed before it
        os.write(self.line, word.encode())

    def end(self) -> int:
        """The exit code."""
        while self._read():
            pass
        os.close(self.line)
        return self.child.wait(60)

    def _read(self) -> bool:
        """Whether more may come. A terminal that nobody holds any longer is an `OSError`."""
        with suppress(OSError):
            if not select.select([self.line], [], [], 0.5)[0]:
                return True
            found = os.read(self.line, 4096)
            self.seen += found.decode("utf-8", "replace").replace("\r\n", "\n")
            return bool(found)
        return False


def at_terminal(command: Sequence[str], environment: Mapping[str, str]) -> Terminal:
    line, theirs = os.openpty()
    ioctl(line, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    child = subprocess.Popen([sys.executable, "-c", _SIT_DOWN, *command], stdin=theirs, stdout=theirs, stderr=theirs,
                             start_new_session=True, env={**os.environ, **environment})
    os.close(theirs)
    return Terminal(child, line)
