"""A purge that waits for its second person: what both are shown, and what is written down when they agree."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from cli.printing import count, day
from cli.retention.due import Due, Outlook, look
from cli.wiring import House
from engine.errors import Refused, Stale, UsageError
from engine.model.retention import Retention
from engine.nodes import nearest
from storage.entrance.acts import Act
from storage.removal import purges
from storage.unit import SqlUnit

THINGS = {"case": "case", "audience": "audience", "brief": "mail", "access": "row", "act": "act", "person": "person",
          "operator": "operator"}
Shown = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Certificate:
    """The commission's agreement to the destruction: its number, and when it was filed."""

    number: str
    filed_on: dt.date


@dataclass(frozen=True, slots=True)
class Wish:
    """Which classes to purge as of a day (all that are due, where none is named), and which cases to leave out."""

    as_of: dt.date
    kinds: Sequence[str]
    spared: Sequence[str]
    certificate: Certificate | None

    def as_json(self) -> dict[str, object]:
        disposal = self.certificate and {"number": self.certificate.number, "filed_on": str(self.certificate.filed_on)}
        return {"as_of": str(self.as_of), "classes": list(self.kinds), "except": list(self.spared),
                "disposal": disposal}


def outlook_of(house: House, unit: SqlUnit, wish: Wish) -> Outlook:
    """What this purge would take. Raises `UsageError` for an unknown class or case."""
    found = look(house, unit, wish.as_of, wish.spared)
    for name in wish.kinds:
        if name not in found.table.kinds:
            raise UsageError(f"there is no class '{name}'{nearest(name, found.table.kinds)}: see soppa retention")
    for case_id in wish.spared:
        unit.case(case_id)
    due = [one for one in found.due if not wish.kinds or one.kind.name in wish.kinds]
    return Outlook(found.as_of, found.table, due, found.held)


def check_certificate(table: Retention, due: Sequence[Due], wish: Wish) -> None:
    """Raises `UsageError` where the commission's certificate is needed and not named, `Refused` where it is too new."""
    needed = [one.kind.title for one in due if one.items and one.kind.certificate]
    if not needed:
        return
    law = f"{table.disposal.citation} [{table.disposal.certainty}]"
    if wish.certificate is None:
        raise UsageError(f"records are destroyed with a certificate of the Local Records Commission only ({law}): name "
                         "it with --certificate NUMBER --filed DATE, or purge other classes alone: --class access")
    days = (wish.as_of - wish.certificate.filed_on).days
    if days < table.disposal.days_ahead:
        first = wish.certificate.filed_on + dt.timedelta(days=table.disposal.days_ahead)
        raise Refused(f"the certificate was filed on {day(wish.certificate.filed_on)}, and records may go "
                      f"{table.disposal.days_ahead} days after that ({law}): from {day(first)} on")


def shown(outlook: Outlook) -> Shown:
    """What both persons are shown: a line for each class."""
    lines = [(f"{one.kind.title}, kept {one.kind.term}", counted(one), "removed")
             for one in outlook.due if one.items]
    held = len(outlook.held)
    return [*lines, ("Held back by a preservation", count(held, "case"), "kept")] if held else lines


def counted(due: Due) -> str:
    since = f", the first due since {day(due.since)}" if due.since else ""
    return f"{things(due.kind.what, due.count)}{since}"


def things(what: str, number: int) -> str:
    return f"{number:,} people" if what == "person" and number != 1 else count(number, THINGS[what])


def content(wish: Wish, outlook: Outlook) -> dict[str, object]:
    """What the act keeps beside what is shown."""
    return {**wish.as_json(), "list": outlook.digest()}


def agree(house: House, unit: SqlUnit, act: Act, roles: Mapping[str, str], now: dt.datetime) -> Shown:
    """Writes down what is to be removed, and gives what is shown of it today. `roles` are those of the two persons.

    Raises `Stale` when anything of the list has changed since the act was begun.
    """
    wish = _wish(act.payload)
    outlook = outlook_of(house, unit, wish)
    if outlook.digest() != act.payload["list"]:
        raise Stale(f"what act {act.id} would remove has changed since it was begun: begin it again")
    terms = {"table": outlook.table.version, "disposal": wish.as_json()["disposal"], "by": dict(roles),
             "except": len(wish.spared), "classes": _terms(outlook), "held": len(outlook.held)}
    purges.begin(unit.connection, act.id, wish.as_of, terms, outlook.items(), now)
    return shown(outlook)


def _terms(outlook: Outlook) -> Mapping[str, Mapping[str, str]]:
    return {one.kind.name: {"title": one.kind.title, "term": str(one.kind.term), "start": one.kind.start,
                            "basis": one.kind.basis if not one.kind.reason else f"{one.kind.basis}; {one.kind.reason}"}
            for one in outlook.due if one.items}


def _wish(payload: Mapping[str, object]) -> Wish:
    disposal = cast("Mapping[str, str] | None", payload["disposal"])
    filed = Certificate(disposal["number"], dt.date.fromisoformat(disposal["filed_on"])) if disposal else None
    return Wish(dt.date.fromisoformat(str(payload["as_of"])), cast("Sequence[str]", payload["classes"]),
                cast("Sequence[str]", payload["except"]), filed)
