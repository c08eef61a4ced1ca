"""Rows to values and back. JSON says the type of what it would lose: dates, instants, sets, contacts."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any, cast

from engine.errors import WrongEnvironment
from engine.law.clocks import Hold
from engine.model.case import (
    Actor,
    Adopted,
    Case,
    Cell,
    Clock,
    Contact,
    FactValue,
    HeldBy,
    Place,
    Suggestion,
    TableRow,
    Task,
)
from engine.model.definition import Definition, say
from engine.model.messages import AudienceTold, ChildEnded, Command, HandOver, MailSettled, Recount, StartCase
from engine.model.office import Person

_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
Row = Mapping[Any, Any]
"""A row by the names of its columns, as SQLAlchemy hands it out."""

NEVER = dt.date.max
"""Stands for a date that does not come, behind all others in an index."""

URGENT, BULK, LETTERS = 0, 1, 2
LANES = (URGENT, LETTERS, BULK)
"""Of the outbox, in the order in which they leave: what somebody waits for, letters to many, what was planned."""


def pack_fact(value: FactValue) -> object:
    """A fact as JSON: yes/no, numbers and texts as they are, the others as [type, value]."""
    match value:
        case dt.datetime():
            return ["instant", value.astimezone(dt.UTC).isoformat()]
        case dt.date():
            return ["date", value.isoformat()]
        case frozenset():
            return ["set", sorted(value)]
        case (TableRow(), *_):
            return ["rows", [_pack_row(row) for row in value if isinstance(row, TableRow)]]
        case tuple():
            return ["contacts", [_pack_contact(contact) for contact in value if isinstance(contact, Contact)]]
        case _:
            return value


def unpack_fact(packed: object) -> FactValue:
    match packed:
        case ["instant", str(text)]:
            return dt.datetime.fromisoformat(text)
        case ["date", str(text)]:
            return dt.date.fromisoformat(text)
        case ["set", list(items)]:
            return frozenset(items)
        case ["contacts", list(items)]:
            return tuple(Contact(**item) for item in items)
        case ["rows", list(items)]:
            return tuple(_unpack_row(key, cells) for key, cells in items)
        case bool() | int() | str():
            return packed
    raise WrongEnvironment("a stored fact has a type this program does not know: install the newer soppa")


def _pack_row(row: TableRow) -> object:
    return [row.key, {name: pack_fact(cell) for name, cell in row.cells.items()}]


def _unpack_row(key: str, cells: Mapping[str, object]) -> TableRow:
    return TableRow(key, {name: cast("Cell", unpack_fact(cell)) for name, cell in cells.items()})


def pack_facts(facts: Mapping[str, FactValue]) -> dict[str, object]:
    return {name: pack_fact(value) for name, value in facts.items()}


def unpack_facts(packed: Mapping[str, object]) -> dict[str, FactValue]:
    return {name: unpack_fact(value) for name, value in packed.items()}


def pack_parties(parties: Mapping[str, Contact]) -> dict[str, object]:
    return {name: _pack_contact(contact) for name, contact in parties.items()}


def _pack_contact(contact: Contact) -> object:
    return _same(contact, _CONTACT_FIELDS)


def unpack_parties(packed: Mapping[str, Any]) -> dict[str, Contact]:
    return {name: Contact(**contact) for name, contact in packed.items()}


def pack_secrets(case: Case) -> object:
    """What of a case is personal, or may be: its facts, what is suggested for them, parties and holds."""
    return {
        "facts": pack_facts(case.facts),
        "parties": pack_parties(case.parties),
        "suggested": {name: [pack_fact(one.value), one.on.isoformat(), one.case] for name, one in
                      case.suggested.items()},
        "evidence": dict(case.adopted.evidence) if case.adopted else {},
        "holds": [{name: _plain_day(value) for name, value in asdict(hold).items()} for hold in case.holds],
    }


def _suggestion(packed: Any) -> Suggestion:
    value, on, case_id = packed
    return Suggestion(unpack_fact(value), dt.date.fromisoformat(on), case_id)


_HOLD_DAYS = ("started", "until", "released")


def _plain_day(value: object) -> object:
    return value.isoformat() if isinstance(value, dt.date) else value


def _held_by(packed: Any) -> HeldBy:
    days = {name: dt.date.fromisoformat(packed[name]) for name in _HOLD_DAYS if packed[name]}
    return HeldBy(**{**packed, **days})


def pack_command(command: Command) -> object:
    """A message between cases. Only the commands that travel have a stored form."""
    match command:
        case StartCase():
            return {
                "kind": "start_case",
                "case_id": command.case_id,
                "actor": _pack_actor(command.actor),
                "facts": pack_facts(command.facts),
                "parties": pack_parties(command.parties),
                "parent": command.parent,
                "child_name": command.child_name,
                "process": command.process,
            }
        case MailSettled(mail, occurrence, status, on):
            return {"kind": "mail_settled", "mail": mail, "occurrence": occurrence, "status": status, "on": str(on)}
        case ChildEnded():
            return {"kind": "child_ended", **asdict(command)}
        case Recount():
            return {"kind": "recount"}
        case HandOver():
            own = {"person": command.person, "to": command.to, "reason": command.reason, "tasks": list(command.tasks)}
            return {"kind": "hand_over", **own, "actor": _pack_actor(command.actor)}
        case AudienceTold():
            return {"kind": "audience_told", **asdict(command), "on": str(command.on)}
        case _:
            raise TypeError(f"{type(command).__name__} is not sent between cases")


def unpack_command(packed: Any) -> Command:
    fields = dict(packed)
    match fields.pop("kind"):
        case "start_case":
            fields["actor"] = _unpack_actor(fields["actor"])
            fields["facts"] = unpack_facts(fields["facts"])
            fields["parties"] = unpack_parties(fields["parties"])
            return StartCase(**fields)
        case "mail_settled":
            return MailSettled(**{**fields, "on": dt.date.fromisoformat(fields["on"])})
        case "child_ended":
            return ChildEnded(**fields)
        case "recount":
            return Recount()
        case "hand_over":
            return HandOver(**{**fields, "actor": _unpack_actor(fields["actor"]), "tasks": tuple(fields["tasks"])})
        case "audience_told":
            return AudienceTold(**{**fields, "on": dt.date.fromisoformat(fields["on"])})
    raise WrongEnvironment("a stored message has a kind this program does not know: install the newer soppa")


def _pack_actor(actor: Actor) -> object:
    return {**asdict(actor), "roles": sorted(actor.roles)}


def _unpack_actor(packed: Any) -> Actor:
    return Actor(**{**packed, "roles": frozenset(packed["roles"])})


def case_row(case: Case) -> dict[str, object]:
    """Every column of a case but the sealed one."""
    return {
        **_same(case, _CASE_COLUMNS),
        "progress": dump(_progress(case)),
        **_queue_dates(case),
    }


def _queue_dates(case: Case) -> dict[str, dt.date | None]:
    """What the queue puts a case in its place by: the earliest legal date of its running duties, and the earliest
    target of these and of its open tasks. A case that waits without one has `NEVER`, one that does not wait has none.
    """
    duties = [clock for clock in case.clocks.values() if clock.status == "running" and not clock.is_window]
    tasks = [task for task in case.tasks if task.is_open and not task.offered]
    if not case.is_open and not tasks:
        return {"next_legal": None, "next_target": None}
    legal = min((clock.legal for clock in duties if clock.legal), default=NEVER)
    targets = (*(clock.target for clock in duties), *(task.due for task in tasks))
    return {"next_legal": legal, "next_target": min(filter(None, targets), default=NEVER)}


def _progress(case: Case) -> dict[str, object]:
    """The plain rest of a case. Regions keep their order."""
    return {
        "happened": {name: str(day) for name, day in case.happened.items()},
        "children": dict(case.children),
        "entries": case.entries,
        "flags": list(case.flags),
        "after": case.after,
        "adopted": _pack_adopted(case.adopted),
        **({"nudged": {mark: str(day) for mark, day in case.nudged.items()}} if case.nudged else {}),
        "regions": [[name, p.state, p.entry, p.entered_at.isoformat()] for name, p in case.regions.items()],
    }


def _pack_adopted(adopted: Adopted | None) -> object:
    return adopted and [str(adopted.on), str(adopted.quiet_until) if adopted.quiet_until else None]


def _adopted(packed: Any, evidence: Mapping[str, str]) -> Adopted | None:
    if packed is None:
        return None
    on, quiet_until = packed
    until = dt.date.fromisoformat(quiet_until) if quiet_until else None
    return Adopted(dt.date.fromisoformat(on), evidence, until)


def read_case(row: Row, secrets: Any, tasks: Iterable[Task], clocks: Iterable[Clock]) -> Case:
    progress = json.loads(row["progress"])
    parties = unpack_parties(secrets["parties"])
    return Case(
        **{name: row[name] for name in _CASE_COLUMNS},
        facts=unpack_facts(secrets["facts"]),
        parties=parties,
        holds=tuple(_held_by(packed) for packed in secrets.get("holds", ())),
        tasks=tuple(_named(task, parties) for task in tasks),
        clocks={clock.name: clock for clock in clocks},
        happened={name: dt.date.fromisoformat(day) for name, day in progress["happened"].items()},
        children=progress["children"],
        entries=progress.get("entries", row["entry"]),
        flags=tuple(progress.get("flags", ())),
        after=progress.get("after"),
        adopted=_adopted(progress.get("adopted"), secrets.get("evidence", {})),
        nudged={mark: dt.date.fromisoformat(day) for mark, day in progress.get("nudged", {}).items()},
        suggested={name: _suggestion(packed) for name, packed in secrets.get("suggested", {}).items()},
        regions={name: Place(state, entry, dt.datetime.fromisoformat(at))
                 for name, state, entry, at in progress.get("regions", ())},
    )


def task_row(case_id: str, task: Task, position: int) -> dict[str, object]:
    """The name of somebody outside the office stays in the sealed part of the case; the task names the party."""
    name = {"done_by": None} if _is_by_its_party(task) else {}
    return {"case_id": case_id, "present": True, "position": position, **_same(task, _TASK_COLUMNS), **name}


def read_task(row: Row, assignees: Iterable[str]) -> Task:
    return Task(**{name: row[name] for name in _TASK_COLUMNS}, assignees=tuple(assignees))


def _is_by_its_party(task: Task) -> bool:
    return task.party is not None and task.done_by_id == task.party


def _named(task: Task, parties: Mapping[str, Contact]) -> Task:
    """A task with the name of its party, where that answered it."""
    party = parties.get(task.party or "")
    return replace(task, done_by=party.name) if party is not None and _is_by_its_party(task) else task


def clock_row(case_id: str, clock: Clock) -> dict[str, object]:
    return {
        "case_id": case_id,
        **_same(clock, _CLOCK_COLUMNS),
        "calendars": dump(clock.calendars),
        "holds": dump([[str(h.started), str(h.released) if h.released else None] for h in clock.holds]),
    }


def read_clock(row: Row) -> Clock:
    return Clock(
        **{name: row[name] for name in _CLOCK_COLUMNS},
        calendars=tuple(json.loads(row["calendars"])),
        holds=tuple(_hold(started, released) for started, released in json.loads(row["holds"])),
    )


def _hold(started: str, released: str | None) -> Hold:
    return Hold(dt.date.fromisoformat(started), dt.date.fromisoformat(released) if released else None)


def person_row(person: Person) -> dict[str, object]:
    return {
        **_same(person, _PLAIN_PERSON),
        "roles": dump(sorted(person.roles)),
        "absent_from": person.absent[0] if person.absent else None,
        "absent_to": person.absent[1] if person.absent else None,
    }


def read_person(row: Row) -> Person:
    absent = (row["absent_from"], row["absent_to"]) if row["absent_from"] else None
    return Person(
        **{name: row[name] for name in _PLAIN_PERSON},
        roles=frozenset(json.loads(row["roles"])),
        absent=cast("tuple[dt.date, dt.date] | None", absent),
    )


def new_mail(mail: str, step: str, occurrence: str, recipient: str, lane: int, now: dt.datetime) -> dict[str, object]:
    """The columns of a queued outbox row that every kind of mail has."""
    return {
        "mail": mail, "step": step, "occurrence": occurrence, "recipient": recipient, "state": "queued", "lane": lane,
        "created_at": now, "attempts": 0, "failures": 0, "fence": 0, "reply": "",
    }  # fmt: skip


def labels(definition: Definition) -> str:
    """What the queue shows of a definition's clocks, so that it need not load the definition."""
    return dump(
        {
            name: {
                "title": say(clock.title, "en"),
                "citation": clock.rule.citation,
                "kind": clock.rule.kind_of_date,
                "days": clock.rule.length,
            }
            for name, clock in definition.clocks.items()
        }
    )


