"""Law-enforcement holds: a written request not to tell parents yet, its confirmation, its reviews and its end.

A hold counts from the day it is placed with its paper. Privacy officer and counsel confirm it within one business day,
else it never had an effect: the original dates count, at once where they have passed. While it stands no date is shown
and nothing is said about sending; the hold itself is reviewed every fourteen days. It delays a notice and excuses
nobody from it (105 ILCS 85/27(d)).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from engine.deciding import obligations, tasks
from engine.deciding.turn import Turn
from engine.errors import Refused, UsageError
from engine.law.calendar import ONE_DAY
from engine.law.clocks import HOLD_REVIEW
from engine.model.case import Case, HeldBy, Task
from engine.model.definition import CONFIRM_HOLD, REVIEW_HOLD, Definition, hold_task
from engine.model.messages import CancelTimers, Notify, PauseLetters, PlaceHold, ReleaseHold, Send, SetTimer
from engine.nodes import nearest

MAY_HOLD = frozenset({"privacy", "legal", "superintendent"})
CONFIRMERS = ("privacy", "legal")
LATE = "not confirmed within one business day"


def place(turn: Turn, command: PlaceHold) -> None:
    """Places a hold, provisional until it is confirmed. Raises `Refused` or `UsageError` for one that has no effect."""
    _check(turn, command)
    hold = HeldBy(
        id=f"H{len(turn.case.holds) + 1}",
        status="provisional",
        started=command.started,
        agency=command.agency,
        officer=command.officer,
        matter=command.matter,
        paper=command.paper,
        until=command.until,
        placed_by=command.actor.id,
    )
    was_held = turn.case.is_held
    turn.change(holds=(*turn.case.holds, hold))
    _pause(turn)
    if not was_held:
        _tell_who_waits(turn, "on_hold", hold, command.actor.id)
    turn.tell("hold_placed", hold=hold.id, started=hold.started, until=hold.until, by=command.actor.name)
    obligations.refresh(turn)
    for role in CONFIRMERS:
        tasks.open_own(turn, hold_task(CONFIRM_HOLD + role), hold=hold.id)
    last = turn.office.calendars.strict.nth_after(turn.today, 1)[0]
    _set(turn, f"{_timers(hold)}confirm", last + ONE_DAY)


def release(turn: Turn, command: ReleaseHold) -> None:
    """Ends a hold on the day on which the school learned that the agency no longer objects."""
    hold = next((one for one in turn.case.holds if one.id == command.hold_id), None)
    if hold is None:
        raise UsageError(f"case {turn.case.id} has no hold '{command.hold_id}'"
                         f"{nearest(command.hold_id, [one.id for one in turn.case.holds])}")
    _check_actor(turn, command)
    if not hold.stands:
        raise Refused(f"hold {hold.id} is {hold.status} already: nothing was changed")
    if not hold.started <= command.on <= turn.today:
        raise UsageError(f"hold {hold.id} cannot be released on {command.on}: it began on {hold.started}, "
                         f"today is {turn.today}")
    _end(turn, hold, "released", command.on, command.reason, command.paper, command.actor.id)


def answered(turn: Turn, task: Task, outcome: str, reason: str) -> None:
    """What privacy officer or counsel said of a hold."""
    hold = next(one for one in turn.case.holds if one.id == task.hold)
    if not hold.stands:
        return
    if outcome == "refuse":
        _end(turn, hold, "refused", None, reason or "refused")
    elif outcome == "no_interference":
        _end(turn, hold, "released", turn.today, reason or "the review found no interference")
    elif outcome == "goes_on":
        _review_again(turn, hold)
    elif not _asked_to_confirm(turn, hold):
        _confirm(turn, hold)


def waits(definition: Definition, case: Case, task: Task) -> bool:
    """Whether a task must not be done since a hold stands."""
    return case.is_held and _gives_notice(definition, task)


def _gives_notice(definition: Definition, task: Task) -> bool:
    """Such as to publish, or to post letters to many."""
    posted = definition.mails.get(task.mail or "")
    if posted is not None:
        return posted.to.kind == "audience"
    wanted = definition.task(task)
    return wanted is not None and any(outcome.holdable for outcome in wanted.outcomes.values())


def fire(turn: Turn, hold_id: str, what: str) -> None:
    """The calendar's word on a hold; nothing when it does not stand any more."""
    hold = next((one for one in turn.case.holds if one.id == hold_id), None)
    if hold is None or not hold.stands:
        return
    if what == "confirm" and hold.status == "provisional":
        _end(turn, hold, "refused", None, LATE)
    elif what == "until":
        _end(turn, hold, "released", hold.until, "the date in the request has come")
    elif what == "review":
        _ask_for_review(turn, hold)


