"""Two-person acts: the second person looks at both sides and confirms, or lets it be.

The token of the mail opens the door in `web.links`; from there on the session counts, and the address names the act.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from engine.errors import SoppaError
from web.answers import Show, see_other
from web.plain import unknown
from web.proof import app_code_page, bring_app_code
from web.site import Act, Site
from web.visitors import Visitor, check_form, is_enough, limiter, signed_in, submitted
from web.words import instant_words, tell

Form = Annotated[FormData, Depends(submitted)]


def act_pages(site: Site, show: Show) -> APIRouter:
    router = APIRouter(dependencies=[Depends(limiter(site))], include_in_schema=False)

    @router.api_route("/act/{act_id}", methods=["GET", "HEAD"])
    def show_act(act_id: str, request: Request) -> Response:
        visitor, act = _second_person(site, request, act_id)
        if not is_enough(visitor.session.level, "second"):
            return app_code_page(site, show, visitor, _act_path(act_id), visitor.language())
        return _act_page(site, show, visitor, act)

    @router.post("/act/{act_id}/totp")
    def bring_totp(act_id: str, request: Request, form: Form) -> Response:
        visitor, _ = _second_person(site, request, act_id)
        check_form(site, request, visitor, form, _act_path(act_id))
        return bring_app_code(site, show, visitor, _act_path(act_id), str(form.get("code", "")), visitor.language())

    @router.post("/act/{act_id}")
    def confirm(act_id: str, request: Request, form: Form) -> Response:
        visitor, act = _second_person(site, request, act_id)
        check_form(site, request, visitor, form, _act_path(act_id))
        if not is_enough(visitor.session.level, "second") or act.decided:
            return see_other(_act_path(act_id))
        if form.get("confirm") != "yes":
            return _act_page(site, show, visitor, act, error=tell("act_tick", visitor.language()), status=422)
        try:
            site.confirm_act(act_id, act.second)
        except SoppaError:
            act = site.act(act_id) or act
            return _act_page(site, show, visitor, act, error=tell("act_refused", visitor.language()), status=409)
        return see_other(_act_path(act_id))

    return router


def _act_path(act_id: str) -> str:
    return f"/act/{act_id}"


def _second_person(site: Site, request: Request, act_id: str) -> tuple[Visitor, Act]:
    """The act and its second person, who is the visitor. Raises the page of unknown addresses for anybody else."""
    visitor = signed_in(site, request)
    act = site.act(act_id)
    if act is None or visitor.session.recipient != f"person:{act.second}" or visitor.session.level == "open":
        raise unknown(visitor.language())
    return visitor, act


def _act_page(site: Site, show: Show, visitor: Visitor, act: Act, *, error: str = "", status: int = 200) -> Response:
    path, language = _act_path(act.id), visitor.language()
    at = instant_words(act.begun_at, visitor.office, language)
    return show("act.html", language, status, visitor=visitor, act=act, at=at, path=path, nonce=visitor.nonce(path),
                error=error)  # fmt: skip
