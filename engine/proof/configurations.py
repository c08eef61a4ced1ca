"""Where a case can be, as a walk sees it; what a walk follows and finds; what mails and clocks wait for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from engine.language.mailtexts import FACT, MONTH, needed_names
from engine.model.definition import ClockDef, Definition, MailDef
from engine.proof.assumptions import Assumptions

Story = tuple[str, ...]


class Configuration(NamedTuple):
    """`regions` are the states of the regions that are followed, in document order; `idle` the clocks that began for
    nobody, since their guard did not hold; `under_way` what will yet happen to mails.

    A tuple, since a walk makes and compares some hundred thousand of them."""

    state: str
    regions: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()
    running: frozenset[str] = frozenset()
    over: frozenset[str] = frozenset()
    idle: frozenset[str] = frozenset()
    happened: frozenset[str] = frozenset()
    under_way: frozenset[str] = frozenset()
    children: frozenset[str] = frozenset()
    assumed: Assumptions = frozenset()

    @property
    def at(self) -> frozenset[str]:
        return frozenset((self.state, *self.regions))


@dataclass(frozen=True, slots=True)
class View:
    """What one walk follows: `regions` and `clocks`; `given` are the facts that the regions left out are sure to have
    recorded once they are done."""

    regions: frozenset[str]
    clocks: frozenset[str]
    given: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Flaw:
    """A promise that does not hold: one sentence, where in its document, and the steps from the start to where it
    breaks."""

    message: str
    place: str = ""
    story: Story = ()

    def __str__(self) -> str:
        said = f"{self.place}: {self.message}" if self.place else self.message
        return said + (f"\n    story: {' → '.join(self.story)}" if self.story else "")


class Reading(NamedTuple):
    """A word of a mail that needs a fact recorded or a clock begun."""

    word: str
    name: str
    clock: bool


def readings_of(mail: MailDef, definition: Definition) -> frozenset[Reading]:
    """What the texts of a mail read outside every `has`."""
    needed = {name for text in mail.texts.values() for name in needed_names(text)}
    readings = [Reading(f"{FACT}{name}{end}", name, False) for name in definition.facts for end in ("", MONTH)]
    readings += [Reading(f"clock_{name}{end}", name, True) for name in definition.clocks for end in ("", "_kind")]
    return frozenset(each for each in readings if each.word in needed)


def with_values(here: Configuration, **news: object) -> Configuration:
    """`here` with these values: itself where nothing differs, since most steps change little."""
    for name, value in news.items():
        if getattr(here, name) != value:
            return here._replace(**news)  # type: ignore[arg-type]
    return here


def watched_events(definition: Definition) -> frozenset[str]:
    """The events that a clock or a way on waits for."""
    events = {event for clock in definition.clocks.values() for event in events_of(clock)}
    events |= {on.event for state in definition.states.values() for on in state.on}
    return frozenset(events) | counted_from(definition)


def counted_from(definition: Definition) -> frozenset[str]:
    """The events that a district's target is counted from."""
    dues = (task.due for state in definition.states.values() for task in state.tasks if task.due is not None)
    known = definition.clocks.keys() | definition.facts.keys()
    return frozenset(due.of for due in dues if due.of is not None and due.of not in known)


def events_of(clock: ClockDef) -> tuple[str, ...]:
    return (*clock.satisfied_by, *clock.void_by, *clock.anchor.names("event"))


def has_begun(clock: ClockDef, here: Configuration, known: frozenset[str]) -> bool:
    begun = {"fact": known, "event": here.happened, "clock": here.running | here.over}
    return any(source.name in begun[source.kind] for source in clock.anchor.sources)
