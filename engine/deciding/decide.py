"""The heart: from a definition, a case and a command to a decision. Pure; the same arguments give the same decision."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.deciding import answering, handing, holds, moves, obligations, officer, taking, tallying, tasks, undoing
from engine.deciding.dates import check_dates
from engine.deciding.turn import Turn
from engine.errors import NeedsSecond, NotAllowed, Refused, UsageError
from engine.law.calendar import school_year_end
from engine.model.case import SYSTEM, Actor, Case, Clock, FactValue, Place
from engine.model.definition import SUBJECT, Definition, MailDef, Outcome, began, complete, posting_task
from engine.model.messages import (
    AddNote,
    AdoptCase,
    AudienceTold,
    ChildEnded,
    Command,
    CompleteTask,
    Decision,
    FireTimer,
    FixAudience,
    FreeAudience,
    HandOver,
    LettersPosted,
    MailBounced,
    MailSettled,
    Notify,
    Nudge,
    OfSchedule,
    PlaceHold,
    Reassign,
    RecordFacts,
    Recount,
    ReleaseHold,
    Snooze,
    StartCase,
)
from engine.model.office import Office
from engine.model.undoable import Undo
from engine.nodes import nearest

STARTED_LATE = "started_late"
"""The flag of a case that its schedule would have started on an earlier day."""


def start(definition: Definition, command: StartCase, now: dt.datetime, office: Office) -> Decision:
    """The decision that opens a case in its initial state. Raises `UsageError` when something it needs is missing,
    `NotAllowed` for somebody who may not start one. A child may lack a party, which is then written to on paper."""
    _check_starter(definition, command.actor)
    given = {*command.facts, *command.parties, *(definition.parties if command.parent else ())}
    missing = [name for name in definition.start_needs if name not in given]
    if missing:
        raise UsageError(
            f"{definition.process} needs {', '.join(missing)} to start: add {' '.join(f'-f {n}=…' for n in missing)}"
        )
    case = Case(
        id=command.case_id, process=definition.process, version=definition.version, hash=definition.hash,
        state=definition.initial.name, entry=0, entered_at=now, revision=0, started_at=now,
        initiator=command.actor.id, parties=dict(command.parties), parent=command.parent,
        child_name=command.child_name, subject=_subject(definition, command), after=command.after,
        suggested=command.suggested,
    )  # fmt: skip
    turn = Turn(definition, office, command.actor, now, case)
    turn.tell("case_started", process=definition.process, version=definition.version, by=command.actor.name,
              after=command.after)
    if command.cycle is not None:
        _of_schedule(turn, command.cycle)
    check_dates(turn, command.facts)
    taking.check_typed(turn, command.facts)
    turn.record({**of_district(turn), **command.facts})
    taking.follow(turn, command.facts)
    tallying.suggest(turn)
    if command.parent is not None:
        taking.meet_operator(turn, command.facts)
    obligations.refresh(turn)
    moves.enter(turn, definition.initial.name)
    moves.go_on(turn)
    return turn.decision()


def of_district(turn: Turn) -> Mapping[str, FactValue]:
    """The district's own numbers and the end of its school year, as they are today; a case keeps those that it started
    with."""
    own, facts = turn.office.thresholds, turn.definition.facts.values()
    given: dict[str, FactValue] = {}
    for fact in facts:
        if fact.threshold is not None:
            given[fact.name] = own.get(fact.name, fact.threshold)
        elif fact.school_year_end:
            given[fact.name] = school_year_end(turn.office.calendars.school, turn.today)
    return given


def _check_starter(definition: Definition, actor: Actor) -> None:
    if actor.kind == "person" and definition.start_by and not actor.roles & set(definition.start_by):
        roles = ", ".join(definition.start_by)
        raise NotAllowed(f"{actor.name} may not start {definition.process}: it is for {roles}")


def _subject(definition: Definition, command: StartCase) -> str | None:
    """What a case of a scheduled process is about, whoever starts it: an agreement, or nothing in particular."""
    if definition.schedule is None:
        return None
    return str(command.facts[SUBJECT]) if definition.schedule.of_agreements else ""


def _of_schedule(turn: Turn, cycle: OfSchedule) -> None:
    """Writes down which cycle it is. A late one is flagged, and the privacy officer reads it in the brief."""
    late = (turn.today - cycle.planned).days
    turn.tell("cycle_started", planned=cycle.planned, days_late=late or None, missed=cycle.missed or None)
    if late > 0:
        turn.change(flags=(*turn.case.flags, STARTED_LATE))
        missed = f"; {cycle.missed} before it never started" if cycle.missed else ""
        text = f"Case {turn.case.id} should have started on {cycle.planned}: it started {late} days late{missed}"
        moves.tell_privacy(turn, text, "cycle")


def decide(definition: Definition, case: Case, command: Command, now: dt.datetime, office: Office) -> Decision:
    """What a command does to a case.

    A timer or message that has nothing to do any more gives a decision without effects. Raises `Refused` and its kin
    where a person asked for what is not allowed, `UsageError` for what does not exist.
    """
    turn = Turn(definition, office, _actor(command), now, case)
    if isinstance(command, StartCase | AdoptCase):
        raise UsageError(f"case {case.id} is started already")
    _HANDLERS[type(command)](turn, command)
    tallying.suggest(turn)
    moves.go_on(turn)
    if isinstance(command, CompleteTask):
        return replace(turn.decision(), answered=undoing.answered(turn, case))
    return replace(turn.decision(), undoes=command.answered) if isinstance(command, Undo) else turn.decision()


def _actor(command: Command) -> Actor:
    return getattr(command, "actor", SYSTEM)


def _complete(turn: Turn, command: CompleteTask) -> None:
    """Answers a task and, for somebody who holds several roles of one state, the further ones with the same outcome;
    those that the first answer closes are left."""
    _answer(turn, command, _values_of(turn, command, command.task_id))
    for task_id, _ in command.also:
        if turn.case.task(task_id) is not None:
            again = replace(command, task_id=task_id, also=(), seen_generation=None)
            _answer(turn, again, _values_of(turn, command, task_id))


def _values_of(turn: Turn, command: CompleteTask, task_id: str) -> Mapping[str, FactValue]:
    """The values that one of several tasks asks for; all of them where only one is answered."""
    task = turn.case.task(task_id)
    wanted = turn.definition.task(task) if command.also and task is not None else None
    if wanted is None:
        return command.values
    asked = {field.fact for field in wanted.form}
    return {name: value for name, value in command.values.items() if name in asked}


def _answer(turn: Turn, command: CompleteTask, values: Mapping[str, FactValue]) -> None:
    before = turn.case.clocks
    task, outcome = answering.complete(turn, replace(command, values=values))
    taking.follow(turn, values)
    if task.child is not None:
        return
    if task.hold is not None:
        holds.answered(turn, task, outcome.name, str(values.get("hold_reason", "")))
        return
    if task.mail is not None:
        _posted(turn, turn.definition.mails[task.mail], values.get("posted_on", turn.today))
        return
    answer, place = f"{task.name}.{outcome.name}", Place(task.state, task.entry, task.opened_at)
    target = moves.follow(turn, task.state, answer) if outcome.to else None
    if outcome.to and target is None:
        raise Refused(f"outcome '{outcome.name}' leads nowhere with the facts as they are: look at them again")
    moves.happen(turn, answer, turn.today)
    _check_not_later(turn, before, answer)
    for mail in outcome.sends:
        moves.send(turn, mail, place)
    for child in outcome.starts:
        moves.start_children(turn, child)
    _settle_audiences(turn, outcome)
    if target is not None:
        moves.enter(turn, target)
    elif not outcome.to:
        tasks.offer_again(turn, task)


def _check_not_later(turn: Turn, before: Mapping[str, Clock], answer: str) -> None:
    """One person's answer moves no legal date later; one that both sides agreed to in writing stands as they agreed."""
    clocks = turn.case.clocks
    later = [name for name, old in before.items()
             if old.agreed == clocks[name].agreed and clocks[name].status != "void" and _is_later(old, clocks[name])]
    if later:
        raise Refused(
            f"outcome '{answer}' would move a legal date later ({_dates(turn, before, later)}): correct that date with "
            f"'soppa record {turn.case.id}', which takes a reason and a second person, and answer without it"
        )


