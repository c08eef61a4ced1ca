"""A case played on a fake clock, in memory: what fires when and to whom. Nothing is stored and nothing is sent.

The world outside is friendly: each mail is accepted on the day it is queued. Cases of a story run on the same clock as
their children. Everything is decided by the very functions that decide real cases.
"""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.deciding.decide import decide, start
from engine.deciding.forms import SAMPLE_DOCUMENT
from engine.errors import Refused, SoppaError, Unmet, UsageError, WrongDate
from engine.model.case import SYSTEM, Actor, Case, Contact, FactValue
from engine.model.cycles import start_date, which_day
from engine.model.definition import CYCLE_ON, SUBJECT, Definition
from engine.model.messages import (
    AudienceTold,
    CancelTimers,
    ChildEnded,
    Command,
    CompleteTask,
    Decision,
    Event,
    FireTimer,
    MailSettled,
    Notify,
    PlaceHold,
    ReleaseHold,
    Send,
    SendToAll,
    SetTimer,
    StartCase,
    StartChild,
    TellParent,
    WriteRegister,
)
from engine.model.office import Office
from engine.model.register import Entry, entry_id, ids_in
from engine.nodes import nearest
from engine.ports import Definitions

NOON = 12
HOLD = "hold"
COUNSEL = Actor("person", "legal", "Counsel", frozenset({"legal"}))
MAX_MOVES = 10_000
"""More moves than any story makes: a definition that turns in circles is stopped."""


