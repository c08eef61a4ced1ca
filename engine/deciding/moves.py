"""Moves: what happens when a state is entered or an event occurs, run to completion within one decision."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace

from engine.deciding import obligations, taking, tasks
from engine.deciding.readers import recipients
from engine.deciding.turn import Turn
from engine.errors import Refused
from engine.law.calendar import ONE_DAY
from engine.law.targets import due_in
from engine.model import machine
from engine.model.case import Contact, FactValue, Place
from engine.model.definition import CHANNELS, SUBJECT, After, ChildDef, Due, MailDef, StateDef, ended, entered, told
from engine.model.guards import Guard
from engine.model.machine import UnknownFacts, next_state
from engine.model.messages import CancelTimers, Notify, Pace, Send, SendToAll, SetTimer, StartChild, TellParent

ENDED = "ended."
MAX_ENTRIES = 100
"""More states than one decision ever enters: a definition that turns in a circle is stopped."""


def enter(turn: Turn, name: str) -> None:
    """Leaves the present state of the case, or of one region, and enters another: its mails, children, tasks, timers,
    and the first state of each of its regions. What follows by itself is `go_on`'s."""
    state, turn.entered = turn.definition.states[name], turn.entered + 1
    left = turn.place(state.region)
    if turn.entered > MAX_ENTRIES:
        by = f" and '{left.state}'" if left else ""
        raise Refused(f"{turn.case.process} turns in a circle through '{name}'{by}: mend its definition")
    _leave(turn, left, whole=not state.region)
    place = turn.go(state)
    turn.tell("state_entered", state=name)
    for entry in state.registers:
        taking.register(turn, entry)
    happen(turn, entered(name), turn.today)
    for mail in state.sends:
        send(turn, mail, place)
    for child in state.starts:
        start_children(turn, child)
    for wanted in state.tasks:
        if wanted.when is None or holds(turn, wanted.when):
            tasks.open_task(turn, wanted, state, place)
    _time(turn, state, place)
    for region in state.regions:
        enter(turn, region.initial)
    if state.final and not state.region:
        _end(turn)


def time_again(turn: Turn, state: StateDef, place: Place) -> None:
    """Sets anew what moves the case on by the calendar, counted from the entry of the state."""
    turn.do(CancelTimers(_after(place)))
    _time(turn, state, place)


def _time(turn: Turn, state: StateDef, place: Place) -> None:
    if state.after is not None and state.after.from_entry:
        moment = turn.office.at_local(last_day(turn, state.after, place) + ONE_DAY, 0)
        turn.do(SetTimer(f"{_after(place)}{state.name}", moment))


def last_day(turn: Turn, after: After, place: Place) -> dt.date:
    """The last day of the time that a state is given from its entry, by the calendars as they are now."""
    return due_in(turn.office.today(place.entered_at), after.amount, after.unit, turn.office.calendars)


def is_over(turn: Turn, state: StateDef, place: Place) -> bool:
    """Whether the time of a state has run out. Where the calendar has changed it may not have; and no right of anybody
    ends by school days that nobody has entered: it is looked at again each day, and the officer is told."""
    if state.after is None or not state.after.from_entry:
        return True
    day = last_day(turn, state.after, place)
    if day >= turn.today:
        again = day + ONE_DAY
    elif state.after.unit == "school_days" and _is_provisional(turn, state.after, place):
        again = turn.today + ONE_DAY
        tell_privacy(turn, f"'{turn.words(state.title)}' cannot end before the school calendar is entered", "calendar")
    else:
        return True
    turn.do(SetTimer(f"{_after(place)}{state.name}/{again}", turn.office.at_local(again, 0)))
    return False


def _is_provisional(turn: Turn, after: After, place: Place) -> bool:
    return turn.office.calendars.school.nth_after(turn.office.today(place.entered_at), after.amount)[2]


def go_on(turn: Turn) -> None:
    """Takes every way on that needs nobody, the regions' before the case's own, until none is left."""
    while turn.case.is_open and (target := _next(turn)) is not None:
        enter(turn, target)
    for state, place in turn.here if turn.case.is_open else ():
        day = moves_on(turn, state)
        if day is not None:
            turn.do(SetTimer(f"{_after(place)}{state.name}/{day}", turn.office.at_local(day, 0)))


def moves_on(turn: Turn, state: StateDef) -> dt.date | None:
    """The day on which a state is left by a date that is not its own: before that of a clock, or after that of a fact.
    None where it is not, or while there is no such date."""
    if state.after is None or state.after.from_entry:
        return None
    if state.after.since is not None:
        last = state.after.last_day(turn.case.facts)
        return last and last + ONE_DAY
    due = Due(state.after.amount, state.after.unit, state.after.of, before=True)
    return tasks.due_on(turn, due)


