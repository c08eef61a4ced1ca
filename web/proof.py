"""Where a visitor proves more of who they are: a mailed code, and the app of people of the district."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from web.answers import Show, see_other
from web.doors import Door, door_page, is_staff, mail_code, try_code
from web.look import Look, look_at
from web.plain import PlainPage, unknown
from web.site import Site
from web.visitors import Visitor, check_form, check_origin, is_enough, limiter, submitted
from web.vouching import second_page
from web.words import tell

Form = Annotated[FormData, Depends(submitted)]


def proof_pages(site: Site, show: Show) -> APIRouter:
    """Where a visitor proves more of who they are: a mailed code, and the app of people of the district."""
    router = APIRouter(dependencies=[Depends(limiter(site))], include_in_schema=False)

    @router.post("/task/{task_id}/code")
    def ask_for_code(task_id: str, request: Request) -> Response:
        check_origin(site, request)
        return mail_code(site, show, door_of(look_at(site, request, task_id)))

    @router.post("/task/{task_id}/enter")
    def bring_code(task_id: str, request: Request, form: Form) -> Response:
        check_origin(site, request)
        return try_code(site, show, door_of(look_at(site, request, task_id)), str(form.get("code", "")))

    @router.post("/task/{task_id}/totp")
    def bring_totp(task_id: str, request: Request, form: Form) -> Response:
        look = look_at(site, request, task_id)
        check_form(site, request, look.visitor, form, look.path)
        return bring_app_code(site, show, look.visitor, look.path, str(form.get("code", "")), look.language)

    return router


def app_code_page(
    site: Site, show: Show, visitor: Visitor, path: str, language: str, *, error: str = "", status: int = 200
) -> Response:
    """Asks for the code of the authenticator app, or says how to get one."""
    person = visitor.person
    has_app = person is not None and site.links.totp_secret(person.id) is not None
    nonce = visitor.nonce(path)
    return show("totp.html", language, status, visitor=visitor, path=path, nonce=nonce, has_app=has_app, error=error)


def bring_app_code(site: Site, show: Show, visitor: Visitor, path: str, typed: str, language: str) -> Response:
    """Raises the session to `second` with a right code that nobody has used yet; tries are counted."""
    person, now = visitor.person, site.clock()
    secret = site.links.totp_secret(person.id) if person is not None else None
    if person is None or secret is None or visitor.session.level == "open":
        raise unknown(language)
    if not site.links.allow(f"totp:{person.id}", 5, dt.timedelta(minutes=15), now):
        raise PlainPage("many", 429, language)
    step = site.match_totp(secret, typed.replace(" ", ""), now)
    if step is None or not site.links.totp_used(person.id, step):
        error = tell("totp_wrong", language)
        return app_code_page(site, show, visitor, path, language, error=error, status=422)
    site.links.raise_session(visitor.session, "second")
    return see_other(path)


def door_of(look: Look) -> Door:
    session = look.visitor.session
    return Door(session.recipient, session.case_id, "code", look.path, look.path, look.language, look.case.id)


def step_up(site: Site, show: Show, look: Look, sent: bool) -> Response:
    """What this visitor still has to prove: a mailed code first, then the second channel."""
    if not is_enough(look.has, "code"):
        return door_page(show, door_of(look), sent=sent)
    if is_staff(look.visitor.session.recipient):
        return app_code_page(site, show, look.visitor, look.path, look.language)
    return second_page(show, look)
