"""Adopting a case that has run elsewhere: it begins in a state of its definition, and its clocks count from true dates.

What is past is written down and not done: rungs that have passed are not sent, mails that were sent are not sent again.
What the state asks for now is asked for, by mails that wait for the next business day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from engine.deciding import moves, obligations, taking, tasks
from engine.deciding.dates import out_of_order
from engine.deciding.decide import of_district
from engine.deciding.turn import Turn
from engine.errors import UsageError
from engine.law.calendar import ONE_DAY
from engine.law.days import FIRE_HOUR
from engine.model.case import Adopted, Case, Clock, Place
from engine.model.definition import (
    SUBJECT,
    Definition,
    Source,
    StateDef,
    began,
    complete,
    ended,
    entered,
    expired,
    told,
)
from engine.model.messages import AdoptCase, Decision, Effect, Notify, Send, SetTimer
from engine.model.office import Office
from engine.nodes import nearest

MOST_QUIET = dt.timedelta(days=60)
MAILS_FROM = 8
ADOPTED = "adopted"
"""The flag of a case that was adopted."""


def adopt(definition: Definition, command: AdoptCase, now: dt.datetime, office: Office) -> Decision:
    """The decision that takes a case in. Raises `UsageError` with everything that is wrong, one sentence a line, or
    `Refused` where a guard needs to know more. Whether a case can stand there at all is `footing`'s question."""
    own, regions = _places(definition, command.states)
    _complain(_wrong_with(definition, [own, *regions.values()], command, office.today(now), office))
    turn = Turn(definition, office, command.actor, now, _taken_in(definition, command, now, office), adopting=True)
    turn.tell("case_adopted", process=definition.process, version=definition.version, by=command.actor.name,
              state=own.name, since=command.since, quiet_until=command.quiet_until)
    for event, on in command.happened.items():
        turn.tell("happened_before", event=event, on=on, to=_reader(definition, event))
    for name, document in command.evidence.items():
        turn.tell("evidence_given", of=name, sha256=document.rpartition(":")[2])
    taking.check_typed(turn, command.facts)
    turn.record({**of_district(turn), **command.facts})
    taking.follow(turn, command.facts)
    obligations.refresh(turn)
    _stand(turn, own, regions, command)
    turn.adopting = False
    _complain(_without_children(turn))
    moves.go_on(turn)
    _complain(_without_evidence(turn, command))
    if command.quiet_until is not None:
        turn.do(SetTimer(f"quiet/{command.quiet_until}", office.at_local(command.quiet_until + ONE_DAY, FIRE_HOUR)))
    turn.effects = [_tomorrow(effect, turn) for effect in turn.effects]
    return turn.decision()


def _places(definition: Definition, names: Sequence[str]) -> tuple[StateDef, Mapping[str, StateDef]]:
    """The case's own state, and those of its regions by region. Raises `UsageError`."""
    unknown = [f"process {definition.process} has no state '{name}'{nearest(name, definition.states)}"
               for name in names if name not in definition.states]
    _complain(unknown)
    found = [definition.states[name] for name in names]
    own = [state for state in found if not state.region]
    regions = {state.region: state for state in found if state.region}
    if len(own) != 1 or len(own) + len(regions) != len(found):
        raise UsageError("state: name the one state of the case, and at most one of each of its regions")
    strange = set(regions) - {region.name for region in own[0].regions}
    if strange:
        raise UsageError(f"state '{own[0].name}' has no region '{min(strange)}': leave that state out")
    if own[0].final:
        raise UsageError(f"state '{own[0].name}' is an end: a case that has ended is not adopted")
    return own[0], regions