def _dates(turn: Turn, before: Mapping[str, Clock], names: Sequence[str]) -> str:
    return "; ".join(f"{name}: {before[name].legal} becomes {_date_of(turn.case.clocks[name])}" for name in names)


def _settle_audiences(turn: Turn, outcome: Outcome) -> None:
    """Who is told stands from now on, or may be changed again."""
    for audience in outcome.fixes:
        turn.tell("audience_fixed", audience=audience)
        turn.do(FixAudience(audience))
    for audience in outcome.frees:
        turn.tell("audience_freed", audience=audience)
        turn.do(FreeAudience(audience))


def _posted(turn: Turn, mail: MailDef, on: FactValue) -> None:
    """A letter is in the post: its reader is told. Of a mail to many, the store counts when each one is."""
    day = on if isinstance(on, dt.date) else turn.today
    if mail.to.kind == "audience":
        turn.do(LettersPosted(mail.name, day))
    else:
        moves.was_told(turn, mail.name, day)


def _record(turn: Turn, command: RecordFacts) -> None:
    """Records facts outside a form. A legal date that moves later needs a second person."""
    if not command.actor.roles & {"privacy", "custodian"}:
        raise Refused(f"{command.actor.name} may not record facts: ask the privacy officer or the custodian")
    if not command.reason.strip():
        raise UsageError("a recorded fact needs a reason: add --reason")
    for name in command.values:
        if name not in turn.definition.facts:
            raise UsageError(f"unknown fact '{name}'{nearest(name, turn.definition.facts)}")
        if name in turn.definition.decisions:
            raise UsageError(f"fact '{name}' follows from its decision table: record what it rests on")
    check_dates(turn, command.values)
    taking.check_typed(turn, command.values)
    before = turn.case.clocks
    turn.record(command.values, command.reason)
    taking.follow(turn, command.values)
    obligations.refresh(turn)
    later = [clock.name for clock in turn.case.clocks.values() if _is_later(before.get(clock.name), clock)]
    if later and command.second in (None, command.actor.id):
        dates = _dates(turn, before, later)
        raise NeedsSecond(f"a legal date would move later ({dates}): a second person must confirm it")
    for name in later:
        was, becomes = before[name].legal, _date_of(turn.case.clocks[name])
        turn.tell("later_date_confirmed", clock=name, was=was, becomes=becomes, second=command.second)
        _tell_superintendent(turn, name)


