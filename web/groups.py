"""A long list of options, as groups that open: what a telephone can show of ninety boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

FROM = 20
"""From so many options on; fewer stand open."""
SEPARATOR = ": "


class Tickable(Protocol):
    @property
    def value(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def chosen(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Tick:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Options whose labels begin alike, each with the rest of its label."""

    label: str
    options: tuple[Tick, ...]

    @property
    def chosen(self) -> int:
        return sum(option.chosen for option in self.options)


def grouped(options: Sequence[Tickable]) -> tuple[Group, ...]:
    """Nothing where there are few options, or one that belongs to no group."""
    if len(options) < FROM or not all(SEPARATOR in option.label for option in options):
        return ()
    return tuple(_groups(options))


def _groups(options: Sequence[Tickable]) -> Iterator[Group]:
    for label, some in groupby(options, key=lambda option: option.label.partition(SEPARATOR)[0]):
        ticks = (Tick(option.value, option.label.partition(SEPARATOR)[2], option.chosen) for option in some)
        yield Group(label, tuple(ticks))
