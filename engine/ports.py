"""The ports: what the engine needs of a store, and what relay and pages need besides.

`storage` implements all of these on SQLite and PostgreSQL. Instants are aware UTC; `now` is always an argument. Every
method of a `Unit` works inside the transaction of the `with store.begin()` that gave it: all of it commits or none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from engine.model.case import Actor, Case, Contact
from engine.model.cycles import Cycle, Planned
from engine.model.definition import Definition, LinkLevel
from engine.model.handed import (
    Answer,
    BriefLine,
    DayCount,
    DueCycle,
    DueTimer,
    Link,
    Made,
    Message,
    NewLink,
    OutboxRow,
    Session,
    Taken,
    Went,
)
from engine.model.messages import Command, Decision, Event
from engine.model.office import Office, Person
from engine.model.register import Entry
from engine.model.undoable import Kept

InHandKind = Literal["timer", "cycle", "message"]
Taking = Callable[[InHandKind, int], None]
"""Told of each row right before it is worked on, so that a row which kills the process can be known afterwards."""


class Unit(Protocol):
    """One transaction."""

    def people(self) -> Sequence[Person]: ...

    def new_case_id(self, today: dt.date) -> str:
        """The next case number, such as `2026-0001`: unique, dense per year, never given twice."""
        ...

    def case(self, case_id: str) -> Case:
        """Raises `UsageError` for an unknown case, naming the nearest known number."""
        ...

    def cases(self, case_ids: Iterable[str]) -> Mapping[str, Case]:
        """Several at once, by their numbers; those that are not there or cannot be read are left out."""
        ...

    def adopted_as(self, key: str) -> Taken | None:
        """The case that a row of an adoption became, by the row's own key."""
        ...

    def keep_adopted(self, key: str, taken: Taken, by: str, now: dt.datetime) -> None:
        """Keeps which case a row became. Raises `LostRace` where another transaction has adopted the row meanwhile."""
        ...

    def open_cases(self, process: str) -> Sequence[str]:
        """The numbers of the open cases of a process, in their order."""
        ...

    def cases_since(self, process: str, since: dt.datetime) -> Sequence[Case]:
        """The cases of a process that were started then or later, in their order; those that cannot be read are left
        out."""
        ...

    def case_of_task(self, task_id: str) -> str:
        """Raises `UsageError` for an unknown task."""
        ...

    def entries(self, agreements: Iterable[str]) -> Mapping[str, Entry]:
        """Agreements of the register by their ids. Raises `UsageError` for an unknown one, naming the nearest."""
        ...

    def readable_entries(self, agreements: Iterable[str]) -> Mapping[str, Entry]:
        """As `entries`; those that are not there or cannot be read are left out."""
        ...

    def next_agreement(self) -> int:
        """The number that the next agreement gets; another transaction that wants one waits for this one."""
    def answer_of(self, case_id: str, task_id: str) -> Answer | None:
        """Who has answered a task, also one that its case has left behind; None while nobody has."""
        ...

    def answered(self, case_id: str) -> Kept | None:
        """The last answer in a case that may be taken back still, as `keep` has kept it; its mails and briefs are
        locked."""

    def note(self, case_id: str, event: Event, actor: Actor, now: dt.datetime, *, again: bool = False) -> None:
        """Adds a line to the history of a case that this transaction has read and does not change; once for each actor
        and detail, or each time (`again`)."""
        ...

    def adopt(self, definition: Definition, source: Callable[[Definition], str]) -> None:
        """Keeps the source of a definition in use; the same (process, version) with another hash is refused. `source`
        is asked once in the life of a definition."""
        ...

    def keep(self, before: Case | None, decision: Decision, actor: Actor, now: dt.datetime) -> None:
        """Writes a whole decision: case, tasks, clocks, timers, mails, brief lines, messages, links, register, history.

        Raises `LostRace` when the case's revision is not `before.revision` any more, `Refused` where the register would
        contradict itself.
        """
        ...

    def due_timers(self, now: dt.datetime, limit: int) -> Sequence[DueTimer]:
        """Pending timers at or before `now`, earliest first; locked for this transaction, skipping locked ones."""
        ...

    def timers_fired(self, timers: Collection[DueTimer], now: dt.datetime) -> None: ...

    def cycles(self, process: str, subjects: Collection[str]) -> Mapping[str, Planned]:
        """What is planned for these subjects; those without a row are left out."""
        ...

    def plan_cycles(self, process: str, cycles: Mapping[str, Cycle | None]) -> None:
        """Puts a cycle in the place of the one that waits for each subject, or takes that away. Those that have
        started, or that an incident holds back, stay."""
        ...

    def drop_cycles(self, scheduled: Collection[str]) -> None:
        """Takes away what waits for processes other than these."""
        ...

    def due_cycles(self, now: dt.datetime, limit: int) -> Sequence[DueCycle]:
        """Waiting cycles at or before `now`, earliest first; locked for this transaction, skipping locked ones."""
        ...

    def cycle_done(
        self, due: DueCycle, on: dt.date, case_id: str, missed: int, now: dt.datetime, then: Cycle | None
    ) -> None:
        """Marks a cycle as started, for the date that its case is about; `then` waits in its place."""
        ...

    def active_agreements(self, beyond: str, limit: int) -> Sequence[str]:
        """The ids of active agreements after `beyond`, in their order."""
        ...

    def last_ended(self, process: str, subjects: Collection[str]) -> Sequence[str]:
        """The cases of a process about one of these subjects that ended last, the latest first: back to the one that
        its schedule had started, and a few at most."""
        ...

    def subjects_ended(self, process: str, subjects: Collection[str]) -> Collection[str]:
        """Of these subjects those about which a case of the process has ended."""
        ...

    def recorded_at(self, case_id: str) -> Mapping[str, dt.datetime]:
        """When each fact of a case was recorded last."""
        ...

    def planned_for(self) -> str:
        """Under which schedules all agreements were planned last."""
        ...

    def set_planned_for(self, schedules: str) -> None: ...

    def messages(self, limit: int, now: dt.datetime) -> Sequence[Message]:
        """Messages that may be delivered: oldest first but those that failed last, at most one a case, no locked
        ones."""
        ...

    def message_done(self, message: Message) -> None: ...

    def leave(self, case_id: str, command: Command, source: str, now: dt.datetime) -> None:
        """Leaves a message for a case, unless one of this source waits already."""
        ...

    def counted_otherwise(self, calendars: Collection[str], limit: int, beyond: str = "") -> Sequence[str]:
        """Cases with a running clock that was counted in a calendar, as `id@version`, that is none of these; by
        their numbers, those after `beyond`."""
        ...

    def running_until(self, day: dt.date) -> Sequence[tuple[str, str]]:
        """Case and clock of the running clocks with a legal date on or before a day, the earliest first."""
        ...

    def waiting(self, but_for: str, limit: int) -> Sequence[tuple[str, str]]:
        """Case and id of the open tasks that somebody is asked to do, but for those of one person; the earliest due
        first."""
        ...

    def chased(self, limit: int) -> Sequence[tuple[str, str]]:
        """Case and id of the open tasks that are offered to a party while a clock of its case runs."""
        ...

    def came_back(self, outbox_id: int, now: dt.datetime) -> None:
        """Marks an accepted mail as bounced; a copy of a mail to many goes by post then. Raises `Refused` for one that
        was not accepted or came back already."""
        ...

    def one_of_audience(self, recipient: str) -> Contact | None:
        """Whom a copy of a mail to many is for, by the `recipient:ID` of its outbox row; None when they are gone."""
        ...

    def some_of_audience(self, recipients: Iterable[str]) -> Mapping[str, Contact]:
        """As `one_of_audience` for several; those who are gone are left out."""
        ...

    def in_use(self) -> Sequence[tuple[str, int, str]]:
        """Process, version and hash of each definition that an open case runs on."""
        ...

    def confirm_act(self, act_id: str, by: str, now: dt.datetime) -> None:
        """Marks a two-person act as confirmed by its second person; what it does belongs into the same transaction.

        Raises `UsageError` for an unknown act, `NotAllowed` for who began it, `AlreadyDecided`, `Refused` when it has
        waited too long.
        """
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """Rolls back to here when its block raises, and raises on. There is none within another."""
        ...

    def high_water(self) -> dt.datetime | None:
        """The latest instant the daemon has worked at."""
        ...

    def set_high_water(self, now: dt.datetime) -> None: ...


