"""A program at a terminal of 80 columns, and somebody who types when they are asked."""

from __future__ import annotations

import os
import pty
import select
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fcntl import ioctl


@dataclass
class Terminal:
    """`seen` is all that the program has printed; what was answered already is not looked for again."""

    child: int
    line: int
    seen: str = ""
    answered: int = 0

    def answer(self, question: str, word: str, seconds: float = 30.0) -> None:
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
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])

    def _read(self) -> bool:
        with suppress(OSError):
            if not select.select([self.line], [], [], 0.5)[0]:
                return True
            found = os.read(self.line, 4096)
            self.seen += found.decode("utf-8", "replace").replace("\r\n", "\n")
            return bool(found)
        return False


def at_terminal(command: Sequence[str], environment: Mapping[str, str]) -> Terminal:
    child, line = pty.fork()
    if child == 0:
        os.execvpe(command[0], list(command), {**os.environ, **environment})  # noqa: S606
    ioctl(line, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    return Terminal(child, line)
