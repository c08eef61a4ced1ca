"""The district of the year: who works there, which operators it uses, and what happens on which day."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cli.demo.district import PEOPLE, SETTINGS
from engine.model.office import Person

OPERATORS = Path(__file__).with_name("operators-sample.csv")
TEACHERS = 60
SPONSORSHIPS, REQUESTS, DELETIONS = 120, 10, 5
COPIES = (40, 95, 160, 230)
STUDENTS = 5_000
BREACH_DAY = 150
FAMILIES = 300
SILENT = 0.30
"""The share of vendors that never answer."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """A case that somebody starts on a day of the year, counted from 0."""

    day: int
    process: str
    number: int


def settings(public_url: str, bind: str, smtp_port: int, first: dt.date) -> str:
    """The sample district's settings, with school on every business day of two years."""
    text = SETTINGS.format(public_url=public_url, bind=bind, smtp_port=smtp_port)
    before, _, after = text.partition("attendance:")
    start, end = first - dt.timedelta(days=400), first + dt.timedelta(days=1200)
    contacts = after[after.index("contacts:") :]
    return f"{before}attendance:\n  from: {start}\n  to: {end}\n  closed: []\n{contacts}"


def people() -> tuple[Person, ...]:
    """The office of the demo, a person for each further role, eight principals and sixty teachers."""
    others = {"paul", "ivan", "lena", "nora", "omar", "tess"}
    kept = [replace(person, supervisor="sam" if person.supervisor in others else person.supervisor)
            for person in PEOPLE if person.id not in others]  # fmt: skip
    more = [
        _person("paul", "Paul Dubois", "procurement"),
        _person("sue", "Sue Nilsen", "signer"),
        _person("ivan", "Ivan Petrov", "itsec"),
        _person("wendy", "Wendy Cho", "web"),
        _person("lena", "Lena Ortiz", "legal"),
        _person("bo", "Bo Larsen", "board_attorney"),
        _person("hana", "Hana Sato", "hr"),
    ]
    principals = [_person(f"principal{n}", f"Principal {n}", "principal", "staff") for n in range(1, 9)]
    teachers = [
        Person(
            f"sponsor{n:02d}",
            f"Teacher {n}",
            f"sponsor{n:02d}@district.example",
            frozenset({"sponsor", "staff"}),
            login=f"sponsor{n:02d}",
            supervisor=f"principal{1 + n % 8}",
        )
        for n in range(1, TEACHERS + 1)
    ]
    return (*kept, *more, *principals, *teachers)


def beginnings(chance: random.Random) -> Iterator[Beginning]:
    """Teachers ask for products when school begins and before the next year; parents ask when they think of it."""
    for number in range(SPONSORSHIPS):
        season = (45, 120) if chance.random() < 0.6 else (200, 320)
        yield Beginning(chance.randint(*season), "vendor_sponsorship", number)
    for number in range(REQUESTS):
        yield Beginning(chance.randint(30, 300), "correction_request", number)
    for number in range(DELETIONS):
        yield Beginning(chance.randint(30, 300), "deletion_request", number)
    yield Beginning(BREACH_DAY, "breach_response", 0)
    yield from (Beginning(day, "copy_inspection", number) for number, day in enumerate(COPIES))


def _person(person_id: str, name: str, *roles: str) -> Person:
    return Person(
        person_id, name, f"{person_id}@prairie-creek.example", frozenset(roles), login=person_id, supervisor="sam"
    )
