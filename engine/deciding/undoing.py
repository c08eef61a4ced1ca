"""Taking an answer back, while nothing of it has left the house.

The case as it was before is put back whole, so that nothing holds now that did not hold then. Only what counts
everything that ever happened goes on counting: revisions, entries, numbers of tasks, generations. Nothing is forgotten:
the answer and what it recorded stay in the history.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from engine.deciding import tasks
from engine.deciding.turn import SEALED_KINDS, Turn
from engine.errors import NotAllowed, Refused
from engine.model.case import Case, Clock, FactValue, Task
from engine.model.messages import (
    CancelTimers,
    Effect,
    Event,
    FixAudience,
    FreeAudience,
    LettersPosted,
    PauseLetters,
    SendToAll,
    SetTimer,
    StartChild,
    TellParent,
    WriteRegister,
)
from engine.model.register import SUPERSEDES
from engine.model.undoable import TAKEN_BACK, Answered, Kept, Undo
from engine.words import written

_TO_MANY = (SendToAll, FixAudience, FreeAudience, PauseLetters, LettersPosted)
_AT_ONCE = "which could not wait on the day of a legal date, or so near to midnight"


def answered(turn: Turn, before: Case) -> Answered | None:
    """Until when the answer that this turn has given may be taken back; None where nothing is taken back here."""
    if turn.actor.kind != "person" or not turn.definition.undo or not turn.office.undo_minutes:
        return None
    until = turn.now + dt.timedelta(minutes=turn.office.undo_minutes)
    answers = tuple((event.detail["task"], event.detail["outcome"]) for event in turn.events
                    if event.kind == "task_completed")  # fmt: skip
    barred = _bar(turn, before, answers)
    waits = not barred and _may_wait(turn, before, until)
    return Answered(until, answers, barred or ("" if waits else _told_at_once(turn.effects)), waits)


def _bar(turn: Turn, before: Case, answers: tuple[tuple[str, str], ...]) -> str:
    """What the answer has done that stays done, as a reason; empty where there is nothing of the kind."""
    given = [task for task in before.tasks if task.id in dict(answers)]
    if any(task.is_own for task in given):
        return "it says what was done outside the program"
    if any(event.kind == "glass_broken" for event in turn.events):
        return "the glass was broken for it"
    if any(isinstance(effect, _TO_MANY) for effect in turn.effects):
        return "it decides about a mail to many"
    return next((why for effect in turn.effects if isinstance(effect, WriteRegister) and (why := _entered(effect))), "")


def _entered(effect: WriteRegister) -> str:
    """What an answer has brought into the register that was not there, since others may use it already."""
    if effect.is_new:
        return f"it has entered agreement {effect.agreement} into the register, which soppa register import corrects"
    if not effect.agreement:
        return "it has entered a product into the register, which soppa register import corrects"
    return "it has put one agreement in the place of another" if SUPERSEDES in effect.values else ""


def _told_at_once(effects: Iterable[Effect]) -> str:
    """What another case hears at once of an answer whose consequences do not wait."""
    for effect in effects:
        if isinstance(effect, StartChild):
            return f"it has started another case, {_AT_ONCE}"
        if isinstance(effect, TellParent):
            return f"it has ended the case, and told that to the case it belongs to, {_AT_ONCE}"
    return ""


def _may_wait(turn: Turn, before: Case, until: dt.datetime) -> bool:
    """Whether mails may wait so long: never past the local day, since who is told is told on the day of acceptance,
    and not at all on the day of a legal date or after it."""
    clocks = (*before.clocks.values(), *turn.case.clocks.values())
    late = any(clock.status == "running" and clock.legal is not None and clock.legal <= turn.today for clock in clocks)
    return not late and turn.office.today(until) == turn.today


def undo(turn: Turn, command: Undo) -> None:
    """Puts the case back to where it was before its last answer. Raises `Refused` or `NotAllowed` with the reason."""
    kept = command.answered
    before = _checked(turn, kept)
    if kept is None or before is None:
        raise _refused(turn, "nothing of that answer was kept")
    after = turn.case
    _tell(turn, command, kept, before)
    reopened = _reopened(before, after)
    turn.case = replace(
        before, revision=after.revision, entries=after.entries, next_task=after.next_task,
        clocks=_clocks(turn, before, after), tasks=tuple(reopened.get(task.id, task) for task in before.tasks),
    )  # fmt: skip
    _timers(turn, kept.timers)
    for task in turn.case.tasks:
        if task.is_open and _is_asked_again(task, before):
            turn.tell("task_reopened", task=task.id, name=task.name, due=task.due,
                      to=", ".join(task.assignees) or task.party or "nobody")  # fmt: skip
            if not task.offered:
                tasks.ask(turn, task)


def _checked(turn: Turn, kept: Kept | None) -> Case | None:
    case = turn.case
    if not turn.definition.undo:
        raise _refused(turn, f"no answer of '{turn.definition.process}' is taken back, since its mails may not wait")
    if not turn.office.undo_minutes:
        raise _refused(turn, "this office takes no answer back: 'undo_minutes' of its district.yaml is 0")
    if kept is None or turn.now >= kept.until:
        raise _refused(turn, f"nothing was answered in it within the last {turn.office.undo_minutes} minutes")
    if kept.revision != case.revision:
        raise _refused(turn, "something else has happened in it since the last answer")
    if kept.by != turn.actor.id:
        person = turn.office.person(kept.by)
        raise NotAllowed(f"the last answer in case {case.id} is {person.name if person else kept.by}'s: only they may "
                         "take it back")  # fmt: skip
    if kept.barred:
        raise _refused(turn, f"the last answer stays, since {kept.barred}")
    if kept.left:
        raise _refused(turn, kept.left)
    return kept.before


def _refused(turn: Turn, why: str) -> Refused:
    case_id = turn.case.id
    return Refused(f"nothing of case {case_id} was taken back: {why}; 'soppa record {case_id}' corrects a fact and "
                   "keeps both values")  # fmt: skip


def _tell(turn: Turn, command: Undo, kept: Kept, before: Case) -> None:
    """Writes down what is not so any more, and what is so again."""
    after = turn.case
    for task_id, outcome in kept.answers:
        task = before.task(task_id)
        turn.tell("answer_undone", task=task_id, name=task.name if task else None, outcome=outcome,
                  since=kept.at.isoformat(), by=turn.actor.name, reason=command.reason.strip() or None)
    _tell_elsewhere(turn, kept)
    turn.events.extend(_facts_back(turn, before.facts, after.facts))
    for name in sorted(before.parties.keys() | after.parties.keys()):
        if before.parties.get(name) != after.parties.get(name):
            turn.tell("party_changed", party=name)
    if after.ended_at != before.ended_at:
        turn.tell("case_reopened")
    for place in before.places:
        if place not in after.places:
            turn.tell("state_restored", state=place.state)
    for task in after.tasks:
        if task.is_open and before.task(task.id) is None:
            turn.tell("task_closed", task=task.id, name=task.name)


def _tell_elsewhere(turn: Turn, kept: Kept) -> None:
    for name, process in kept.started:
        turn.tell("child_called_off", child=name, process=process)
    for agreement in kept.agreements:
        turn.tell("agreement_restored", agreement=agreement)


def _facts_back(turn: Turn, before: Mapping[str, FactValue], after: Mapping[str, FactValue]) -> Iterator[Event]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) == after.get(name):
            continue
        said = {word: written(facts[name]) for word, facts in (("value", before), ("was", after)) if name in facts}
        known = turn.definition.fact(name)
        if known is not None and (known.personal or known.type.kind in SEALED_KINDS):
            yield Event("fact_taken_back", {"fact": name}, said)
        else:
            yield Event("fact_taken_back", {"fact": name, **said})


def _reopened(before: Case, after: Case) -> dict[str, Task]:
    """The tasks that were open before, as they are open again. Of one that is no longer as its reader was asked, the
    links of before are dead and stay so: its generation rises."""
    found: dict[str, Task] = {}
    for task in before.tasks:
        now = after.task(task.id)
        if not task.is_open or (now == task and _reaches(before, task) == _reaches(after, task)):
            continue
        latest = max(task.generation, now.generation if now is not None else 0)
        found[task.id] = replace(task, generation=latest + 1)
    return found


def _reaches(case: Case, task: Task) -> object:
    return case.parties.get(task.party or "")


def _is_asked_again(task: Task, before: Case) -> bool:
    old = before.task(task.id)
    return old is not None and old.generation != task.generation


def _clocks(turn: Turn, before: Case, after: Case) -> Mapping[str, Clock]:
    """The clocks with the dates of before. What was told of a generation is never overwritten: a date that comes back
    is a new one."""
    clocks = dict(after.clocks)
    for name, now in after.clocks.items():
        old = before.clocks.get(name)
        if old == now or (old is not None and replace(now, calendars=old.calendars) == old):
            continue
        if old is not None and old.status == "running":
            clocks[name] = _again(turn, old, now)
        else:
            why = old.reason if old is not None else TAKEN_BACK  # what was void before is so for the reason of before
            clocks[name] = replace(now, status="void", ended_on=turn.today, reason=why)
            turn.tell("clock_voided", clock=name, generation=now.generation, on=turn.today, by=TAKEN_BACK,
                      legal=now.legal)
    return clocks


def _again(turn: Turn, old: Clock, now: Clock) -> Clock:
    again = replace(old, generation=now.generation + 1, reason=TAKEN_BACK)
    turn.tell("clock_moved", clock=old.name, generation=again.generation, rule=f"{old.rule}@{old.rule_version}",
              was=now.legal, anchor=old.anchor, legal=old.legal, target=old.target, reason=TAKEN_BACK)
    return again


def _timers(turn: Turn, waited: Mapping[str, dt.datetime]) -> None:
    """Sets the timers that waited before, and no others. One that has fired since does not fire again."""
    turn.do(CancelTimers(""))
    for key, at in waited.items():
        kind, *rest = key.split("/")
        clock = turn.case.clocks.get(rest[0]) if kind in ("rung", "window") else None
        if clock is not None:
            rest[1] = str(clock.generation)
        turn.do(SetTimer("/".join((kind, *rest)), at, again=True))
