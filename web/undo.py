"""Taking an answer back on the page that thanked for it: for people of the district, for some minutes."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from engine.errors import Refused
from web.answers import Show, see_other
from web.look import Look, look_at
from web.plain import unknown
from web.site import Answered, Site
from web.visitors import check_form, is_enough, limiter, submitted

Form = Annotated[FormData, Depends(submitted)]


def undo_pages(site: Site, show: Show) -> APIRouter:
    router = APIRouter(dependencies=[Depends(limiter(site))], include_in_schema=False)

    @router.post("/task/{task_id}/undo")
    def undo(task_id: str, request: Request, form: Form) -> Response:
        """Takes this very answer back, or says that it stands: what was answered after it is not meant."""
        look = look_at(site, request, task_id)
        check_form(site, request, look.visitor, form, undo_path(look))
        if look.is_open:
            return see_other(look.path)
        if not _is_staff(look):
            raise unknown(look.language)
        if _until(look, site.answered(task_id)) is None:
            return _stands(show, look)
        try:
            site.service.undo(look.case.id, look.visitor.actor(look.case), site.clock())
        except Refused:
            return _stands(show, look)
        return see_other(look.path)

    return router


def undo_path(look: Look) -> str:
    return f"{look.path}/undo"


def may_undo_until(look: Look, answer: Answered | None) -> str:
    """Up to which local time this visitor may take the answer back; empty where they may not."""
    until = _until(look, answer) if _is_staff(look) else None
    return f"{until.astimezone(look.visitor.office.zone):%H:%M}" if until is not None else ""


def _until(look: Look, answer: Answered | None) -> dt.datetime | None:
    person = look.visitor.person
    return answer.undo_until if answer is not None and person is not None and answer.undo_by == person.id else None


def _is_staff(look: Look) -> bool:
    return look.visitor.person is not None and is_enough(look.visitor.session.level, "code")


def _stands(show: Show, look: Look) -> Response:
    return show("message.html", look.language, 409, key="not_undone", values={}, case=look.case.id)
