"""What a decision needs of the house beside its case: entries of the register, and the cases among which it counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.deciding.tallying import counted_from
from engine.model.case import FactValue
from engine.model.definition import Definition
from engine.model.messages import AdoptCase, Command, CompleteTask, RecordFacts, StartCase
from engine.model.office import Office
from engine.model.register import ids_in
from engine.ports import Unit


def equipped(
    unit: Unit, office: Office, definition: Definition, command: Command, facts: Mapping[str, FactValue] | None = None
) -> Office:
    """The office with what this decision needs of the register: the agreements that its values name, and the number of
    the next one where the definition enters any; and the cases among which it counts, where it records anything and
    `facts` are those on file. A definition that does none of it costs nothing."""
    given = _given(command)
    named = [one for name in definition.shows_agreements if name in given for one in ids_in(given[name])]
    if named and not office.register.keys() >= set(named):
        office = replace(office, register=unit.entries(named))
    if any(each.is_new for each in definition.registers.values()):
        office = replace(office, next_agreement=unit.next_agreement())
    since = counted_from(definition, {**(facts or {}), **given}) if given else None
    if since is not None:
        office = replace(office, others=tuple(unit.cases_since(definition.process, office.at_local(since, 0))))
    return office


def _given(command: Command) -> Mapping[str, FactValue]:
    match command:
        case StartCase() | AdoptCase():
            return command.facts
        case CompleteTask() | RecordFacts():
            return command.values
        case _:
            return {}
