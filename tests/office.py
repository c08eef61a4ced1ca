"""A small district for tests: one person for each role, and one school year of attendance."""

import datetime as dt
from zoneinfo import ZoneInfo

import workflows
from engine.law.calendar import SchoolDays
from engine.law.clocks import Calendars
from engine.model.case import Actor
from engine.model.office import Office, Person

CHICAGO = ZoneInfo("America/Chicago")

ROLES = {
    "ada": ("Ada Priv", ("privacy",)),
    "cus": ("Cus Todian", ("custodian",)),
    "dan": ("Dan Owner", ("data_owner",)),
    "hea": ("Hea Ring", ("hearing_officer",)),
    "leg": ("Leg Al", ("legal", "board_attorney")),
    "its": ("It Sec", ("itsec", "web")),
    "pro": ("Pro Cure", ("procurement",)),
    "sup": ("Sup Intendent", ("superintendent",)),
}
PEOPLE = {
    id_: Person(id_, name, f"{id_}@district.example", frozenset(roles), login=id_)
    for id_, (name, roles) in ROLES.items()
}


def calendars(closed: frozenset[dt.date] = frozenset()) -> Calendars:
    law = workflows.lawbook().calendars
    attendance = SchoolDays("test", closed, dt.date(2026, 8, 17), dt.date(2029, 6, 8))
    return Calendars(law["il-statutory"], law["il-strict"], attendance)


def office() -> Office:
    return Office(
        district="Sample District 1",
        zone=CHICAGO,
        calendars=calendars(),
        people=PEOPLE,
        second_person="sup",
        languages=("en", "es"),
    )


def actor(person_id: str) -> Actor:
    """One of the people, acting."""
    person = PEOPLE[person_id]
    return Actor("person", person.id, person.name, person.roles)