def dump(value: object) -> str:
    return _JSON.encode(value)


def _same(value: object, columns: Iterable[str]) -> dict[str, object]:
    return {name: getattr(value, name) for name in columns}


_CASE_COLUMNS = (
    "id", "process", "version", "hash", "state", "entry", "entered_at", "revision", "started_at", "initiator",
    "next_task", "parent", "child_name", "ended_at", "outcome", "subject",
)  # fmt: skip
_TASK_COLUMNS = (
    "id", "name", "state", "entry", "generation", "title", "role", "party", "due", "opened_at", "offered", "urgent",
    "instead_of", "mail", "hold", "child", "outcome", "done_by", "done_by_id", "done_at",
)  # fmt: skip
_CLOCK_COLUMNS = (
    "name", "generation", "rule", "rule_version", "anchor", "length", "status", "nominal", "legal", "target",
    "provisional", "reason", "ended_on", "agreed", "policy", "grace", "is_window",
)  # fmt: skip
_CONTACT_FIELDS = tuple(field.name for field in fields(Contact))
_PLAIN_PERSON = ("id", "name", "email", "login", "language", "deputy", "supervisor", "active", "signs_from",
                 "signs_until")
PERSON_COLUMNS = (*_PLAIN_PERSON, "roles", "absent_from", "absent_to")
"""What `read_person` wants of a row."""
