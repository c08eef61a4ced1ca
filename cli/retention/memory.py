"""How much memory this machine could give to a process."""

from __future__ import annotations

import re
import sys
from pathlib import Path

_FREE = re.compile(r"^(?:MemAvailable|SwapFree):\s+(\d+) kB$", re.MULTILINE)


def free_memory(told: Path = Path("/proc/meminfo")) -> int:
    """Bytes, swap among them; endless where the system does not say."""
    try:
        found = _FREE.findall(told.read_text("ascii"))
    except (OSError, UnicodeDecodeError):
        found = []
    return 1024 * sum(map(int, found)) if found else sys.maxsize
