"""Signing in without a mail at hand: people of the district type their address and get a code there.

Whoever types an address that nobody here has sees the same page. Parents and operators have links alone. Who came to
a page of their own without a session is led there afterwards.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from engine.model.office import Person
from web.answers import Show, see_other
from web.site import Site
from web.tokens import CODE_MINUTES, code_hash, new_code
from web.visitors import begin_session, check_origin, language_of, limiter, submitted
from web.words import tell

Form = Annotated[FormData, Depends(submitted)]
_PAGES = re.compile(r"/mine|/vouch|/(?:start|task|act|vouch|nudge)/[A-Za-z0-9._-]+")
_STATUS = {"wrong": 422, "expired": 422, "locked": 429}


def signin_pages(site: Site, show: Show) -> APIRouter:
    router = APIRouter(dependencies=[Depends(limiter(site))], include_in_schema=False)

    @router.api_route("/signin", methods=["GET", "HEAD"])
    def ask_for_address(request: Request) -> Response:
        return _page(show, request)

    @router.post("/signin")
    def mail_a_code(request: Request, form: Form) -> Response:
        check_origin(site, request)
        email = str(form.get("email", "")).strip()
        person = _person(site, email)
        if person is not None:
            _mail_code(site, person)
        return _page(show, request, sent=True, email=email, then=_own(form.get("then")))

    @router.post("/signin/enter")
    def bring_code(request: Request, form: Form) -> Response:
        check_origin(site, request)
        email, typed = (str(form.get(name, "")).strip() for name in ("email", "code"))
        answer = _answer(site, _person(site, email), typed)
        if answer != "right":
            error = tell(f"code_{answer}", language_of(request))
            then = _own(form.get("then"))
            return _page(show, request, _STATUS[answer], sent=True, email=email, error=error, then=then)
        response = see_other(_own(form.get("then")) or "/mine")
        person = _person(site, email)
        begin_session(site, response, f"person:{person.id if person else ''}", None, "code")
        return response

    return router


def asked_to_sign_in(show: Show, request: Request) -> Response:
    """The page instead of one that nobody without a session sees."""
    return _page(show, request, 401, then=_own(request.url.path))


def _page(show: Show, request: Request, status: int = 200, *, sent: bool = False, email: str = "", error: str = "",
          then: str = "") -> Response:
    return show("signin.html", language_of(request), status, sent=sent, email=email, error=error, then=then)


def _own(path: object) -> str:
    """The path if it is one of the pages that are for people of the district; else nothing, so that nobody is led
    elsewhere."""
    return path if isinstance(path, str) and _PAGES.fullmatch(path) else ""


def _person(site: Site, email: str) -> Person | None:
    wanted = email.casefold()
    return next((p for p in site.office().people.values() if p.active and p.email.casefold() == wanted), None)


def _mail_code(site: Site, person: Person) -> None:
    """At most so many an hour; nobody is told on the page which."""
    code, now, recipient = new_code(), site.clock(), f"person:{person.id}"
    ends = now + dt.timedelta(minutes=CODE_MINUTES)
    if site.links.new_code(recipient, None, code_hash(recipient, code), ends, now):
        site.mail_now(recipient, "code", {"case": "", "code": code, "minutes": str(CODE_MINUTES)})


def _answer(site: Site, person: Person | None, typed: str) -> str:
    if person is None:
        return "wrong"
    recipient = f"person:{person.id}"
    return site.links.try_code(recipient, None, code_hash(recipient, typed), site.clock())
