"""Quiet: while the cases of an adoption are being worked off, nobody above the office is told that a date has passed.

Those who see to it are told all the same, and the queue shows each date as it is.
"""

from __future__ import annotations

from dataclasses import replace

from engine.deciding.turn import Turn
from engine.law.ladders import PlannedRung

SEE_TO_IT = ("owner", "privacy")
"""Who hears of a date that has passed, whether it is quiet or not."""


def hushed(turn: Turn, of: str, planned: PlannedRung) -> PlannedRung:
    """A rung as it goes out now: without those who are spared while it is quiet. Reminders of what is still to come are
    no escalation."""
    adopted = turn.case.adopted
    held = held_of(planned)
    if adopted is None or adopted.quiet_until is None or turn.today > adopted.quiet_until or held is None:
        return planned
    turn.tell("rung_hushed", of=of, rung=planned.rung, on=planned.on, spared=", ".join(held.to))
    kept = tuple(role for role in planned.to if role in SEE_TO_IT)
    return replace(planned, to=kept or ("privacy",))


def held_of(planned: PlannedRung) -> PlannedRung | None:
    """What of a rung is held back while it is quiet; None where it is all for those who see to it."""
    others = tuple(role for role in planned.to if role not in SEE_TO_IT)
    return replace(planned, to=others) if others and planned.kind != "reminder" else None
