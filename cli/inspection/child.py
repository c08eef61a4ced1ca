"""The child: reads one file from its standard input under tight limits, and answers with one word.

Everything is loaded before the limits fall, since afterwards no file can be opened and no socket made.
"""

from __future__ import annotations

import resource
import sys
from importlib import import_module

from cli.inspection.looks import look
from cli.inspection.verdict import Fault

LATE = ("pypdf.filters", "encodings.ascii", "encodings.cp437", "encodings.gbk", "encodings.latin_1", "encodings.utf_16",
        "encodings.utf_16_be", "encodings.utf_16_le")
"""What pypdf and zipfile would load on the way."""

CPU_SECONDS = 10
MEMORY = 512 * 1024 * 1024
STREAMS = 3
"""Standard input, output and error: nothing else may be open."""

LIMITS = {
    resource.RLIMIT_CPU: CPU_SECONDS,
    resource.RLIMIT_AS: MEMORY,
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_NPROC: 0,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_NOFILE: STREAMS,
}


def main() -> None:
    for name in LATE:
        import_module(name)
    limit()
    sys.stdout.write(answer(sys.stdin.buffer.read()))
    sys.stdout.flush()


def limit() -> None:
    """Lets the limits fall, where the machine's own are not lower already."""
    for what, most in LIMITS.items():
        _, hard = resource.getrlimit(what)
        lower = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (lower, lower))


def answer(content: bytes) -> str:
    """A kind or a fault. Whatever a library raises on the way, it could not read the file."""
    try:
        return look(content)
    except Fault as fault:
        return str(fault)
    except Exception:
        return "unreadable"


if __name__ == "__main__":
    main()
