"""The dates of a case as a page shows them: what each is of, and whether the law or the district sets it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from engine.deciding.expecting import state_until
from engine.model.case import Case, Clock
from engine.model.definition import ClockDef, Definition, say
from engine.model.kinds import kind_of_date
from engine.model.office import Office
from engine.model.parts import Who
from web.words import date_words, tell


@dataclass(frozen=True, slots=True)
class DateView:
    """`kind` names the word for what the date is; `date` is empty where there is none. `late` says by how much it has
    passed, to people of the district."""

    kind: str
    title: str
    date: str
    late: str = ""


def clock_dates(
    case: Case, definition: Definition, language: str, *, party: str | None = None, today: dt.date | None = None
) -> list[DateView]:
    """The clocks that run, the earliest legal date first; for a `party` its own alone: windows, and what it is to do.
    What has passed is told as late where it is said which day is `today`."""
    running = (clock for clock in case.clocks.values() if clock.status == "running")
    wanted = [clock for clock in running if party is None or _is_of(definition.clocks[clock.name], party)]
    ordered = sorted(wanted, key=lambda clock: (clock.legal or dt.date.max, clock.name))
    return [_view(definition.clocks[clock.name], clock, language, today) for clock in ordered]


def _is_of(wanted: ClockDef, party: str) -> bool:
    return wanted.window or wanted.chases == Who("party", party)


def until_date(case: Case, definition: Definition, office: Office, language: str) -> DateView | None:
    """The last day of the state in which the case stands, which the district sets."""
    until = state_until(definition, case, office)
    if until is None:
        return None
    return DateView("target", tell("open_until", language), dated(until.day, until.provisional, language))


def dated(day: dt.date, provisional: bool, language: str) -> str:
    return date_words(day, language) + (tell("provisional", language) if provisional else "")


def late(day: dt.date | None, today: dt.date | None, language: str) -> str:
    """`8 days late`; empty for a day that has not passed."""
    if day is None or today is None or day >= today:
        return ""
    days = (today - day).days
    return tell("late_one" if days == 1 else "late", language, days=str(days))


def _view(wanted: ClockDef, clock: Clock, language: str, today: dt.date | None) -> DateView:
    date = dated(clock.legal, clock.provisional, language) if clock.legal else ""
    return DateView(kind_of_date(wanted, clock), say(wanted.title, language), date, late(clock.legal, today, language))