def _is_later(old: Clock | None, new: Clock) -> bool:
    """Whether a legal date that ran moves later, or is voided by what was recorded."""
    if old is None or old.legal is None or old.status != "running":
        return False
    return new.legal is None or new.legal > old.legal or new.status == "void"


def _date_of(clock: Clock) -> dt.date | str | None:
    return "void" if clock.status == "void" else clock.legal


def _tell_superintendent(turn: Turn, clock: str) -> None:
    text = f"The legal date of {turn.words(turn.definition.clocks[clock].title)} was moved later"
    for holder in turn.office.holders("superintendent", turn.today):
        date = turn.case.clocks[clock].legal
        turn.do(Notify(f"person:{holder.person.id}", "news", clock, text, 9, date, legal=True))


def _fire(turn: Turn, command: FireTimer) -> None:
    kind, *rest = command.key.split("/")
    if kind == "rung":
        obligations.fire_rung(turn, rest[0], int(rest[1]), rest[2], dt.date.fromisoformat(rest[3]))
    elif kind == "due":
        tasks.fire_due(turn, rest[0], rest[1], dt.date.fromisoformat(rest[2]))
    elif kind == "window":
        event = obligations.close_window(turn, rest[0], int(rest[1]))
        if event is not None:
            moves.happen(turn, event, turn.today)
            moves.react(turn, event)
    elif kind == "hold":
        holds.fire(turn, rest[0], rest[1])
    elif kind == "quiet":
        obligations.end_quiet(turn)
    elif kind == "after":
        _after(turn, int(rest[0]))


