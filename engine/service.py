"""What people and the daemon ask for, each in one transaction. The one module that calls the ports.

A command loads the case, decides, and keeps the decision; nobody is answered before the commit. A lost race loads and
decides again; the decision itself refuses what the person could not have meant.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from engine.adoption import Adoption, Adoptions
from engine.ahead import Batch
from engine.deciding.decide import decide, start
from engine.deciding.migrating import Migration, migrate
from engine.equipping import equipped
from engine.errors import AlreadyDecided, LostRace, Refused, Stale, UsageError
from engine.model.case import SYSTEM, Actor, Case, Contact, FactValue
from engine.model.definition import Definition, TaskDef
from engine.model.handed import Answer, DueCycle, DueTimer, Message
from engine.model.messages import (
    AddNote,
    Command,
    CompleteTask,
    Decision,
    Event,
    FireTimer,
    MailBounced,
    Nudge,
    PlaceHold,
    Reassign,
    RecordFacts,
    Recount,
    ReleaseHold,
    SetTimer,
    Snooze,
    StartCase,
    StartChild,
    TellParent,
    WriteRegister,
)
from engine.model.office import Office
from engine.model.register import SUPERSEDES
from engine.model.undoable import Undo
from engine.ports import Definitions, OfficeMaker, Store, Taking, Unit
from engine.standing import Standing
from engine.words import written

TRIES = 5
LATEST = dt.datetime.max.replace(tzinfo=dt.UTC)
BATCH = 50
Also = Callable[[Unit, Case, Case], None]
"""Work in the same transaction, shown the case before and after; what it raises undoes all of it."""


class Service:
    """The engine at work on a store. Every instant is passed in; nothing here reads a clock."""

    def __init__(self, store: Store, definitions: Definitions, make_office: OfficeMaker) -> None:
        self.store = store
        self.definitions = definitions
        self.make_office = make_office
        self.standing = Standing(definitions)
        self.adoptions = Adoptions()
        self._counted_in: tuple[str, ...] | None = None
        self._planned = False
        self._asked_up_to = ""

    def start(
        self,
        process: str,
        facts: Mapping[str, FactValue],
        parties: Mapping[str, Contact],
        actor: Actor,
        now: dt.datetime,
        after: str | None = None,
    ) -> Case:
        """Opens a case on the newest definition of a process, which is adopted with it; it is suggested the answers of
        the ended case `after`. Raises `UsageError` or `Refused`."""
        definition = self.definitions.newest(process)
        with self.store.begin() as unit:
            office = self._office(unit)
            command = StartCase(unit.new_case_id(office.today(now)), actor, facts, parties)
            if after is not None:
                command = self.standing.following(unit, definition, command, after, office)
            return self._open(unit, definition, command, now, office).case

    def adopt(self, wanted: Adoption, now: dt.datetime) -> Case:
        """Takes a case in that has run elsewhere; once for each key, whoever asks how often.

        Raises `AlreadyDecided` for a key that is taken, `UsageError` or `Refused` with all that is wrong.
        """
        for _ in range(TRIES):
            try:
                with self.store.begin() as unit:
                    return self.adopt_in(unit, wanted, now).case
            except LostRace:
                continue
        raise Refused(f"{wanted.key} is being adopted by others: try again in a moment")

    def adopt_in(self, unit: Unit, wanted: Adoption, now: dt.datetime) -> Decision:
        """As `adopt`, in the transaction at hand."""
        definition, office = wanted.footing.definition, self._office(unit)
        found = self.adoptions.take_in(unit, wanted, now, equipped(unit, office, definition, wanted.command))
        unit.adopt(definition, self.definitions.source)
        self._keep(unit, None, found, wanted.command.actor, now, office)
        self.adoptions.keep(unit, wanted, found.case, now)
        return found

    def fire_in(self, unit: Unit, timers: Iterable[tuple[str, str, dt.datetime]]) -> None:
        """Fires timers in the transaction at hand, each a case, a key and an instant; their rows stay as they are."""
        office = self._office(unit)
        for case_id, key, at in timers:
            self._fire_key(unit, unit.case(case_id), key, at, office)

    def complete_task(
        self,
        task_id: str,
        outcome: str,
        values: Mapping[str, FactValue],
        actor: Actor,
        now: dt.datetime,
        *,
        reason: str = "",
        seen_generation: int | None = None,
        seen_facts: str | None = None,
        also: tuple[tuple[str, str | None], ...] = (),
        break_glass: bool = False,
    ) -> Case:
        """Answers a task, and with it those of `also`; with `break_glass` in the place of those who were asked.

        Raises `AlreadyDecided`, `Stale`, `NotAllowed`, `Refused` or `UsageError`.
        """
        command = CompleteTask(
            task_id, outcome, values, actor, reason, seen_generation, seen_facts, also, break_glass
        )
        try:
            return self._change(_OfTask(task_id), command, now, self._unchanged)
        except (AlreadyDecided, Stale) as error:
            first = self.answered_too_late(task_id, actor, now)
            if first is None:
                raise
            raise AlreadyDecided(f"already decided by {first.by}: {first.outcome}") from error

    def answered_too_late(self, task_id: str, actor: Actor, now: dt.datetime) -> Answer | None:
        """Who was first to answer a task, if somebody was; that another tried too late stands in the history then."""
        with self.store.begin() as unit:
            case = unit.case(unit.case_of_task(task_id))
            first = unit.answer_of(case.id, task_id)
            if first is not None and first.actor != f"{actor.kind}:{actor.id}":
                names = {"by": actor.name, "decided_by": first.by}
                is_office = actor.kind != "party" and not first.actor.startswith("party:")
                told = {"task": task_id, **(names if is_office else {})}
                unit.note(case.id, Event("answer_too_late", told, {} if is_office else names), actor, now)
        return first

    def record(
        self,
        case_id: str,
        values: Mapping[str, FactValue],
        actor: Actor,
        now: dt.datetime,
        reason: str,
        second: str | None = None,
        also: Also | None = None,
    ) -> Case:
        """Records facts with a reason; `second` is the other person where a legal date moves later.

        Raises `NeedsSecond` where there is none, `NotAllowed`, `Refused` or `UsageError`.
        """
        return self._change(case_id, RecordFacts(values, actor, reason, second), now, also=also)

    def place_hold(self, case_id: str, command: PlaceHold, now: dt.datetime) -> Case:
        """Stops what may be held while an agency's written request stands. Raises `Refused` or `UsageError`."""
        return self._change(case_id, command, now)

    def release_hold(self, case_id: str, command: ReleaseHold, now: dt.datetime) -> Case:
        """Lets the dates of a case count again. Raises `Refused` or `UsageError`."""
        return self._change(case_id, command, now)

    def bounced(self, case_id: str, command: MailBounced, now: dt.datetime, also: Also) -> Case:
        """Opens the paper path for a mail that came back. Raises `Refused` or `UsageError`."""
        return self._change(case_id, command, now, also=also)

    def would_migrate(self, case_id: str, actor: Actor, now: dt.datetime) -> Migration:
        """What moving a case to the newest version of its process would do; nothing is written."""
        with self.store.read() as unit:
            return self._migration(unit, case_id, actor, "", now)

    def migrate(self, case_id: str, actor: Actor, reason: str, now: dt.datetime) -> Migration:
        """Moves a case to the newest version of its process, in one transaction; one that may not move stays, and the
        migration says why. Raises `UsageError` without a reason, `Refused` where others are changing the case."""
        if not reason.strip():
            raise UsageError("moving a case to another version needs a reason: add --reason")
        for _ in range(TRIES):
            try:
                with self.store.begin() as unit:
                    found = self._migration(unit, case_id, actor, reason, now)
                    if found.decision is not None:
                        unit.adopt(self.definitions.newest(found.case.process), self.definitions.source)
                        self._keep(unit, found.case, found.decision, actor, now, self._office(unit))
                    return found
            except LostRace:
                continue
        raise Refused(f"case {case_id} is being changed by others: try again in a moment")

    def _migration(self, unit: Unit, case_id: str, actor: Actor, reason: str, now: dt.datetime) -> Migration:
        case, old = self._load(unit, case_id)
        return migrate(old, self.definitions.newest(case.process), case, actor, reason, now, self._office(unit))

    def would(self, case_id: str, command: Command, now: dt.datetime) -> tuple[Case, Case]:
        """The case as it is and as it would be after a command; nothing is written. Raises as the command does."""
        with self.store.read() as unit:
            case, definition = self._load(unit, case_id)
            office = equipped(unit, self._office(unit), definition, command, case.facts)
            return case, decide(definition, case, command, now, office).case

    def reassign(self, task_id: str, to: str, actor: Actor, now: dt.datetime, reason: str) -> Case:
        """Gives a task to another person; links mailed before are dead."""
        return self._change(_OfTask(task_id), Reassign(task_id, to, actor, reason), now)

    def tend(self, case_id: str, command: AddNote | Nudge | Snooze, now: dt.datetime) -> Case:
        """What an officer does beside answering (`engine.deciding.officer`). Raises `Refused` or `UsageError`."""
        return self._change(case_id, command, now)

    def undo(self, case_id: str, actor: Actor, now: dt.datetime, reason: str = "") -> Case:
        """Takes the actor's last answer back. Raises `Refused`, `NotAllowed` or `UsageError`."""
        return self._change(case_id, Undo(actor, reason), now)

    def recount(self, now: dt.datetime, limit: int = BATCH) -> int:
        """Asks each case with a clock that was counted in a calendar which has changed since to count again, by a
        message of its own; says how many were asked.

        Looks only once for each set of calendars that this process meets, so that it costs nothing afterwards.
        """
        with self.store.read() as unit:
            calendars = self._office(unit).calendars.versions()
            if calendars == self._counted_in:
                return 0
            cases = unit.counted_otherwise(calendars, limit, self._asked_up_to)
        with self.store.begin() as unit:
            for case_id in cases:
                unit.leave(case_id, Recount(), f"recount/{case_id}/{' '.join(calendars)}", now)
        self._asked_up_to = cases[-1] if len(cases) == limit else ""
        self._counted_in = calendars if len(cases) < limit else None
        return len(cases)

    def plan(self, unit: Unit, agreements: Collection[str], now: dt.datetime) -> None:
        """Plans the cycles of agreements that this transaction has written without a case."""
        self.standing.plan(unit, agreements, now, self._office(unit))

    def replan(self, now: dt.datetime, limit: int = BATCH) -> bool:
        """Plans every active agreement anew where schedules have changed since that was done last, in transactions of
        `limit` agreements. Looks only once in the life of this process; whether there was anything to do."""
        if self._planned:
            return False
        with self.store.read() as unit:
            schedules = self.standing.schedules(self._office(unit))
            changed = unit.planned_for() != schedules
        beyond: str | None = "" if changed else None
        while beyond is not None:
            with self.store.begin() as unit:
                beyond = self.standing.plan_page(unit, beyond, limit, now, self._office(unit))
                if beyond is None:
                    unit.set_planned_for(schedules)
        self._planned = True
        return changed

    def tick(
        self,
        now: dt.datetime,
        limit: int = BATCH,
        spent: Callable[[], bool] = lambda: False,
        taking: Taking = lambda kind, ref: None,
    ) -> int:
        """Fires timers and starts cycles that are due, in one transaction with a savepoint each; says how many were
        looked at.

        One whose case is sick is counted and left; the others go on. Once `spent` says so, the batch ends after the one
        in hand, so that a waiting writer gets its turn. A timer waits for the next batch where one before it has set an
        earlier one for the same case. Call again while it answers `limit`.
        """
        failed: list[tuple[DueTimer | DueCycle, str]] = []
        looked_at, waits = 0, False
        with self.store.begin() as unit:
            due: list[DueTimer | DueCycle] = [*unit.due_timers(now, limit)]
            due += unit.due_cycles(now, limit - len(due)) if len(due) < limit else ()
            office = self._office(unit) if due else None
            batch = Batch([row for row in due if isinstance(row, DueTimer)],
                          [row for row in due if isinstance(row, DueCycle)])  # fmt: skip
            while office is not None and looked_at < len(due) and not (looked_at and spent()):
                row = due[looked_at]
                looked_at += 1
                if isinstance(row, DueTimer) and batch.earlier.get(row.case_id, row.at) < row.at:
                    waits = True
                    continue
                taking(_kind(row), row.id)
                error = self._do(unit, row, now, office, batch)
                if error is not None:
                    failed.append((row, error))
            unit.timers_fired(batch.fired, now)
        for row, error in failed:
            self.store.failed(_kind(row), row.id, error, now)
        return looked_at if looked_at == len(due) and not waits else limit

    def advance(
        self, now: dt.datetime, limit: int = BATCH, taking: Taking = lambda kind, ref: None
    ) -> int:
        """Delivers waiting messages, each in a transaction of its own that locks one case; says how many.

        One that fails, or loses the race again and again, is counted and left for a later call; the others go on.
        """
        left, lost = set[int](), Counter[int]()
        for count in range(limit):
            if not self._deliver_next(left, lost, now, taking):
                return count
        return limit

    def facts_digest(self, case: Case, definition: Definition, task: TaskDef) -> str:
        """A digest of what a person is shown with a task: the facts shown and the form's present values."""
        names = sorted({*task.shows, *(field.fact for field in task.form)})
        shown = [f"{name}={written(case.facts[name])}" for name in names if name in case.facts]
        return hashlib.sha256("\n".join([definition.hash, *shown]).encode()).hexdigest()

    def _open(
        self, unit: Unit, definition: Definition, command: StartCase, now: dt.datetime, office: Office
    ) -> Decision:
        decision = start(definition, command, now, equipped(unit, office, definition, command))
        unit.adopt(definition, self.definitions.source)
        self._keep(unit, None, decision, command.actor, now, office)
        return decision

    def _change(
        self,
        which: str | _OfTask,
        command: Command,
        now: dt.datetime,
        check: Callable[[Case, Definition, Command], None] | None = None,
        also: Also | None = None,
    ) -> Case:
        for _ in range(TRIES):
            try:
                with self.store.begin() as unit:
                    case_id = which if isinstance(which, str) else unit.case_of_task(which.task_id)
                    case, definition = self._load(unit, case_id)
                    if check is not None:
                        check(case, definition, command)
                    if isinstance(command, CompleteTask | Undo):
                        definition = self._as_the_newest(definition)
                    if isinstance(command, Undo):
                        command = replace(command, answered=unit.answered(case_id))
                    office = equipped(unit, self._office(unit), definition, command, case.facts)
                    decision = decide(definition, case, command, now, office)
                    if also is not None:
                        also(unit, case, decision.case)
                    self._keep(unit, case, decision, getattr(command, "actor", SYSTEM), now, office)
                    return decision.case
            except LostRace:
                continue
        raise Refused(f"case {which} is being changed by others: try again in a moment")

    def _load(self, unit: Unit, case_id: str) -> tuple[Case, Definition]:
        case = unit.case(case_id)
        return case, self.definitions.pinned(case.process, case.version, case.hash)

    def _as_the_newest(self, definition: Definition) -> Definition:
        """Whether answers may be taken back is said by the newest version of a process, for all of its cases."""
        if definition.process not in self.definitions.processes():
            return definition
        undo = self.definitions.newest(definition.process).undo
        return definition if undo == definition.undo else replace(definition, undo=undo)

    def _office(self, unit: Unit) -> Office:
        return replace(self.make_office(unit.people()), processes=frozenset(self.definitions.processes()))

    def _do(
        self, unit: Unit, due: DueTimer | DueCycle, now: dt.datetime, office: Office, batch: Batch
    ) -> str | None:
        """The class name of what went wrong, or None. A lost race is no failure unless it is lost again and again."""
        for _ in range(TRIES):
            try:
                self._do_once(unit, due, now, office, batch)
            except LostRace:
                continue
            except Exception as error:  # whatever it is, it is this row's own
                return type(error).__name__
            return None
        return LostRace.__name__

    def _do_once(
        self, unit: Unit, due: DueTimer | DueCycle, now: dt.datetime, office: Office, batch: Batch
    ) -> None:
        with unit.savepoint():
            if isinstance(due, DueTimer):
                self._fire(unit, due, now, office, batch)
            else:
                self._begin(unit, due, now, office, batch)

    def _begin(self, unit: Unit, due: DueCycle, now: dt.datetime, office: Office, batch: Batch) -> None:
        known = batch.known(unit, due)
        office = replace(office, register=known.register)
        opens = partial(self._open, unit, now=now, office=office)
        decision = self.standing.start(unit, due, known, now, office, opens)
        if decision is not None and WriteRegister in map(type, decision.effects):
            batch.forget_register()

    def _fire(self, unit: Unit, timer: DueTimer, now: dt.datetime, office: Office, batch: Batch) -> None:
        case = batch.case(unit, timer)
        decision = self._fire_key(unit, case, timer.key, now, office)
        planned = [effect.at for effect in decision.effects if isinstance(effect, SetTimer)]
        batch.earlier[timer.case_id] = min([*planned, batch.earlier.get(timer.case_id, LATEST)])
        batch.fired.append(timer)

    def _fire_key(self, unit: Unit, case: Case, key: str, now: dt.datetime, office: Office) -> Decision:
        definition = self.definitions.pinned(case.process, case.version, case.hash)
        fire = FireTimer(key)
        decision = decide(definition, case, fire, now, equipped(unit, office, definition, fire))
        if decision.events or decision.effects:
            self._keep(unit, case, decision, SYSTEM, now, office)
        return decision

    def _keep(
        self, unit: Unit, before: Case | None, decision: Decision, actor: Actor, now: dt.datetime, office: Office
    ) -> None:
        """Keeps a decision, and plans the cycles of the agreements that it wrote."""
        decision = self._hurried(unit, decision)
        unit.keep(before, decision, actor, now)
        written = [effect for effect in decision.effects if isinstance(effect, WriteRegister) and effect.agreement]
        superseded = [str(effect.values[SUPERSEDES]) for effect in written if SUPERSEDES in effect.values]
        back = decision.undoes.agreements if decision.undoes is not None else ()
        self.standing.plan(unit, [*(effect.agreement for effect in written), *superseded, *back], now, office)

    def _hurried(self, unit: Unit, decision: Decision) -> Decision:
        """An answer by which a case begins, or hears, whose process takes no answer back does not wait either."""
        given = decision.answered
        if given is None or not given.waits:
            return decision
        parents = unit.cases(effect.parent for effect in decision.effects if isinstance(effect, TellParent))
        hear = {parent.process for parent in parents.values()}
        hear |= {effect.process for effect in decision.effects if isinstance(effect, StartChild)}
        known = sorted(hear.intersection(self.definitions.processes()))
        urgent = next((process for process in known if not self.definitions.newest(process).undo), None)
        if urgent is None:
            return decision
        barred = f"a case of '{urgent}' hears of it, which may not wait"
        return replace(decision, answered=replace(given, barred=barred, waits=False))

    def _deliver_next(self, left: set[int], lost: Counter[int], now: dt.datetime, taking: Taking) -> bool:
        """False when no message waits but those in `left`, which grows by one that could not be delivered.

        A race that was lost, which `lost` counts, is run again by the next call.
        """
        message: Message | None = None
        try:
            with self.store.begin() as unit:
                message = next((one for one in unit.messages(len(left) + 1, now) if one.id not in left), None)
                if message is not None:
                    taking("message", message.id)
                    self._deliver(unit, message, now)
        except Exception as error:
            if message is None:
                raise
            lost[message.id] += 1
            if not isinstance(error, LostRace) or lost[message.id] >= TRIES:
                left.add(message.id)
                self.store.failed("message", message.id, type(error).__name__, now)
        return message is not None

    def _deliver(self, unit: Unit, message: Message, now: dt.datetime) -> None:
        command, office = message.read(), self._office(unit)
        if isinstance(command, StartCase):
            self._open(unit, self.definitions.newest(command.process), command, now, office)
        else:
            case, definition = self._load(unit, message.case_id)
            office = equipped(unit, office, definition, command)
            self._keep(unit, case, decide(definition, case, command, now, office), SYSTEM, now, office)
        unit.message_done(message)

    def _unchanged(self, case: Case, definition: Definition, command: Command) -> None:
        """Refuses an answer given to facts that have changed since they were shown."""
        if not isinstance(command, CompleteTask):
            return
        for task_id, seen in ((command.task_id, command.seen_facts), *command.also):
            task = case.task(task_id)
            wanted = definition.task(task) if task is not None else None
            if seen is not None and wanted is not None and seen != self.facts_digest(case, definition, wanted):
                raise Stale(f"the facts of task {task_id} have changed since you opened it: look at them again")


@dataclass(frozen=True, slots=True)
class _OfTask:
    """The case that a task belongs to; it is looked up where it is changed."""

    task_id: str

    def __str__(self) -> str:
        return f"of task {self.task_id}"


def _kind(due: DueTimer | DueCycle) -> Literal["timer", "cycle"]:
    return "timer" if isinstance(due, DueTimer) else "cycle"