def happen(turn: Turn, event: str, on: dt.date) -> None:
    """Writes down that an event happened; clocks that hang on it start, move or end. Moves nothing."""
    turn.change(happened={**turn.case.happened, event: on})
    obligations.refresh(turn)
    obligations.settle(turn, event, on)


def react(turn: Turn, event: str) -> None:
    """Takes the ways that the present states have for an event: each region its own, in document order; the case's own
    state only when no region has one."""
    moved = False
    for state, place in list(turn.here):
        is_last = not state.region
        if turn.case.is_open and turn.place(state.region) == place and not (is_last and moved):
            moved = _reacts(turn, state, place, event) or moved


def follow(turn: Turn, state: str, trigger: str) -> str | None:
    """The next state for a trigger. Raises `Refused` with the names of the facts that a guard lacks."""
    try:
        return next_state(turn.definition, state, trigger, turn.case.facts, turn.case.at)
    except UnknownFacts as unknown:
        raise Refused(f"this needs to know {unknown}: record it first") from unknown


def holds(turn: Turn, guard: Guard) -> bool:
    """Whether a guard holds now. Raises `Refused` with the names of the facts that it lacks."""
    try:
        return machine.holds(guard, turn.case.facts, turn.case.at)
    except UnknownFacts as unknown:
        raise Refused(f"this needs to know {unknown}: record it first") from unknown


def send(turn: Turn, name: str, place: Place) -> None:
    """Queues a mail for each of its readers, once an entry; without a working address it becomes a task of posting it
    on paper."""
    mail = turn.definition.mails[name]
    if mail.to.kind == "audience":
        _send_to_all(turn, mail, place)
        return
    readers = recipients(turn, mail.to)
    if not readers and not mail.paper:
        tell_privacy(turn, f"mail '{name}' of case {turn.case.id} has no reader: nobody is known as {mail.to.name}")
    if mail.to.kind == "party" and mail.paper and not _reads_mail(turn, mail):
        turn.tell("mail_queued", mail=name, to=mail.to.name, on_paper="true")
        tasks.open_posting(turn, mail)
        return
    for reader in readers:
        turn.tell("mail_queued", mail=name, to=reader)
        task = turn.case.open_task(mail.task) if mail.task else None
        sent = Send(name, str(place.entry), "1", reader, task.id if task else None)
        turn.do(replace(sent, pace=_pace(turn, mail)))


def _pace(turn: Turn, mail: MailDef) -> Pace:
    """An operator gets one mail a day for all its products, and what asks somebody of the office waits for the next
    morning where another mail has asked them today; not what is urgent, and not for long what a parent waits for."""
    if mail.to.kind == "party":
        return tasks.pace_of(turn, mail.to.name, urgent=mail.urgent)
    return "free" if mail.task is not None and not mail.urgent and not turn.definition.from_parent else ""


def _send_to_all(turn: Turn, mail: MailDef, place: Place) -> None:
    audience = turn.definition.audiences[mail.to.name]
    channel = str(turn.case.facts.get(audience.channel or "", CHANNELS[0]))
    turn.tell("mail_queued", mail=mail.name, to=f"audience:{audience.name}", channel=channel)
    turn.do(SendToAll(mail.name, audience.name, str(place.entry), channel))


def start_children(turn: Turn, name: str) -> None:
    """Starts the children of one name: one for everything in its `each` facts, or one. A linked case of a process that
    this office does not have is a task instead."""
    child = turn.definition.children[name]
    if not child.joined and child.process not in turn.office.processes:
        turn.tell("child_by_hand", child=name, process=child.process)
        tasks.open_by_hand(turn, child)
        return
    for about, party in _each(turn, child):
        facts = {**_child_facts(turn, child), **about}
        turn.do(StartChild(name, child.process, facts, _child_parties(turn, child, party)))
        turn.tell("child_started", child=name, process=child.process)
        if child.joined:
            count = turn.case.children.get(name, 0) + 1
            turn.change(children={**turn.case.children, name: count})


def _each(turn: Turn, child: ChildDef) -> Iterator[tuple[Mapping[str, FactValue], Contact | None]]:
    """What each case that is started is about: one of the agreements, a row of a table, or one of those who hold a
    role, there or away; and the contact whom it is for."""
    if child.role is not None and child.person is not None:
        yield from (({child.person: person.id}, None) for person in turn.office.with_role(child.role))
    elif not child.each:
        yield {}, None
    for value in (turn.case.facts.get(fact) for fact in child.each):
        if isinstance(value, frozenset):
            yield from (({SUBJECT: one}, None) for one in sorted(value))
        for one in value if isinstance(value, tuple) else ():
            yield ({}, one) if isinstance(one, Contact) else (one.cells, None)


