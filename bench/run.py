"""Measures what a person or the daemon waits for: `python -m bench.run`; README.md says what and how."""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import audience, cases, mails, register, terminal, timers, worker, workers
from bench.grounds import Ground, grounds
from bench.sink import relay_process

PARTS: Mapping[str, Callable[[Ground], None]] = {
    "terminal": terminal.measure,
    "cases": cases.measure,
    "timers": timers.measure,
    "worker": worker.measure,
    "workers": workers.measure,
    "mails": mails.measure,
    "audience": audience.measure,
    "register": register.measure,
}
KINDS = ("sqlite", "postgres")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure; everything by itself")
    parser.add_argument("--on", choices=KINDS, help="one kind of database only")
    wanted = parser.parse_args()
    logging.disable(logging.WARNING)  # moved clocks look like a daemon that was off
    kinds = (wanted.on,) if wanted.on else KINDS
    with tempfile.TemporaryDirectory() as folder, relay_process() as sink, grounds(kinds, Path(folder), sink) as found:
        for part in wanted.parts or PARTS:
            for ground in found:
                PARTS[part](ground)


if __name__ == "__main__":
    main()
