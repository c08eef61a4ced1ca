"""A report as a value: sentences, tables, pictures and the rows behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cli.reports.counting import Counted, by_stand, half_by, on_time
from cli.reports.period import Period

STAND_WORDS: Mapping[str, str] = {
    "met": "in time", "late": "done late", "overdue": "overdue", "running": "running", "void": "void",
    "undated": "no legal date",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """`widths` are those of the columns on paper, in inches; 0 takes what is left."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[float]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    """The dates of one duty, drawn as dots over the share of the legal period that was used."""

    title: str
    law: str
    dates: Sequence[Counted]

    @property
    def counts(self) -> str:
        return ", ".join(f"{count:,} {STAND_WORDS[stand]}" for stand, count in by_stand(self.dates).items() if count)

    @property
    def says(self) -> str:
        half = half_by(self.dates)
        return f"{self.counts}; {half}" if half else self.counts

    @property
    def on_time(self) -> str:
        return on_time(self.dates)


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a bar chart: how many in all, and how many of them are done."""

    label: str
    whole: int
    done: int


@dataclass(frozen=True, slots=True)
class Report:
    """`strips` are drawn; the dates of `groups` are counted. `columns` and `rows` are what goes into a CSV file, `keys`
    what JSON says besides."""

    name: str
    title: str
    period: Period
    lead: Sequence[str]
    bars: Sequence[Bar]
    strips: Sequence[Strip]
    groups: Sequence[Strip]
    tables: Sequence[Table]
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    keys: Mapping[str, object]


def counts_table(groups: Sequence[Strip]) -> Table:
    """How the dates of each group stand."""
    header = ["", *(STAND_WORDS[stand] for stand in STAND_WORDS), "on time"]
    rows = [[strip.title, *(str(count or "–") for count in by_stand(strip.dates).values()), strip.on_time]
            for strip in groups]
    widths: Sequence[float] = [0, 0.5, 0.45, 0.6, 0.6, 0.45, 0.6, 1.1]
    return Table("How the legal dates stand", header, rows, widths)


def strip_mapping(strip: Strip) -> dict[str, object]:
    """The documented JSON keys."""
    counts: dict[str, object] = {str(stand): count for stand, count in by_stand(strip.dates).items()}
    return {"title": strip.title, "law": strip.law, **counts, "on_time": strip.on_time}
