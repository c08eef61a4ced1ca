"""A definition as a plain graph: states with who acts and by when, ways on, regions, clocks with their citation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.law.days import day_name
from engine.model.case import Case
from engine.model.definition import ClockDef, Definition, Due, Outcome, StateDef, TaskDef, say
from engine.model.machine import triggers

MOST_ALIKE = 4
"""More arrows than these that say the same and lead to the same end are a line of its box."""

UNITS = {"business_days": "business days", "calendar_days": "days", "school_days": "school days"}


@dataclass(frozen=True, slots=True)
class Box:
    """A state. `asks` has a line for each task that somebody is asked to do: who, and by when. `ways_in` has one for
    what leads to it from so many states that arrows would hide all others."""

    name: str
    title: str
    asks: tuple[str, ...] = ()
    initial: bool = False
    final: bool = False
    region: str = ""
    ways_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrow:
    """A way on; `words` say what takes it."""

    source: str
    target: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """`regions` are the title of each, by the name of the parallel state and its own. `clocks` are lines. `here` and
    `path` are the states where a case stands and has been."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    regions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    clocks: tuple[str, ...] = ()
    here: frozenset[str] = frozenset()
    path: frozenset[str] = frozenset()


def picture_of(definition: Definition, case: Case | None = None, path: frozenset[str] = frozenset()) -> Picture:
    """The picture of a process or, with a case, of where that stands; `path` are the states that it has entered."""
    states = definition.states.values()
    title = say(definition.title, "en") if case is None else f"{case.id}: {say(definition.title, 'en')}"
    here = frozenset() if case is None else frozenset({case.state, *(place.state for place in case.regions.values())})
    regions = {state.name: {region.name: say(region.title, "en") for region in state.regions}
               for state in states if state.regions}
    arrows, alike = _told_once(definition, tuple(_arrows(definition)))
    boxes = (replace(_box(state), ways_in=alike.get(state.name, ())) for state in states)
    return Picture(title, tuple(boxes), arrows, regions,
                   tuple(_clock_line(clock, case) for clock in definition.clocks.values()), here, path)


def _box(state: StateDef) -> Box:
    asks = tuple(_ask(task) for task in state.tasks if not task.offered)
    return Box(state.name, say(state.title, "en"), asks, state.initial, state.final, state.region)


def _ask(task: TaskDef) -> str:
    due = f", {due_words(task.due)}" if task.due else ""
    return f"{task.who.name.replace('_', ' ')}{due}"


def _length(amount: int, unit: str) -> str:
    words = UNITS[unit]
    return f"{amount} {words.removesuffix('s') if amount == 1 else words}"


def due_words(due: Due) -> str:
    """A target in words, such as `5 business days` or `2 business days before parents`."""
    length = _length(due.amount, due.unit)
    if due.before:
        return f"{length} before {str(due.of).replace('_', ' ')}"
    return f"day {due.amount} of {due.of.replace('_', ' ')}" if due.of else length


def _arrows(definition: Definition) -> Iterator[Arrow]:
    """One for each pair of states, with all that leads from one to the other."""
    found: dict[tuple[str, str], list[str]] = {}
    for state in definition.states.values():
        for trigger, branches in triggers(state):
            for branch in branches:
                words = _words(state, trigger)
                known = found.setdefault((state.name, branch.to), [])
                if words not in known:
                    known.append(words)
    yield from (Arrow(source, target, tuple(words)) for (source, target), words in found.items())


def _told_once(
    definition: Definition, arrows: Sequence[Arrow]
) -> tuple[tuple[Arrow, ...], Mapping[str, tuple[str, ...]]]:
    """The arrows without those that lead from many states to one end by the same words; and a line for each of these,
    by that end."""
    ends = {name for name, state in definition.states.items() if state.final}
    count = Counter((arrow.target, word) for arrow in arrows for word in arrow.words if arrow.target in ends)
    alike = {one: number for one, number in count.items() if number > MOST_ALIKE}
    left = (replace(arrow, words=tuple(word for word in arrow.words if (arrow.target, word) not in alike))
            for arrow in arrows)
    lines = {end: tuple(f"{word}: from {number} states" for (to, word), number in alike.items() if to == end)
             for end, _ in alike}
    return tuple(arrow for arrow in left if arrow.words), lines


def _words(state: StateDef, trigger: str) -> str:
    """What takes a way, in words."""
    if trigger == "after" and state.after is not None:
        if state.after.since is not None:
            day = state.after.since.replace("_", " ")
            return f"day {state.after.amount} of {day} is over" if state.after.amount else f"{day} is over"
        length = _length(state.after.amount, state.after.unit)
        return f"{length} before {state.after.of}" if state.after.of else f"after {length}"
    if trigger.startswith("on "):
        kind, _, name = trigger.removeprefix("on ").partition(".")
        if kind == "told" and len([on for on in state.on if on.event.startswith("told.")]) == 1:
            return "once told"
        return f"{_EVENTS.get(kind, kind)}: {name.replace('_', ' ')}"
    if trigger in ("always", "joined", "done"):
        return {"always": "at once", "joined": "all have answered", "done": "every track is done"}[trigger]
    outcome = _outcome(state, trigger)
    return say(outcome.label, "en") or outcome.name.replace("_", " ") if outcome else trigger


_EVENTS = {"expired": "passed", "complete": "all copies done"}


def _outcome(state: StateDef, trigger: str) -> Outcome | None:
    task = state.task(trigger.partition(".")[0])
    return task.outcomes.get(trigger.partition(".")[2]) if task else None


def _clock_line(clock: ClockDef, case: Case | None) -> str:
    rule = clock.rule
    line = f"{say(clock.title, 'en')}: {rule.kind_of_date}, {rule.id}, {rule.citation} [{rule.certainty}]"
    running = case.clocks.get(clock.name) if case else None
    if running is None:
        return line
    return f"{line} — {day_name(running.legal) if running.legal else 'no date'}, {running.status}"


def by_region(picture: Picture) -> Mapping[str, Sequence[Box]]:
    """The boxes by their region; those outside of regions under an empty name."""
    found: dict[str, list[Box]] = {}
    for box in picture.boxes:
        found.setdefault(box.region, []).append(box)
    return found
