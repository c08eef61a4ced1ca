"""Tasks: opened for people, answered once, closed with their state."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from engine.deciding.quiet import hushed
from engine.deciding.readers import holders, may_give, recipients, reminded, supervisors
from engine.deciding.turn import Turn
from engine.errors import NotAllowed, Refused, UsageError
from engine.law.days import FIRE_HOUR
from engine.law.ladders import Ladder, PlannedRung, following, plan_target
from engine.law.targets import count_back, due_in
from engine.model.case import Actor, Contact, Place, Task
from engine.model.definition import ChildDef, Due, MailDef, StateDef, TaskDef, Who, by_hand_task, posting_task, told
from engine.model.messages import CancelTimers, Notify, Pace, Reassign, Send, SetTimer
from engine.model.office import Holder
from engine.model.roles import ROLES
from engine.nodes import nearest

SOON = 2
"""A task due within so many business days is mailed at once; a later one waits for the daily brief."""


def open_task(
    turn: Turn,
    wanted: TaskDef,
    state: StateDef | None,
    place: Place | None,
    mail: str | None = None,
    hold: str | None = None,
    child: str | None = None,
) -> Task:
    """Opens a task for whoever answers for it today, asks them, and sets the timers of its target date."""
    people = signers(turn, wanted, state, holders(turn, wanted.who))
    due = None if wanted.due is None else due_on(turn, wanted.due)
    task = Task(
        id=f"{turn.case.id}-{turn.case.next_task}",
        name=wanted.name,
        state=state.name if state else "",
        entry=place.entry if place else 0,
        generation=1,
        title=turn.words(wanted.title),
        assignees=tuple(holder.person.id for holder in people),
        role=wanted.who.name if wanted.who.kind == "role" else None,
        party=wanted.who.name if wanted.who.kind == "party" else None,
        due=due,
        opened_at=turn.now,
        offered=wanted.offered,
        urgent=_is_urgent(turn, due),
        mail=mail,
        hold=hold,
        child=child,
        instead_of=next((holder.instead_of.id for holder in people if holder.instead_of), None),
    )
    turn.change(next_task=turn.case.next_task + 1)
    turn.put_task(task)
    turn.tell(
        "task_opened",
        task=task.id,
        name=task.name,
        to=", ".join(task.assignees) or task.party or "nobody",
        instead_of=task.instead_of,
        due=due,
    )
    if not wanted.offered:
        ask(turn, task)
        _set_timers(turn, task)
    return task


def offer_again(turn: Turn, task: Task) -> None:
    """What was offered, answered, and led nowhere may be answered once more."""
    here = next(((state, place) for state, place in turn.here if place.entry == task.entry), None)
    wanted = turn.definition.task(task)
    if here is not None and wanted is not None and wanted.offered and turn.case.is_open:
        open_task(turn, wanted, *here)


def open_posting(turn: Turn, mail: MailDef) -> None:
    """Opens the task of posting a mail on paper. It outlives the end of its case."""
    open_task(turn, posting_task(mail), None, None, mail.name)


def open_own(turn: Turn, wanted: TaskDef, *, hold: str) -> None:
    """Opens a task of the engine's own about a hold."""
    open_task(turn, wanted, None, None, hold=hold)


def open_by_hand(turn: Turn, child: ChildDef) -> None:
    """Opens the task that stands for a case which this office cannot start. It outlives the end of its case."""
    open_task(turn, by_hand_task(child), None, None, child=child.name)


def close_own(turn: Turn, hold: str) -> None:
    """Closes the open tasks about a hold that has ended."""
    for task in turn.case.tasks:
        if task.is_open and task.hold == hold:
            close(turn, task)
    turn.change(tasks=tuple(task for task in turn.case.tasks if task.hold != hold or not task.is_open))


def close_posting(turn: Turn, mail: MailDef) -> None:
    """Every copy of a mail to many is posted, or decided by name: nothing is left to be posted."""
    task = turn.case.open_task(posting_task(mail).name)
    if task is not None:
        close(turn, task)
        turn.change(tasks=tuple(one for one in turn.case.tasks if one.id != task.id))


def ask(turn: Turn, task: Task) -> None:
    """Mails the link of an urgent task at once: of a person's urgent tasks of one business day the first, whatever the
    day where a parent waits, and each that a parent waits for and that is due soon. The others are a line of the
    reader's one mail a day. A party without mail is asked by the custodian. Whom a mail of this decision asks already
    is not asked twice."""
    _lend_line(turn, task)
    at_work = turn.definition.from_parent or turn.office.calendars.strict.is_business_day(turn.today)
    wanted = {f"party:{task.party}"} if task.party else {f"person:{person}" for person in task.assignees}
    for reader in reminded(turn, wanted - _asked_already(turn, task)):
        line = line_of(task, reader)
        if task.urgent and reader in wanted and (at_work or task.party):
            folds = task.party is None and not (turn.definition.from_parent and _is_soon(turn, task.due))
            pace = pace_of(turn, task.party, urgent=_is_soon(turn, task.due)) if task.party else ""
            line_too = line if folds else None
            turn.do(Send("task", task.id, str(task.generation), reader, task.id, line=line_too, pace=pace))
        else:
            turn.do(line)


