"""The office that decisions see, from settings and people; and a stand-in for commands that need no home."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

import workflows
from cli.home import Home
from cli.settings import Settings, read_settings
from engine.clocks import NOT_ENTERED, Calendars
from engine.lawbook import read_calendar, read_reference
from engine.office import Office, Person, Reference
from workflows.reader import read_file


def make_office(settings: Settings, people: Iterable[Person], home: Home | None = None) -> Office:
    """Raises `FaultyInput` for a district calendar with faults."""
    contacts = {name: str(contact) for name, contact in settings.contacts.items()}
    return Office(
        district=settings.district, zone=settings.zone, calendars=_calendars(settings, home),
        people={person.id: person for person in people}, stand_ins=settings.stand_ins,
        second_person=settings.second_person, contacts=contacts, languages=settings.languages,
        public_url=settings.public_url, fiscal_year_start=settings.fiscal_year_start,
        hold_policy=settings.hold_policy, asap_grace=settings.hold_grace, references=references_of(home),
        thresholds=settings.thresholds,
    )


def references_of(home: Home | None) -> Mapping[str, Reference]:
    """The shipped reference data, or the district's own of the same name in `references/` of its home.

    Raises `FaultyInput`.
    """
    own = [read_reference(read_file(path)) for path in sorted(home.references.glob("*.yaml"))] if home else []
    return {**workflows.lawbook().references, **{reference.name: reference for reference in own}}


def settings_or_sample(home: Home) -> Settings:
    """The settings of a home, or a plain district in Illinois where there is none."""
    if home.settings.is_file():
        return read_settings(home.settings)
    return Settings("Sample district", ZoneInfo("America/Chicago"))


def _calendars(settings: Settings, home: Home | None) -> Calendars:
    """The shipped calendars, or the district's own of the same name in `calendars/` of its home."""
    shipped = workflows.lawbook().calendars
    own = {path.stem: path for path in sorted((home.root / "calendars").glob("*.yaml"))} if home else {}
    statutory, strict = (read_calendar(read_file(own[name])) if name in own else shipped[name]
                         for name in ("il-statutory", "il-strict"))
    school = replace(settings.attendance or NOT_ENTERED, holidays=frozenset(shipped["il-school"].days_off))
    return Calendars(statutory, strict, school, settings.fiscal_year_start)
