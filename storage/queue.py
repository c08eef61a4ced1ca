"""The queue, fast: open tasks and running clocks straight from the database, without the libraries of the store.

`soppa queue` must feel instant; nothing personal stands in what is read here, so that no key is needed either.
"""

from __future__ import annotations

import datetime as dt
import json
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from engine.errors import WrongEnvironment
from storage.driver import SCHEMA, SQLITE, connect_readonly

Rows = Sequence[tuple[Any, ...]]
Order = tuple[str, str, str, str]
Parts = tuple[tuple[str, str, str, str], Sequence[Any], Rows, Rows, Mapping[str, Any]]

_NO_DATE = "9999-12-31"
_NOTHING = (None, "", "", None, None, None, False)

_TASKS = """
    SELECT c.id, c.process, c.version, c.state, t.id, t.name, t.title, t.role, t.party, t.due, t.urgent
    FROM tasks t JOIN cases c ON c.id = t.case_id
    WHERE t.outcome IS NULL AND t.present AND NOT t.offered
    ORDER BY c.id, t.position"""
_WAITING = "SELECT id, process, version, state FROM cases WHERE ended_at IS NULL ORDER BY id"
_CLOCKS = """
    SELECT case_id, name, rule, nominal, legal, target, provisional
    FROM clocks WHERE status = 'running' ORDER BY case_id, name"""
_ASSIGNEES = """
    SELECT a.task_id, a.person_id, p.name
    FROM task_assignees a
    JOIN tasks t ON t.id = a.task_id AND t.outcome IS NULL AND t.present
    LEFT JOIN people p ON p.id = a.person_id
    ORDER BY a.task_id, a.position"""
_DEFINITIONS = "SELECT process, version, title, labels FROM definitions"


@dataclass(frozen=True, slots=True)
class QueueClock:
    """One running clock. `kind` is `legal deadline`, `legal duty without a date` or `district target`; a `window` is
    another party's right and no duty. Dates are local."""

    name: str
    title: str
    rule: str
    citation: str
    kind: str
    window: bool
    nominal: dt.date | None
    legal: dt.date | None
    target: dt.date | None
    provisional: bool


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One open task, or a case whose duties run while nobody is asked (`task_id` None).

    `clocks` are the running ones, the earliest legal date first; `legal` and `target` are the earliest of the duties
    among them. `due` is the district's target of the task. `assignees` are (id, name).
    """

    case_id: str
    process: str
    title: str
    state: str
    task_id: str | None
    task: str
    task_title: str
    role: str | None
    party: str | None
    assignees: tuple[tuple[str, str], ...]
    due: dt.date | None
    urgent: bool
    clocks: tuple[QueueClock, ...]
    legal: dt.date | None
    target: dt.date | None

    def is_overdue(self, today: dt.date) -> bool:
        return any(day is not None and day < today for day in (self.legal, self.due))


def open_queue_rows(
    database: str | Path,
    *,
    today: dt.date,
    role: str | None = None,
    person: str | None = None,
    process: str | None = None,
    overdue: bool = False,
    limit: int | None = None,
) -> list[QueueRow]:
    """The queue: the earliest legal date first, then the earliest target; what has no date comes last.

    `database` is the path of an SQLite file or a URL. Raises `WrongEnvironment` as `open_store` does.
    """
    with _reading(database) as ask:
        waiting = sorted(_queue(ask), key=lambda found: found[0])
    rows = (_row(*parts) for _, parts in waiting)
    wanted = (row for row in rows if _wanted(row, role, person, process) and (row.is_overdue(today) or not overdue))
    return list(islice(wanted, limit))


def _wanted(row: QueueRow, role: str | None, person: str | None, process: str | None) -> bool:
    return (
        role in (None, row.role)
        and process in (None, row.process)
        and (person is None or any(person == person_id for person_id, _ in row.assignees))
    )


def _order(case_id: str, task: Sequence[Any], clocks: Rows, labels: Mapping[str, Any]) -> Order:
    """As text, which orders like the dates: most rows are only compared, so that no more is made of them."""
    duties = [clock for clock in clocks if not labels.get(clock[1], {}).get("window")]
    legal = min((str(clock[4]) for clock in duties if clock[4]), default=_NO_DATE)
    targets = [str(day) for day in (task[5], *(clock[5] for clock in duties)) if day]
    return (legal, min(targets, default=_NO_DATE), case_id, task[0] or "")


class _Asker:
    """A raw connection of either kind, and how it writes what Python reads."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def __call__(self, statement: str) -> Rows:
        cursor = self.connection.cursor()
        cursor.execute(statement)
        rows: Rows = cursor.fetchall()
        return rows


