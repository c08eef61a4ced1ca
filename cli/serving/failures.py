"""What an incident is, as a sentence for the officer: what could not be done, in which case, why, and what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.looking.views import Incident

_CLASS = re.compile(r"[A-Z][A-Za-z]+")
_TIMERS = {
    "rung": "a reminder about the clock {1}",
    "due": "a reminder about the task {1}",
    "after": "a move that the calendar makes",
    "window": "the end of the time for {1}",
    "hold": "a step of the law-enforcement hold {1}",
    "quiet": "the end of the quiet after its adoption",
}
"""By the first word of a timer's key; the numbers are further words of it."""

_REASONS = {
    "LostRace": "others changed it at the same moment, each time",
    "WrongEnvironment": "a definition, key or document that it needs is not there",
    "OutsideCalendar": "a date lies outside the calendar's years",
    "FaultyInput": "a definition or a text has faults",
    "Refused": "the case did not allow it any more",
    "UsageError": "the case did not allow it any more",
    "NotAllowed": "whoever it was for may not do it",
}
_CURES = {
    "WrongEnvironment": "soppa doctor names what is missing",
    "OutsideCalendar": "install a soppa with later years, or enter the school year (soppa calendar import)",
    "FaultyInput": "soppa check names the faults",
    "Refused": "look at the case first (soppa show CASE)",
    "UsageError": "look at the case first (soppa show CASE)",
}


def what_failed(incident: Incident) -> str:
    """`Case 2026-0001: a reminder about the clock district_fix could not be done: …`."""
    where = f"Case {incident.case_id}: " if incident.case_id else ""
    told = f"{where}{_subject(incident)} could not be done: {_reason(incident.error)}."
    return told[:1].upper() + told[1:]


def what_to_do(incident: Incident) -> str:
    again = f"soppa incidents retry {incident.id} tries it again"
    cure = _CURES.get(incident.error, "").replace("CASE", incident.case_id or "CASE")
    if cure:
        return f"What to do: {cure}; then {again}."
    if incident.kind == "mail":
        return f"What to do: see soppa mail outbox and the relay; then {again}."
    return f"What to do: {again}. If it comes back, report this line, and see to the matter by hand meanwhile."


def _subject(incident: Incident) -> str:
    about = incident.about
    if incident.kind == "timer":
        words = about.split("/")
        return _TIMERS.get(words[0], "a timer").format(*words, "", "") if about else "a timer"
    named = {"cycle": "the start of a case of {}", "message": "a message to the case ({})", "mail": "the mail “{}”"}
    return named[incident.kind].format(about.replace("_", " ") or "?")


def _reason(error: str) -> str:
    """Errors are kept by the name of their class, since their text could be personal; some as a sentence of ours."""
    if not _CLASS.fullmatch(error):
        return error
    return _REASONS.get(error, f"a fault in soppa itself ({error})")
