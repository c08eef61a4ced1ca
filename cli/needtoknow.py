"""Who may read which case at the terminal. Most are open to whoever works here; of a case for those who need to know,
the others learn its number and its process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cli.home import Home

if TYPE_CHECKING:
    from storage.entrance.people import OpenTask
    from storage.looking.queue import QueueRow

VEILED = "(for those who need to know)"


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody of the office. `is_second`: the second person of the settings, who reads everything."""

    id: str
    roles: frozenset[str]
    is_second: bool = False


def closed_to(reader: Reader, cases: Mapping[str, str], home: Home, database: str | Path) -> frozenset[str]:
    """Of these cases, each with its process, those that are not for this reader: the process names roles that may read
    its cases, and the reader has none of these, did not begin the case, and was never asked anything in it."""
    if reader.is_second:
        return frozenset()
    one_of_each = {process: case for case, process in cases.items()}
    wanted = {process: _roles_of(process, case, home, database) for process, case in one_of_each.items()}
    guarded = {case for case, process in cases.items() if wanted[process] and not wanted[process] & reader.roles}
    if not guarded:
        return frozenset()
    from storage.looking import hints

    return frozenset(guarded - hints.takes_part(database, reader.id, reader.roles, guarded))


def closed_of(reader: Reader, cases: Iterable[str | None], home: Home, database: str | Path) -> frozenset[str]:
    """The same of the numbers of cases; what belongs to none is for everybody."""
    from storage.looking import hints

    wanted = {case for case in cases if case is not None}
    return closed_to(reader, hints.processes_of(database, wanted), home, database) if wanted else frozenset()


def veiled(rows: Iterable[QueueRow], closed: frozenset[str], *, narrowed: bool) -> list[QueueRow]:
    """The queue with nothing of these cases but that they exist, one line each at its end; with not even that where the
    queue is narrowed by what a row says."""
    found = list(rows)
    bare = {row.case_id: _veil(row) for row in found if row.case_id in closed}
    return [*(row for row in found if row.case_id not in closed), *(() if narrowed else bare.values())]


def veiled_tasks(tasks: Iterable[OpenTask], closed: frozenset[str]) -> list[OpenTask]:
    """Tasks with nothing of these cases but that somebody is asked something in them."""
    return [replace(task, title=VEILED, due=None) if task.case_id in closed else task for task in tasks]


def _veil(row: QueueRow) -> QueueRow:
    return replace(row, state="", task_id=None, task="", task_title=f"{row.title} {VEILED}", role=None, party="–",
                   assignees=(), due=None, urgent=False, clocks=(), legal=None, agreement=None, target=None,
                   snoozed_until=None)


def _roles_of(process: str, case: str, home: Home, database: str | Path) -> frozenset[str]:
    """The roles that need to know of a process, which this case is of; empty where everybody may."""
    from workflows import hints

    wanted = hints.need_to_know(process, home.workflows)
    if wanted is None:  # the document is gone: the one that the database adopted says it
        from storage.looking import hints as stored

        wanted = hints.need_to_know_of(stored.source(database, case) or "")
    return wanted
