"""Handing over: somebody leaves, and another is asked in their place."""

from __future__ import annotations

from dataclasses import replace

from engine.deciding import tasks
from engine.deciding.turn import Turn
from engine.errors import Refused
from engine.model.case import Task
from engine.model.messages import HandOver
from engine.model.office import Holder, Person


def hand_over(turn: Turn, command: HandOver) -> None:
    """Puts one person in the place of another in open tasks. Where nobody else was asked the task's generation
    rises, so that links mailed before are dead; the others keep theirs, and only the new one is asked.

    Raises `Refused` where the person who takes over does not work here any more.
    """
    to = turn.office.person(command.to)
    if to is None or not to.active:
        raise Refused(f"{command.to} does not work here: hand the tasks of {command.person} to somebody who does")
    for task in turn.case.tasks:
        if task.is_open and command.person in task.assignees and task.id in (command.tasks or (task.id,)):
            _hand(turn, task, command, to)


def _hand(turn: Turn, task: Task, command: HandOver, to: Person) -> None:
    others = tuple(person for person in task.assignees if person != command.person)
    fresh = tuple(one for one in _who_may(turn, task, to) if one not in others)
    moved = replace(task, assignees=(*others, *fresh), generation=task.generation + (not others), instead_of=None)
    turn.put_task(moved)
    turn.tell("task_reassigned", task=task.id, to=", ".join(moved.assignees) or "nobody", by=command.actor.name,
              reason=command.reason)
    if fresh and not task.offered:
        tasks.ask(turn, replace(moved, assignees=fresh))


def _who_may(turn: Turn, task: Task, to: Person) -> tuple[str, ...]:
    """Who takes the task: `to`, or whoever stands in for them; another where they began the case or have signed it."""
    wanted = turn.definition.task(task)
    people = turn.office.present(to, turn.today) or (Holder(to),)
    if wanted is not None:
        people = tasks.signers(turn, wanted, turn.definition.states.get(task.state), people) or people
    return tuple(holder.person.id for holder in people)
