"""What a Linux machine says of its memory."""

from __future__ import annotations

import sys
from pathlib import Path

from cli.retention.memory import free_memory


def test_what_is_free_is_what_is_available_and_swap(tmp_path: Path) -> None:
    told = tmp_path / "meminfo"
    told.write_text("MemTotal: 9000 kB\nMemFree: 50 kB\nMemAvailable:  1000 kB\nSwapTotal: 70 kB\nSwapFree: 24 kB\n")
    assert free_memory(told) == 1024 * 1024


def test_a_machine_that_does_not_say_is_no_hindrance(tmp_path: Path) -> None:
    assert free_memory(tmp_path / "none") == sys.maxsize
