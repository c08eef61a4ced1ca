"""Where a case stands, one's own open tasks, two-person acts, and the health of the house."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engine.errors import UsageError
from engine.model.case import Case
from engine.model.definition import Definition, say
from engine.model.office import Office
from web.answers import Show, see_other
from web.dates import DateView, clock_dates, until_date
from web.lines import cases_beyond, own_tasks
from web.plain import unknown
from web.site import Site
from web.start import startable
from web.visitors import Visitor, is_enough, limiter, load, signed_in, submitted, visitor_of
from web.words import date_words, tell

Form = Annotated[FormData, Depends(submitted)]
QUIET = dt.timedelta(minutes=10)
"""A heart that has not beaten for so long is taken for dead."""


def status_pages(site: Site, show: Show) -> APIRouter:
    router = APIRouter(dependencies=[Depends(limiter(site))], include_in_schema=False)

    @router.api_route("/status/{case_id}", methods=["GET", "HEAD"])
    def show_status(case_id: str, request: Request) -> Response:
        visitor = signed_in(site, request)
        if visitor.session.case_id != case_id or not is_enough(visitor.session.level, "code"):
            raise unknown(visitor.language())
        try:
            case, definition = load(site, case_id)
        except UsageError as error:
            raise unknown(visitor.language()) from error
        return _status_page(site, show, visitor, case, definition)

    @router.api_route("/", methods=["GET", "HEAD"])
    def front_door() -> Response:
        return see_other("/mine")

    @router.api_route("/mine", methods=["GET", "HEAD"])
    def show_mine(request: Request) -> Response:
        if visitor_of(site, request) is None:
            return see_other("/signin")
        visitor = signed_in(site, request)
        if visitor.session.case_id is not None:
            return see_other(f"/status/{visitor.session.case_id}")
        if not is_enough(visitor.session.level, "code"):
            return see_other("/signin")
        tasks = own_tasks(site, visitor)
        asked, offered = [line for line in tasks if not line.offered], [line for line in tasks if line.offered]
        may_start = startable(site, visitor.person) if visitor.person else []
        return show("mine.html", visitor.language(), visitor=visitor, asked=asked, offered=offered, startable=may_start,
                    beyond=cases_beyond(site, visitor),
                    may_vouch="custodian" in (visitor.person.roles if visitor.person else ()))

    return router


def health_page(site: Site) -> APIRouter:
    """What a monitor asks: ids and numbers only."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/healthz", methods=["GET", "HEAD"])
    def healthz() -> Response:
        try:
            with site.store.read() as unit:
                beat = unit.high_water()
        except Exception as error:  # whatever the database's library raises, the cause is the database
            return JSONResponse({"status": "down", "cause": "database", "error": type(error).__name__}, 503)
        age = None if beat is None else int((site.clock() - beat).total_seconds())
        if age is None or age > QUIET.total_seconds():
            return JSONResponse({"status": "down", "cause": "heartbeat", "heartbeat_age_seconds": age}, 503)
        return JSONResponse({"status": "ok", "cause": None, "heartbeat_age_seconds": age})

    return router


def _status_page(site: Site, show: Show, visitor: Visitor, case: Case, definition: Definition) -> Response:
    language, office = visitor.language(case), visitor.office
    return show(
        "status.html",
        language,
        case=case.id,
        process=say(definition.title, language),
        state=say(definition.states[case.state].title, language),
        tracks=_tracks(case, definition, language),
        since=date_words(office.today(case.ended_at or case.entered_at), language),
        started=date_words(office.today(case.started_at), language),
        ended=not case.is_open,
        dates=_dates(case, definition, office, language),
        tasks=own_tasks(site, visitor, case),
    )


def _tracks(case: Case, definition: Definition, language: str) -> list[tuple[str, str]]:
    """What goes on side by side, each by its title, and where it stands."""
    states = definition.states
    return [(say(region.title, language), say(states[case.regions[region.name].state].title, language))
            for region in states[case.state].regions if region.name in case.regions]


def _dates(case: Case, definition: Definition, office: Office, language: str) -> list[DateView]:
    """What has no date says so; the law's dates come first."""
    views = clock_dates(case, definition, language)
    told = [view if view.date else replace(view, date=tell("no_date", language)) for view in views]
    until = until_date(case, definition, office, language)
    return [*told, *([until] if until else [])]
