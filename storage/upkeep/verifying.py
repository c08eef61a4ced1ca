"""Whether a database is whole: its histories and seals, its dates derived again, its outbox against its histories.

One moment is looked at, page by page, so that it may be large and may be at work. What is wrong is named by case and
line. What honest work leaves behind is no fault: a personal part that was emptied, values sealed with another key, a
date that was counted in a calendar since replaced, a mail whose word has not reached its case yet.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from sqlalchemy import Connection, Table, func, select, text

from engine.deciding.forms import KEPT_DOCUMENT
from engine.errors import SoppaError, WrongEnvironment
from engine.law.clocks import Calendars, derive
from engine.model.case import Clock
from engine.model.definition import ClockDef, Definition
from engine.model.handed import RECIPIENT
from storage.chains import history, register_history, seals
from storage.entrance.acts import act_place
from storage.keeping import case_place, fact_place
from storage.messages import message_place
from storage.rows import Row, read_clock
from storage.sealing import Ring
from storage.tables import (
    CASES,
    CLOCKS,
    FACT_PAST,
    HISTORY,
    KEPT_ANSWERS,
    MESSAGES,
    OUTBOX,
    PENDING_ACTS,
    PRINT_RUNS,
    REGISTER_HISTORY,
    SEALS,
)
from storage.undoing import kept_place

PAGE = 50
"""Cases that are looked at together."""

Pinned = Callable[[str, int, str], Definition]
Progress = Callable[[int, int], None]
Line = tuple[int, str, Mapping[str, str]]
"""Number, kind and detail of a line of history."""

_Settled = tuple[str, str, str]
"""Mail, occurrence and how it was settled."""

_SETTLED = ("accepted", "failed", "uncertain")
_BEGINS = ("clock_started", "clock_moved")
_ENDS = {"satisfied": "clock_satisfied", "void": "clock_voided", "expired": "clock_expired"}


@dataclass(slots=True)
class Found:
    """What was looked at, and what is `wrong`. `recounted`: dates that were counted in calendars or by a rule no longer
    in force, which nobody can derive again today. `documents`: where each is named, by the fact's value."""

    cases: int = 0
    lines: int = 0
    register_lines: int = 0
    seals: int = 0
    dates: int = 0
    recounted: int = 0
    mails: int = 0
    wrong: list[str] = field(default_factory=list)
    documents: dict[str, str] = field(default_factory=dict)


def verify(
    connection: Connection, ring: Ring | None, pinned: Pinned, calendars: Calendars, progress: Progress
) -> Found:
    """Looks at everything that this transaction sees; without a ring, what is sealed is left aside."""
    found = Found()
    found.wrong += _database_faults(connection)
    wrong, listed = seals.chain(connection)
    found.seals = _count(connection, SEALS)
    found.wrong += wrong
    total = _count(connection, CASES)
    for page in _pages(connection):
        _Page(connection, ring, pinned, calendars, found, listed).look(page)
        progress(found.cases, total)
    found.wrong += [seals.not_as_sealed(case_id, seq) for case_id, seq in listed]
    _look_at_register(connection, ring, found)
    if ring is not None:
        _look_at_waiting(connection, ring, found)
    return found


def _database_faults(connection: Connection) -> Iterator[str]:
    """What SQLite says of its own file; PostgreSQL looks at its pages when it reads them."""
    if connection.dialect.name != "sqlite":
        return
    said = connection.scalars(text("PRAGMA integrity_check(20)")).all()
    yield from (f"the database file: {line}" for line in said if line != "ok")
    for row in connection.execute(text("PRAGMA foreign_key_check")):
        yield f"the database file: a row of {row[0]} names one of {row[2]} that is not there"


def _pages(connection: Connection) -> Iterator[Sequence[Row]]:
    beyond = ""
    while rows := connection.execute(
        select(CASES).where(CASES.c.id > beyond).order_by(CASES.c.id).limit(PAGE)
    ).mappings().all():  # fmt: skip
        yield rows
        beyond = rows[-1]["id"]


