"""Which commands stand together in `soppa --help`, for whom."""

from __future__ import annotations

from collections.abc import Collection, Iterator

SECTIONS = {
    "To look around": ("demo", "year", "rules", "deadline", "simulate", "diagram"),
    "Every day": ("queue", "work", "show", "explain", "history", "start", "do", "undo", "note", "nudge",
                  "snooze"),
    "A case": ("record", "reassign", "hold", "acts", "document", "evidence", "audience", "letters", "preservation"),
    "The office": ("people", "calendar", "register", "references", "schedule", "report", "adopt", "mail", "incidents",
                   "retention", "purge"),
    "Processes": ("check", "new-process", "migrate"),
    "The server": ("setup", "doctor", "init", "serve", "worker", "status", "alarm", "backup", "restore", "verify",
                   "upgrade", "keys", "clock", "migrate-to-postgres"),
}  # fmt: skip


def sections(commands: Collection[str]) -> Iterator[tuple[str, list[str]]]:
    """Each section with its commands; those that have none come last."""
    for title, names in SECTIONS.items():
        yield title, [name for name in names if name in commands]
    others = set(commands).difference(*SECTIONS.values())
    if others:
        yield "Further", [name for name in commands if name in others]
