"""The queue, fast: open tasks and running clocks straight from the database, without the libraries of the store.

`soppa queue` must feel instant; nothing personal stands in what is read here, so that no key is needed either.
"""

from __future__ import annotations

import datetime as dt
import json
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.errors import WrongEnvironment
from storage.driver import SCHEMA, SQLITE, connect_readonly, wrong_schema

Rows = Sequence[tuple[Any, ...]]

_DEFINITIONS = "SELECT process, version, title, labels FROM definitions"
_PICKED = """
    SELECT c.id, c.process, c.version, c.state, t.id, t.name, t.title, t.role, t.party, t.due, t.urgent, {until}
    FROM cases c LEFT JOIN tasks t ON t.case_id = c.id AND t.outcome IS NULL AND t.present AND NOT t.offered
    {snoozes}
    WHERE c.next_legal <= {never} {filters}
    ORDER BY c.next_legal, c.next_target, c.id, COALESCE(t.due, {never}), t.id
    LIMIT {limit}"""
_CLOCKS = """
    SELECT case_id, name, rule, nominal, legal, target, provisional, is_window, length
    FROM clocks WHERE status = 'running' AND case_id IN ({cases}) ORDER BY case_id, name"""
_ASSIGNEES = """
    SELECT a.task_id, a.person_id, p.name
    FROM task_assignees a LEFT JOIN people p ON p.id = a.person_id
    WHERE a.task_id IN ({tasks}) ORDER BY a.task_id, a.position"""
_PRESERVED = "SELECT case_id FROM preservations WHERE case_id IN ({cases})"
_FILTERS = {
    "role": "AND t.role = {0}",
    "process": "AND c.process = {0}",
    "person": """AND EXISTS (SELECT 1 FROM task_assignees a WHERE a.task_id = t.id AND a.person_id = {0}) AND c.id IN (
        SELECT m.case_id FROM tasks m JOIN task_assignees a ON a.task_id = m.id
        WHERE a.person_id = {0} AND m.outcome IS NULL AND m.present)""",
}
_OVERDUE = """AND (c.next_legal < {0} OR t.due < {0}) AND c.id IN (
        SELECT id FROM cases WHERE next_legal < {0}
        UNION ALL SELECT case_id FROM tasks WHERE outcome IS NULL AND present AND due < {0})"""
_ME = "(SELECT m.id FROM people m WHERE m.login = {} AND m.active)"
_SNOOZES = """LEFT JOIN snoozes s ON s.task_id = t.id AND s.generation = t.generation AND s.until > {mark}
        AND s.person_id = {me}"""
_MINE = "AND EXISTS (SELECT 1 FROM task_assignees a WHERE a.task_id = t.id AND a.person_id = {me})"
_SNOOZED = "AND s.task_id IS NOT NULL"
_NOT_HIDDEN = """AND (s.task_id IS NULL OR NOT
        (s.past_date OR ({mark} < COALESCE(t.due, {never}) AND {mark} < c.next_legal)))"""
_SNOOZED_COUNT = """
    SELECT COUNT(*) FROM snoozes s JOIN tasks t ON t.id = s.task_id AND t.generation = s.generation
    WHERE s.until > {mark} AND s.person_id = {me} AND t.outcome IS NULL AND t.present"""
LEGAL, AGREEMENT = "legal deadline", "day set by our agreement"
_AT_ONCE = 500
"""Rows of one IN list; SQLite and PostgreSQL both take many more."""


@dataclass(frozen=True, slots=True)
class QueueClock:
    """One running clock. `kind` is `legal deadline`, `day set by our agreement` (which gives fewer days than the law),
    `legal duty without a date` or `district target`; a `window` is another party's right and no duty. `legal` is its
    date, whoever sets it. Dates are local."""

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

    `clocks` are the running ones, the earliest date first; `legal`, `agreement` and `target` are the earliest of the
    duties among them that the law, an agreement and the district set. `due` is the district's target of the task.
    `assignees` are (id, name). `snoozed_until` is the reader's own. `preserved`: nothing of the case may be purged.
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
    snoozed_until: dt.date | None = None
    preserved: bool = False
    agreement: dt.date | None = None

    def is_overdue(self, today: dt.date) -> bool:
        dates = (self.due, *(clock.legal for clock in self.clocks if not clock.window))
        return any(day is not None and day < today for day in dates)