def _check(turn: Turn, command: PlaceHold) -> None:
    _check_actor(turn, command)
    if not command.paper:
        raise Refused("a hold without the agency's written request has no effect: hand in the paper with --paper FILE")
    if command.started > turn.today:
        raise UsageError(f"the hold begins on {command.started}, which is in the future; today is {turn.today}")
    if command.until is not None and command.until < command.started:
        raise UsageError(f"the hold ends on {command.until}, before it begins on {command.started}")
    dates = obligations.holdable(turn)
    if not dates:
        raise Refused(f"nothing in case {turn.case.id} can be held: a hold delays the notice to parents, and none "
                      "is due (they were told, or no date has begun)")
    if all(legal is not None and legal < command.started for legal in dates.values()):
        late = ", ".join(f"{name} was due on {legal}" for name, legal in dates.items())
        raise Refused(f"a hold that begins after the due date has no effect ({late}): the notice is due now")


def _check_actor(turn: Turn, command: PlaceHold | ReleaseHold) -> None:
    if not command.actor.roles & MAY_HOLD:
        raise Refused(f"{command.actor.name} may not hold or release a notice: ask the privacy officer or counsel")


def _pause(turn: Turn) -> None:
    """Letters that have been released and have not left wait with the rest while a hold stands."""
    if turn.definition.audiences:
        turn.do(PauseLetters(turn.case.is_held))


def _asked_to_confirm(turn: Turn, hold: HeldBy) -> bool:
    return any(task.is_open and task.name.startswith(CONFIRM_HOLD) for task in turn.case.tasks if task.hold == hold.id)


def _confirm(turn: Turn, hold: HeldBy) -> None:
    _put(turn, replace(hold, status="confirmed"))
    turn.tell("hold_confirmed", hold=hold.id)
    turn.do(CancelTimers(f"{_timers(hold)}confirm"))
    _set(turn, f"{_timers(hold)}review/{turn.today + HOLD_REVIEW}", turn.today + HOLD_REVIEW)
    if hold.until is not None:
        _set(turn, f"{_timers(hold)}until", max(hold.until, turn.today) + ONE_DAY)


def _ask_for_review(turn: Turn, hold: HeldBy) -> None:
    """Asks for the review, and again after fourteen days if nobody has answered."""
    if not any(task.is_open and task.name == REVIEW_HOLD for task in turn.case.tasks if task.hold == hold.id):
        tasks.open_own(turn, hold_task(REVIEW_HOLD), hold=hold.id)
    _review_again(turn, hold)


def _review_again(turn: Turn, hold: HeldBy) -> None:
    again = turn.today + HOLD_REVIEW
    _set(turn, f"{_timers(hold)}review/{again}", again)


def _end(
    turn: Turn, hold: HeldBy, status: str, on: dt.date | None, reason: str, paper: str | None = None, by: str = ""
) -> None:
    ended = replace(hold, status=status, released=on, release_paper=paper, reason=reason)  # type: ignore[arg-type]
    _put(turn, ended)
    _pause(turn)
    turn.tell(f"hold_{status}", hold=hold.id, on=on, reason=reason)
    if not turn.case.is_held:
        _tell_who_waits(turn, "off_hold", hold, by)
    turn.do(CancelTimers(_timers(hold)))
    tasks.close_own(turn, hold.id)
    obligations.refresh(turn)
    text = f"The hold {hold.id} in case {turn.case.id} is {status}: its dates count again"
    for role in ("privacy", "superintendent", "legal"):
        for holder in turn.office.holders(role, turn.today):
            turn.do(Notify(f"person:{holder.person.id}", "news", f"hold/{hold.id}", text, 9))


def _tell_who_waits(turn: Turn, mail: str, hold: HeldBy, but: str) -> None:
    """One mail at once for each person whose tasks a hold stops, or lets go on: who works by a mail of last week or by
    printed letters does not look here first."""
    titles: dict[str, list[str]] = {}
    for task in turn.case.tasks:
        if task.is_open and _gives_notice(turn.definition, task):
            for person in task.assignees:
                titles.setdefault(person, []).append(task.title)
    for person, its in titles.items():
        if person != but:
            turn.do(Send(mail, hold.id, "1", f"person:{person}", words={"task_titles": "; ".join(its)}))


def _put(turn: Turn, hold: HeldBy) -> None:
    turn.change(holds=tuple(hold if one.id == hold.id else one for one in turn.case.holds))


def _timers(hold: HeldBy) -> str:
    return f"hold/{hold.id}/"


def _set(turn: Turn, key: str, day: dt.date) -> None:
    turn.do(SetTimer(key, turn.office.at_local(day, 0)))
