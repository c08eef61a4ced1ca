"""The roles that the processes of this home need, in the order in which a set-up asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.model.definition import Definition
from engine.model.roles import ROLES

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
    "principal": "Principals of the schools",
    "ceo": "Chief executive, or the superintendent",
    "staff": "All staff, or one address for all",
}


def title(role: str) -> str:
    return TITLES.get(role, role.replace("_", " ").capitalize())


def needed(definitions: Iterable[Definition]) -> dict[str, tuple[str, ...]]:
    """Each role that a task is for, or that is told of something, with the processes that need it; the privacy officer
    comes first."""
    found: dict[str, set[str]] = {"privacy": set(), "superintendent": set()}
    for definition in definitions:
        for role in roles_of(definition):
            found.setdefault(role, set()).add(definition.process)
    order = [*TITLES, *sorted(found.keys() - TITLES.keys())]
    return {role: tuple(sorted(found[role])) for role in order if role in found}


def roles_of(definition: Definition) -> set[str]:
    """The roles that do something in a process or read of it: of tasks and of breaking the glass, of mails and who
    posts them, of clocks and their reminders."""
    tasks = [task for state in definition.states.values() for task in state.tasks]
    glass = [task.break_glass for task in tasks if task.break_glass is not None]
    clocks, mails = definition.clocks.values(), definition.mails.values()
    people = [*(task.who for task in tasks), *(clock.owner for clock in clocks), *(mail.to for mail in mails)]
    rungs = {place for clock in clocks if clock.ladder for rung in clock.ladder.rungs for place in rung.to}
    named = {who.name for who in people if who.kind == "role"} | {mail.paper for mail in mails if mail.paper}
    named |= {child.role for child in definition.children.values() if child.role}
    return named | {role for one in glass for role in (one.role, *one.tells)} | (rungs & set(ROLES))


def thresholds(definitions: Iterable[Definition]) -> dict[str, tuple[str, int]]:
    """The numbers that processes ask of the district: what each is, in English, and what holds without it."""
    facts = [fact for definition in definitions for fact in definition.facts.values() if fact.threshold is not None]
    return {fact.name: (fact.label["en"], fact.threshold) for fact in facts if fact.threshold is not None}
