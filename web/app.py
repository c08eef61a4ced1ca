"""The app: one value a house, made of pages that know nothing of the database or of mail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from engine.errors import WrongEnvironment
from engine.model.case import Case
from engine.model.office import Office
from engine.ports import Definitions
from engine.service import Service
from web.acts import act_pages
from web.answers import Show
from web.files import file_pages
from web.frame import frame_of
from web.headers import BodyLimit, SafeHeaders, TooLarge
from web.incidents import Incidents
from web.links import link_pages
from web.metrics import metrics_page
from web.nudge import nudge_pages
from web.plain import PlainPage
from web.proof import proof_pages
from web.reach import reach_pages
from web.signin import asked_to_sign_in, signin_pages
from web.site import Act, Answered, Documents, Inspect, MailNow, PageStore, Reach, Site, WebSettings
from web.start import start_pages
from web.status import health_page, status_pages
from web.tasks import task_pages
from web.undo import undo_pages
from web.visitors import Visitor, language_of, visitor_of
from web.vouching import second_pages, vouching_pages
from web.words import tell

_KEYS = {404: "unknown", 405: "method", 413: "large", 429: "many"}
_STYLE = files("web").joinpath("static", "style.css").read_text(encoding="utf-8")


def make_app(
    *,
    service: Service,
    store: PageStore,
    definitions: Definitions,
    office: Callable[[], Office],
    clock: Callable[[], dt.datetime],
    mail_now: MailNow,
    settings: WebSettings,
    cases_of: Callable[[str], Sequence[str]],
    answered: Callable[[str], Answered | None],
    documents: Documents,
    inspect: Inspect,
    letter: Callable[[Case, str], str],
    code_letter: Callable[[Case, str, Mapping[str, str]], str],
    match_totp: Callable[[str, str, dt.datetime], int | None],
    act_of: Callable[[str], Act | None],
    act: Callable[[str], Act | None],
    confirm_act: Callable[[str, str], None],
    agreements: Callable[[], Mapping[str, str]],
    reach: Reach,
    metrics: Callable[[], str] = str,
    mail_stands: Callable[[], dt.datetime | None] = lambda: None,
    untold: Callable[[str], Sequence[str]] = lambda language: (),
) -> FastAPI:
    """The pages of one district. See `web.site.Site` for what each argument does.

    Raises `WrongEnvironment` for plain http that other machines could reach and that was not allowed.
    """
    check_settings(settings)
    site = Site(
        service=service,
        store=store,
        definitions=definitions,
        office=office,
        clock=clock,
        mail_now=mail_now,
        settings=settings,
        cases_of=cases_of,
        answered=answered,
        documents=documents,
        inspect=inspect,
        letter=letter,
        code_letter=code_letter,
        match_totp=match_totp,
        act_of=act_of,
        act=act,
        confirm_act=confirm_act,
        agreements=agreements,
        reach=reach,
        metrics=metrics,
        mail_stands=mail_stands,
        untold=untold,
    )
    show = page_maker(site)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, middleware=_middleware(settings, show))
    app.add_exception_handler(PlainPage, lambda request, error: _plain(site, show, request, cast(PlainPage, error)))
    app.add_exception_handler(
        HTTPException, lambda request, error: _http(site, show, request, cast(HTTPException, error))
    )
    app.add_exception_handler(RequestValidationError, lambda request, error: _named(site, show, request, 404))
    app.add_exception_handler(TooLarge, lambda request, error: _named(site, show, request, 413))
    app.add_api_route("/static/style.css", _style, methods=["GET", "HEAD"], include_in_schema=False)
    app.add_api_route("/logo", lambda: _logo(office()), methods=["GET", "HEAD"], include_in_schema=False)
    app.include_router(health_page(site))
    app.include_router(metrics_page(site))
    app.include_router(file_pages(site))
    for pages in (task_pages, undo_pages, proof_pages, second_pages, vouching_pages, act_pages, start_pages,
                  signin_pages, status_pages, reach_pages, nudge_pages, link_pages):
        app.include_router(pages(site, show))
    return app


def check_settings(settings: WebSettings) -> None:
    """Raises `WrongEnvironment`."""
    if not (settings.secure or settings.allow_http or settings.is_loopback):
        raise WrongEnvironment(
            f"public_url {settings.public_url} is plain http, which anybody on the way can read: write https, or set "
            "allow_http: true"
        )


def page_maker(site: Site) -> Show:
    """Renders our own templates: escaped always, a value that is missing is an error."""
    environment = Environment(
        loader=PackageLoader("web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )

    def show(template: str, language: str, status: int = 200, *, visitor: Visitor | None = None,
             **values: object) -> HTMLResponse:  # fmt: skip
        def word(key: str, **inside: str) -> str:
            return tell(key, language, **inside)

        html = environment.get_template(template).render(
            language=language, t=word, frame=frame_of(site, visitor, language), **{"case": "", **values}
        )
        return HTMLResponse(html, status, headers={"Content-Language": language})

    return show


def _middleware(settings: WebSettings, show: Show) -> list[Middleware]:
    def broken(request: Request, number: str) -> Response:
        return show("message.html", language_of(request), 500, key="broken", values={"incident": number})

    return [
        Middleware(SafeHeaders, secure=settings.secure),
        Middleware(Incidents, page=broken),
        Middleware(BodyLimit),
    ]


def _plain(site: Site, show: Show, request: Request, page: PlainPage) -> Response:
    if page.key == "signin":
        return asked_to_sign_in(show, request)
    visitor = visitor_of(site, request)
    return show("message.html", page.language, page.status, visitor=visitor, key=page.key, values=page.values)


def _http(site: Site, show: Show, request: Request, error: HTTPException) -> Response:
    return _named(site, show, request, error.status_code, error.headers)


def _named(
    site: Site, show: Show, request: Request, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    visitor = visitor_of(site, request)
    key = _KEYS.get(status, "form")
    response = show("message.html", language_of(request), status, visitor=visitor, key=key, values={})
    response.headers.update(headers or {})
    return response


def _logo(office: Office) -> Response:
    """The same for everybody; a page names it only where there is one."""
    if office.logo is None:
        raise HTTPException(404)
    return Response(office.logo.content, media_type=office.logo.media_type, headers={"Cache-Control": "max-age=3600"})


def _style() -> Response:
    return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})
