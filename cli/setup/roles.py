"""The roles that the processes of this home need, in the order in which a set-up asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.definition import Definition

TITLES: Mapping[str, str] = {
    "privacy": "Privacy officer",
    "superintendent": "Superintendent",
    "custodian": "Records custodian",
    "legal": "Counsel of the district",
    "itsec": "IT security",
    "edtech": "Educational technology",
    "procurement": "Procurement",
    "signer": "Who signs agreements",
    "board_clerk": "Clerk of the Board",
    "board_attorney": "Attorney of the Board",
    "web": "Who puts things on the website",
    "hr": "Human resources",
}


def title(role: str) -> str:
    return TITLES.get(role, role.replace("_", " ").capitalize())


def needed(definitions: Iterable[Definition]) -> dict[str, tuple[str, ...]]:
    """Each role that a task is for, with the processes that need it; the privacy officer comes first."""
    found: dict[str, set[str]] = {"privacy": set(), "superintendent": set()}
    for definition in definitions:
        for state in definition.states.values():
            for task in state.tasks:
                if task.who.kind == "role":
                    found.setdefault(task.who.name, set()).add(definition.process)
    order = [*TITLES, *sorted(found.keys() - TITLES.keys())]
    return {role: tuple(sorted(found[role])) for role in order if role in found}


def thresholds(definitions: Iterable[Definition]) -> dict[str, tuple[str, int]]:
    """The numbers that processes ask of the district: what each is, in English, and what holds without it."""
    facts = [fact for definition in definitions for fact in definition.facts.values() if fact.threshold is not None]
    return {fact.name: (fact.label["en"], fact.threshold) for fact in facts if fact.threshold is not None}
