"""What a task lets its reader take away: the letter to print, and the documents on file."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from engine.errors import UsageError
from web.documents import MEDIA_TYPES
from web.headers import LETTER_POLICY
from web.look import Look, look_at
from web.plain import unknown
from web.site import Site
from web.visitors import is_enough, limiter

HOLD = "hold"
"""Names the paper of a hold where the address names a document."""


def file_pages(site: Site) -> APIRouter:
    router = APIRouter(dependencies=[Depends(limiter(site))], include_in_schema=False)

    @router.api_route("/task/{task_id}/letter", methods=["GET", "HEAD"])
    def show_letter(task_id: str, request: Request) -> Response:
        look = look_at(site, request, task_id)
        mail = (look.wanted.posts if look.wanted else None) or (look.task.mail if look.task else None)
        if mail is None or not look.is_open or not is_enough(look.has, "code"):
            raise unknown(look.language)
        return HTMLResponse(site.letter(look.case, mail), headers={"Content-Security-Policy": LETTER_POLICY})

    @router.api_route("/task/{task_id}/document/{fact_name}", methods=["GET", "HEAD"])
    def show_document(task_id: str, fact_name: str, request: Request) -> Response:
        return _document(site, look_at(site, request, task_id), fact_name)

    return router


def _document(site: Site, look: Look, fact_name: str) -> Response:
    """A file that this task shows or asks for, to be saved: the browser never shows it as a page of ours."""
    value = _paper_of(look) if fact_name == HOLD else look.case.facts.get(fact_name)
    if not (fact_name == HOLD or _is_named(look, fact_name)) or not isinstance(value, str) or not look.is_open:
        raise unknown(look.language)
    if not look.shows_personal or not is_enough(look.has, "second" if look.needed == "second" else "code"):
        raise unknown(look.language)
    try:
        content, kind = site.documents.read(value)
    except UsageError as error:
        raise unknown(look.language) from error
    named = f'attachment; filename="{look.case.id}-{fact_name}.{kind}"'
    return Response(content, media_type=MEDIA_TYPES[kind], headers={"Content-Disposition": named})


def _paper_of(look: Look) -> str | None:
    """The paper of the hold that this task is about."""
    hold_id = look.task.hold if look.task else None
    return next((hold.paper for hold in look.case.holds if hold.id == hold_id), None)


def _is_named(look: Look, fact_name: str) -> bool:
    fact = look.definition.facts.get(fact_name)
    if fact is None or fact.type.kind != "document" or look.wanted is None:
        return False
    return fact_name in {*look.wanted.shows, *(field.fact for field in look.wanted.form)}