def pace_of(turn: Turn, party: str, *, urgent: bool) -> Pace:
    """How long a mail to a party waits for a day of its own: an operator gets one a day for all its products."""
    if turn.definition.parties[party].kind != "operator":
        return ""
    if urgent:
        return "now"
    return "soon" if turn.definition.from_parent else "free"


def line_of(task: Task, reader: str) -> Notify:
    """The task as a line of its reader's brief."""
    return Notify(reader, "task", task.id, task.title, 0, task.due, task_id=task.id)


def _lend_line(turn: Turn, task: Task) -> None:
    """A mail of this decision that asks a party for this task may become a line of its one mail a day; not where
    something hangs on its being told."""
    for place, effect in enumerate(turn.effects):
        if isinstance(effect, Send) and effect.pace == "free" and effect.recipient == f"party:{task.party}":
            mail = turn.definition.mails.get(effect.mail)
            if mail is not None and mail.task == task.name and not turn.definition.heeds(told(mail.name)):
                turn.effects[place] = replace(effect, line=line_of(task, effect.recipient))


def _asked_already(turn: Turn, task: Task) -> set[str]:
    mails = {mail.name for mail in turn.definition.mails.values() if mail.task == task.name}
    return {effect.recipient for effect in turn.effects if isinstance(effect, Send) and effect.mail in mails}


def close_all(turn: Turn, place: Place) -> None:
    """Closes what is still open of an entry; nobody is asked any more. The engine's own tasks stay."""
    for task in turn.case.tasks:
        if task.is_open and not task.is_own and task.entry == place.entry:
            close(turn, task)
    turn.change(tasks=tuple(task for task in turn.case.tasks if _outlives(task, place)))


def close(turn: Turn, task: Task) -> None:
    turn.do(CancelTimers(f"due/{task.id}/"))
    turn.tell("task_closed", task=task.id, name=task.name)


def _outlives(task: Task, place: Place) -> bool:
    return task.is_open if task.is_own else task.entry != place.entry


def follow_parties(turn: Turn) -> None:
    """Takes the parties that a definition takes from facts."""
    for party in turn.definition.parties.values():
        given = turn.case.facts.get(party.source or "")
        if isinstance(given, tuple) and given and isinstance(given[0], Contact):
            put_party(turn, party.name, given[0])


def put_party(turn: Turn, name: str, contact: Contact) -> None:
    """Makes somebody a party of the case. In another's place: links mailed before are dead, open tasks asked again."""
    old = turn.case.parties.get(name)
    if contact != old:
        turn.change(parties={**turn.case.parties, name: contact})
        turn.tell("party_changed", party=name)
        if old is not None:
            _ask_again(turn, name)


def _ask_again(turn: Turn, party: str) -> None:
    for task in turn.case.tasks:
        if task.is_open and task.party == party:
            moved = replace(task, generation=task.generation + 1)
            turn.put_task(moved)
            if not task.offered:
                ask(turn, moved)


def reassign(turn: Turn, command: Reassign) -> None:
    """Gives a task to another person. Its generation rises, so that links mailed before are dead."""
    task = turn.case.task(command.task_id)
    person = turn.office.person(command.to)
    if task is None or not task.is_open:
        raise Refused(f"task {command.task_id} is not open: look at the case again")
    if person is None or not person.active:
        raise UsageError(f"unknown person '{command.to}'{nearest(command.to, turn.office.people)}")
    if not command.reason.strip():
        raise UsageError("a task is given to another with a reason: add --reason")
    _check_may_give(turn, task, command.actor)
    moved = replace(task, assignees=(person.id,), generation=task.generation + 1, instead_of=None)
    turn.put_task(moved)
    turn.tell("task_reassigned", task=task.id, to=person.id, by=command.actor.name, reason=command.reason)
    ask(turn, moved)


def _check_may_give(turn: Turn, task: Task, actor: Actor) -> None:
    """A task is given away by whom it is for, by their supervisors, and by the privacy officer or the custodian."""
    if not may_give(turn, task, actor):
        names = ", ".join(names_of(turn, task.assignees)) or task.role or task.party or "nobody yet"
        raise NotAllowed(
            f"{actor.name} may not give task '{task.name}' to another: it is for {names}, who may, as their "
            "supervisor, the privacy officer and the custodian may"
        )


