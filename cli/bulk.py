"""One answer for many cases: which ones, what they have in common, and then one case after the other."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cli.documents import handing_in
from cli.printing import bar, clean, day, pairs, print_json, say, table
from cli.sure import check_sure
from cli.takingback import clock_time, mapping, may_undo
from cli.values import fact_values
from cli.wiring import House
from engine.deciding.forms import without_files
from engine.deciding.suggesting import unchanged
from engine.errors import Refused, UsageError
from engine.language.guard_parser import GuardError, compile_guard
from engine.model.case import Actor, Case, Task
from engine.model.definition import Definition, TaskDef
from engine.model.guards import FactType, Guard, evaluate
from engine.model.messages import CompleteTask
from engine.nodes import nearest
from engine.words import say as in_words
from engine.words import written

if TYPE_CHECKING:
    from storage.undoing import MayUndo

UNCHANGED = "unchanged"
"""In a condition: last time's answers were given again as they were. A fact of this name comes first."""

_ABOUT, _VALUE = 18, 56


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: every open task of this name in a process whose case meets the condition, and the answer."""

    process: str
    task: str
    outcome: str
    where: str
    given: Mapping[str, str]
    actor: Actor
    reason: str = ""
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Pick:
    """One task that is answered. `about` names its agreement; `refusal` says why it is not, or would not be."""

    case: Case
    task: Task
    wanted: TaskDef
    definition: Definition
    about: str
    unchanged: bool
    refusal: str | None = None

    @property
    def legal(self) -> dt.date | None:
        clocks = self.definition.clocks
        return min((clock.legal for clock in self.case.clocks.values()
                    if clock.status == "running" and clock.legal and not clocks[clock.name].window), default=None)


def answer_many(house: House, asked: Asked, *, yes: bool, as_json: bool) -> None:
    """Shows what would be answered, and with `yes` answers it, each case in a transaction of its own. The same command
    goes on after a break. Raises `UsageError`, or `Refused` with every case that is not answered."""
    done = [_tried(house, asked, pick) for pick in _picked(house, asked)]
    kept: Mapping[str, MayUndo] = {}
    if yes:
        done = list(_answered(house, asked, done))
        kept = may_undo(house, [pick.case.id for pick in done if pick.refusal is None], asked.actor.id)
    if as_json:
        print_json({"process": asked.process, "task": asked.task, "outcome": asked.outcome, "applied": yes,
                    "cases": [{**_mapping(pick), "undo": mapping(kept.get(pick.case.id))} for pick in done]})
    else:
        _print(asked, done, yes=yes)
        _print_undo(kept, sum(pick.refusal is None for pick in done), house.settings.zone)
    refused = [f"case {pick.case.id}: {pick.refusal}" for pick in done if pick.refusal is not None]
    if refused and yes:
        raise Refused("\n".join(refused))


def _picked(house: House, asked: Asked) -> Iterator[Pick]:
    """The tasks in the order of their cases. Raises `UsageError` for a name or a condition that makes no sense."""
    newest = house.definitions.newest(asked.process)
    _check_names(newest, asked)
    conditions = {newest.hash: _condition(newest, asked.where)}
    labels = house.store.register.labels() if newest.names_agreements else {}
    with house.store.read() as unit:
        cases = [unit.case(case_id) for case_id in unit.open_cases(asked.process)]
    closed = house.closed(asked.actor, {case.id: case.process for case in cases})
    for case in cases:
        definition = house.definitions.pinned(case.process, case.version, case.hash)
        task = case.open_task(asked.task)
        wanted = definition.task(task) if task is not None else None
        if task is None or wanted is None or case.id in closed:
            continue
        if definition.hash not in conditions:
            conditions[definition.hash] = _condition(definition, asked.where)
        same = unchanged(definition, case)
        if evaluate(conditions[definition.hash], {UNCHANGED: same, **case.facts}, case.at) is True:
            yield Pick(case, task, wanted, definition, labels.get(case.subject or "", case.subject or ""), same)


def _check_names(definition: Definition, asked: Asked) -> None:
    tasks = {task.name: task for state in definition.states.values() for task in state.tasks}
    if asked.task not in tasks:
        raise UsageError(f"process {asked.process} has no task '{asked.task}'{nearest(asked.task, tasks)}")
    outcomes = tasks[asked.task].outcomes
    if asked.outcome not in outcomes:
        raise UsageError(f"task '{asked.task}' has no outcome '{asked.outcome}'{nearest(asked.outcome, outcomes)}")


def _condition(definition: Definition, where: str) -> Guard:
    types = {UNCHANGED: FactType("bool"), **{name: fact.type for name, fact in definition.facts.items()}}
    places = [name for name, state in definition.states.items() if state.region]
    try:
        return compile_guard(where, types, places)
    except GuardError as error:
        raise UsageError(f"--where, column {error.column}: {error} "
                         f"({definition.process} version {definition.version})") from error


def _tried(house: House, asked: Asked, pick: Pick) -> Pick:
    """As it would go now; nothing is written. Raises `UsageError` for words that fit no case."""
    values = fact_values(pick.definition, without_files(pick.definition, asked.given), house.active())
    check_sure(house, pick.definition, values, pick.case.facts, sure=asked.sure)
    command = CompleteTask(pick.task.id, asked.outcome, values, asked.actor, asked.reason)
    try:
        house.service.would(pick.case.id, command, house.clock())
    except Refused as error:
        return replace(pick, refusal=str(error))
    return pick


def _answered(house: House, asked: Asked, picks: Sequence[Pick]) -> Iterator[Pick]:
    """One after the other, each as it was when it was picked: what has changed since is refused."""
    with bar("answering") as told:
        for number, pick in enumerate(picks):
            told(number, len(picks))
            yield pick if pick.refusal is not None else _answered_one(house, asked, pick)


def _answered_one(house: House, asked: Asked, pick: Pick) -> Pick:
    try:
        _answer(house, asked, pick)
    except Refused as error:
        return replace(pick, refusal=str(error))
    return pick


def _answer(house: House, asked: Asked, pick: Pick) -> None:
    digest = house.service.facts_digest(pick.case, pick.definition, pick.wanted)
    with handing_in(house.documents, pick.definition, asked.given) as words:
        values = fact_values(pick.definition, words, house.active())
        house.service.complete_task(pick.task.id, asked.outcome, values, asked.actor, house.clock(),
                                    reason=asked.reason, seen_generation=pick.task.generation, seen_facts=digest)


def _print(asked: Asked, picks: Sequence[Pick], *, yes: bool) -> None:
    if not picks:
        say("no open task is meant")
        return
    answered = sum(pick.refusal is None for pick in picks)
    table(["case", "about", "" if yes else "last answers", "legal deadline", "district target"], [
        [pick.case.id, _cut(pick.about, _ABOUT), _end(pick) if yes else _since(pick), day(pick.legal),
         day(pick.task.due)] for pick in picks])
    if yes:
        say(f"{answered} of {_count(len(picks), 'task')} answered: {asked.task}, {asked.outcome}")
        return
    _print_common(picks)
    wanted = picks[0].wanted
    say(f"\nTask: {in_words(wanted.title, 'en')}\nAnswer: {in_words(wanted.outcomes[asked.outcome].label, 'en')}")
    pairs(dict(asked.given))
    for pick in picks:
        if pick.refusal is not None:
            say(f"case {pick.case.id} would be refused: {pick.refusal}")
    say(f"\nNothing is answered yet. Look once, then add --yes to answer {_count(answered, 'task')} alike.")


def _print_undo(kept: Mapping[str, MayUndo], answered: int, zone: ZoneInfo) -> None:
    """How each of the answers is taken back, up to the minute of the first of them."""
    if kept:
        until = clock_time(min(one.until for one in kept.values()), zone)
        which = "any of them" if len(kept) == answered else f"those of {', '.join(sorted(kept))}"
        say(f"until {until} soppa undo CASE takes an answer back, {which}")


def _print_common(picks: Sequence[Pick]) -> None:
    """What their task shows: what is the same in all of them, and how often each value of what is not."""
    names = dict.fromkeys(name for pick in picks for name in pick.wanted.shows)
    found = {name: Counter(_text(pick.case, name) for pick in picks) for name in names}
    same = {name: _cut(next(iter(values)), _VALUE) for name, values in found.items() if len(values) == 1}
    differ = {name: _cut("; ".join(f"{value} ({count})" for value, count in values.most_common()), _VALUE)
              for name, values in found.items() if len(values) > 1}  # fmt: skip
    if same:
        say(f"\nThe same in all {len(picks)}" if len(picks) > 1 else "\nOn file")
        pairs(same)
    if differ:
        say("\nNot the same (how often)")
        pairs(differ)


def _text(case: Case, name: str) -> str:
    return written(case.facts[name]).replace("\n", " / ") if name in case.facts else "–"


def _since(pick: Pick) -> str:
    if not pick.case.suggested:
        return "none"
    return UNCHANGED if pick.unchanged else "changed"


def _end(pick: Pick) -> str:
    return "answered" if pick.refusal is None else "refused"


def _mapping(pick: Pick) -> dict[str, object]:
    """The documented JSON keys."""
    return {"case": pick.case.id, "task": pick.task.id, "about": pick.about or None, "unchanged": pick.unchanged,
            "legal_due": pick.legal, "due": pick.task.due, "refusal": pick.refusal}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _cut(text: str, width: int) -> str:
    plain = clean(text)
    return plain if len(plain) <= width else f"{plain[: width - 1]}…"