def _wrong_with(
    definition: Definition, states: Sequence[StateDef], command: AdoptCase, today: dt.date, office: Office
) -> Iterator[str]:
    given = {*command.facts, *command.parties}
    missing = [name for name in definition.start_needs if name not in given]
    if missing:
        yield f"{definition.process} needs {', '.join(missing)}: give a value for each"
    events = _events(definition)
    for event in command.happened:
        if event not in events:
            yield f"nothing named '{event}' happens in {definition.process}{nearest(event, events)}"
    for name in command.evidence:
        if name not in given and name not in command.happened:
            yield f"evidence for '{name}': neither a value nor a date is given for it"
    yield from _wrong_dates(definition, command, today, office)
    for state in states:
        if state.after is not None and state.after.from_entry and command.since is None:
            yield f"state '{state.name}' is left by the calendar: give since, the day on which the case came there"
    if command.quiet_until is not None:
        yield from wrong_quiet(command.quiet_until, today)
    if command.begun_by is not None and office.person(command.begun_by) is None:
        yield f"begun_by '{command.begun_by}' is nobody here{nearest(command.begun_by, office.people)}"


def wrong_quiet(until: dt.date, today: dt.date) -> Iterator[str]:
    if not today < until <= today + MOST_QUIET:
        yield f"quiet until {until}: it ends after today, {today}, and at the latest on {today + MOST_QUIET}"


def _wrong_dates(definition: Definition, command: AdoptCase, today: dt.date, office: Office) -> Iterator[str]:
    """Dates that something counts from lie neither in the future nor before the calendars."""
    anchors = {fact for clock in definition.clocks.values() for fact in clock.anchor.names("fact")}
    dates: dict[str, object] = {name: command.facts[name] for name in command.facts if name in anchors}
    dates |= {**command.happened, **({"since": command.since} if command.since else {})}
    first = max(office.calendars.statutory.first, office.calendars.strict.first)
    for name, value in dates.items():
        day = office.today(value) if isinstance(value, dt.datetime) else value
        if isinstance(day, dt.date) and day > today:
            yield f"{name}: {day} is in the future; today is {today}"
        elif isinstance(day, dt.date) and day < first:
            yield f"{name}: {day} is before {first}, where the calendars begin: what is older is not counted"
    yield from map(str, out_of_order(definition, command.facts, command.facts, command.happened, {}, office))


def _taken_in(definition: Definition, command: AdoptCase, now: dt.datetime, office: Office) -> Case:
    scheduled = definition.schedule
    subject = None if scheduled is None else str(command.facts.get(SUBJECT, "")) if scheduled.of_agreements else ""
    return Case(
        id=command.case_id, process=definition.process, version=definition.version, hash=definition.hash,
        state=command.states[0], entry=0, entered_at=now, revision=0, started_at=now,
        initiator=command.begun_by or command.actor.id, parties=dict(command.parties),
        happened=dict(command.happened), children=dict(command.children), parent=command.parent,
        child_name=command.child_name, subject=subject, flags=(ADOPTED,),
        adopted=Adopted(office.today(now), dict(command.evidence), command.quiet_until),
    )  # fmt: skip


def _stand(turn: Turn, state: StateDef, regions: Mapping[str, StateDef], command: AdoptCase) -> None:
    """Puts the case, or a region, where it stands. What happens on entering a state happens unless it happened before:
    mails that were told, children that are adopted."""
    place = _since(turn, turn.go(state), command)
    turn.tell("state_entered", state=state.name)
    for entry in state.registers:
        taking.register(turn, entry)
    moves.happen(turn, entered(state.name), command.happened.get(entered(state.name), command.since or turn.today))
    for mail in state.sends:
        if told(mail) not in command.happened:
            moves.send(turn, mail, place)
    for child in state.starts:
        if not command.children.get(child):
            moves.start_children(turn, child)
    for wanted in state.tasks:
        if wanted.when is None or moves.holds(turn, wanted.when):
            tasks.open_task(turn, wanted, state, place)
    moves.time_again(turn, state, place)
    for region in state.regions:
        _stand(turn, regions.get(region.name, turn.definition.states[region.initial]), {}, command)


