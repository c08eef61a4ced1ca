"""Answering a task: who may, with which form, broken glass, and what must hold before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

from engine.deciding.counting import counted_people
from engine.deciding.dates import check_dates
from engine.deciding.readers import may_do
from engine.deciding.tasks import asked_for, names_of
from engine.deciding.turn import Turn
from engine.errors import AlreadyDecided, NotAllowed, Refused, Stale, Unmet, UsageError, WrongDate
from engine.law.calendar import months_after
from engine.law.targets import count_back
from engine.model.case import SYSTEM, Actor, FactValue, Task
from engine.model.chosen import check_rows
from engine.model.definition import FactDef, Outcome, Requirement, TaskDef, Words, say
from engine.model.guards import Guard, evaluate, reads
from engine.model.machine import UnknownFacts, holds
from engine.model.messages import CancelTimers, CompleteTask, Send
from engine.nodes import nearest
from engine.words import written


def complete(turn: Turn, command: CompleteTask) -> tuple[Task, Outcome]:
    """Records an answer: the values of its form, what the outcome sets, and who gave it. Moves nothing.

    Raises `AlreadyDecided`, `NotAllowed`, `Stale`, `UsageError` (unknown outcome or field) or `Refused` (a field or
    fact is missing, the outcome is not open now).
    """
    task, wanted = _task_to_do(turn, command)
    outcome = wanted.outcomes.get(command.outcome)
    if outcome is None:
        raise UsageError(
            f"task '{task.name}' has no outcome '{command.outcome}'{nearest(command.outcome, wanted.outcomes)}"
        )
    _check_form(turn, wanted, outcome, command)
    _check_posting(turn, task, command.values)
    if not task.is_own:
        turn.record(command.values, command.reason)
        turn.record(dict(outcome.sets))
    _check_open_now(turn, outcome)
    by = command.actor
    done = replace(task, outcome=outcome.name, done_by=by.name, done_by_id=by.id, done_at=turn.now)
    turn.put_task(done)
    turn.do(CancelTimers(f"due/{task.id}/"))
    if command.break_glass:
        _break(turn, task, wanted, command)
    turn.tell(
        "task_completed",
        task=task.id,
        name=task.name,
        outcome=outcome.name,
        role=task.role,
        by=by.name,
        on_behalf_of=by.on_behalf_of,
        reason=command.reason or None,
    )
    return done, outcome


def _task_to_do(turn: Turn, command: CompleteTask) -> tuple[Task, TaskDef]:
    task = turn.case.task(command.task_id)
    if task is None:
        raise Stale(
            f"task {command.task_id} is closed: case {turn.case.id} has moved on to '{turn.words(turn.state.title)}'"
        )
    if not task.is_open:
        raise AlreadyDecided(f"already decided by {task.done_by}: {task.outcome}")
    if command.seen_generation not in (None, task.generation):
        raise Stale(f"task {task.id} has changed since you opened it: look at it again")
    wanted = turn.definition.task(task)
    if wanted is None:
        raise Stale(f"task {task.id} does not belong to the present state of case {turn.case.id}")
    if command.break_glass:
        _check_glass(turn, wanted, command)
    else:
        _check_actor(turn, task, wanted, command.actor)
    return task, wanted


def _check_glass(turn: Turn, wanted: TaskDef, command: CompleteTask) -> None:
    """Whether this person may answer in the place of those who should. Raises `Refused` or `NotAllowed`."""
    glass = wanted.break_glass
    if glass is None:
        raise Refused(f"task '{wanted.name}' has no glass to break: it waits for those who are asked")
    if glass.role not in command.actor.roles:
        raise NotAllowed(f"{command.actor.name} may not break the glass of '{wanted.name}': it is for {glass.role}")
    if not command.reason.strip():
        raise UsageError("breaking the glass needs a reason: add --reason")
    clock = turn.case.clocks.get(glass.clock)
    legal = clock.legal if clock is not None and clock.status == "running" else None
    if legal is None or turn.today < count_back(legal, glass.days, "business_days", turn.office.calendars):
        when = "has no date now" if legal is None else f"is {legal}"
        raise Refused(f"the glass of '{wanted.name}' may be broken within {glass.days} business days of the legal date "
                      f"of '{glass.clock}', which {when}")


def _break(turn: Turn, task: Task, wanted: TaskDef, command: CompleteTask) -> None:
    """Flags the case and tells those passed over and the roles named, by a mail of its own that leaves at once."""
    glass = wanted.break_glass
    if glass is None:
        return
    turn.change(flags=(*turn.case.flags, f"glass_broken.{task.name}"))
    turn.tell("glass_broken", task=task.id, name=task.name, by=command.actor.name, reason=command.reason)
    held = [holder.person.id for role in glass.tells for holder in turn.office.holders(role, turn.today)]
    words = {"task_title": task.title, "broken_by": command.actor.name, "reason": command.reason,
             "asked": ", ".join(names_of(turn, task.assignees)) or "–"}
    for person in dict.fromkeys([*task.assignees, *held]):
        if person != command.actor.id:
            turn.do(Send("glass_broken", task.id, "1", f"person:{person}", None, None, words))


def _check_actor(turn: Turn, task: Task, wanted: TaskDef, actor: Actor) -> None:
    if actor == SYSTEM:
        return
    if not may_do(turn.office, turn.today, task, actor):
        raise NotAllowed(
            f"{actor.name} may not answer task '{task.name}': it is for "
            f"{', '.join(names_of(turn, task.assignees)) or task.role or task.party or 'nobody yet'}"
        )
    if wanted.approval and actor.id in asked_for(turn):
        raise NotAllowed(f"{actor.name} started case {turn.case.id} and may not approve it: ask somebody else")
    signed = next((one for one in turn.case.tasks if one.entry == task.entry and one.done_by_id == actor.id), None)
    if signed is not None and not task.is_own and turn.definition.states[task.state].distinct:
        raise NotAllowed(f"{actor.name} has signed '{signed.name}' already: the other signature takes another person")


def _check_form(turn: Turn, wanted: TaskDef, outcome: Outcome, command: CompleteTask) -> None:
    fields = {field.fact: field for field in wanted.form}
    for name in command.values:
        if name not in fields:
            raise UsageError(f"task '{wanted.name}' does not ask for '{name}'{nearest(name, fields)}")
    given = command.values.keys() | turn.case.facts.keys()
    needed = [field.fact for field in wanted.form if field.required] + list(outcome.needs)
    missing = sorted({name for name in needed if name not in given})
    if missing:
        raise Refused(
            f"outcome '{outcome.name}' of task '{wanted.name}' needs {', '.join(missing)}: "
            f"add {' '.join(f'-f {name}=…' for name in missing)}"
        )
    check_rows(turn.definition, turn.case.facts, command.values)
    check_dates(turn, command.values)


def _check_posting(turn: Turn, task: Task, values: Mapping[str, FactValue]) -> None:
    """A letter cannot have been in the post before it was there to be printed, and is kept back while a hold stands."""
    posted, made = values.get("posted_on", turn.today), turn.office.today(task.opened_at)
    if task.mail is None or not isinstance(posted, dt.date):
        return
    if posted < made:
        made_then = {"en": "when the letter was made", "es": "cuando se hizo la carta"}
        raise WrongDate("posted_on", posted, "before", made, made_then)
    to_many = turn.definition.mails[task.mail].to.kind == "audience"
    held_since = min((hold.started for hold in turn.case.holds if hold.stands), default=None)
    if to_many and held_since is not None and posted >= held_since:
        raise Refused("a law-enforcement hold stands: keep these letters back until it is released")


def _check_open_now(turn: Turn, outcome: Outcome) -> None:
    if outcome.holdable and turn.case.is_held:
        raise Refused(f"outcome '{outcome.name}' is not open now: a law-enforcement hold stands, release it first")
    try:
        allowed = outcome.when is None or holds(outcome.when, turn.case.facts, turn.case.at)
    except UnknownFacts as unknown:
        raise Refused(f"outcome '{outcome.name}' needs to know {unknown}: record it first") from unknown
    unmet = [said for one in outcome.requires if (said := _unmet(turn, one)) is not None]
    if unmet:
        raise Unmet(outcome.name, unmet)
    if not allowed:
        raise Refused(
            f"outcome '{outcome.name}' is not open now: it needs {outcome.when.source}"  # type: ignore[union-attr]
            f"{_on_file(turn, outcome.when)}"  # type: ignore[arg-type]
        )


def _on_file(turn: Turn, guard: Guard) -> str:
    """What people call the facts that a guard reads, and what they are: ` (“The Board decides” is yes)`."""
    facts = [fact for name in sorted(reads(guard)) if (fact := turn.definition.fact(name)) is not None]
    told = [f"“{say(fact.label, 'en')}”{_is(fact, turn.case.facts.get(fact.name))}" for fact in facts]
    return f" ({', '.join(told)})" if told else ""


def _is(fact: FactDef, value: FactValue | None) -> str:
    """Nothing of what is personal."""
    if fact.personal:
        return ""
    if value is None:
        return " is not known"
    if isinstance(value, bool):
        return f" is {'yes' if value else 'no'}"
    known = fact.option_labels.get(str(value))
    return f" is {say(known, 'en') if known else written(value)}"


def _unmet(turn: Turn, wanted: Requirement) -> Words | None:
    """The sentence for a requirement that is not met, with the words that count people; None if it is met."""
    if not wanted.uncounted:
        return None if _is_met(turn, wanted) else wanted.text
    facts = turn.case.facts
    if wanted.when is not None and evaluate(wanted.when, facts, turn.case.at) is False:
        return None
    found = [words for name in wanted.uncounted if (words := counted_people(str(facts.get(name, "")))) is not None]
    quoted = ", ".join(f"“{words}”" for words in found)
    return {language: f"{text} {quoted}" for language, text in wanted.text.items()} if found else None


def _is_met(turn: Turn, wanted: Requirement) -> bool:
    """A guard that cannot be answered yet is not met, nor is the date of a clock that has none."""
    if wanted.that is not None:
        return evaluate(wanted.that, turn.case.facts, turn.case.at) is True
    if wanted.signer is not None:
        person = turn.office.people.get(str(turn.case.facts.get(wanted.signer)))
        return person is not None and person.may_sign(turn.case.facts.get(wanted.on or ""))
    if wanted.ahead is not None or wanted.reached is not None:
        day = turn.case.facts.get(wanted.ahead or wanted.reached or "")
        return isinstance(day, dt.date) and (day >= turn.today if wanted.ahead else day <= turn.today)
    if wanted.passed is not None or wanted.before is not None:
        clock = turn.case.clocks.get(wanted.passed or wanted.before or "")
        if clock is None or clock.legal is None:
            return False
        return clock.legal < turn.today if wanted.passed else clock.status == "running" and turn.today < clock.legal
    reference = turn.office.references.get(wanted.fresh or "")
    return reference is not None and turn.today <= months_after(reference.as_of, wanted.months)