def due_on(turn: Turn, due: Due) -> dt.date | None:
    """The target date of a `due`: a district's own, in `il-strict`; None while what it counts from is unknown."""
    calendars = turn.office.calendars
    amount = _amount(turn, due)
    if due.of is None:
        return due_in(turn.today, amount, due.unit, calendars)
    clock = turn.case.clocks.get(due.of)
    fact = turn.case.facts.get(due.of)
    if due.before:
        end = (clock.target or clock.legal) if clock else fact
        return count_back(end, amount, due.unit, calendars) if isinstance(end, dt.date) else None
    start = clock.anchor if clock else turn.case.happened.get(due.of, fact if isinstance(fact, dt.date) else None)
    return due_in(start, amount, due.unit, calendars) if start else None


def _amount(turn: Turn, due: Due) -> int:
    """The days of a due: those that a fact of the case names, such as a contract's own, before the definition's."""
    named = turn.case.facts.get(due.days or "")
    return named if isinstance(named, int) and not isinstance(named, bool) and named > 0 else due.amount


def fire_due(turn: Turn, task_id: str, rung: str, on: dt.date) -> None:
    """Puts a reminder of a target date into the briefs; nothing when the task is not open any more."""
    task = turn.case.task(task_id)
    planned = None if task is None or not task.is_open else _planned(turn, task, rung)
    if task is None or planned is None:
        return
    fired = (on - planned.on).days // 7 + 1
    planned = replace(planned, on=on)
    _remind(turn, task, planned)
    again = following(planned, turn.office.calendars, fired)
    if again is not None:
        turn.do(SetTimer(f"due/{task.id}/{rung}/{again.isoformat()}", turn.office.at_local(again, FIRE_HOUR)))


def _planned(turn: Turn, task: Task, rung: str) -> PlannedRung | None:
    opened = turn.office.today(task.opened_at)
    plan = plan_target(_ladder(turn, task), opened, task.due, turn.office.calendars)
    return next((planned for planned in plan if planned.rung == rung), None)


def _remind(turn: Turn, task: Task, planned: PlannedRung) -> None:
    planned = hushed(turn, task.id, planned)
    readers = reminded(turn, (reader for place in ("owner", *planned.to) for reader in _readers(turn, task, place)))
    turn.tell("rung_fired", of=task.id, rung=planned.rung, on=planned.on, to=", ".join(readers))
    for reader in readers:
        turn.do(Notify(reader, planned.kind, task.id, task.title, planned.strength, task.due, task_id=task.id))


def _readers(turn: Turn, task: Task, place: str) -> tuple[str, ...]:
    """Whom a rung of a task's ladder reaches; who is asked, an outsider too, is its owner, and while all who are asked
    are away, whoever stands in for them besides."""
    if place == "owner":
        asked = (f"party:{task.party}",) if task.party is not None else ()
        there = not task.assignees or turn.office.anybody_there(task.assignees, turn.today)
        instead = () if there or task.role is None else recipients(turn, Who("role", task.role))
        return (*(f"person:{person}" for person in task.assignees), *asked, *instead)
    if place != "supervisor":
        return recipients(turn, Who("role", place)) if place in ROLES else ()
    wanted = None if task.is_own else turn.definition.task(task)
    return supervisors(turn, wanted.who) if wanted else ()


def _ladder(turn: Turn, task: Task) -> Ladder:
    wanted = turn.definition.task(task)
    return (wanted and wanted.ladder) or turn.definition.soft


def _set_timers(turn: Turn, task: Task) -> None:
    for planned in plan_target(_ladder(turn, task), turn.today, task.due, turn.office.calendars):
        if planned.on > turn.today:
            key = f"due/{task.id}/{planned.rung}/{planned.on.isoformat()}"
            turn.do(SetTimer(key, turn.office.at_local(planned.on, FIRE_HOUR)))


def _is_urgent(turn: Turn, due: dt.date | None) -> bool:
    return turn.definition.from_parent or _is_soon(turn, due)


def _is_soon(turn: Turn, due: dt.date | None) -> bool:
    return due is not None and due <= due_in(turn.today, SOON, "business_days", turn.office.calendars)


def signers(turn: Turn, wanted: TaskDef, state: StateDef | None, people: tuple[Holder, ...]) -> tuple[Holder, ...]:
    """Who may sign: nobody approves their own request, and the signatures of a state take distinct persons. The second
    person is asked when nobody is left."""
    barred = asked_for(turn) if wanted.approval else set()
    if state is not None and state.distinct:
        siblings = [task.assignees for task in turn.case.tasks if task.state == state.name]
        barred |= {people[0] for people in siblings if len(people) == 1}
    others = tuple(holder for holder in people if holder.person.id not in barred)
    second = turn.office.person(turn.office.second_person or "")
    if others or not barred or second is None or second.id in barred:
        return others
    return turn.office.present(second, turn.today)


def asked_for(turn: Turn) -> set[str]:
    """Whose request a case is: whoever started it, and the person that its `start` calls `self`, where it was started
    for them."""
    return {turn.case.initiator, str(turn.case.facts.get(turn.definition.start_self or "", ""))} - {""}


def names_of(turn: Turn, people: Sequence[str]) -> list[str]:
    return [person.name for person in map(turn.office.person, people) if person]


