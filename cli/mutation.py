"""Which mutants of the processes no scenario notices, worked out on every core."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cli.home import Home
from cli.office import make_office, settings_or_sample
from engine.model.definition import Definition, Scenario
from engine.model.office import Office
from engine.nodes import nearest
from engine.proof.mutants import Mutant, mutants
from engine.proof.prove import check
from engine.proof.rehearse import differences, rehearsal_office
from workflows import Catalogue

AT_ONCE = 12
CHECK = "the proof"
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A mutant, and what noticed it: a scenario, the proof, or nothing. `reason` is the author's, if there is one."""

    process: str
    mutant: str
    says: str
    legal: bool
    noticed_by: str | None
    reason: str | None = None

    @property
    def is_wrong(self) -> bool:
        """A legal clock may not be changed unnoticed without a written reason; and a reason must be needed."""
        return (self.noticed_by is None and self.legal and not self.reason) or bool(self.noticed_by and self.reason)


@dataclass(frozen=True, slots=True)
class Swapped:
    """The definitions with a mutant in the place of one."""

    catalogue: Catalogue
    mutant: Definition
    others: Mapping[str, Definition] = field(default_factory=dict)

    def newest(self, process: str) -> Definition:
        return self.mutant if process == self.mutant.process else self.catalogue.newest(process)

    def processes(self) -> tuple[str, ...]:
        return self.catalogue.processes()

    def scheduled(self) -> Sequence[Definition]:
        return self.catalogue.scheduled()

    def pinned(self, process: str, version: int, digest: str) -> Definition:
        return self.newest(process)

    def source(self, definition: Definition) -> str:
        return ""


def judge(home: Home, processes: Sequence[str], *, legal_only: bool, told: Told) -> Iterator[Verdict]:
    """The verdict on each mutant, as they come; `told` hears how many of all are done."""
    work = [(process, names) for process in processes for names in _some(_names(home, process, legal_only))]
    total, done = sum(len(names) for _, names in work), 0
    with ProcessPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        waiting = [pool.submit(_judged, str(home.root), process, names) for process, names in work]
        for finished in as_completed(waiting):
            verdicts = finished.result()
            done += len(verdicts)
            told(done, total)
            yield from verdicts


def strange_reasons(home: Home, processes: Sequence[str]) -> list[str]:
    """Reasons for mutants that do not exist, such as those of a clock that has another name now."""
    found = []
    for process in processes:
        definition = _catalogue(str(home.root)).newest(process)
        known = [mutant.name for mutant in mutants(definition)]
        found += [f"{process}: unnoticed names no mutant '{name}'{nearest(name, known)}"
                  for name in definition.unnoticed if name not in known]
    return found


def _names(home: Home, process: str, legal_only: bool) -> list[str]:
    definition = _catalogue(str(home.root)).newest(process)
    return [mutant.name for mutant in mutants(definition) if mutant.legal or not legal_only]


def _some(names: Sequence[str]) -> Iterator[Sequence[str]]:
    yield from (names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE))


def _judged(root: str, process: str, names: Sequence[str]) -> list[Verdict]:
    catalogue, office = _catalogue(root), _office(root)
    definition = catalogue.newest(process)
    wanted = set(names)
    return [
        Verdict(process, mutant.name, mutant.says, mutant.legal, _noticed_by(mutant, catalogue, office),
                definition.unnoticed.get(mutant.name))
        for mutant in mutants(definition) if mutant.name in wanted
    ]  # fmt: skip


def _noticed_by(mutant: Mutant, catalogue: Catalogue, office: Office) -> str | None:
    swapped = Swapped(catalogue, mutant.definition)
    for definition, scenario in _scenarios(mutant.definition, catalogue):
        if next(differences(scenario, swapped.newest(definition.process), swapped, office), None) is not None:
            return scenario.name
    others = {process: swapped.newest(process) for process in catalogue.processes()}
    return None if check(mutant.definition, others).good else CHECK


def _scenarios(mutant: Definition, catalogue: Catalogue) -> Iterator[tuple[Definition, Scenario]]:
    """The mutant's own scenarios, then those of the processes that start it."""
    yield from ((mutant, scenario) for scenario in mutant.scenarios)
    for process in catalogue.processes():
        definition = catalogue.newest(process)
        if process != mutant.process and any(child.process == mutant.process for child in definition.children.values()):
            yield from ((definition, scenario) for scenario in definition.scenarios)


@cache
def _catalogue(root: str) -> Catalogue:
    overlay = Home(Path(root)).workflows
    return Catalogue(overlay if overlay.is_dir() else None)


@cache
def _office(root: str) -> Office:
    home = Home(Path(root))
    plain = make_office(settings_or_sample(home), (), home)
    return rehearsal_office(plain.calendars, plain.references)