def _since(turn: Turn, place: Place, command: AdoptCase) -> Place:
    """The place with the day on which the case came there."""
    if command.since is None:
        return place
    at = turn.office.at_local(command.since, 12)
    region = turn.definition.states[place.state].region
    moved = replace(place, entered_at=at)
    if region:
        turn.change(regions={**turn.case.regions, region: moved})
    else:
        turn.change(entered_at=at)
    return moved


def _without_children(turn: Turn) -> Iterator[str]:
    """States that wait for children of which none is there."""
    for state, _ in turn.here:
        waits_for = {handler.event for handler in state.on}
        for name in turn.definition.children:
            if ended(name) in waits_for and not turn.case.children.get(name):
                process = turn.definition.children[name].process
                yield (f"state '{state.name}' waits for cases of {process}: adopt them too, with child_of, or name the "
                       f"state that follows")


def _without_evidence(turn: Turn, command: AdoptCase) -> Iterator[str]:
    """What starts or ends a clock and has no document behind it."""
    for name, clock in turn.case.clocks.items():
        if clock.status != "running" and clock.reason not in command.evidence:
            by = clock.reason
            yield f"clock '{name}' would count as {clock.status} by {by} without a document: {_add(by)}"
        sources = [one for one in turn.definition.clocks[name].anchor.sources if _gave(turn, one, clock)]
        typed = [one.name for one in sources if not _is_taken(turn, one)]
        if sources and len(typed) == len(sources) and not any(one in command.evidence for one in typed):
            yield f"clock '{name}' counts from {typed[0]}, {clock.anchor}, without a document: {_add(typed[0])}"
    for name, each in turn.definition.clocks.items():
        ended = next((event for event in each.void_by if event in command.happened), None)
        if name not in turn.case.clocks and ended is not None and ended not in command.evidence:
            yield f"clock '{name}' would never begin, because of {ended}, without a document: {_add(ended)}"


def _gave(turn: Turn, source: Source, clock: Clock) -> bool:
    """Whether a clock got its day 0 from here."""
    if source.kind == "event":
        return turn.case.happened.get(source.name) == clock.anchor
    value = turn.case.facts.get(source.name) if source.kind == "fact" else None
    return (turn.office.today(value) if isinstance(value, dt.datetime) else value) == clock.anchor


def _is_taken(turn: Turn, source: Source) -> bool:
    """Whether the register gave the date, or the state where the case stands now."""
    fact = turn.definition.facts.get(source.name)
    return (fact is not None and fact.taken is not None) or source.name in {entered(one) for one in turn.case.at}


def _reader(definition: Definition, event: str) -> str | None:
    """Whom a mail told, where the event is that it did."""
    mail = definition.mails.get(event.removeprefix(told("")))
    return f"{mail.to.kind}:{mail.to.name}" if mail is not None and event == told(mail.name) else None


def _events(definition: Definition) -> frozenset[str]:
    """Every event that can happen in a case: answers, mails told, states entered, windows passed, children ended."""
    states = definition.states.values()
    answers = {f"{task.name}.{outcome}" for state in states for task in state.tasks for outcome in task.outcomes}
    mails = {event(mail) for mail in definition.mails for event in (began, told, complete)}
    others = {*map(entered, definition.states), *map(expired, definition.clocks), *map(ended, definition.children)}
    return frozenset(answers | mails | others)


def _add(name: str) -> str:
    return f"add evidence.{name}"


def _tomorrow(effect: Effect, turn: Turn) -> Effect:
    """Mails of an adoption leave on the next business day; people of the district find their tasks in the brief."""
    if isinstance(effect, Notify) or not isinstance(effect, Send):
        return effect
    if effect.line is not None:
        return effect.line
    day = turn.office.calendars.strict.nth_after(turn.today, 1)[0]
    return replace(effect, not_before=turn.office.at_local(day, MAILS_FROM))


def _complain(wrong: Iterator[str] | Sequence[str]) -> None:
    sentences = list(wrong)
    if sentences:
        raise UsageError("\n".join(sentences))
