"""Rules: the numbers of the law, and of a district's policy, as data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

RuleKind = Literal["period", "on_date", "cycle", "tied", "no_number", "quota", "window"]
UnitName = Literal["calendar_days", "business_days", "school_days"]
HoldPolicy = Literal["asap", "toll"]
KindOfDate = Literal["legal deadline", "last day", "legal duty without a date", "district target"]

CERTAINTY: Mapping[str, str] = {
    "T": "the text of the law was read",
    "P": "a part of the text was read",
    "S": "from second-hand sources",
    "M": "recalled; have counsel confirm",
    "D": "the district's own",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the law, or of a district, as data. `certainty` is its tags, such as `S/M`. `reading`: what the date
    rests on where the text is open. `calendar` counts business days and rolls the last day; it is None where no
    calendar bears on the date. `agreement`: the rule lets both sides agree to a later date. Nothing before `in_force`
    starts its clock."""

    id: str
    version: str
    title: str
    kind: RuleKind
    citation: str
    certainty: str
    anchor: str
    length: int | None = None
    unit: UnitName | None = None
    rolls: bool = True
    holds: tuple[HoldPolicy, ...] = ()
    duty_of: Literal["district", "operator", "other"] = "district"
    on: tuple[str, ...] = ()
    tied_to: str | None = None
    reading: str | None = None
    keeps_day: bool = False
    note: str = ""
    calendar: str | None = "il-statutory"
    source: str = ""
    agreement: bool = False
    in_force: dt.date | None = None

    def __hash__(self) -> int:
        return hash((self.id, self.version, self.length))

    @property
    def certainty_in_words(self) -> str:
        return "; ".join(CERTAINTY[tag] for tag in self.certainty.split("/") if tag in CERTAINTY)

    @property
    def kind_of_date(self) -> KindOfDate:
        """The words that every screen and mail uses for a date of this rule; `last day` is that of a window."""
        if self.certainty == "D":
            return "district target"
        if self.kind == "window":
            return "last day"
        return "legal duty without a date" if self.kind == "no_number" else "legal deadline"

    @property
    def is_legal(self) -> bool:
        """Whether the law gives the date, of a duty or of a right: no district's target, no duty without a number."""
        return self.kind_of_date in ("legal deadline", "last day")
