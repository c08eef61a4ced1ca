"""Which facts a definition asks for: anywhere, and in a state with all that may follow it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from engine.language.mailtexts import fact_read, needed_names
from engine.model.computing import rests_on
from engine.model.definition import Definition, StateDef
from engine.model.guards import Guard, reads
from engine.model.machine import triggers
from engine.proof.assumptions import about


def guards_of(state: StateDef) -> Iterator[Guard]:
    """Every guard of a state: of its ways on, its tasks, their outcomes and what these require."""
    outcomes = [outcome for task in state.tasks for outcome in task.outcomes.values()]
    asked = [branch.when for _, to in triggers(state) for branch in to]
    asked += [*(task.when for task in state.tasks), *(outcome.when for outcome in outcomes)]
    asked += [one.that for outcome in outcomes for one in outcome.requires]
    yield from (guard for guard in asked if guard is not None)


def every_guard(definition: Definition) -> Iterator[Guard]:
    """Those of all states, clocks and decision tables."""
    yield from (guard for state in definition.states.values() for guard in guards_of(state))
    yield from (clock.when for clock in definition.clocks.values() if clock.when is not None)
    yield from (row.when for decision in definition.decisions.values() for row in decision.rows)


def live_facts(definition: Definition, needs: Mapping[str, frozenset[str]]) -> Mapping[str, frozenset[str]]:
    """By state, the facts that a guard, a mail, the register or a child may yet ask for, there or later; what clocks
    begin with is not among them. `needs` are those that a child cannot start without."""
    always = _always(definition)
    live = {name: _asked_in(definition, state) | _given_in(state, needs) | always
            for name, state in definition.states.items()}
    ways = {name: frozenset(_next(definition, state)) for name, state in definition.states.items()}
    settled = False
    while not settled:
        later = {name: facts.union(*(live[after] for after in ways[name])) for name, facts in live.items()}
        settled, live = later == live, later
    return {name: _with_what_decides(definition, facts) for name, facts in live.items()}


def _always(definition: Definition) -> frozenset[str]:
    """What decides whether clocks apply, and the agreements that bring further facts: that may happen in any state."""
    clocks = definition.clocks.values()
    agreements = {name for name, fact in definition.facts.items() if fact.type.kind == "agreement"}
    return frozenset().union(agreements, *(reads(clock.when) for clock in clocks if clock.when is not None))


def _asked_in(definition: Definition, state: StateDef) -> frozenset[str]:
    outcomes = [outcome for task in state.tasks for outcome in task.outcomes.values()]
    mails = {*state.sends, *(mail for on in state.on for mail in on.sends), *(m for one in outcomes for m in one.sends)}
    mails |= set(state.after.sends if state.after else ())
    texts = [text for mail in mails for text in definition.mails[mail].texts.values()]
    read = {fact_read(name) for text in texts for name in needed_names(text)} & definition.facts.keys()
    entered = {each.fact for name in state.registers for each in definition.registers[name].facts.values()}
    dates = {*(task.due.of or "" for task in state.tasks if task.due), (state.after and state.after.since) or ""}
    named = {*_names_parties(definition, mails), *_chosen_before(definition, state)}
    return frozenset().union(read, entered, named, dates & definition.facts.keys(), *map(about, guards_of(state)))


def _chosen_before(definition: Definition, state: StateDef) -> Iterator[str]:
    """The sets from which the rows of tables come that are asked for in a state."""
    fields = (definition.facts[each.fact] for task in state.tasks for each in task.form)
    return (fact.rows_of for fact in fields if fact.rows_of is not None)


def _names_parties(definition: Definition, mails: Iterable[str]) -> Iterator[str]:
    """The facts from which the parties come who read these mails."""
    for reader in (definition.mails[mail].to for mail in mails):
        party = definition.parties[reader.name] if reader.kind == "party" else None
        if party is not None and party.source is not None:
            yield party.source
        if party is not None and party.taken is not None:
            yield party.taken.agreement


def _given_in(state: StateDef, needs: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """What the children that start in a state take along."""
    outcomes = [outcome for task in state.tasks for outcome in task.outcomes.values()]
    starts = {*state.starts, *(name for outcome in outcomes for name in outcome.starts)}
    return frozenset().union(*(needs.get(name, frozenset()) for name in starts))


def _next(definition: Definition, state: StateDef) -> Iterator[str]:
    """The states that may follow; a parallel state and those of its regions follow each other."""
    yield from (branch.to for _, to in triggers(state) for branch in to)
    yield from (region.initial for region in state.regions)
    for whole in definition.states.values():
        if state.region in {region.name for region in whole.regions}:
            yield whole.name


def _with_what_decides(definition: Definition, facts: frozenset[str]) -> frozenset[str]:
    """With the facts that a decision table makes them of, tables that read tables included, or that they are worked
    out from."""
    facts = facts.union(*(rests_on(definition.facts[name]) for name in facts if name in definition.facts))
    for decision in reversed(tuple(definition.decisions.values())):
        if decision.fact in facts:
            facts = facts.union(*(reads(row.when) for row in decision.rows))
    return facts