class Store(Protocol):
    def begin(self) -> AbstractContextManager[Unit]:
        """A writing transaction: commits at the end of the block, rolls back when it raises."""
        ...

    def read(self) -> AbstractContextManager[Unit]:
        """A reading transaction: one consistent view, nothing can be written."""
        ...

    def failed(self, kind: Literal["timer", "cycle", "message", "mail"], ref: int, error: str, now: dt.datetime) -> int:
        """Counts a failure in a transaction of its own and gives the number of tries so far; the fifth makes an
        incident, and the row waits for a person. 0 for a row that waits for nothing any more. `error` holds no personal
        data."""
        ...


class Definitions(Protocol):
    """Where definitions come from: shipped, overlaid by the district, or adopted earlier."""

    def newest(self, process: str) -> Definition:
        """Raises `UsageError` for an unknown process, naming the nearest."""
        ...

    def processes(self) -> Collection[str]: ...

    def scheduled(self) -> Sequence[Definition]:
        """The newest definition of each process that has a schedule. One that cannot be read is left out."""
        ...

    def pinned(self, process: str, version: int, digest: str) -> Definition:
        """The very definition a case runs on. Raises `WrongEnvironment` when it is nowhere to be found."""
        ...

    def source(self, definition: Definition) -> str: ...


class OfficeMaker(Protocol):
    """Puts the people of the database and the district's settings together."""

    def __call__(self, people: Iterable[Person]) -> Office: ...


