"""Whether a case can stand where somebody says that it stands: in a configuration that its definition can come to.

The proof of a definition sees every configuration that a case can come to by itself. An adopted case must be in one of
them: only then do the proof's promises hold for what comes after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.errors import Refused
from engine.model.case import Case
from engine.model.definition import Definition, began, complete, told
from engine.model.guards import Unknown, evaluate
from engine.model.messages import Decision, Send, SendToAll
from engine.proof.assumptions import Assumptions
from engine.proof.configurations import Configuration, watched_events
from engine.proof.prove import walked
from engine.proof.walk import Walk


@dataclass(frozen=True, slots=True)
class Footing:
    """Every configuration of one definition, walked once."""

    definition: Definition
    walks: Sequence[Walk]
    _by_place: Mapping[int, Mapping[tuple[str, ...], list[Configuration]]] = field(default_factory=dict)

    def check(self, decision: Decision) -> None:
        """Raises `Refused` with what is missing or contradicts, by name."""
        case, under_way = decision.case, _under_way(self.definition, decision)
        wrong = [sentence for number, walk in enumerate(self.walks) if not self._is_done(walk, case)
                 for sentence in _wrong(walk, self._at(number, walk, case), case, under_way)]
        if case.is_open and wrong:
            raise Refused("\n".join(dict.fromkeys(wrong)))

    def _is_done(self, walk: Walk, case: Case) -> bool:
        """Whether all its tracks have come to their ends: such a walk waits nowhere, only the others do."""
        here = [place.state for name, place in case.regions.items() if name in walk.view.regions]
        return bool(here) and all(self.definition.states[name].final for name in here)

    def _at(self, number: int, walk: Walk, case: Case) -> list[Configuration]:
        here = tuple(place.state for name, place in case.regions.items() if name in walk.view.regions)
        return self._by_place[number].get((case.state, *here), [])


def footing(definition: Definition, others: Mapping[str, Definition]) -> Footing:
    """Raises `Refused` for a definition that is not proved. `others` are, by process, those of its children."""
    walks, proved = walked(definition, others)
    if not proved:
        raise Refused(f"{definition.process} has too many configurations to be proved: no case of it is adopted")
    by_place = {}
    for number, walk in enumerate(walks):
        places: dict[tuple[str, ...], list[Configuration]] = {}
        for seen in walk.seen:
            places.setdefault((seen.state, *seen.regions), []).append(seen)
        by_place[number] = places
    return Footing(definition, walks, by_place)


def _under_way(definition: Definition, decision: Decision) -> frozenset[str]:
    """What will yet happen to the mails that the adoption sends, on paper too."""
    sent = {effect.mail for effect in decision.effects if isinstance(effect, Send | SendToAll)}
    sent |= {task.mail for task in decision.case.tasks if task.mail is not None and task.is_open}
    events = {event(mail) for mail in sent for event in (began, told, complete)}
    return frozenset(events & watched_events(definition))


def _wrong(walk: Walk, known: Sequence[Configuration], case: Case, under_way: frozenset[str]) -> Iterator[str]:
    if not known:
        yield f"no case ever waits at '{case.state}' like that: name the state that it waits in"
        return
    told_of = [list(_differs(walk, one, case, under_way)) for one in known]
    yield from min(told_of, key=len)


def _differs(walk: Walk, known: Configuration, case: Case, under_way: frozenset[str]) -> Iterator[str]:
    """In what a case differs from a configuration that it could be in, a sentence each."""
    running = {name for name, clock in case.clocks.items() if clock.status == "running" and name in walk.view.clocks}
    clocks = walk.definition.clocks
    for name in sorted(running - known.running):
        ends = ", ".join((*clocks[name].satisfied_by, *clocks[name].void_by))
        yield f"at '{case.state}' clock '{name}' has ended: give what ended it ({ends}), with its document"
    for name in sorted(known.running - running):
        begins = ", ".join(source.name for source in clocks[name].anchor.sources)
        yield f"at '{case.state}' clock '{name}' runs: give the date that it counts from ({begins}), with its document"
    missing = sorted(known.known - case.facts.keys())
    if missing:
        yield f"state '{case.state}' needs {', '.join(missing)}: give a value for each"
    children = {name for name, count in case.children.items() if count}
    for name in sorted(known.children - children):
        process = walk.definition.children[name].process
        yield f"at '{case.state}' cases of {process} are open: adopt them too, with child_of"
    for name in sorted(children - known.children):
        yield f"at '{case.state}' no case of '{name}' is open: leave those rows out"
    for event in sorted(known.under_way - under_way):
        yield f"at '{case.state}' it is not known yet whether {event} has happened: name the state after that"
    yield from _contradicts(known.assumed, case)


def _contradicts(assumed: Assumptions, case: Case) -> Iterator[str]:
    for guard, so in sorted(assumed, key=lambda one: one[0].source):
        answer = evaluate(guard, case.facts, case.at)
        if not isinstance(answer, Unknown) and answer is not so:
            yield f"nobody comes to '{case.state}' where {guard.source} is {'true' if answer else 'false'}"
