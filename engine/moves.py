"""Moves: what happens when a state is entered or an event occurs, run to completion within one decision."""

from __future__ import annotations

import datetime as dt

from engine import obligations, tasks
from engine.case import Contact, FactValue
from engine.clocks import due_in
from engine.definition import ChildDef, MailDef, OnEvent, ended, entered, told
from engine.errors import Refused
from engine.machine import UnknownFacts, next_state
from engine.messages import CancelTimers, Send, SetTimer, StartChild, TellParent
from engine.readers import recipients
from engine.turn import Turn

ENDED = "ended."
MAX_ENTRIES = 100
"""More states than one decision ever enters: a definition that turns in a circle is stopped."""


def enter(turn: Turn, name: str) -> None:
    """Leaves the present state and enters another: its mails, children, tasks, timers, then what follows by itself."""
    left, turn.entered = turn.case.state, turn.entered + 1
    if turn.entered > MAX_ENTRIES:
        raise Refused(f"{turn.case.process} turns in a circle through '{name}' and '{left}': mend its definition")
    tasks.close_all(turn)
    turn.do(CancelTimers("after/"))
    turn.change(state=name, entry=turn.case.entry + 1, entered_at=turn.now)
    state = turn.state
    turn.tell("state_entered", state=name)
    happen(turn, entered(name), turn.today)
    for mail in state.sends:
        send(turn, mail)
    for child in state.starts:
        start_children(turn, child)
    for wanted in state.tasks:
        tasks.open_task(turn, wanted, entry=turn.case.entry)
    if state.after is not None:
        day = due_in(turn.today, state.after.amount, state.after.unit, turn.office.calendars)
        turn.do(SetTimer(f"after/{turn.case.entry}", turn.office.at_local(day + dt.timedelta(days=1), 0)))
    if state.final:
        _end(turn)
    else:
        _go_on(turn)


def happen(turn: Turn, event: str, on: dt.date) -> None:
    """Writes down that an event happened; clocks that hang on it start, move or end. Moves nothing."""
    turn.change(happened={**turn.case.happened, event: on})
    obligations.refresh(turn)
    obligations.settle(turn, event, on)


def react(turn: Turn, event: str) -> bool:
    """Takes the way that the present state has for an event; False when it has none."""
    handler = next((handler for handler in turn.state.on if handler.event == event), None)
    if handler is None or not turn.case.is_open:
        return False
    target = follow(turn, "on " + event)
    if target is None:
        return False
    _send_all(turn, handler)
    enter(turn, target)
    return True


def follow(turn: Turn, trigger: str) -> str | None:
    """The next state for a trigger. Raises `Refused` with the names of the facts that a guard lacks."""
    try:
        return next_state(turn.definition, turn.case.state, trigger, turn.case.facts)
    except UnknownFacts as unknown:
        raise Refused(f"this needs to know {unknown}: record it first") from unknown


def send(turn: Turn, name: str) -> None:
    """Queues a mail for each of its readers; without a working address it becomes a task of posting it on paper."""
    mail = turn.definition.mails[name]
    readers = recipients(turn, mail.to)
    if mail.to.kind == "party" and mail.paper and not _reads_mail(turn, mail):
        turn.tell("mail_queued", mail=name, to=mail.to.name, on_paper="true")
        tasks.open_posting(turn, mail)
        return
    for reader in readers:
        turn.tell("mail_queued", mail=name, to=reader)
        task = turn.case.open_task(mail.task) if mail.task else None
        turn.do(Send(name, str(turn.case.entry), "1", reader, task.id if task else None))


def start_children(turn: Turn, name: str) -> None:
    """Starts the children of one name: one for every contact of its `each` fact, or one."""
    child = turn.definition.children[name]
    contacts = turn.case.facts.get(child.each) if child.each else None
    for contact in contacts if isinstance(contacts, tuple) else (None,):
        turn.do(StartChild(name, child.process, _child_facts(turn, child), _child_parties(turn, child, contact)))
        turn.tell("child_started", child=name, process=child.process)
        if child.joined:
            count = turn.case.children.get(name, 0) + 1
            turn.change(children={**turn.case.children, name: count})


def child_ended(turn: Turn, name: str) -> None:
    """Counts a joined child down; with the last one `ended.NAME` happens."""
    left = max(turn.case.children.get(name, 0) - 1, 0)
    turn.change(children={**turn.case.children, name: left})
    if left == 0:
        happen(turn, ended(name), turn.today)
        react(turn, ended(name))


def joined(turn: Turn) -> None:
    """Moves on when every task of a joined state is answered."""
    asked = [task for task in turn.case.tasks if task.entry == turn.case.entry and not task.offered]
    if turn.state.join != "any" and turn.case.is_open and not any(task.is_open for task in asked):
        target = follow(turn, "joined")
        if target is not None:
            enter(turn, target)


def was_told(turn: Turn, mail: str, on: dt.date) -> None:
    turn.tell("told", mail=mail, on=on)
    happen(turn, told(mail), on)
    react(turn, told(mail))


def _go_on(turn: Turn) -> None:
    """Automatic ways on: a guard that holds now, or children that have all ended already."""
    target = follow(turn, "always")
    if target is not None:
        enter(turn, target)
        return
    for handler in turn.state.on:
        child = handler.event.removeprefix(ENDED)
        if handler.event.startswith(ENDED) and turn.case.children.get(child, 0) == 0:
            react(turn, handler.event)
            return


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


def _send_all(turn: Turn, handler: OnEvent) -> None:
    for mail in handler.sends:
        send(turn, mail)


def _reads_mail(turn: Turn, mail: MailDef) -> bool:
    contact = turn.case.parties.get(mail.to.name)
    return contact is not None and contact.reads_mail


def _child_facts(turn: Turn, child: ChildDef) -> dict[str, FactValue]:
    return {name: turn.case.facts[ours] for name, ours in child.facts.items() if ours in turn.case.facts}


def _child_parties(turn: Turn, child: ChildDef, contact: Contact | None) -> dict[str, Contact]:
    parties = {name: turn.case.parties[name] for name in child.parties if name in turn.case.parties}
    return {**parties, child.party: contact} if contact is not None and child.party else parties