@dataclass(frozen=True, slots=True)
class View:
    """Which rows are wanted, by whom. What the person with this `login` has snoozed is left out; `snoozed` asks for
    that alone, `mine` for what waits for them."""

    today: dt.date
    login: str | None = None
    role: str | None = None
    person: str | None = None
    process: str | None = None
    overdue: bool = False
    mine: bool = False
    snoozed: bool = False
    limit: int | None = None


def open_queue_rows(database: str | Path, view: View) -> list[QueueRow]:
    """The queue: the case with the earliest date of a duty first, then the one with the earliest target of a duty or a
    task; what has no date comes last. The tasks of a case stand together.

    `database` is the path of an SQLite file or a URL. Raises `WrongEnvironment` as `open_store` does.
    """
    with asking(database) as ask:
        titles = {(name, version): (title, json.loads(labels)) for name, version, title, labels in ask(_DEFINITIONS)}
        picked = _pick(ask, view)
        clocks = _grouped(_some(ask, _CLOCKS, "cases", {row[0] for row in picked}))
        people = _grouped(_some(ask, _ASSIGNEES, "tasks", {row[4] for row in picked if row[4]}))
        preserved = {row[0] for row in _some(ask, _PRESERVED, "cases", {row[0] for row in picked})}
    rows = [_row(row, titles.get((row[1], row[2]), (row[1], {})), people.get(row[4], []), clocks.get(row[0], []))
            for row in picked]  # fmt: skip
    return [replace(row, preserved=True) if row.case_id in preserved else row for row in rows]


def snoozed_count(database: str | Path, today: dt.date, login: str) -> int:
    """How many open tasks the person with this login has snoozed."""
    with asking(database) as ask:
        return int(ask(_SNOOZED_COUNT.format(mark=ask.mark, me=ask.me), (today.isoformat(), login))[0][0])


def _pick(ask: Asker, view: View) -> Rows:
    """The rows asked for: cases lie in this order in an index, so that only these are read."""
    known = bool(view.login)
    filters, values = _filters(ask, view, view.today.isoformat())
    statement = _PICKED.format(
        filters=" ".join(filters), never=ask.never,
        until="s.until" if known else "NULL", snoozes=_SNOOZES.format(mark=ask.mark, me=ask.me) if known else "",
        limit=-1 if view.limit is None and ask.mark == "?" else "ALL" if view.limit is None else int(view.limit),
    )  # fmt: skip
    return ask(statement, (*((view.today.isoformat(), view.login) if known else ()), *values))


def _filters(ask: Asker, view: View, today: str) -> tuple[list[str], list[object]]:
    """The conditions of a view, and their values in the same order."""
    given = {name: getattr(view, name) for name in _FILTERS}
    narrowed = [(_FILTERS[name], value) for name, value in given.items() if value is not None]
    narrowed += [(_OVERDUE, today)] if view.overdue else []
    filters = [words.format(ask.mark) for words, _ in narrowed]
    values: list[object] = [value for words, value in narrowed for _ in range(words.count("{0}"))]
    if view.login and view.mine:
        filters.append(_MINE.format(me=ask.me))
        values.append(view.login)
    if view.login and view.snoozed:
        filters.append(_SNOOZED)
    elif view.login:
        filters.append(_NOT_HIDDEN.format(mark=ask.mark, never=ask.never))
        values += [today, today]
    return filters, values


