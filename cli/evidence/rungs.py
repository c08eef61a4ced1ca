"""Reminders as a person would say them: not which rung of a ladder, but when, and of what."""

from __future__ import annotations

from collections.abc import Mapping

from engine.law.ladders import Ladder, Rung
from engine.model.definition import Definition

_PARTS: Mapping[str, str] = {"1/2": "halfway to its date", "1/3": "a third of the way to its date",
                             "2/3": "two thirds of the way to its date", "target": "on its date"}  # fmt: skip
_UNITS: Mapping[str, str] = {"bus": "business day", "cal": "day"}


def ladder_of(definition: Definition, of: str) -> Ladder | None:
    """The ladder of a clock, or of a task by its name."""
    if of in definition.clocks:
        return definition.clocks[of].ladder
    known = definition.task_named(of)
    return (known and known.ladder) or definition.soft


def said(ladder: Ladder | None, rung: str) -> str:
    """When a reminder is, such as `2 business days before its date`; the rung's own name where nobody knows it."""
    known = next((one for one in ladder.rungs if one.id == rung), None) if ladder else None
    return rung.replace("_", " ") if known is None else _when(known)


def _when(rung: Rung) -> str:
    count, _, unit = rung.at.removeprefix("+").removeprefix("-").partition(" ")
    if rung.at.startswith("-"):
        return f"{_amount(count, unit)} before its date"
    if rung.every:
        return "still open after its date"
    if rung.at.startswith("+"):
        return f"{_amount(count, unit)} after its date"
    return {"legal": "its date has passed"}.get(rung.at) or _PARTS.get(rung.at) or rung.at


def _amount(count: str, unit: str) -> str:
    return f"{count} {_UNITS[unit]}{'s' * (count != '1')}"
