"""What a step needs and does not have on some path to it: facts that guards, mails, tasks, children and the register
read, and dates that targets are counted from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.deciding.taking import needed_facts
from engine.model.definition import Branch, Definition, Outcome, StateDef, TaskDef
from engine.model.guards import Atom, atoms, reads
from engine.proof.configurations import Configuration, Flaw, Reading, readings_of


@dataclass(slots=True)
class Lacks:
    """`clocks` are those that the walk follows: any other is taken to have begun. `needs` are the facts a child cannot
    start without."""

    definition: Definition
    clocks: Iterable[str]
    needs: Mapping[str, frozenset[str]]
    _reads: Mapping[str, frozenset[Reading]] = field(init=False)

    def __post_init__(self) -> None:
        self._reads = {name: readings_of(mail, self.definition) for name, mail in self.definition.mails.items()}

    def of_ways(self, here: Configuration, state: StateDef, trigger: str, to: Sequence[Branch]) -> Iterator[Flaw]:
        """A move that nobody's answer makes waits for no fact."""
        for branch in to:
            missing = reads(branch.when) - here.known if branch.when else frozenset()
            if missing:
                yield self._flaw("states", state.name,
                                 f"{state.name}, {trigger}: a guard reads {_all(missing)}, not set on every path")

    def of_entry(self, here: Configuration, state: StateDef) -> Iterator[Flaw]:
        """What is read when a state is entered."""
        since, of = (state.after.since, state.after.of) if state.after else (None, None)
        if since not in (None, *here.known):
            yield self._flaw("states", state.name,
                             f"state '{state.name}' is left by the date in '{since}', not set on every path to it")
        if of is not None and not self._has_begun(here, of) and not any(not task.offered for task in state.tasks):
            yield self._flaw("states", state.name,
                             f"state '{state.name}' is left before the date of clock '{of}', which has not begun on "
                             "every path to it")
        for task in state.tasks:
            missing = reads(task.when) - here.known if task.when else frozenset()
            if missing:
                yield self._flaw("tasks", f"{state.name}/{task.name}",
                                 f"state '{state.name}', task '{task.name}': whether it is asked depends on "
                                 f"{_all(missing)}, not set on every path to it")
            yield from self._of_form(here, state, task)
            if not task.offered and not self._is_dated(here, task):
                yield from self._undated(here, state, task)

    def of_nobody(self, here: Configuration, state: StateDef, guards: str) -> Iterator[Flaw]:
        """Where the `guards` of all its tasks may fail together, something else leads out of a state by some day."""
        if not (state.on or state.after or state.always or state.done):
            yield self._flaw("states", state.name,
                             f"nobody is asked in state '{state.name}' where this does not hold: {guards}")
        elif not _is_covered(here, state):
            yield self._flaw("states", state.name, f"state '{state.name}' has neither a due nor a clock that covers it "
                                                   f"where this does not hold: {guards}")

    def keeps_from(self, here: Configuration, outcome: Outcome) -> bool:
        """Whether an answer waits for a clock in vain: for the passing of one that has not begun, or for one to run
        that has ended."""
        passed = (one.passed for one in outcome.requires if one.passed is not None)
        runs = (one.before for one in outcome.requires if one.before is not None and one.before in self.clocks)
        return (any(not self._has_begun(here, clock) for clock in passed)
                or any(clock not in here.running for clock in runs))

    def of_register(self, here: Configuration, state: StateDef, name: str) -> Iterator[Flaw]:
        missing = needed_facts(self.definition.registers[name]) - here.known
        if missing:
            yield self._flaw("registers", name,
                             f"state '{state.name}' registers '{name}', which needs {_all(missing)}, not set on every "
                             "path")

    def of_mail(self, here: Configuration, name: str) -> Iterator[Flaw]:
        """What the texts of a mail read outside `has` must be there: facts recorded, clocks begun. Without an address
        it needs somebody who puts it on paper."""
        missing = [each.word for each in self._reads[name] if not self._is_there(here, each)]
        if missing:
            yield self._flaw("mails", name, f"mail '{name}' reads {_all(missing)}, not set on every path to it: "
                                            "record it, or ask has(…)")
        to, paper = self.definition.mails[name].to, self.definition.mails[name].paper
        if to.kind == "party" and paper is None and not self._is_party(here, to.name):
            yield self._flaw("mails", name, f"mail '{name}' goes to '{to.name}', whom not every path to it names: "
                                            "name in 'paper' who posts it, or need the party at the start")

    def of_child(self, here: Configuration, name: str) -> Iterator[Flaw]:
        missing = self.needs.get(name, frozenset()) - here.known
        if missing:
            yield self._flaw("children", name,
                             f"child '{name}' needs {_all(missing)}, not set on every path to its start")

    def _of_form(self, here: Configuration, state: StateDef, task: TaskDef) -> Iterator[Flaw]:
        """A table whose rows were chosen before is asked for with rows."""
        asked = {each.fact for each in task.form}
        for table, chosen in ((name, self.definition.facts[name].rows_of) for name in sorted(asked)):
            if chosen is not None and chosen not in asked | here.known:
                yield self._flaw("tasks", f"{state.name}/{task.name}",
                                 f"state '{state.name}', task '{task.name}': the rows of '{table}' come from "
                                 f"'{chosen}', not set on every path to it")

    def _undated(self, here: Configuration, state: StateDef, task: TaskDef) -> Iterator[Flaw]:
        """A target without a date covers nothing: then something else must."""
        if not _is_covered(here, state):
            yield self._flaw("tasks", f"{state.name}/{task.name}",
                             f"state '{state.name}' has neither a due nor a clock that covers it: '{task.name}' is due "
                             f"by '{task.due and task.due.of}', not set on every path to it")

    def _is_dated(self, here: Configuration, task: TaskDef) -> bool:
        """Whether a target, if the task has one, has a date: what it is counted from is known when the task opens."""
        origin = task.due.of if task.due else None
        if origin is None:
            return True
        if origin in self.definition.clocks:
            return self._has_begun(here, origin)
        return origin in here.known or origin in here.happened

    def _is_party(self, here: Configuration, name: str) -> bool:
        """Whether a party was given, or comes of what is known; an agreement's contact is taken to be there."""
        party = self.definition.parties[name]
        if party.taken is not None:
            return party.taken.agreement in here.known
        return name in self.definition.start_needs or party.source in here.known

    def _is_there(self, here: Configuration, what: Reading) -> bool:
        return self._has_begun(here, what.name) if what.clock else what.name in here.known

    def _has_begun(self, here: Configuration, clock: str) -> bool:
        return clock not in self.clocks or clock in here.running or clock in here.over

    def _flaw(self, section: str, name: str, message: str) -> Flaw:
        return Flaw(message, self.definition.place(section, name))


def _is_covered(here: Configuration, state: StateDef) -> bool:
    """Whether something besides its tasks sees to it that a state is left: a clock, a time, a mail, a child, or another
    region."""
    waits = any(on.event.startswith("ended.") for on in state.on) or waits_for_places(state)
    return bool(here.running or state.after or here.under_way or waits)


def waits_for_places(state: StateDef) -> list[Atom]:
    """What a state waits for in other regions: they have owners and dates of their own."""
    return [atom for branch in state.always if branch.when for atom in atoms(branch.when) if atom.op == "at"]


def _all(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
