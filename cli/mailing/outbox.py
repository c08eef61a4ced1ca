"""The outbox as a person looks for a mail in it: by case, reader and state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cli.needtoknow import VEILED
from cli.takingback import clock_time
from cli.wiring import House

if TYPE_CHECKING:
    from engine.model.case import Actor
    from storage.looking.views import MailLine


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which mails; of any state where `states` is empty."""

    case: str | None
    reader: str | None
    states: tuple[str, ...]
    limit: int


@dataclass(frozen=True, slots=True)
class Found:
    """A mail, and whom it is to in plain words. A `closed` one is of a case that its reader need not know of."""

    line: MailLine
    to: str
    closed: bool = False

    @property
    def waits(self) -> bool:
        """Whether it waits since its answer may be taken back still."""
        line = self.line
        return line.answer is not None and line.state == "queued" and line.at is not None and line.at > line.created_at

    def cells(self, zone: ZoneInfo) -> list[str]:
        line = self.line
        when = f"{(line.settled_at or line.created_at).astimezone(zone):%Y-%m-%d %H:%M}"
        state = line.state.replace("_", " ") + (f", {line.attempts} tries" if line.attempts > 1 else "")
        reply = line.reply
        if self.waits and line.at is not None:
            state, reply = f"leaves {clock_time(line.at, zone)}", "soppa undo"
        elif line.state == "queued" and line.at is not None and line.at > line.created_at:
            state = f"leaves {line.at.astimezone(zone):%Y-%m-%d %H:%M}"
        what, to, reply = (VEILED, "", "") if self.closed else (line.mail.replace("_", " "), self.to, reply)
        return [str(line.id), line.case_id or "", what, to, when, state, reply]


def mapping(found: Found) -> dict[str, object]:
    """The documented JSON keys."""
    row, is_open = found.line, not found.closed
    return {"id": row.id, "case": row.case_id, "mail": row.mail if is_open else None,
            "recipient": row.recipient if is_open else None, "about": row.about if is_open else (), "state": row.state,
            "attempts": row.attempts, "reply": row.reply if is_open else None, "created_at": row.created_at,
            "settled_at": row.settled_at, "leaves_at": row.at}


def wanted_mails(house: House, wanted: Wanted, reader: Actor | None) -> list[Found]:
    """Newest first. Raises `UsageError` for a case or a state that is not there."""
    if wanted.case is not None:
        house.case(wanted.case, reader)
    names = {f"person:{person.id}": person.name for person in house.store.people()}
    lines = [line for line in house.store.views.outbox(case_id=wanted.case)
             if (not wanted.states or line.state in wanted.states) and _is_to(line, names, wanted.reader)]
    kept = lines[: wanted.limit]
    about = map(_case_of, chain(*(line.about for line in kept)))
    closed = house.closed_of(reader, {*(line.case_id for line in kept), *about})
    kept = [replace(line, about=tuple(one for one in line.about if _case_of(one) not in closed)) for line in kept]
    return [Found(line, _to(line, names), line.case_id in closed) for line in kept
            if wanted.reader is None or (line.case_id not in closed and _is_to(line, names, wanted.reader))]


def _case_of(about: str) -> str:
    """The case of a party that a mail is to, such as `parent of 2026-0001`."""
    return about.rpartition(" ")[2]


def _is_to(line: MailLine, names: dict[str, str], word: str | None) -> bool:
    if word is None:
        return True
    bare = line.recipient.partition(":")[2]
    about = any(one.startswith(f"{word} of ") for one in line.about)
    return word == bare or about or word.casefold() in names.get(line.recipient, "").casefold()


def _to(line: MailLine, names: dict[str, str]) -> str:
    """A name of the office, the part of somebody outside; never an address."""
    kind, _, name = line.recipient.partition(":")
    named = {"person": names.get(line.recipient, name), "recipient": f"number {name}"}
    return ", ".join(line.about) or named.get(kind, name)