def _queue(ask: _Asker) -> Iterator[tuple[Order, Parts]]:
    """Where each row stands, and what `_row` makes it of."""
    titles = {(process, version): (title, json.loads(labels)) for process, version, title, labels in ask(_DEFINITIONS)}
    clocks = _grouped(ask(_CLOCKS))
    people = _grouped(ask(_ASSIGNEES))
    tasks = _grouped((row[0], *row) for row in ask(_TASKS))
    found = [row[1:] for rows in tasks.values() for row in rows]
    found += [(*row, *_NOTHING) for row in ask(_WAITING) if row[0] not in tasks]
    for case_id, process, version, state, *task in found:
        title, labels = titles.get((process, version), (process, {}))
        mine = clocks.get(case_id, [])
        case = (case_id, process, title, state)
        yield _order(case_id, task, mine, labels), (case, task, people.get(task[0], []), mine, labels)


def _row(case: tuple[str, str, str, str], task: Sequence[Any], people: Rows, running: Rows,
         labels: Mapping[str, Any]) -> QueueRow:
    clocks = _clocks(running, labels)
    task_id, task_name, task_title, role, party, due, urgent = task
    duties = [clock for clock in clocks if not clock.window]
    return QueueRow(
        *case,
        task_id=task_id,
        task=task_name,
        task_title=task_title,
        role=role,
        party=party,
        assignees=tuple((person_id, name or person_id) for _, person_id, name in people),
        due=_date(due),
        urgent=bool(urgent),
        clocks=clocks,
        legal=min((clock.legal for clock in duties if clock.legal), default=None),
        target=min((clock.target for clock in duties if clock.target), default=None),
    )


def _clocks(rows: Rows, labels: Mapping[str, Any]) -> tuple[QueueClock, ...]:
    found = [_clock(row, labels.get(row[1], {})) for row in rows]
    return tuple(sorted(found, key=lambda clock: (clock.legal or dt.date.max, clock.name)))


def _clock(row: tuple[Any, ...], label: Mapping[str, Any]) -> QueueClock:
    _, name, rule, nominal, legal, target, provisional = row
    return QueueClock(
        name=name,
        title=label.get("title", name),
        rule=rule,
        citation=label.get("citation", ""),
        kind=label.get("kind", "legal deadline"),
        window=bool(label.get("window", False)),
        nominal=_date(nominal),
        legal=_date(legal),
        target=_date(target),
        provisional=bool(provisional),
    )


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    groups: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        groups.setdefault(row[0], []).append(row)
    return groups


def _date(value: str | dt.date | None) -> dt.date | None:
    return dt.date.fromisoformat(value) if isinstance(value, str) else value


@contextmanager
def _reading(database: str | Path) -> Iterator[_Asker]:
    """A connection that sees one moment and cannot write."""
    word = str(database)
    if word.startswith("postgresql"):
        with _postgres(word) as ask:
            yield ask
    else:
        with _sqlite(Path(word.removeprefix("sqlite:///"))) as ask:
            yield ask


@contextmanager
def _sqlite(path: Path) -> Iterator[_Asker]:
    if not path.is_file():
        raise WrongEnvironment(f"there is no database {path}: make it with soppa init, or correct the setting")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise WrongEnvironment(f"{path} may be read by others (mode {mode:03o}): chmod 600 {path}")
    try:
        connection = connect_readonly(str(path))
        try:
            connection.execute("BEGIN")
            yield _checked(connection, "SELECT name FROM sqlite_master WHERE name = 'alembic_version'")
        finally:
            connection.close()
    except SQLITE.DatabaseError as error:
        raise WrongEnvironment(f"{path} cannot be read ({error}): restore it from a backup if this stays") from error


@contextmanager
def _postgres(url: str) -> Iterator[_Asker]:
    try:
        import psycopg
    except ImportError:
        raise WrongEnvironment("PostgreSQL needs its driver: install soppa[postgres]") from None
    address = url.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        with psycopg.connect(address, connect_timeout=10) as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            yield _checked(connection, "SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL")
    except psycopg.OperationalError as error:
        raise WrongEnvironment(
            "the database does not answer: see that it runs and that the setting names it"
        ) from error


def _checked(connection: Any, has_schema: str) -> _Asker:
    ask = _Asker(connection)
    found = ask("SELECT version_num FROM alembic_version") if ask(has_schema) else [("none",)]
    if found[0][0] != SCHEMA:
        raise WrongEnvironment(f"the database has schema {found[0][0]}, this program needs {SCHEMA}: see soppa init")
    return ask
