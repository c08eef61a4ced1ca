"""The open tasks of a reader, as lines that lead to them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from engine.model.case import Case
from engine.model.definition import Definition
from web.dates import DateView, clock_dates, late
from web.site import Site
from web.visitors import Visitor, is_enough, load
from web.words import date_words

MOST = 200
"""Cases of a person whose tasks are on one page, the most pressing ones."""


@dataclass(frozen=True, slots=True)
class TaskLine:
    """`legal` is the nearest date of the law in its case; that and `late` are for people of the district."""

    id: str
    title: str
    case: str
    due: str
    late: str
    legal: DateView | None
    offered: bool


def own_tasks(site: Site, visitor: Visitor, case: Case | None = None) -> list[TaskLine]:
    """The reader's open tasks, the asked ones by date before the offered ones: a person's in every case, a party's in
    its own. Who came by an open link sees those of this case by name, and opens them with a code."""
    person = visitor.person if is_enough(visitor.session.level, "code") else None
    cases = site.cases_of(person.id)[:MOST] if person else [case.id] if case else []
    found = [pair for case_id in cases for pair in _lines_of(site, visitor, case_id)]
    return [line for _, line in sorted(found, key=lambda pair: pair[0])]


def cases_beyond(site: Site, visitor: Visitor) -> int:
    """How many cases of a person are not on the page."""
    return max(0, len(site.cases_of(visitor.person.id)) - MOST) if visitor.person else 0


def _lines_of(site: Site, visitor: Visitor, case_id: str) -> list[tuple[tuple[bool, dt.date, str], TaskLine]]:
    """Lines with what orders them."""
    case, definition = load(site, case_id)
    language = visitor.language(case)
    today = visitor.office.today(site.clock()) if visitor.person is not None else None
    legal = _legal(case, definition, language, today)
    lines = []
    for task in case.tasks:
        wanted = definition.task(task)
        mine = task.party == visitor.party if visitor.person is None else visitor.person.id in task.assignees
        if task.is_open and mine and wanted is not None:
            due = date_words(task.due, language) if task.due else ""
            order = (task.offered, task.due or dt.date.max, task.id)
            title = definition.named(wanted.title, case.facts, language)
            lines.append((order, TaskLine(task.id, title, case.id, due, late(task.due, today, language),
                                          None if task.offered else legal, task.offered)))  # fmt: skip
    return lines


def _legal(case: Case, definition: Definition, language: str, today: dt.date | None) -> DateView | None:
    if today is None:
        return None
    views = clock_dates(case, definition, language, today=today)
    return next((view for view in views if view.kind == "legal" and view.date), None)
