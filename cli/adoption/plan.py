"""From rows to what the engine is asked for. Everything that is wrong is told at once, by row."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cli.adoption.papers import Paper, Papers
from cli.adoption.rows import EVIDENCE, Row, parent_of
from cli.options import read_date
from cli.values import facts_and_parties
from cli.wiring import House
from engine.adoption import Adoption
from engine.errors import SoppaError, UsageError
from engine.faults import Fault
from engine.model.definition import Definition
from engine.model.messages import AdoptCase
from engine.proof.footing import Footing, footing

if TYPE_CHECKING:
    from engine.model.case import Actor


@dataclass(frozen=True, slots=True)
class Planned:
    """A row as it will be adopted: `adoption` has stand-ins in the place of `papers`, by fact or `evidence.NAME`."""

    row: Row
    adoption: Adoption
    papers: Mapping[str, Paper]

    def with_kept(self, kept: Mapping[str, str]) -> Adoption:
        """The adoption with its documents as they are kept now."""
        command = self.adoption.command
        facts = {**command.facts, **{name: word for name, word in kept.items() if not name.startswith(EVIDENCE)}}
        evidence = {name: kept[EVIDENCE + name] for name in command.evidence}
        return replace(self.adoption, command=replace(command, facts=facts, evidence=evidence))


@dataclass(slots=True)
class Planner:
    """Plans rows; each process is proved once."""

    house: House
    papers: Papers
    actor: Actor
    quiet_until: dt.date | None
    people: Collection[str]
    faults: list[Fault] = field(default_factory=list)
    _footings: dict[str, Footing] = field(default_factory=dict)

    def plan(self, rows: Sequence[Row]) -> list[Planned]:
        """The rows that could be read; `faults` has what is wrong with the others."""
        definitions = {row.key: found for row in rows if (found := self._definition(row)) is not None}
        joined = {row.key: self._joined(row, rows, definitions) for row in rows if parent_of(row)}
        counts: dict[str, Counter[str]] = {}
        for row in rows:
            name = joined.get(row.key)
            if name:
                counts.setdefault(parent_of(row) or "", Counter())[name] += 1
        planned = []
        for row in rows:
            if row.key in definitions:
                try:
                    own, child = counts.get(row.key, Counter()), joined.get(row.key)
                    planned.append(self._planned(row, definitions[row.key], own, child))
                except SoppaError as error:
                    self._complain(row, error)
        return planned

    def _definition(self, row: Row) -> Definition | None:
        try:
            return self.house.definitions.newest(row.own["process"])
        except SoppaError as error:
            self._complain(row, error)
            return None

    def _joined(self, row: Row, rows: Sequence[Row], definitions: Mapping[str, Definition]) -> str | None:
        """The name of the joined child that a row is of the row it names."""
        key, _, name = row.own["child_of"].partition("/")
        parent = next((one for one in rows if one.key == key), None)
        if parent is None or key not in definitions:
            self._complain(row, UsageError(f"child_of: there is no row '{key}', or it is faulty itself"))
            return None
        fits = [child.name for child in definitions[key].children.values()
                if child.joined and child.process == row.own["process"] and name in ("", child.name)]
        if len(fits) != 1:
            self._complain(row, UsageError(f"child_of: {definitions[key].process} waits for no case of "
                                           f"{row.own['process']}, or for several: write child_of {key}/NAME"))
            return None
        return fits[0]

    def _planned(self, row: Row, definition: Definition, children: Mapping[str, int], child: str | None) -> Planned:
        papers = self._papers(row, definition)
        words = {name: papers[name].stand_in if name in papers else word for name, word in row.given.items()}
        facts, parties = facts_and_parties(definition, words, self.people)
        command = AdoptCase(
            case_id="", actor=self.actor, states=tuple(row.own["state"].split()), facts=facts, parties=parties,
            happened={event: read_date(word, event) for event, word in row.happened.items()},
            evidence={name: papers[EVIDENCE + name].stand_in for name in row.evidence},
            since=read_date(row.own["since"], "since") if "since" in row.own else None, quiet_until=self.quiet_until,
            begun_by=row.own.get("begun_by"), children=dict(children), child_name=child,
        )  # fmt: skip
        adoption = Adoption(row.key, command, self._footing(definition), self._digest(row, papers), parent_of(row))
        return Planned(row, adoption, papers)

    def _papers(self, row: Row, definition: Definition) -> dict[str, Paper]:
        documents = {name for name, fact in definition.facts.items() if fact.type.kind == "document"}
        named = {name: word for name, word in row.given.items() if name in documents}
        named |= {EVIDENCE + name: word for name, word in row.evidence.items()}
        return {name: self.papers.paper(name, word) for name, word in named.items()}

    def _footing(self, definition: Definition) -> Footing:
        if definition.process not in self._footings:
            known = self.house.definitions
            others = {process: known.newest(process) for process in known.processes()}
            self._footings[definition.process] = footing(definition, others)
        return self._footings[definition.process]

    def _digest(self, row: Row, papers: Mapping[str, Paper]) -> str:
        """Of all that the row says; keyed, since it may name a parent."""
        said = [dict(row.own), dict(row.given), dict(row.happened), {name: one.digest for name, one in papers.items()}]
        return self.house.store.base.ring.lookup_digest(json.dumps(said, sort_keys=True).encode(), "adoptions")

    def _complain(self, row: Row, error: SoppaError) -> None:
        self.faults += [Fault(row.mark, f"{row.key}: {line}") for line in str(error).splitlines()]
