"""Contacts outside the district: who reads the one mail a day that gathers the reminders for an address.

The row knows a digest of the address only. Name, address and language are those that the cases of its lines have now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence

from engine.model.case import Contact
from engine.model.handed import BriefLine
from engine.model.office import Office
from notifiers.words import Matter, Reader, listed


def reader_of_lines(key: str, lines: Iterable[BriefLine], matters: Mapping[str, Matter]) -> Reader | None:
    """The contact of these lines: by every name they have in their cases, in the language of the newest case."""
    found = [(matters[line.case_id].case, contact) for line in lines if (contact := _contact(line, matters))]
    if not found:
        return None
    _, newest = max(found, key=lambda known: (known[0].started_at, known[0].id))
    names = dict.fromkeys(contact.name for _, contact in found)
    return Reader(key, listed([*names], newest.language), newest.email, newest.language, newest.address)


def astray(key: str, lines: Sequence[BriefLine], matters: Mapping[str, Matter], office: Office, today: dt.date,
           key_of: Callable[[str], str]) -> Mapping[BriefLine, tuple[str, ...]]:
    """The lines that are not for this address any more, each with its readers now: the party's new address, or the
    custodians where the party reads no mail any more."""
    readers = {line: _readers(line, matters, office, today, key_of) for line in lines}
    return {line: now for line, now in readers.items() if now != (key,)}


def _readers(line: BriefLine, matters: Mapping[str, Matter], office: Office, today: dt.date,
             key_of: Callable[[str], str]) -> tuple[str, ...]:
    contact = _contact(line, matters)
    if contact is not None and contact.email:
        return (key_of(contact.email),)
    return tuple(f"person:{holder.person.id}" for holder in office.holders("custodian", today))


def _contact(line: BriefLine, matters: Mapping[str, Matter]) -> Contact | None:
    """The line's party, if it reads mail."""
    contact = matters[line.case_id].case.parties.get(line.party or "")
    return contact if contact is not None and contact.reads_mail else None
