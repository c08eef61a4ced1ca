"""Whether a home is whole: its database, and the documents that its cases name."""

from __future__ import annotations

from cli.printing import count
from cli.upkeep.backups import Progress
from cli.wiring import House
from engine.errors import UsageError
from storage.upkeep.verifying import Found, verify

MOST = 100
"""What is wrong, as far as it is told to a person at once."""


def verify_house(house: House, progress: Progress) -> Found:
    base = house.store.base
    calendars = house.make_office(()).calendars
    with base.reading() as connection:
        found = verify(connection, base.ring, house.definitions.pinned, calendars, progress)
    for number, (value, whose) in enumerate(found.documents.items(), 1):
        try:
            house.documents.read(value)
        except UsageError as error:
            found.wrong.append(f"{whose}: {value.partition('.')[0]}: {error}")
        progress(number, len(found.documents))
    return found


def as_json(found: Found) -> dict[str, object]:
    return {"whole": not found.wrong, "cases": found.cases, "lines": found.lines,
            "register_lines": found.register_lines, "seals": found.seals, "dates": found.dates,
            "recounted": found.recounted, "mails": found.mails, "documents": len(found.documents),
            "wrong": found.wrong}


def in_words(found: Found) -> str:
    told = (f"verified {count(found.cases, 'case')} with {count(found.lines, 'line')} of history and "
            f"{count(found.dates, 'date')},\n{count(found.mails, 'mail')}, {count(len(found.documents), 'document')}, "
            f"{count(found.register_lines, 'line')} of the register and {count(found.seals, 'seal')}")
    if found.recounted:
        told += (f"\n{found.recounted:,} of the dates were counted by rules or calendars no longer in force: they were "
                 f"held\nagainst the histories only")
    return told


def told_wrong(found: Found) -> str:
    more = len(found.wrong) - MOST
    return "\n".join([*found.wrong[:MOST], *([f"and {more:,} more: --json lists them all"] if more > 0 else [])])