@dataclass(frozen=True, slots=True)
class _Page:
    connection: Connection
    ring: Ring | None
    pinned: Pinned
    calendars: Calendars
    found: Found
    listed: dict[tuple[str, int], str]

    def look(self, cases: Sequence[Row]) -> None:
        ids = [case["id"] for case in cases]
        histories, clocks = self._of(HISTORY, ids, "seq"), self._of(CLOCKS, ids, "name", "generation")
        mails, past = self._of(OUTBOX, ids, "id"), self._of(FACT_PAST, ids, "revision")
        waiting = set(self.connection.scalars(select(MESSAGES.c.source).where(MESSAGES.c.case_id.in_(ids))))
        for case in cases:
            rows = histories[case["id"]]
            lines = self._history(case, rows)
            self._clocks(case, lines, clocks[case["id"]])
            self.found.wrong += mail_faults(case["id"], lines, mails[case["id"]], waiting)
            self.found.cases += 1
            self.found.lines += len(rows)
            self.found.mails += len(mails[case["id"]])
            if self.ring is not None:
                self._sealed(case, past[case["id"]], self.ring)

    def _of(self, table: Table, ids: Sequence[str], *order: str) -> Mapping[str, Sequence[Row]]:
        wanted = select(table).where(table.c.case_id.in_(ids)).order_by(*(table.c[name] for name in order))
        rows = defaultdict[str, list[Row]](list)
        for row in self.connection.execute(wanted).mappings():
            rows[row["case_id"]].append(row)
        return rows

    def _history(self, case: Row, rows: Sequence[Row]) -> Sequence[Line]:
        """Looks at the chain and at what was sealed of it, and gives its lines."""
        wrong = self.found.wrong
        wrong += history.faults_in(self.ring, case["id"], rows) if rows else [f"case {case['id']} has no history"]
        for row in rows:
            sealed_as = self.listed.pop((row["case_id"], row["seq"]), row["hash"])
            if sealed_as != row["hash"]:
                wrong.append(seals.not_as_sealed(row["case_id"], row["seq"]))
        lines = [(row["seq"], row["kind"], _detail(row)) for row in rows]
        ends = [kind for _, kind, _ in lines if kind in ("case_ended", "case_reopened")]
        if rows and (case["ended_at"] is not None) != (ends[-1:] == ["case_ended"]):
            has = "ended" if case["ended_at"] is not None else "open"
            wrong.append(f"case {case['id']} is {has}, and its history says otherwise")
        return lines

    def _clocks(self, case: Row, lines: Sequence[Line], rows: Sequence[Row]) -> None:
        told = {_generation(detail): line for line in lines if (detail := line[2]) and line[1] in _BEGINS}
        ended = {_generation(detail): kind for _, kind, detail in lines if kind in _ENDS.values()}
        for row in rows:
            which = (row["name"], str(row["generation"]))
            self.found.wrong += clock_faults(case["id"], row, told.get(which), ended.get(which))
            self.found.wrong += self._derived(case, row)

    def _derived(self, case: Row, row: Row) -> Iterator[str]:
        self.found.dates += 1
        try:
            definition = self.pinned(case["process"], case["version"], case["hash"]).clocks.get(row["name"])
            clock = read_clock({**row, "status": "void" if row["status"] == "superseded" else row["status"]})
            again = None if definition is None else derived_again(clock, definition, self.calendars)
        except (SoppaError, ValueError, KeyError, TypeError) as error:
            said = str(error) if isinstance(error, SoppaError) else type(error).__name__
            yield f"case {case['id']}: clock {_name(row)} cannot be counted again: {said}"
            return
        if again is None:
            self.found.recounted += 1
        elif again != (clock.nominal, clock.legal, clock.target, clock.provisional):
            stored, derived = _dates(clock.legal, clock.target), _dates(again[1], again[2])
            yield f"case {case['id']}: clock {_name(row)} stands at {stored}, and is counted to {derived}"

    def _sealed(self, case: Row, past: Sequence[Row], ring: Ring) -> None:
        values = [(case["sealed"], case_place(case["id"]))]
        values += [(row["sealed"], fact_place(row["case_id"], row["revision"], row["name"])) for row in past]
        for sealed, place in values:
            _open(sealed, place, f"case {case['id']}", ring, self.found)


def derived_again(clock: Clock, definition: ClockDef, calendars: Calendars) -> tuple[object, ...] | None:
    """Nominal, legal and target date and whether they are provisional, from what the clock is; None where it was
    counted by a rule or calendars that are not in force, or follows another clock that has no date."""
    rule = definition.rule
    if (rule.id, rule.version) != (clock.rule, clock.rule_version) or clock.calendars != calendars.versions_for(rule):
        return None
    if clock.nominal is None and any(source.kind == "clock" for source in definition.anchor.sources):
        return None
    counted = replace(rule, length=clock.length)
    dates = derive(counted, clock.anchor, calendars, clock.holds, clock.policy, clock.grace, clock.agreed)
    return dates.nominal, dates.legal, dates.target, dates.provisional


def clock_faults(case_id: str, row: Row, told: Line | None, ended: str | None) -> Iterator[str]:
    """Whether the history tells of a generation of a clock what its row says. `told` is the line that began it."""
    clock = f"case {case_id}: clock {_name(row)}"
    if told is None:
        yield f"{clock} stands in no line of its history"
        return
    seq, _, detail = told
    for what in ("anchor", "legal", "target"):
        stored = "" if row[what] is None else str(row[what])
        if stored != detail.get(what, ""):
            yield f"{clock} has {what} {stored or 'none'}, line {seq} of its history says {detail.get(what) or 'none'}"
    if row["status"] != "superseded" and _ENDS.get(row["status"]) != ended:
        said = next((status for status, kind in _ENDS.items() if kind == ended), "running")
        yield f"{clock} is {row['status']}, its history says {said}"


