"""How a legal date stands, and how numbers are told.

What is void, or still open, is never counted as met. A share is a percentage only where there are enough of them, and
never rounded up.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Stand = Literal["met", "late", "overdue", "running", "void", "undated"]
STANDS: tuple[Stand, ...] = ("met", "late", "overdue", "running", "void", "undated")
"""Done in time; done after the legal date; not done and the date is past; not done and not due; does not apply any
more; without a legal date, since a hold stands or the law gives no number: nobody can say that it was in time."""

NONE = "none decided"
FEW = 20
"""With fewer than so many, one more or less moves a percentage by five points: then only the counts are told."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A legal date: what it is of, day 0, the date, when it ended, and until when its days are counted. `name` is a
    case or an agreement."""

    name: str
    stand: Stand
    begins: dt.date
    legal: dt.date | None
    ended_on: dt.date | None
    until: dt.date

    @property
    def days(self) -> int | None:
        """Calendar days of the legal period; None where there is none."""
        return (self.legal - self.begins).days if self.legal is not None else None

    @property
    def used(self) -> int:
        """Calendar days since day 0 until it ended, or until now."""
        return (self.until - self.begins).days

    @property
    def share(self) -> float | None:
        """How much of the period was used; None where there is no period to use, or nothing to show."""
        if not self.days or self.stand in ("void", "undated"):
            return None
        return max(0, self.used) / self.days


def counted(
    name: str, begins: dt.date, legal: dt.date | None, status: str, ended_on: dt.date | None, today: dt.date
) -> Counted:
    """A date as it stands on the local date `today`."""
    return Counted(name, stand_of(status, legal, ended_on, today), begins, legal, ended_on, ended_on or today)


def stand_of(status: str, legal: dt.date | None, ended_on: dt.date | None, today: dt.date) -> Stand:
    if status not in ("satisfied", "running"):
        return "void"
    if legal is None:
        return "undated"
    if status == "satisfied" and ended_on is not None:
        return "met" if ended_on <= legal else "late"
    return "running" if legal >= today else "overdue"


def by_stand(dates: Iterable[Counted]) -> dict[Stand, int]:
    """How many stand how, all kinds of standing in their order."""
    found = Counter(date.stand for date in dates)
    return {stand: found[stand] for stand in STANDS}


def on_time(dates: Iterable[Counted]) -> str:
    """`7 of 8`, or `98% (112 of 114)`; of those that are decided: met, late or overdue."""
    counts = by_stand(dates)
    whole = counts["met"] + counts["late"] + counts["overdue"]
    if not whole:
        return NONE
    told = f"{counts['met']:,} of {whole:,}"
    return f"{100 * counts['met'] // whole}% ({told})" if whole >= FEW else told


def half_by(dates: Sequence[Counted]) -> str:
    """When half of those that were done were done; only where there are enough of them to say."""
    shares = [date.share for date in dates if date.stand in ("met", "late") and date.share is not None]
    if len(shares) < FEW:
        return ""
    return f"half of those done were done within {round(100 * median(shares))}% of the period"
