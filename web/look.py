"""A task as one visitor sees it, or the page that says why it is not for them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from starlette.requests import Request

from engine.errors import UsageError
from engine.model.case import Case, Task
from engine.model.definition import Definition, LinkLevel, TaskDef
from web.combined import Also, answered_alike
from web.plain import PlainPage, unknown
from web.site import Site
from web.visitors import Visitor, is_enough, load, reached, signed_in


@dataclass(frozen=True, slots=True)
class Look:
    """A task as one visitor sees it. `task` and `wanted` are None when its case has left it behind."""

    visitor: Visitor
    case: Case
    definition: Definition
    task_id: str
    task: Task | None
    wanted: TaskDef | None
    language: str
    has: LinkLevel
    also: tuple[Also, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.task is not None and self.task.is_open and self.wanted is not None

    @property
    def path(self) -> str:
        return f"/task/{self.task_id}"

    @property
    def needed(self) -> LinkLevel:
        return self.wanted.link if self.wanted else "open"

    @property
    def shows_personal(self) -> bool:
        """A code is enough for people of the district and for an operator, which holds the data itself; a parent shows
        over another channel who they are before anything about a child is filled in."""
        party = self.definition.parties.get(self.visitor.party or "")
        return is_enough(self.has, "code" if party is None or party.kind == "operator" else "second")


def look_at(site: Site, request: Request, task_id: str) -> Look:
    """The task for this visitor. Raises the page that says why it is not for them."""
    visitor = signed_in(site, request)
    try:
        with site.store.read() as unit:
            case_id = unit.case_of_task(task_id)
        case, definition = load(site, case_id)
    except UsageError as error:
        raise unknown(visitor.language()) from error
    language = visitor.language(case)
    if visitor.session.case_id not in (None, case.id):
        raise unknown(language)
    task = case.task(task_id)
    if task is not None and not visitor.may_answer(task, visitor.office.today(site.clock())):
        raise PlainPage("other", 403, language)
    wanted = definition.task(task) if task is not None else None
    also = _also(visitor, case, definition, task, visitor.office.today(site.clock()))
    return Look(visitor, case, definition, task_id, task, wanted, language, reached(site, visitor, case), also)


def _also(
    visitor: Visitor, case: Case, definition: Definition, task: Task | None, today: dt.date
) -> tuple[Also, ...]:
    """The further tasks of the same entry of a state that this person may answer alike."""
    wanted = definition.task(task) if task is not None and not task.is_own and task.is_open else None
    if task is None or wanted is None or visitor.person is None or wanted.offered or wanted.approval:
        return ()
    state = definition.states[task.state]
    if state.join == "any" or state.distinct:
        return ()
    others = [one for one in case.tasks if one.is_open and one.entry == task.entry and one.id != task.id]
    pairs = [(one, definition.task(one)) for one in others if not one.offered and visitor.may_answer(one, today)]
    return tuple(Also(one, of) for one, of in pairs if of and not of.approval and answered_alike(wanted, of))
