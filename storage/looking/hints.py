"""Words to complete at the terminal, read as the queue is: no ORM, no key, nothing personal. A hundred at most."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from storage.looking.queue import asking

Database = str | Path
_CASES = "SELECT id, process FROM cases ORDER BY ended_at IS NOT NULL, id DESC LIMIT 100"
_PROCESS_OF = "SELECT id, process FROM cases WHERE id IN ({})"
_TASKS = "SELECT name FROM tasks WHERE case_id = {} AND outcome IS NULL AND present ORDER BY position"
_CLOCKS = "SELECT DISTINCT name FROM clocks WHERE case_id = {} ORDER BY name"
_SOURCE = """
    SELECT d.source FROM cases c JOIN definitions d ON d.process = c.process AND d.version = c.version
    WHERE c.id = {}"""
_PEOPLE = "SELECT id FROM people WHERE active ORDER BY id"
_LOGINS = "SELECT login FROM people WHERE active AND login IS NOT NULL ORDER BY login"
_EVERYBODY = "SELECT id FROM people ORDER BY id"
_PROCESSES = "SELECT DISTINCT process FROM cases ORDER BY process"
_PERSON = "SELECT id, roles FROM people WHERE active AND login = {}"
_TAKES_PART = """
    SELECT c.id FROM cases c WHERE c.id IN ({cases}) AND (c.initiator = {0} OR EXISTS (
        SELECT 1 FROM tasks t LEFT JOIN task_assignees a ON a.task_id = t.id
        WHERE t.case_id = c.id AND (a.person_id = {0} OR t.done_by_id = {0} OR t.role IN ({roles}))))"""
_ACTS = "SELECT id, case_id FROM pending_acts WHERE confirmed_by IS NULL ORDER BY at DESC LIMIT 100"
_INCIDENTS = "SELECT id, case_id FROM incidents WHERE closed_at IS NULL ORDER BY id DESC LIMIT 100"
_TO_RETRY = "SELECT id, case_id FROM outbox WHERE state IN ('queued', 'deferred', 'failed') ORDER BY id DESC LIMIT 100"
_IN_DOUBT = "SELECT id, case_id FROM outbox WHERE state = 'uncertain' ORDER BY id DESC LIMIT 100"
_AT_ONCE = 500

OfCases = dict[str, str | None]
"""Numbers of rows, and the case that each belongs to, if any."""


def cases(database: Database) -> dict[str, str]:
    """With their processes; the open ones first, of each the latest first."""
    with asking(database) as ask:
        return {str(case): str(process) for case, process in ask(_CASES)}


def processes_of(database: Database, cases: Iterable[str]) -> dict[str, str]:
    """The process of each of these cases, as far as there are any."""
    wanted = sorted(set(cases))
    found: dict[str, str] = {}
    with asking(database) as ask:
        for start in range(0, len(wanted), _AT_ONCE):
            batch = wanted[start : start + _AT_ONCE]
            found |= dict(ask(_PROCESS_OF.format(ask.marks(batch)), batch))
    return found


def tasks(database: Database, case: str) -> list[str]:
    """The names of a case's open tasks."""
    return _words(database, _TASKS, case)


def clocks(database: Database, case: str) -> list[str]:
    return _words(database, _CLOCKS, case)


def source(database: Database, case: str) -> str | None:
    """The source of the definition that a case runs on."""
    found = _words(database, _SOURCE, case)
    return found[0] if found else None


def people(database: Database) -> list[str]:
    return _words(database, _PEOPLE)


def logins(database: Database) -> list[str]:
    return _words(database, _LOGINS)


def everybody(database: Database) -> list[str]:
    """Those who work here no more as well."""
    return _words(database, _EVERYBODY)


def processes(database: Database) -> list[str]:
    """Those that have cases, on file or not."""
    return _words(database, _PROCESSES)


def acts(database: Database) -> OfCases:
    """Those that nobody has confirmed."""
    return _of_cases(database, _ACTS)


def incidents(database: Database) -> OfCases:
    return _of_cases(database, _INCIDENTS)


def mails_to_retry(database: Database) -> OfCases:
    return _of_cases(database, _TO_RETRY)


def mails_in_doubt(database: Database) -> OfCases:
    return _of_cases(database, _IN_DOUBT)


def person(database: Database, login: str) -> tuple[str, frozenset[str]] | None:
    """The id and the roles of whoever works here under a login."""
    with asking(database) as ask:
        found = ask(_PERSON.format(ask.mark), (login,))
    return (str(found[0][0]), frozenset(json.loads(found[0][1]))) if found else None


def takes_part(database: Database, person_id: str, roles: Iterable[str], cases: Iterable[str]) -> set[str]:
    """Of these cases those that a person began, or was ever asked something in, by name or by a role."""
    of, theirs = sorted(cases), sorted(roles) or [""]
    with asking(database) as ask:
        statement = _TAKES_PART.format(ask.mark, cases=ask.marks(of), roles=ask.marks(theirs))
        return {str(row[0]) for row in ask(statement, (*of, person_id, person_id, person_id, *theirs))}


def _of_cases(database: Database, statement: str) -> OfCases:
    with asking(database) as ask:
        return {str(number): case for number, case in ask(statement)}


def _words(database: Database, statement: str, *values: str) -> list[str]:
    """The first column of what a statement finds; `{}` stands for a value."""
    with asking(database) as ask:
        return [str(row[0]) for row in ask(statement.format(ask.mark), values)]
