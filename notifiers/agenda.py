"""The calendar entry that goes with a mail: the date by which its reader acts, or an appointment. It names the case and
the duty, and nothing that is personal."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

from engine.deciding.expecting import Expected, started_by, state_until
from engine.model.case import Case, Task
from engine.model.definition import ClockDef, Definition, FactDef, MailDef, say
from engine.model.kinds import kind_expected, kind_of_date
from engine.model.office import Office
from notifiers.invite import invite
from notifiers.words import phrase


@dataclass(frozen=True, slots=True)
class Entry:
    """`key` tells one entry of a case from another; a higher `sequence` replaces the one before. `kind` says what the
    date is, in words; an appointment needs none."""

    key: str
    on: dt.date | dt.datetime
    title: str
    sequence: int = 0
    kind: str = ""


def calendar_file(entry: Entry, case: Case, office: Office, domain: str, now: dt.datetime) -> bytes:
    return invite(uid=f"{entry.key}@{domain}", sequence=entry.sequence, due=entry.on, stamp=now,
                  title=f"{case.id}: {entry.title}",
                  note=f"{entry.kind}, {office.district}" if entry.kind else office.district)


def entry_of_task(task: Task, title: str, language: str) -> Entry | None:
    """A task's own date."""
    kind = phrase("target", language)
    return None if task.due is None else Entry(task.id, task.due, title, task.generation - 1, kind)


def entry_of_mail(definition: Definition, case: Case, mail: MailDef, task: Task | None, reads: frozenset[str],
                  office: Office, now: dt.datetime, language: str) -> Entry | None:
    """For a reader outside the district, the first of these that there is: an appointment that the text names, the date
    of the task, of a duty of the reader's own, of a right that this mail begins, and until when the task is open."""
    wanted = definition.task(task) if task is not None else None
    title = definition.named(wanted.title, case.facts, language) if wanted else ""
    found = _appointment(definition, case, reads, now, language)
    found = found or (entry_of_task(task, title, language) if task else None)
    if found is not None or mail.to.kind != "party":
        return found
    today = office.today(now)
    begun = list(started_by(mail.name, definition, case, today, office))
    found = _duty(definition, case, mail, begun, language) or _right(case, begun, language)
    return found or _until(definition, case, task, title, office, language)


def _appointment(definition: Definition, case: Case, reads: frozenset[str], now: dt.datetime, language: str
                 ) -> Entry | None:
    for fact in _instants(definition, reads):
        value = case.facts.get(fact.name)
        if isinstance(value, dt.datetime) and value > now:
            sequence = int(value.timestamp()) // 60
            return Entry(f"{case.id}-{fact.name}", value, say(definition.states[case.state].title, language), sequence)
    return None


@lru_cache(maxsize=256)
def _instants(definition: Definition, reads: frozenset[str]) -> tuple[FactDef, ...]:
    """The facts that a text names and that are instants."""
    return tuple(fact for name, fact in definition.facts.items()
                 if f"fact_{name}" in reads and fact.type.kind == "instant")


def _duty(definition: Definition, case: Case, mail: MailDef, begun: list[tuple[ClockDef, Expected]], language: str
          ) -> Entry | None:
    """The date of a clock that chases this very reader."""
    for clock in definition.clocks.values():
        current = case.clocks.get(clock.name)
        if clock.chases == mail.to and current is not None and current.status == "running" and current.legal:
            kind = phrase(kind_of_date(clock, current), language)
            return _clock_entry(case, clock, current.legal, kind, language, current.generation)
    return next((_expected_entry(case, clock, expected, language) for clock, expected in begun
                 if clock.chases == mail.to), None)


def _right(case: Case, begun: list[tuple[ClockDef, Expected]], language: str) -> Entry | None:
    return next((_expected_entry(case, clock, expected, language) for clock, expected in begun if clock.window), None)


def _until(definition: Definition, case: Case, task: Task | None, title: str, office: Office, language: str
           ) -> Entry | None:
    until = state_until(definition, case, office)
    if until is None or task is None:
        return None
    return Entry(task.id, until.day, title, task.generation - 1, phrase("target", language))


def _expected_entry(case: Case, clock: ClockDef, expected: Expected, language: str) -> Entry:
    return _clock_entry(case, clock, expected.day, phrase(kind_expected(clock, expected.length), language), language)


def _clock_entry(case: Case, clock: ClockDef, day: dt.date, kind: str, language: str, generation: int = 0) -> Entry:
    return Entry(f"{case.id}-{clock.name}", day, say(clock.title, language), generation, kind)