def mail_faults(case_id: str, lines: Iterable[Line], rows: Sequence[Row], waiting: Collection[str]) -> Iterator[str]:
    """Whether outbox and history agree. `waiting` are the sources of messages that have not reached their case yet."""
    queued, settled = _mails_told(lines)
    mails = [row for row in rows if not row["recipient"].startswith(RECIPIENT)]
    there = {(row["mail"], row["recipient"]) for row in mails}
    for mail in queued.keys() - there:
        yield f"case {case_id}: line {queued[mail]} of its history queued '{mail[0]}', which is not in the outbox"
    accepted = Counter[_Settled]()
    for row in mails:
        what = (row["mail"], row["occurrence"], row["state"])
        if what[2] not in _SETTLED or _waits(row, waiting):
            continue
        accepted[what] += what[2] == "accepted"
        if not settled[what]:
            yield f"case {case_id}: mail {row['id']} ({row['mail']}) is {row['state']}, its history does not say so"
    for what, count in settled.items():
        if what[2] == "accepted" and count != accepted[what]:
            yield (
                f"case {case_id}: its history says that the mail '{what[0]}' was accepted {count} times, the outbox "
                f"{accepted[what]} times"
            )


def _mails_told(lines: Iterable[Line]) -> tuple[Mapping[tuple[str, str], int], Counter[_Settled]]:
    """The mails that a history has queued, with their lines, and how often which was settled how."""
    queued: dict[tuple[str, str], int] = {}
    settled = Counter[_Settled]()
    for seq, kind, detail in lines:
        mail, to = detail.get("mail", ""), detail.get("to", "")
        if kind == "mail_settled":
            settled[(mail, detail.get("occurrence", ""), detail.get("status", ""))] += 1
        elif kind == "mail_queued" and "on_paper" not in detail and not to.startswith("audience:"):
            queued[(mail, to)] = seq
    return queued, settled


def _waits(row: Row, waiting: Collection[str]) -> bool:
    begins = f"outbox/{row['id']}/"
    return any(source.startswith(begins) for source in waiting)


def _look_at_register(connection: Connection, ring: Ring | None, found: Found) -> None:
    ordered = select(REGISTER_HISTORY).order_by(REGISTER_HISTORY.c.entry, REGISTER_HISTORY.c.seq)
    rows = connection.execution_options(yield_per=1000).execute(ordered).mappings()
    for entry, lines in groupby(rows, lambda row: str(row["entry"])):
        mine = list(lines)
        found.register_lines += len(mine)
        found.wrong += register_history.faults_in(ring, entry, mine)


def _look_at_waiting(connection: Connection, ring: Ring, found: Found) -> None:
    """What waits for a case or for a second person, what may be taken back, and what was printed, may name documents
    too."""
    for row in connection.execute(select(MESSAGES.c.case_id, MESSAGES.c.source, MESSAGES.c.sealed)):
        _open(row.sealed, message_place(row.source), f"a message for case {row.case_id}", ring, found)
    for kept in connection.execute(select(KEPT_ANSWERS).where(KEPT_ANSWERS.c.sealed.is_not(None))):
        _open(kept.sealed, kept_place(kept.case_id), f"the kept answer of case {kept.case_id}", ring, found)
    for act in connection.execute(select(PENDING_ACTS.c.id, PENDING_ACTS.c.sealed)):
        _open(act.sealed, act_place(act.id), f"the act {act.id}", ring, found)
    for run in connection.execute(select(PRINT_RUNS.c.case_id, PRINT_RUNS.c.number, PRINT_RUNS.c.files)):
        for named in KEPT_DOCUMENT.finditer(run.files):
            found.documents.setdefault(named.group(), f"print run {run.number} of case {run.case_id}")


def _open(sealed: bytes, place: str, whose: str, ring: Ring, found: Found) -> None:
    try:
        plain = ring.open(sealed, place).decode()
    except (WrongEnvironment, ValueError):
        found.wrong.append(f"{whose}: {place} does not open with the key ring")
        return
    for named in KEPT_DOCUMENT.finditer(plain):
        found.documents.setdefault(named.group(), whose)


def _detail(row: Row) -> Mapping[str, str]:
    try:
        known = json.loads(row["detail"])
    except ValueError:  # the chain says already that the line was changed
        return {}
    return known if isinstance(known, dict) else {}


def _generation(detail: Mapping[str, str]) -> tuple[str, str]:
    return detail.get("clock", ""), detail.get("generation", "")


def _name(row: Row) -> str:
    return f"{row['name']} (generation {row['generation']})" if row["generation"] > 1 else str(row["name"])


def _dates(legal: object, target: object) -> str:
    return f"{legal or 'no date'} (target {target or 'none'})"


def _count(connection: Connection, table: Table) -> int:
    return int(connection.scalar(select(func.count()).select_from(table)) or 0)
