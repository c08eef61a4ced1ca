"""Whole commands, as a person waits for them, cold."""

from __future__ import annotations

from bench.copies import fill
from bench.figures import part, tell_process
from bench.grounds import Ground, raw, settled, start_one
from cli.home import Home
from cli.wiring import open_house

SIZES = (part(1_000), part(100_000))


def measure(ground: Ground) -> None:
    for size in SIZES:
        with ground.district(f"queue-{size}") as home:
            seed(home, size)
            if size == SIZES[0]:
                tell_process(ground.kind, "soppa --help", home, "--help")
            tell_process(ground.kind, f"soppa queue, 50 of {size:,} cases", home, "queue")
            for narrowed in (("--role", "custodian"), ("--role", "privacy"), ("--overdue",)):
                tell_process(ground.kind, f"  {' '.join(narrowed)}", home, "queue", *narrowed)


def seed(home: Home, size: int) -> str:
    """So many cases asleep; gives the first one, which the others are copies of."""
    with open_house(home) as house:
        case = start_one(house)
    settled(home)
    with raw(home) as connection:
        fill(connection, case.id, range(1, size), asleep=True)
    return case.id
