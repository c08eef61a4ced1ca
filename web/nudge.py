"""The page behind a nudge link of the officer's brief: whom a task waits for, and a button that asks once more."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from engine.errors import SoppaError, UsageError
from engine.model.case import Case, Task
from engine.model.definition import Definition, say
from engine.model.messages import Nudge
from web.answers import Show, see_other
from web.links import closed_page
from web.plain import unknown
from web.site import Site
from web.visitors import Visitor, check_form, is_enough, limiter, load, signed_in, submitted
from web.words import date_words

Form = Annotated[FormData, Depends(submitted)]


def nudge_pages(site: Site, show: Show) -> APIRouter:
    router = APIRouter(dependencies=[Depends(limiter(site))], include_in_schema=False)

    @router.api_route("/nudge/{task_id}", methods=["GET", "HEAD"])
    def ask(task_id: str, request: Request) -> Response:
        visitor, case, definition = _look(site, request, task_id)
        task, language = case.task(task_id), visitor.language()
        wanted = definition.task(task) if task is not None else None
        if task is None or wanted is None or not task.is_open:
            return closed_page(site, show, case, task_id, language, visitor)
        who = _who(visitor, case, definition, task)
        if "sent" in request.query_params:
            return show("message.html", language, visitor=visitor, key="nudged", values={"who": who}, case=case.id)
        return show("nudge.html", language, visitor=visitor, case=case.id, who=who, title=say(wanted.title, language),
                    due=date_words(task.due, language) if task.due else "", path=f"/nudge/{task_id}",
                    nonce=visitor.nonce(f"/nudge/{task_id}"))  # fmt: skip

    @router.post("/nudge/{task_id}")
    def send(task_id: str, request: Request, form: Form) -> Response:
        visitor, case, _ = _look(site, request, task_id)
        check_form(site, request, visitor, form, f"/nudge/{task_id}")
        try:
            site.service.tend(case.id, Nudge(task_id, visitor.actor(case)), site.clock())
        except SoppaError as error:
            values = {"why": str(error)}
            return show("message.html", visitor.language(), 409, visitor=visitor, key="not_nudged", values=values,
                        case=case.id)  # fmt: skip
        return see_other(f"/nudge/{task_id}?sent")

    return router


def _look(site: Site, request: Request, task_id: str) -> tuple[Visitor, Case, Definition]:
    """For people of the district who have shown a code; for everybody else there is no such page."""
    visitor = signed_in(site, request)
    if visitor.person is None or not is_enough(visitor.session.level, "code"):
        raise unknown(visitor.language())
    try:
        with site.store.read() as unit:
            case_id = unit.case_of_task(task_id)
        return visitor, *load(site, case_id)
    except UsageError as error:
        raise unknown(visitor.language()) from error


def _who(visitor: Visitor, case: Case, definition: Definition, task: Task) -> str:
    if task.party is not None and task.party in definition.parties:
        contact = case.parties.get(task.party)
        label = say(definition.parties[task.party].label, visitor.language())
        return f"{contact.name} ({label})" if contact else label
    return ", ".join(person.name for person in map(visitor.office.person, task.assignees) if person) or "–"