_PLAIN: Mapping[type[SoppaError], type[SoppaError]] = {Unmet: Refused, WrongDate: UsageError}
"""Errors that know more than their sentence, and those that say it alone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody does in a story: on a local date, outcome `outcome` of task `task`, with values for its form.

    Task `hold` with `place` or `release` is a law-enforcement hold. `process` picks the case where a story has several;
    None is the case that the story is about. An answer with `refused` must not be taken, for a reason with these words.
    """

    on: dt.date
    task: str
    outcome: str
    values: Mapping[str, FactValue] = field(default_factory=dict)
    process: str | None = None
    by: str | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a story: at an instant, in a case, an event of history, or a mail or brief line for a reader."""

    at: dt.datetime
    case_id: str
    kind: str
    detail: Mapping[str, str]


@dataclass(slots=True)
class Story:
    """Everything that happened, in order, and the cases as they ended; the first case is the one it is about."""

    happenings: list[Happening] = field(default_factory=list)
    cases: dict[str, Case] = field(default_factory=dict)

    @property
    def case(self) -> Case:
        return next(iter(self.cases.values()))

    def of(self, kind: str) -> list[Happening]:
        return [happening for happening in self.happenings if happening.kind == kind]


def play(
    definition: Definition,
    definitions: Definitions,
    office: Office,
    start_on: dt.date,
    facts: Mapping[str, FactValue],
    parties: Mapping[str, Contact],
    answers: Sequence[Answer] = (),
    days: int = 400,
    actor: Actor = SYSTEM,
) -> Story:
    """Plays a case for `days` local days from `start_on`. Those of `facts` that are taken from an agreement say what
    the register of this story has of it: of every agreement that the story names. What a schedule gives need not be
    said: the date of the cycle that starts on this day, and some agreement.

    Raises as `start` and `decide` do when an answer is refused, with the answer named.
    """
    facts = {**_of_schedule(definition, start_on, office), **facts}
    named = _agreements(definition, definitions, facts, answers)
    known, typed = _told_of_the_register(definition, facts, named)
    house = replace(office, register=known, processes=frozenset(definitions.processes()))
    player = _Player(definitions, house, Story(), office.at_local(start_on, NOON))
    player.open(definition, StartCase("S-1", actor, typed, parties))
    end = office.at_local(start_on + dt.timedelta(days=days), NOON)
    for answer in sorted(answers, key=lambda a: a.on):
        player.run_until(min(office.at_local(answer.on, NOON), end))
        player.answer(answer)
    player.run_until(end)
    return player.story


def _of_schedule(definition: Definition, start_on: dt.date, office: Office) -> Mapping[str, FactValue]:
    """What a schedule would give a case that starts on this day, unless the story says it."""
    schedule = definition.schedule
    if schedule is None:
        return {}
    subject: Mapping[str, FactValue] = {SUBJECT: entry_id("A", 1)} if schedule.of_agreements else {}
    on = start_date(schedule, start_on, office)
    return {CYCLE_ON: on, **subject, **dict(schedule.facts), **which_day(definition, schedule, on, office)}


def _agreements(
    definition: Definition, definitions: Definitions, facts: Mapping[str, FactValue], answers: Sequence[Answer]
) -> tuple[str, ...]:
    """Every agreement that a story names, in its order."""
    told = [(definition, facts)]
    told += [(definitions.newest(one.process) if one.process else definition, one.values) for one in answers]
    found = [values[name] for of, values in told for name in of.shows_agreements if name in values]
    return tuple(dict.fromkeys(one for value in found for one in ids_in(value)))


def _told_of_the_register(
    definition: Definition, facts: Mapping[str, FactValue], named: Sequence[str]
) -> tuple[Mapping[str, Entry], Mapping[str, FactValue]]:
    """The register of a story, and the facts that somebody types. Raises `UsageError` where no agreement is named."""
    taken = {name: fact.taken.field for name, fact in definition.facts.items() if fact.taken and name in facts}
    if taken and not named:
        raise UsageError(f"{', '.join(taken)}: these are taken from an agreement, so name one, such as A-0001")
    values = {field: facts[name] for name, field in taken.items()}
    typed = {name: value for name, value in facts.items() if name not in taken}
    return {agreement: Entry(agreement, values, f"Agreement {agreement}") for agreement in named}, typed


@dataclass(slots=True)
class _Player:
    definitions: Definitions
    office: Office
    story: Story
    now: dt.datetime
    timers: list[tuple[dt.datetime, int, str, str]] = field(default_factory=list)
    known: set[tuple[str, str]] = field(default_factory=set)
    waiting: list[tuple[str, Command]] = field(default_factory=list)
    moves: int = 0

    def open(self, definition: Definition, command: StartCase) -> None:
        self.keep(definition, start(definition, command, self.now, self.office))
        self.settle()

    def run_until(self, moment: dt.datetime) -> None:
        while self.timers and self.timers[0][0] <= moment:
            at, _, case_id, key = heapq.heappop(self.timers)
            self.now = max(self.now, at)
            self.do(case_id, FireTimer(key))
        self.now = max(self.now, moment)

    def answer(self, answer: Answer) -> None:
        if answer.task == HOLD:
            self.hold(answer)
            return
        case = self.find(answer)
        task = case.open_task(answer.task)
        if task is None:
            known = [task.name for task in case.tasks if task.is_open]
            said = f"case in state '{case.state}' has no open task '{answer.task}'{nearest(answer.task, known)}"
            if answer.refused is not None and answer.refused in said:
                return
            raise UsageError(f"on {answer.on}: {said}")
        command = CompleteTask(task.id, answer.outcome, answer.values, SYSTEM)
        if answer.refused is not None:
            self.refuse(case.id, command, answer)
            return
        try:
            self.do(case.id, command)
        except SoppaError as error:
            kind = _PLAIN.get(type(error), type(error))
            raise kind(f"on {answer.on}, {answer.task}.{answer.outcome}: {error}") from error

    def refuse(self, case_id: str, command: CompleteTask, answer: Answer) -> None:
        """An answer that is not taken leaves its case as it was. Raises `UsageError` where it is taken, or refused for
        another reason."""
        case = self.story.cases[case_id]
        where = f"on {answer.on}, {answer.task}.{answer.outcome}"
        try:
            decide(self.definitions.pinned(case.process, case.version, case.hash), case, command, self.now, self.office)
        except SoppaError as error:
            if str(answer.refused) not in str(error):
                raise UsageError(f"{where}: should be refused with '{answer.refused}', was with '{error}'") from error
        else:
            raise UsageError(f"{where}: should be refused with '{answer.refused}', was taken")

    def hold(self, answer: Answer) -> None:
        """Places or releases a law-enforcement hold on the day of the answer; counsel of a story acts."""
        case = self.find(answer)
        if answer.outcome == "release":
            standing = next((hold.id for hold in case.holds if hold.stands), "")
            self.do(case.id, ReleaseHold(standing, answer.on, "the agency's letter", COUNSEL, SAMPLE_DOCUMENT))
        else:
            self.do(case.id, PlaceHold("an agency", "an officer", "1", answer.on, SAMPLE_DOCUMENT, COUNSEL))

    def find(self, answer: Answer) -> Case:
        """The case an answer is for: the first open one of its process that has the task open."""
        wanted = answer.process or self.story.case.process
        cases = [case for case in self.story.cases.values() if case.process == wanted]
        fitting = [case for case in cases if case.open_task(answer.task)]
        if not cases:
            raise UsageError(f"on {answer.on}: the story has no case of process '{wanted}'")
        return (fitting or cases)[0]

    def do(self, case_id: str, command: Command) -> None:
        case = self.story.cases[case_id]
        definition = self.definitions.pinned(case.process, case.version, case.hash)
        self.keep(definition, decide(definition, case, command, self.now, self.office))
        self.settle()

    def settle(self) -> None:
        while self.waiting:
            self.moves += 1
            if self.moves > MAX_MOVES:
                raise UsageError(f"the story does not come to rest after {MAX_MOVES} moves: look for a circle")
            case_id, command = self.waiting.pop(0)
            if isinstance(command, StartCase):
                self.open(self.definitions.newest(command.process), command)
            else:
                self.do(case_id, command)

    def keep(self, definition: Definition, decision: Decision) -> None:
        case = decision.case
        self.story.cases[case.id] = case
        self.tell(case.id, decision.events)
        for effect in decision.effects:
            match effect:
                case SetTimer(key, at) if (case.id, key) not in self.known:
                    self.known.add((case.id, key))
                    heapq.heappush(self.timers, (at, len(self.known), case.id, key))
                case CancelTimers(prefix):
                    self.timers = [t for t in self.timers if t[2] != case.id or not t[3].startswith(prefix)]
                    heapq.heapify(self.timers)
                case Send():
                    self.sent(definition, case, effect)
                case SendToAll():
                    self.sent_to_all(case, effect)
                case Notify():
                    detail = {"to": effect.recipient, "line": effect.text, "of": effect.subject, "kind": effect.kind}
                    self.story.happenings.append(Happening(self.now, case.id, "brief_line", detail))
                case StartChild():
                    self.waiting.append((case.id, self.child(case, effect)))
                case TellParent(parent, child, outcome):
                    self.waiting.append((parent, ChildEnded(child, case.id, outcome)))
                case WriteRegister():
                    self.register(effect)
                case _:
                    pass

    def register(self, effect: WriteRegister) -> None:
        if not effect.agreement:
            return
        known = self.office.register.get(effect.agreement, Entry(effect.agreement, {}))
        entry = replace(known, values={**known.values, **effect.values})
        following = self.office.next_agreement + effect.is_new
        register = {**self.office.register, entry.id: entry}
        self.office = replace(self.office, register=register, next_agreement=following)

    def sent(self, definition: Definition, case: Case, effect: Send) -> None:
        detail = {"mail": effect.mail, "to": effect.recipient}
        self.story.happenings.append(Happening(self.now, case.id, "mail", detail))
        if effect.mail in definition.mails:
            on = self.office.today(self.now)
            self.waiting.append((case.id, MailSettled(effect.mail, effect.occurrence, "accepted", on)))

    def sent_to_all(self, case: Case, effect: SendToAll) -> None:
        """Everybody of an audience is told on the day on which the mail leaves."""
        detail = {"mail": effect.mail, "to": f"audience:{effect.audience}"}
        self.story.happenings.append(Happening(self.now, case.id, "mail", detail))
        on = self.office.today(self.now)
        told = (AudienceTold(effect.mail, "began", on), AudienceTold(effect.mail, "told", on),
                AudienceTold(effect.mail, "complete", on))
        self.waiting += [(case.id, command) for command in told]

    def child(self, case: Case, effect: StartChild) -> StartCase:
        number = f"{case.id}.{len(self.story.cases) + len(self.waiting)}"
        return StartCase(number, SYSTEM, effect.facts, effect.parties, case.id, effect.child, effect.process)

    def tell(self, case_id: str, events: Iterable[Event]) -> None:
        for event in events:
            self.story.happenings.append(Happening(self.now, case_id, event.kind, event.told))
