"""What an officer does beside answering: a note in the history, a nudge to whoever is asked, a task put off in one's
own queue. None of it moves a case or a date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from engine.deciding import tasks
from engine.deciding.forms import FieldError, read_text
from engine.deciding.readers import may_give, reads_mail
from engine.deciding.turn import Turn
from engine.errors import NotAllowed, Refused, UsageError
from engine.model.case import Task
from engine.model.kinds import kind_of_date
from engine.model.messages import AddNote, Event, HideTask, Nudge, Send, Snooze

NUDGE = "nudge"
"""The mail that asks once more."""


def note(turn: Turn, command: AddNote) -> None:
    """Adds somebody's words to the history, of an ended case as well. They are personal, whatever they say."""
    try:
        text = read_text(command.text)
    except FieldError as error:
        raise UsageError(f"the note cannot be kept ({error})") from error
    if not text:
        raise UsageError("the note says nothing: type a line or more")
    turn.events.append(Event("note_added", {"by": command.actor.name}, personal={"text": text}))


def nudge(turn: Turn, command: Nudge) -> None:
    """Asks once more whoever an open task waits for, each at most once a day. Whoever nudges is not asked. To an
    operator, which gets one mail a day for all its products, it leaves on the first day without another, or at once
    where a parent waits."""
    task = _open(turn, command.task_id)
    if not may_give(turn, task, command.actor):
        raise NotAllowed(f"{command.actor.name} may not nudge about task '{task.name}': whom it is for, their "
                         "supervisor, the privacy officer and the custodian may")
    wanted = _asked(turn, task, command.actor.id)
    marks = {reader: f"{task.id}/{reader}" for reader in wanted}
    fresh = [reader for reader in wanted if turn.case.nudged.get(marks[reader]) != turn.today]
    if not fresh:
        raise Refused(f"{_names(turn, wanted)} was asked once more about task '{task.name}' today already: once a day "
                      "is enough")
    words = {"nudged_by": command.actor.name}
    pace = tasks.pace_of(turn, task.party, urgent=turn.definition.from_parent) if task.party else ""
    for reader in fresh:
        turn.do(Send(NUDGE, task.id, turn.today.isoformat(), reader, task.id, words=words, pace=pace))
    today = {mark: day for mark, day in turn.case.nudged.items() if day == turn.today}
    turn.change(nudged={**today, **{marks[reader]: turn.today for reader in fresh}})
    turn.tell("task_nudged", task=task.id, name=task.name, to=", ".join(fresh), by=command.actor.name)


def snooze(turn: Turn, command: Snooze) -> None:
    """Hides a task from its reader's own queue until a day, or shows it again. Every clock runs on, and past a date
    that counts nothing is hidden unless it was said."""
    task = _open(turn, command.task_id)
    if command.until is not None:
        _check_until(turn, task, command.until, command)
    turn.do(HideTask(task.id, task.generation, command.actor.id, command.until, past_date=command.past_date))
    kind = "task_shown_again" if command.until is None else "task_snoozed"
    turn.tell(kind, task=task.id, name=task.name, until=command.until, by=command.actor.name,
              reason=command.reason.strip() or None)


def _check_until(turn: Turn, task: Task, until: dt.date, command: Snooze) -> None:
    if until <= turn.today:
        raise UsageError(f"{until} is not after today, {turn.today}: name the day on which the task should be back")
    before = [(day, what) for day, what in _dates(turn, task) if day < until]
    if before and not command.past_date:
        day, what = min(before)
        raise Refused(f"task '{task.name}' would stay hidden past its {what}, {day}: name that day or an earlier one, "
                      "or add --past-date and a --reason")
    if before and not command.reason.strip():
        raise UsageError("hiding a task past one of its dates needs a reason: add --reason")


def _dates(turn: Turn, task: Task) -> Iterator[tuple[dt.date, str]]:
    """The dates that count for a task: its own target, and those of the duties that run in its case."""
    if task.due is not None:
        yield task.due, "district target"
    for clock in turn.case.clocks.values():
        if clock.status == "running" and clock.legal is not None and not turn.definition.clocks[clock.name].window:
            by_agreement = kind_of_date(turn.definition.clocks[clock.name], clock) == "contract"
            yield clock.legal, f"{'day set by our agreement' if by_agreement else 'legal deadline'} ({clock.name})"


def _open(turn: Turn, task_id: str) -> Task:
    task = turn.case.task(task_id)
    if task is None or not task.is_open:
        raise Refused(f"task {task_id} is not open: look at the case again")
    return task


def _asked(turn: Turn, task: Task, nudger: str) -> list[str]:
    """`person:ID` or `party:NAME` of those who are asked and read mail; an operator is asked by its own duty where the
    task is only offered. Raises `Refused` where nobody is."""
    if task.offered and not _is_operators(turn, task):
        raise Refused(f"nobody is asked to do task '{task.name}': it may be done, and nothing waits for it")
    if task.party is not None:
        reader = f"party:{task.party}"
        if not reads_mail(turn, reader):
            raise Refused(f"{_names(turn, [reader])} reads no mail: call or write, and keep it with soppa note "
                          f"{turn.case.id}")
        return [reader]
    others = [f"person:{person}" for person in task.assignees if person != nudger]
    if not others:
        raise Refused(f"task '{task.name}' waits for {'you' if task.assignees else 'nobody'}: there is nobody to nudge")
    return others


def _is_operators(turn: Turn, task: Task) -> bool:
    party = turn.definition.parties.get(task.party or "")
    return party is not None and party.kind == "operator"


def _names(turn: Turn, readers: list[str]) -> str:
    return ", ".join(_name(turn, reader) for reader in readers)


def _name(turn: Turn, reader: str) -> str:
    kind, _, name = reader.partition(":")
    person, party = turn.office.person(name), turn.case.parties.get(name)
    if kind == "party":
        return party.name if party else name
    return person.name if person else name