def child_ended(turn: Turn, name: str) -> None:
    """Counts a joined child down; with the last one `ended.NAME` happens."""
    left = max(turn.case.children.get(name, 0) - 1, 0)
    turn.change(children={**turn.case.children, name: left})
    if left == 0:
        happen(turn, ended(name), turn.today)
        react(turn, ended(name))


def was_told(turn: Turn, mail: str, on: dt.date) -> None:
    turn.tell("told", mail=mail, on=on)
    happen(turn, told(mail), on)
    react(turn, told(mail))


def _leave(turn: Turn, left: Place | None, *, whole: bool) -> None:
    """Closes what belongs to an entry of one region; of the case as a `whole` with all its regions."""
    for one in turn.case.places if whole else (left,) if left else ():
        tasks.close_all(turn, one)
        turn.do(CancelTimers(_after(one)))


def _after(place: Place) -> str:
    """How the keys of timers begin that move a case on by the calendar."""
    return f"after/{place.entry}/"


def _next(turn: Turn) -> str | None:
    """The first way on that is open now: a guard that holds, tasks that are all answered, children that have all ended,
    regions that have all come to their end."""
    for state, place in turn.here:
        target = follow(turn, state.name, "always")
        if target is None and _is_joined(turn, state, place):
            target = follow(turn, state.name, "joined")
        if target is None and state.done and _all_final(turn):
            target = follow(turn, state.name, "done")
        for event in _ended_already(turn, state) if target is None else ():
            return follow(turn, state.name, "on " + event)
        if target is not None:
            return target
    return None


def _is_joined(turn: Turn, state: StateDef, place: Place) -> bool:
    """Whether every task of a state that joins is answered."""
    asked = [task for task in turn.case.tasks if task.entry == place.entry and not task.offered]
    return state.join != "any" and bool(state.joined) and not any(task.is_open for task in asked)


def _all_final(turn: Turn) -> bool:
    return all(turn.definition.states[place.state].final for place in turn.case.regions.values())


def _ended_already(turn: Turn, state: StateDef) -> Iterator[str]:
    """The events of children that a state waits for and of whom none is open."""
    for handler in state.on:
        if handler.event.startswith(ENDED) and turn.case.children.get(handler.event.removeprefix(ENDED), 0) == 0:
            yield handler.event


def _reacts(turn: Turn, state: StateDef, place: Place, event: str) -> bool:
    handler = next((handler for handler in state.on if handler.event == event), None)
    target = follow(turn, state.name, "on " + event) if handler else None
    if handler is None or target is None:
        return False
    for mail in handler.sends:
        send(turn, mail, place)
    enter(turn, target)
    return True


def _end(turn: Turn) -> None:
    open_duties = obligations.running(turn)
    if open_duties:
        raise Refused(f"case {turn.case.id} cannot end while {', '.join(open_duties)} runs: it would be forgotten")
    for timers in ("rung/", "window/", "after/"):
        turn.do(CancelTimers(timers))
    turn.change(ended_at=turn.now, outcome=turn.state.outcome)
    turn.tell("case_ended", outcome=turn.state.outcome)
    if turn.case.parent is not None and turn.case.child_name is not None:
        turn.do(TellParent(turn.case.parent, turn.case.child_name, turn.state.outcome or turn.state.name))


def _reads_mail(turn: Turn, mail: MailDef) -> bool:
    contact = turn.case.parties.get(mail.to.name)
    return contact is not None and contact.reads_mail


def _child_facts(turn: Turn, child: ChildDef) -> dict[str, FactValue]:
    dates = {name: day for name, due in child.dates.items() if (day := tasks.due_on(turn, due)) is not None}
    return {**dates, **{name: turn.case.facts[ours] for name, ours in child.facts.items() if ours in turn.case.facts}}


def _child_parties(turn: Turn, child: ChildDef, contact: Contact | None) -> dict[str, Contact]:
    parties = {name: turn.case.parties[name] for name in child.parties if name in turn.case.parties}
    return {**parties, child.party: contact} if contact is not None and child.party else parties


def tell_privacy(turn: Turn, text: str, subject: str = "mail") -> None:
    """A line of the privacy officer's next brief."""
    for holder in turn.office.holders("privacy", turn.today):
        turn.do(Notify(f"person:{holder.person.id}", "news", subject, text, 8))