def _some(ask: Asker, statement: str, name: str, keys: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    """Rows of a statement for these keys, in batches."""
    found = sorted(keys)
    for start in range(0, len(found), _AT_ONCE):
        batch = found[start : start + _AT_ONCE]
        yield from ask(statement.format(**{name: ask.marks(batch)}), tuple(batch))


class Asker:
    """A raw connection of either kind, and how its language writes a parameter and a day that never comes."""

    def __init__(self, connection: Any, *, is_sqlite: bool) -> None:
        self.connection = connection
        self.mark = "?" if is_sqlite else "%s"
        self.never = "'9999-12-31'" if is_sqlite else "DATE '9999-12-31'"

    @property
    def me(self) -> str:
        """The id of the person with a login, which is the parameter."""
        return _ME.format(self.mark)

    def marks(self, values: Sequence[str]) -> str:
        return ", ".join([self.mark] * len(values))

    def __call__(self, statement: str, values: Sequence[object] = ()) -> Rows:
        cursor = self.connection.cursor()
        cursor.execute(statement, values)
        rows: Rows = cursor.fetchall()
        return rows


def _row(found: tuple[Any, ...], titled: tuple[str, Mapping[str, Any]], people: Rows, running: Rows) -> QueueRow:
    case_id, process, _, state, task_id, task_name, task_title, role, party, due, urgent, until = found
    title, labels = titled
    clocks = _clocks(running, labels)
    duties = [clock for clock in clocks if not clock.window]
    return QueueRow(
        case_id=case_id,
        process=process,
        title=title,
        state=state,
        task_id=task_id,
        task=task_name or "",
        task_title=task_title or "",
        role=role,
        party=party,
        assignees=tuple((person_id, name or person_id) for _, person_id, name in people),
        due=_date(due),
        urgent=bool(urgent),
        clocks=clocks,
        legal=_earliest(duties, LEGAL),
        agreement=_earliest(duties, AGREEMENT),
        target=min((clock.target for clock in duties if clock.target), default=None),
        snoozed_until=_date(until),
    )


def _earliest(clocks: Iterable[QueueClock], kind: str) -> dt.date | None:
    return min((clock.legal for clock in clocks if clock.legal and clock.kind == kind), default=None)


def _clocks(rows: Rows, labels: Mapping[str, Any]) -> tuple[QueueClock, ...]:
    found = [_clock(row, labels.get(row[1], {})) for row in rows]
    return tuple(sorted(found, key=lambda clock: (clock.legal or dt.date.max, clock.name)))


def _clock(row: tuple[Any, ...], label: Mapping[str, Any]) -> QueueClock:
    _, name, rule, nominal, legal, target, provisional, is_window, length = row
    kind, days = label.get("kind", LEGAL), label.get("days")
    is_shorter = kind == LEGAL and length is not None and days is not None and length < days
    return QueueClock(
        name=name,
        title=label.get("title", name),
        rule=rule,
        citation=label.get("citation", ""),
        kind=AGREEMENT if is_shorter else kind,
        window=bool(is_window),
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
def asking(database: str | Path) -> Iterator[Asker]:
    """A connection that sees one moment and cannot write."""
    word = str(database)
    if word.startswith("postgresql"):
        with _postgres(word) as ask:
            yield ask
    else:
        with _sqlite(Path(word.removeprefix("sqlite:///"))) as ask:
            yield ask


@contextmanager
def _sqlite(path: Path) -> Iterator[Asker]:
    if not path.is_file():
        raise WrongEnvironment(f"there is no database {path}: make it with soppa init, or correct the setting")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise WrongEnvironment(f"{path} may be read by others (mode {mode:03o}): chmod 600 {path}")
    try:
        connection = connect_readonly(str(path))
        try:
            connection.execute("BEGIN")
            yield _checked(connection, "SELECT name FROM sqlite_master WHERE name = 'alembic_version'", is_sqlite=True)
        finally:
            connection.close()
    except SQLITE.DatabaseError as error:
        raise WrongEnvironment(f"{path} cannot be read ({error}): restore it from a backup if this stays") from error


@contextmanager
def _postgres(url: str) -> Iterator[Asker]:
    try:
        import psycopg
    except ImportError:
        raise WrongEnvironment("PostgreSQL needs its driver: install soppa[postgres]") from None
    address = url.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        with psycopg.connect(address, connect_timeout=10) as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            yield _checked(connection, "SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL", is_sqlite=False)
    except psycopg.OperationalError as error:
        raise WrongEnvironment(
            "the database does not answer: see that it runs and that the setting names it"
        ) from error


def _checked(connection: Any, has_schema: str, *, is_sqlite: bool) -> Asker:
    ask = Asker(connection, is_sqlite=is_sqlite)
    found = ask("SELECT version_num FROM alembic_version")[0][0] if ask(has_schema) else None
    if found != SCHEMA:
        raise WrongEnvironment(wrong_schema(found))
    return ask
