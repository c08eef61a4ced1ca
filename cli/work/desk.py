"""What the full-screen queue stands on: its rows, one case at a time, and what is done with it. Knows no screen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cli.documents import handing_in
from cli.takingback import may_undo, sentence, take_back
from cli.wiring import House, database_url
from engine.deciding.readers import may_do
from engine.errors import NotAllowed, UsageError
from engine.model.case import Actor, Case, Clock, Task
from engine.model.definition import Definition, TaskDef, say
from engine.model.messages import AddNote, Nudge, Snooze
from engine.model.office import Office
from storage.looking.queue import QueueRow, View, open_queue_rows
from web.forms import FieldView, Submission, doubted, fields_of, read_submission

if TYPE_CHECKING:
    from storage.chains.history import HistoryLine
    from storage.undoing import MayUndo

LANGUAGE = "en"
"""Of the terminal, as of every other command."""

Typed = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Matter:
    """A case as it is read: with its definition, the office, its notes, and what the register calls its agreements.
    `undo` says until when the last answer may be taken back, and is empty when it may not."""

    case: Case
    definition: Definition
    office: Office
    today: dt.date
    notes: Sequence[HistoryLine] = ()
    agreements: Mapping[str, str] = field(default_factory=dict)
    undo: str = ""

    @property
    def open_tasks(self) -> list[Task]:
        """Those that somebody is asked to do before the offered ones."""
        return sorted((task for task in self.case.tasks if task.is_open), key=lambda task: task.offered)

    @property
    def duties(self) -> list[Clock]:
        """The running duties with a date, the earliest first."""
        clocks = self.definition.clocks
        running = [clock for clock in self.case.clocks.values()
                   if clock.status == "running" and clock.legal is not None and not clocks[clock.name].window]
        return sorted(running, key=lambda clock: clock.legal or dt.date.max)

    def wanted(self, task: Task) -> TaskDef:
        """Raises `UsageError` for a task that its definition does not know."""
        found = self.definition.task(task)
        if found is None:
            raise UsageError(f"task {task.id} does not belong to the present state of case {self.case.id}")
        return found

    def title(self, task: Task) -> str:
        return say(self.wanted(task).title, LANGUAGE)

    def who(self, task: Task) -> str:
        people = [person.name for person in map(self.office.person, task.assignees) if person]
        party = self.case.parties.get(task.party or "")
        return ", ".join(people) or (party.name if party else task.party or task.role or "nobody")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The form of one task as it was opened: whatever has changed since, an answer on it is refused."""

    matter: Matter
    task: Task
    wanted: TaskDef
    digest: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What is typed into a form and not sent; `sure` are the unlikely dates that were asked about."""

    outcome: str = ""
    typed: Typed = field(default_factory=dict)
    sure: frozenset[str] = frozenset()


class Mistyped(UsageError):
    """Some fields cannot be read, or are missing; the sentences stand beside them."""

    def __init__(self, submission: Submission) -> None:
        self.submission = submission
        number = len(submission.errors)
        super().__init__(f"{number} answer{'s are' if number > 1 else ' is'} missing or cannot be read")


@dataclass(frozen=True, slots=True)
class Desk:
    """One person at work. `view` says which rows of the queue are wanted; what they have snoozed is left out."""

    house: House
    actor: Actor
    view: View

    def today(self) -> dt.date:
        return self.house.clock().astimezone(self.house.settings.zone).date()

    def rows(self) -> list[QueueRow]:
        database = database_url(self.house.home, self.house.settings)
        rows = open_queue_rows(database, replace(self.view, today=self.today()))
        closed = self.house.closed(self.actor, {row.case_id: row.process for row in rows})
        return [row for row in rows if row.case_id not in closed]

    def matter(self, case_id: str) -> Matter:
        house = self.house
        case, office = house.case(case_id, self.actor), house.make_office(house.store.people())
        definition = house.definitions.pinned(case.process, case.version, case.hash)
        labels = house.store.register.labels() if definition.shows_agreements else {}
        kept = may_undo(house, [case_id]).get(case_id)
        undo = sentence(case_id, kept, office.zone) if kept is not None else ""
        return Matter(case, definition, office, self.today(), house.store.views.notes(case_id), labels, undo)

    def sheet(self, matter: Matter, task: Task) -> Sheet:
        """Raises `NotAllowed` for somebody who may not answer the task."""
        wanted = matter.wanted(task)
        if not may_do(matter.office, matter.today, task, self.actor):
            raise NotAllowed(f"{matter.title(task)}: this is for {matter.who(task)}, not for you")
        return Sheet(matter, task, wanted, self.house.service.facts_digest(matter.case, matter.definition, wanted))

    def fields(self, sheet: Sheet, submission: Submission | None) -> tuple[FieldView, ...]:
        matter = sheet.matter
        return fields_of(matter.definition, sheet.wanted, matter.case.facts, matter.office, LANGUAGE, personal=True,
                         submission=submission, agreements=matter.agreements, suggested=matter.case.suggested,
                         today=matter.today)

    def answer(self, sheet: Sheet, draft: Draft) -> Case:
        """Raises `Mistyped`, or what the engine refuses; nothing is kept then."""
        matter = sheet.matter
        documents = {name: " ".join(draft.typed[name]).strip() for name in self._documents(sheet)
                     if "".join(draft.typed.get(name, ())).strip()}  # fmt: skip
        with handing_in(self.house.documents, matter.definition, documents) as kept:
            typed = {**draft.typed, **{name: [word] for name, word in kept.items()}}
            read = read_submission(matter.definition, sheet.wanted, matter.case.facts, matter.office, LANGUAGE, typed,
                                   draft.outcome, matter.agreements)
            read = doubted(read, matter.definition, matter.case.facts, matter.office, LANGUAGE, self.house.clock(),
                           draft.sure)
            if read.errors:
                raise Mistyped(replace(read, typed=draft.typed))
            return self.house.service.complete_task(
                sheet.task.id, draft.outcome, read.values, self.actor, self.house.clock(),
                seen_generation=sheet.task.generation, seen_facts=sheet.digest,
            )

    def may_undo(self, case_id: str) -> MayUndo | None:
        """Until when one's own last answer in this case may be taken back, and how many mails wait so long."""
        return may_undo(self.house, [case_id], self.actor.id).get(case_id)

    def undo(self, case_id: str) -> None:
        take_back(self.house, self.house.case(case_id, self.actor), self.actor)

    def note(self, case_id: str, text: str) -> None:
        self.house.service.tend(case_id, AddNote(text, self.actor), self.house.clock())

    def nudge(self, case_id: str, task_id: str) -> None:
        self.house.service.tend(case_id, Nudge(task_id, self.actor), self.house.clock())

    def snooze(self, case_id: str, task_id: str, until: dt.date) -> None:
        self.house.service.tend(case_id, Snooze(task_id, until, self.actor), self.house.clock())

    def _documents(self, sheet: Sheet) -> list[str]:
        facts = sheet.matter.definition.facts
        return [one.fact for one in sheet.wanted.form
                if one.fact in facts and facts[one.fact].type.kind == "document"]  # fmt: skip