def _after(turn: Turn, entry: int) -> None:
    """Moves what the calendar moves; nothing when its state has been left, or its day has moved away."""
    here = next(((state, place) for state, place in turn.here if place.entry == entry), None)
    if here is None or not turn.case.is_open:
        return
    state, place = here
    if not moves.is_over(turn, state, place):
        return
    day = moves.moves_on(turn, state)
    target = moves.follow(turn, state.name, "after") if day is None or day <= turn.today else None
    for mail in state.after.sends if state.after and target else ():
        moves.send(turn, mail, place)
    if target is not None:
        moves.enter(turn, target)


def _child_ended(turn: Turn, command: ChildEnded) -> None:
    turn.tell("child_ended", child=command.child, case=command.case_id, outcome=command.outcome)
    moves.child_ended(turn, command.child)


def _recount(turn: Turn, command: Recount) -> None:
    obligations.refresh(turn)


def _mail_settled(turn: Turn, command: MailSettled) -> None:
    turn.tell("mail_settled", mail=command.mail, occurrence=command.occurrence, status=command.status, on=command.on)
    mail = turn.definition.mails.get(command.mail)
    if mail is None:
        return
    if command.status == "accepted":
        moves.was_told(turn, mail.name, command.on)
    elif command.status == "failed" and mail.paper and turn.case.open_task(posting_task(mail).name) is None:
        tasks.open_posting(turn, mail)
    else:
        moves.tell_privacy(turn, f"Mail '{mail.name}' of case {turn.case.id} is {command.status}: look at it")


def _audience_told(turn: Turn, command: AudienceTold) -> None:
    """What the store counted of a mail to many."""
    mail = turn.definition.mails[command.mail]
    turn.tell("audience_told", mail=mail.name, what=command.what, on=command.on, count=command.count or None)
    if command.what == "after_all":
        return
    if command.what in ("on_paper", "back"):
        if turn.case.open_task(posting_task(mail).name) is None:
            tasks.open_posting(turn, mail)
    elif command.what == "told":
        moves.was_told(turn, mail.name, command.on)
    else:
        if command.what == "complete":
            tasks.close_posting(turn, mail)
        event = began(mail.name) if command.what == "began" else complete(mail.name)
        moves.happen(turn, event, command.on)
        moves.react(turn, event)


def _bounced(turn: Turn, command: MailBounced) -> None:
    """A mail came back: the paper path opens, and what was told stays told."""
    mail = turn.definition.mails.get(command.mail)
    turn.tell("mail_bounced", mail=command.mail, to=command.recipient, by=command.actor.name, reason=command.reason)
    if mail is not None and mail.paper and turn.case.open_task(posting_task(mail).name) is None:
        tasks.open_posting(turn, mail)
    else:
        moves.tell_privacy(turn, f"Mail '{command.mail}' of case {turn.case.id} came back: tell its reader another way")


_HANDLERS: Mapping[type, Callable[[Turn, Any], None]] = {
    CompleteTask: _complete,
    RecordFacts: _record,
    PlaceHold: holds.place,
    ReleaseHold: holds.release,
    FireTimer: _fire,
    MailSettled: _mail_settled,
    MailBounced: _bounced,
    AudienceTold: _audience_told,
    ChildEnded: _child_ended,
    Reassign: tasks.reassign,
    HandOver: handing.hand_over,
    Recount: _recount,
    AddNote: officer.note,
    Nudge: officer.nudge,
    Snooze: officer.snooze,
    Undo: undoing.undo,
}
