"""Where the dots of a strip lie: every dot a case as long as there is room, else bars with their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cli.reports.counting import Counted, Stand

WIDTH, HEIGHT = 440.0, 84.0
"""Of the space for dots, in points."""

_DOT, _SMALLEST = 6.0, 2.6
_BARS = 44
_LEAST, _MOST = 1.25, 2.5
"""The axis ends beyond the legal date, and nowhere near the one case that took ten times as long."""

_ORDER: tuple[Stand, ...] = ("met", "running", "late", "overdue")


@dataclass(frozen=True, slots=True)
class Drawing:
    """`marks` are (stand, x, y) in points, y from below; `bars` (stand, x, width, y, height) where there are too many.
    `legal` is the x of the legal date, `beyond` how many lie beyond the end of the axis."""

    marks: Sequence[tuple[str, float, float]]
    bars: Sequence[tuple[str, float, float, float, float]]
    size: float
    height: float
    legal: float
    ticks: Sequence[tuple[float, str]]
    beyond: int
    most: int


def draw(dates: Sequence[Counted]) -> Drawing | None:
    """None where no date has a period to draw."""
    shown = [(date.stand, date.share) for date in dates if date.share is not None]
    if not shown:
        return None
    ends = min(_MOST, max(_LEAST, *(share * 1.05 for _, share in shown)))
    beyond = sum(share > ends for _, share in shown)
    placed = sorted(((stand, min(share, ends) / ends) for stand, share in shown), key=lambda one: _ORDER.index(one[0]))
    ticks = [(WIDTH * at / ends, f"{round(100 * at)}%") for at in (0, 0.5, 1, 1.5, 2, 2.5) if at <= ends]
    marks, size, height = _dots(placed)
    bars, most = ((), 0) if marks else _bars(placed)
    return Drawing(marks, bars, size, height if marks else HEIGHT, WIDTH / ends, ticks, beyond, most)


Placed = Sequence[tuple[Stand, float]]


def _dots(placed: Placed) -> tuple[Sequence[tuple[str, float, float]], float, float]:
    """One mark each, stacked where they would lie on one another; none where even the smallest dots need too much."""
    size = _DOT
    while size >= _SMALLEST:
        columns = int(WIDTH // size)
        highest = max(Counter(round(at * columns) for _, at in placed).values())
        if highest * size <= HEIGHT:
            return _stacked(placed, columns, size), size, highest * size
        size -= 0.4
    return (), 0.0, 0.0


def _stacked(placed: Placed, columns: int, size: float) -> Sequence[tuple[str, float, float]]:
    heights: Counter[int] = Counter()
    marks = []
    for stand, at in placed:
        column = round(at * columns)
        marks.append((str(stand), column * WIDTH / columns, (heights[column] + 0.5) * size))
        heights[column] += 1
    return marks


def _bars(placed: Placed) -> tuple[Sequence[tuple[str, float, float, float, float]], int]:
    """Bars from zero, one colour on the other; the highest is as high as there is room."""
    columns: Mapping[int, Counter[Stand]] = {number: Counter() for number in range(_BARS)}
    for stand, at in placed:
        columns[min(_BARS - 1, int(at * _BARS))][stand] += 1
    most = max(sum(counts.values()) for counts in columns.values())
    wide, bars = WIDTH / _BARS, []
    for number, counts in columns.items():
        below = 0.0
        for stand in _ORDER:
            if counts[stand]:
                tall = HEIGHT * counts[stand] / most
                bars.append((str(stand), number * wide, wide, below, tall))
                below += tall
    return bars, most
