"""Adoptions at work on a store: each row once, a child with its parent, and nothing that a schedule starts by itself.

The service calls it inside its own transactions; nothing here begins one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.deciding.adopting import adopt
from engine.errors import AlreadyDecided, Refused
from engine.model.case import Case
from engine.model.cycles import NOTHING
from engine.model.definition import CYCLE_ON, SUBJECT, Definition
from engine.model.handed import Taken
from engine.model.messages import AdoptCase, Decision
from engine.model.office import Office
from engine.ports import Unit

if TYPE_CHECKING:
    from engine.proof.footing import Footing  # a proof: few commands need one


@dataclass(frozen=True, slots=True)
class Adoption:
    """One row of an adoption. `command` has no case id yet; `child_of` is the key of the row whose child it is. By the
    `digest` of what stands in the row a changed one is known."""

    key: str
    command: AdoptCase
    footing: Footing
    digest: str
    child_of: str | None = None


class Adoptions:
    def take_in(self, unit: Unit, wanted: Adoption, now: dt.datetime, office: Office) -> Decision:
        """The decision that a row asks for. Raises `AlreadyDecided` for one that is a case already, `UsageError` or
        `Refused` with all that is wrong."""
        taken = unit.adopted_as(wanted.key)
        if taken is not None:
            raise AlreadyDecided(f"{wanted.key} is case {taken.case_id} already")
        command = self._numbered(unit, wanted, office.today(now))
        definition = wanted.footing.definition
        _check_unscheduled(unit, definition, command)
        decision = adopt(definition, command, now, office)
        wanted.footing.check(decision)
        return decision

    def keep(self, unit: Unit, wanted: Adoption, case: Case, now: dt.datetime) -> None:
        unit.keep_adopted(wanted.key, Taken(case.id, wanted.digest), wanted.command.actor.id, now)

    def _numbered(self, unit: Unit, wanted: Adoption, today: dt.date) -> AdoptCase:
        """The command with the number of its case, and that of the parent."""
        parent = unit.adopted_as(wanted.child_of) if wanted.child_of is not None else None
        if wanted.child_of is not None and parent is None:
            raise Refused(f"{wanted.child_of}, whose child this is, is not adopted")
        return replace(wanted.command, case_id=unit.new_case_id(today), parent=parent.case_id if parent else None)


def _check_unscheduled(unit: Unit, definition: Definition, command: AdoptCase) -> None:
    """Raises `Refused` for a case that its schedule will start by itself."""
    subject = str(command.facts.get(SUBJECT, ""))
    if definition.schedule is None or definition.schedule.of_agreements != bool(subject):
        return
    waits = unit.cycles(definition.process, [subject]).get(subject, NOTHING).waits
    if waits is not None and waits.on == command.facts.get(CYCLE_ON):
        raise Refused(f"this case starts by itself, for {waits.on}: leave the row out, see soppa schedule list")
