"""What a date is to its reader: the law's, an agreement's, the district's own, or the last day of a right."""

from __future__ import annotations

from typing import Literal

from engine.model.case import Clock
from engine.model.definition import ClockDef

DateKind = Literal["legal", "contract", "agreed", "window", "target", "duty_without_date"]


def kind_of_date(wanted: ClockDef, clock: Clock) -> DateKind:
    """`contract`: an agreement gives fewer days than the law; `agreed`: both sides agreed in writing to a later day."""
    if clock.legal is None and clock.length is None:
        kind = kind_expected(wanted, clock.length)
        return "duty_without_date" if kind == "legal" else kind
    if clock.agreed is not None and clock.agreed == clock.legal:
        return "agreed"
    return kind_expected(wanted, clock.length)


def kind_expected(wanted: ClockDef, length: int | None) -> DateKind:
    """The same of a clock that has not begun yet, and would have this length."""
    if wanted.window:
        return "window"
    if wanted.rule.certainty == "D":
        return "target"
    is_shorter = length is not None and wanted.rule.length is not None and length < wanted.rule.length
    return "contract" if is_shorter else "legal"