class Outbox(Protocol):
    """The rows of the mails. Each method is one transaction of its own."""

    def notify(
        self, recipient: str, mail: str, case_id: str | None, words: Mapping[str, str], now: dt.datetime
    ) -> None:
        """Queues a notice that somebody has just asked for (`code`, `fresh_link` …), in the urgent lane."""
        ...

    def day_count(self, now: dt.datetime) -> DayCount:
        """How many mails the relay has taken, or may have, on the local day of `now`, and how many wait."""
        ...

    def claim(self, now: dt.datetime, limit: int, letters: int | None = None) -> Sequence[OutboxRow]:
        """Takes queued and deferred rows whose time has come: first what somebody waits for, then letters to many (at
        most so many `letters`), then what was planned; counts the attempt, raises the fence.
        A brief is taken on its own day within the mail window only: its lines go into the reader's next one otherwise.
        One that has failed before is taken alone.

        A claim not renewed within its lease (10 min) is given back by `rescue`; a row handing over never is.
        """
        ...

    def prepare(self, mails: Sequence[Made], now: dt.datetime) -> Collection[int]:
        """Stores the rendered bytes (encrypted) and the links in them, and gives the numbers of those whose claim was
        not lost meanwhile."""
        ...

    def brief_lines(self, row: OutboxRow) -> Sequence[BriefLine]:
        """What the brief of this row carries."""
        ...

    def contact_key(self, address: str) -> str:
        """The recipient `contact:KEY` under which reminders to an address are gathered."""
        ...

    def pass_on(self, row: OutboxRow, line: BriefLine, recipients: Collection[str], now: dt.datetime) -> None:
        """Takes a line out of a claimed brief and puts it into the next one of each of these readers (`contact:KEY`,
        `person:ID`), today's while the mail window is open."""
        ...

    def open_week(self, recipients: Collection[str], now: dt.datetime) -> None:
        """Sees to it that each of these readers gets a brief on the first business day of the next week, though nothing
        may stand in it."""
        ...

    def opens_week(self, row: OutboxRow) -> bool:
        """Whether the reader got no other brief yet in the week of this one."""
        ...

    def seal(self, now: dt.datetime) -> str | None:
        """Seals the heads of all histories that have grown, and gives the latest seal as a line of text."""
        ...

    def record(self, handing_over: Sequence[OutboxRow], went: Sequence[Went], now: dt.datetime) -> Collection[int]:
        """Records, in one commit, which mails are being handed over from now on, and how others went; for `accepted |
        failed | uncertain` it leaves `MailSettled` for the case.

        Gives the numbers of those that may be handed over: not one whose claim was lost or that was cancelled.
        """
        ...

    def rescue(self, now: dt.datetime) -> Mapping[str, int]:
        """Gives back claims whose lease ran out, counting a failure of each (queued again, the fifth time an incident);
        rows left handing over by a dead process become `uncertain`. Says how many of each."""
        ...


class Links(Protocol):
    """What the pages keep. GET requests may write sessions and rate counts only."""

    def add_link(self, link: NewLink) -> None: ...

    def link(self, token_hash: str) -> Link | None: ...

    def new_code(
        self, recipient: str, case_id: str | None, code_hash: str, expires_at: dt.datetime, now: dt.datetime
    ) -> bool:
        """Stores a mailed code, replacing the one before; False when too many were asked for in the last hour."""
        ...

    def try_code(
        self, recipient: str, case_id: str | None, code_hash: str, now: dt.datetime
    ) -> Literal["right", "wrong", "expired", "locked"]:
        """One try; five wrong ones in all lock the recipient's codes for an hour, whatever code came after."""
        ...

    def open_session(self, token_hash: str, session: Session, now: dt.datetime) -> None: ...

    def session(self, token_hash: str, now: dt.datetime) -> Session | None: ...

    def raise_session(self, session: Session, level: LinkLevel) -> None: ...

    def close_session(self, session: Session) -> None: ...

    def second_confirmed(self, case_id: str, recipient: str) -> bool:
        """Whether a second channel has shown, for this case, who the party is."""
        ...

    def confirm_second(self, case_id: str, recipient: str, how: str, by: Actor, now: dt.datetime) -> None:
        """Keeps how the party was confirmed (`in_person`, `call_back`: by the custodian; `letter`: by typing its code)
        and its line in the case's history."""
        ...

    def totp_secret(self, person_id: str) -> str | None: ...

    def totp_used(self, person_id: str, counter: int) -> bool:
        """Marks a time step as used; False when it (or a later one) already was."""
        ...

    def allow(self, bucket: str, limit: int, per: dt.timedelta, now: dt.datetime) -> bool:
        """Counts one request in a fixed window; False when it is one too many."""
        ...
