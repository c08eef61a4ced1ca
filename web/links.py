"""The addresses that stand in mails: /t/ for a task, /n/ to ask once more about one, /s/ for where a case stands,
/confirm/ for a two-person act."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from engine.errors import UsageError
from engine.model.case import Case
from engine.model.handed import Link, LinkPurpose
from web.answers import Show
from web.doors import Door, door_page, enter, is_staff, mail_code, try_code
from web.network import missed
from web.plain import PlainPage, unknown
from web.site import Answered, Site
from web.tokens import token_hash
from web.visitors import Visitor, address_of, check_origin, language_of, limiter, load, submitted, visitor_of
from web.words import instant_words, known_language

Form = Annotated[FormData, Depends(submitted)]
Kind = Literal["t", "n", "s", "confirm"]
PURPOSES: Mapping[str, LinkPurpose] = {"t": "task", "n": "nudge", "s": "status"}
FRESH_PER_HOUR, HOUR = 3, dt.timedelta(hours=1)


def link_pages(site: Site, show: Show) -> APIRouter:
    router = APIRouter(dependencies=[Depends(limiter(site))], include_in_schema=False)

    def dead(request: Request, link: Link, token: str) -> Response:
        return _dead_page(site, show, link, token, visitor_of(site, request))

    @router.api_route("/{kind}/{token}", methods=["GET", "HEAD"])
    def open_link(kind: Kind, token: str, request: Request) -> Response:
        found = _find(site, request, kind, token)
        return enter(site, show, request, found) if isinstance(found, Door) else dead(request, found, token)

    @router.post("/{kind}/{token}/code")
    def ask_for_code(kind: Kind, token: str, request: Request) -> Response:
        check_origin(site, request)
        found = _find(site, request, kind, token)
        return mail_code(site, show, found) if isinstance(found, Door) else dead(request, found, token)

    @router.post("/{kind}/{token}/enter")
    def bring_code(kind: Kind, token: str, request: Request, form: Form) -> Response:
        check_origin(site, request)
        found = _find(site, request, kind, token)
        if not isinstance(found, Door):
            return dead(request, found, token)
        typed = str(form.get("code", "")).strip()
        if not typed:
            return door_page(show, found, sent=True, error="code_wrong", status=422)
        return try_code(site, show, found, typed)

    @router.post("/t/{token}/fresh")
    @router.post("/s/{token}/fresh")
    def ask_for_fresh(token: str, request: Request) -> Response:
        check_origin(site, request)
        link = site.links.link(token_hash(token))
        language = language_of(request) if link is None else _language(site, link)
        if link is not None and site.links.allow(f"fresh:{link.id}", FRESH_PER_HOUR, HOUR, site.clock()):
            _mail_fresh(site, link)
        return show("message.html", language, key="fresh", values={})

    return router


def answer_of(site: Site, case: Case, task_id: str) -> Answered | None:
    """Who answered a task: the case knows of its present state, the store of those left behind."""
    task = case.task(task_id)
    if task is not None and task.done_by and task.done_at and task.outcome:
        return Answered(task.done_by, task.done_at, task.outcome)
    return site.answered(task_id)


def closed_page(
    site: Site, show: Show, case: Case, task_id: str, language: str, visitor: Visitor | None, status: int = 200
) -> Response:
    """Already decided, by whom and when; or that the case has moved on."""
    answer = answer_of(site, case, task_id)
    if answer is None:
        return show("message.html", language, status, visitor=visitor, key="moved", values={}, case=case.id)
    values = {"by": answer.by, "at": instant_words(answer.at, site.office(), language)}
    return show("message.html", language, status, visitor=visitor, key="decided", values=values, case=case.id)


def _find(site: Site, request: Request, kind: Kind, token: str) -> Door | Link:
    """The door behind a token, or the link that is dead. Raises the page of unknown tokens, all alike."""
    if kind == "confirm":
        return _act_door(site, request, token)
    purpose = PURPOSES[kind]
    link = site.links.link(token_hash(token))
    if link is None or link.purpose != purpose:
        raise _not_found(site, request)
    if not _is_alive(site, link):
        return link
    goal = f"/status/{link.case_id}" if purpose == "status" else f"/{purpose}/{link.task_id}"
    level = link.level if purpose == "task" or link.level != "open" else "code"
    bound = None if is_staff(link.recipient) else link.case_id
    return Door(link.recipient, bound, level, f"/{kind}/{token}", goal, _language(site, link), link.case_id)


def _act_door(site: Site, request: Request, token: str) -> Door:
    act = site.act_of(token)
    if act is None:
        raise _not_found(site, request)
    person = site.office().person(act.second)
    language = known_language(person.language if person else "en")
    return Door(f"person:{act.second}", None, "second", f"/confirm/{token}", f"/act/{act.id}", language, "")


def _not_found(site: Site, request: Request) -> PlainPage:
    language = language_of(request)
    known = missed(site.links, address_of(site, request), site.clock())
    return unknown(language) if known else PlainPage("many", 429, language)


def _is_alive(site: Site, link: Link) -> bool:
    if link.revoked_at is not None or link.expires_at <= site.clock():
        return False
    if link.task_id is None:
        return True
    task = load(site, link.case_id)[0].task(link.task_id)
    return task is not None and task.is_open and task.generation == link.task_generation


def _dead_page(site: Site, show: Show, link: Link, token: str, visitor: Visitor | None) -> Response:
    """A dead link of a finished task says who finished it; any other offers a fresh one."""
    case, _ = load(site, link.case_id)
    language = _language(site, link)
    task = case.task(link.task_id or "")
    if link.task_id is not None and (task is None or not task.is_open):
        return closed_page(site, show, case, link.task_id, language, visitor)
    if link.purpose == "nudge":
        return show("message.html", language, 410, visitor=visitor, key="nudge_old", values={}, case=case.id)
    kind = "t" if link.purpose == "task" else "s"
    return show("expired.html", language, 410, visitor=visitor, path=f"/{kind}/{token}", case=case.id)


def _language(site: Site, link: Link) -> str:
    kind, _, name = link.recipient.partition(":")
    if kind == "person":
        person = site.office().person(name)
        return known_language(person.language if person else "en")
    contact = load(site, link.case_id)[0].parties.get(name)
    return known_language(contact.language if contact else "en")


def _mail_fresh(site: Site, link: Link) -> None:
    """Only while there is something to do, and only to who is still to do it."""
    if link.task_id is None:
        site.mail_now(link.recipient, "fresh_link", {"case": link.case_id})
        return
    try:
        task = load(site, link.case_id)[0].task(link.task_id)
    except UsageError:
        return
    kind, _, name = link.recipient.partition(":")
    asked = task is not None and task.is_open and (name in task.assignees if kind == "person" else name == task.party)
    if asked:
        site.mail_now(link.recipient, "fresh_link", {"case": link.case_id, "task": link.task_id})
