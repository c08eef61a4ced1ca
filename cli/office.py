"""The office that decisions see, from settings and people; and a stand-in for commands that need no home."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import workflows
from cli.home import Home
from cli.logo import logo_or_none
from cli.settings import Settings, read_settings
from engine.errors import FaultyInput, FaultySettings
from engine.language.lawbook import read_calendar, read_reference
from engine.law.calendar import Calendar, SchoolDays
from engine.law.clocks import NOT_ENTERED, Calendars
from engine.model.office import Office, Person, Reference
from engine.nodes import Node
from workflows.reader import read_file

T = TypeVar("T")
Stamp = tuple[int, int, int]


def make_office(settings: Settings, people: Iterable[Person], home: Home | None = None) -> Office:
    """Raises `FaultySettings` for a calendar or reference data of the district with faults."""
    contacts = {name: str(contact) for name, contact in settings.contacts.items()}
    return Office(
        district=settings.district, zone=settings.zone, calendars=calendars_of(settings, home),
        people={person.id: person for person in people}, stand_ins=settings.stand_ins,
        second_person=settings.second_person, contacts=contacts, languages=settings.languages,
        public_url=settings.public_url, fiscal_year_start=settings.fiscal_year_start,
        attestation_month=settings.attestation_month,
        hold_policy=settings.hold_policy, asap_grace=settings.hold_grace, references=references_of(home),
        thresholds=settings.thresholds, board_meetings=settings.board.meetings,
        packet_days=settings.board.packet_days, logo=logo_or_none(settings.logo),
        undo_minutes=settings.undo_minutes,
    )


def references_of(home: Home | None) -> Mapping[str, Reference]:
    """The shipped reference data, or the district's own of the same name in `references/` of its home.

    Raises `FaultySettings`.
    """
    own = _own(home.references, read_reference).values() if home else ()
    return {**workflows.lawbook().references, **{reference.name: reference for reference in own}}


def settings_or_sample(home: Home) -> Settings:
    """The settings of a home, or a plain district in Illinois where there is none."""
    if home.settings.is_file():
        return read_settings(home.settings)
    return Settings("Sample district", ZoneInfo("America/Chicago"))


def calendars_of(settings: Settings, home: Home | None) -> Calendars:
    """The shipped calendars, or the district's own of the same name in `calendars/` of its home.

    Raises `FaultySettings`.
    """
    shipped = workflows.lawbook().calendars
    own = _own(home.root / "calendars", read_calendar) if home else {}
    statutory, strict = (own.get(name, shipped[name]) for name in ("il-statutory", "il-strict"))
    return _counted(statutory, strict, settings.attendance or NOT_ENTERED, settings.fiscal_year_start)


@lru_cache(maxsize=8)
def _counted(statutory: Calendar, strict: Calendar, school: SchoolDays, fiscal_year_start: str) -> Calendars:
    """The same ones while nothing has changed: what was counted in them is kept."""
    holidays = frozenset(workflows.lawbook().calendars["il-school"].days_off)
    return Calendars(statutory, strict, replace(school, holidays=holidays), fiscal_year_start)


def _own(folder: Path, read: Callable[[Node], T]) -> dict[str, T]:
    """What the files of a folder of the home say, by their names. An office is made for each decision, so a file is
    read again only when it has changed."""
    try:
        found = {entry.path: entry.stat() for entry in os.scandir(folder) if entry.name.endswith(".yaml")}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    stamps = {path: (stat.st_ino, stat.st_mtime_ns, stat.st_size) for path, stat in found.items()}
    return {Path(path).stem: _as_of(stamps[path], path, read) for path in sorted(stamps)}


@lru_cache(maxsize=64)
def _as_of(stamp: Stamp, path: str, read: Callable[[Node], T]) -> T:
    try:
        return read(read_file(Path(path)))
    except FaultyInput as error:
        raise FaultySettings(error.faults) from error
