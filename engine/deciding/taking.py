"""What a case takes from the register when a fact names an agreement, and what it writes into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from engine.deciding import tasks
from engine.deciding.turn import Turn
from engine.errors import Refused, UsageError
from engine.model.case import Contact, FactValue
from engine.model.computing import is_computed, reads_too
from engine.model.definition import SUBJECT, RegisterDef
from engine.model.messages import WriteRegister
from engine.model.register import WHICH_PRODUCT, Entry, entry_id, ids_in
from engine.nodes import nearest


def check_typed(turn: Turn, values: Mapping[str, FactValue]) -> None:
    """Raises `UsageError` for a value of a fact that only the register, the settings or other facts give."""
    for name in values:
        fact = turn.definition.facts.get(name)
        if fact is not None and fact.taken is not None:
            raise UsageError(
                f"fact '{name}' is taken from the agreement in '{fact.taken.agreement}': correct the register and name "
                f"the agreement again, or name another"
            )
        if fact is not None and fact.threshold is not None:
            raise UsageError(f"fact '{name}' is a threshold of the district: set it in 'thresholds' of district.yaml")
        if fact is not None and is_computed(fact):
            raise UsageError(f"fact '{name}' is worked out: record {' or '.join(sorted(reads_too(fact)))}")
        if fact is not None and fact.school_year_end:
            raise UsageError(f"fact '{name}' is the end of the district's school year: nobody types it")
        if any(each.is_new and each.agreement == name for each in turn.definition.registers.values()):
            raise UsageError(f"fact '{name}' is given by the register when the agreement is entered: leave it out")


def follow(turn: Turn, given: Mapping[str, FactValue]) -> None:
    """Takes what hangs on the agreements that these values name, and the parties that hang on facts.

    Raises `UsageError` for an agreement that the register does not have.
    """
    for name in turn.definition.shows_agreements:
        entries = [_entry(turn, one) for one in ids_in(given[name])] if name in given else ()
        if entries and name in turn.definition.names_agreements:
            _take(turn, name, entries[0])
    tasks.follow_parties(turn)


def meet_operator(turn: Turn, given: Mapping[str, FactValue]) -> None:
    """The operator of a case that was started about an agreement, where whoever started it named none: the register's
    contact. One of whom the register knows no contact has no address."""
    if SUBJECT not in given:
        return
    for party in turn.definition.parties.values():
        is_given = party.name in turn.case.parties or party.source is not None or party.taken is not None
        if party.kind == "operator" and not is_given:
            tasks.put_party(turn, party.name, _contact(_entry(turn, str(given[SUBJECT])), "contact"))


def register(turn: Turn, name: str) -> None:
    """Writes an agreement or a product into the register; of a new agreement the case learns the id. Raises `Refused`
    where a fact that it needs is not recorded."""
    wanted, facts = turn.definition.registers[name], turn.case.facts
    missing = needed_facts(wanted) - facts.keys()
    if missing:
        raise Refused(f"the register needs to know {', '.join(sorted(missing))}: record it first")
    values = {field: facts[each.fact] for field, each in wanted.facts.items() if each.fact in facts}
    values |= dict(wanted.sets)
    agreement = _next_id(turn) if wanted.is_new else str(facts.get(wanted.agreement, ""))
    if agreement and wanted.of_product:
        values = {field: value for field, value in values.items() if field not in WHICH_PRODUCT}
    turn.do(WriteRegister(agreement, wanted.is_new, values))
    kind = "agreement_entered" if wanted.is_new else "agreement_changed" if agreement else "product_listed"
    turn.tell(kind, agreement=agreement or None, fields=", ".join(sorted(values)))
    if wanted.is_new:
        turn.record({wanted.agreement: agreement})
        _take(turn, wanted.agreement, Entry(agreement, values))


def needed_facts(wanted: RegisterDef) -> frozenset[str]:
    """What must be recorded before it can be written."""
    facts = {each.fact for each in wanted.facts.values() if each.required}
    stands_alone = wanted.is_new or wanted.of_product or not wanted.agreement
    return frozenset(facts if stands_alone else facts | {wanted.agreement})


def _next_id(turn: Turn) -> str:
    """The number handed in, or one more for each agreement that this decision has entered already."""
    entered = sum(isinstance(effect, WriteRegister) and effect.is_new for effect in turn.effects)
    return entry_id("A", turn.office.next_agreement + entered)


def _entry(turn: Turn, agreement: str) -> Entry:
    entry = turn.office.register.get(agreement)
    if entry is None:
        known = nearest(agreement, turn.office.register)
        raise UsageError(f"there is no agreement '{agreement}' in the register{known}: see soppa register list")
    return entry


def _take(turn: Turn, name: str, entry: Entry) -> None:
    """Records what the definition takes from this agreement. What it has not is withdrawn, since that belonged to
    another one; a party of whom it knows no contact has no address, so that nothing goes to the wrong reader."""
    taken = {fact.name: fact.taken.field for fact in turn.definition.facts.values()
             if fact.taken is not None and fact.taken.agreement == name}
    turn.record({fact: entry.values[field] for fact, field in taken.items() if field in entry.values})
    turn.withdraw([fact for fact, field in taken.items() if field not in entry.values], f"{name} is {entry.id}")
    for party in turn.definition.parties.values():
        if party.taken is not None and party.taken.agreement == name:
            tasks.put_party(turn, party.name, _contact(entry, party.taken.field))


def _contact(entry: Entry, field: str) -> Contact:
    contacts = cast("tuple[Contact, ...]", entry.values.get(field, ()))
    return contacts[0] if contacts else Contact(entry.label or entry.id)
