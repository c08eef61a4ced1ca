"""The second channel of a parent, once for a case: the custodian meets them or calls them back, or they type the code
of a letter that was posted to them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from engine.errors import UsageError
from engine.model.case import Case
from engine.model.definition import Definition
from web.answers import Show, see_other
from web.headers import LETTER_POLICY
from web.look import Look, look_at
from web.plain import PlainPage, unknown
from web.site import Site
from web.tokens import code_hash, new_letter_code
from web.visitors import Visitor, check_form, is_enough, limiter, load, second_reached, signed_in, submitted
from web.words import date_words, tell

Form = Annotated[FormData, Depends(submitted)]
LETTER_DAYS = dt.timedelta(days=30)
ONCE_A_DAY = dt.timedelta(days=1)
_WRONG = {"wrong": 422, "expired": 422, "locked": 429}


@dataclass(frozen=True, slots=True)
class Vouched:
    """A parent of a case, and whether a second channel has shown who they are."""

    party: str
    name: str
    done: bool


def vouching_pages(site: Site, show: Show) -> APIRouter:
    router = APIRouter(dependencies=[Depends(limiter(site))], include_in_schema=False)

    @router.get("/vouch")
    def find(request: Request, case: str = "") -> Response:
        return see_other(f"/vouch/{case.strip()}") if case.strip().replace("-", "").isalnum() else see_other("/mine")

    @router.api_route("/vouch/{case_id}", methods=["GET", "HEAD"])
    def show_parents(case_id: str, request: Request) -> Response:
        visitor, case, definition = _custodian(site, request, case_id)
        people = vouched(site, visitor, case, definition)
        return show("vouch.html", visitor.language(), visitor=visitor, case=case.id, ticks=people,
                    tick_path=path_of(case), tick_nonce=visitor.nonce(path_of(case)), back="")

    @router.post("/vouch/{case_id}")
    def vouch(case_id: str, request: Request, form: Form) -> Response:
        visitor, case, definition = _custodian(site, request, case_id)
        check_form(site, request, visitor, form, path_of(case))
        party, how, back = (str(form.get(name, "")) for name in ("party", "how", "back"))
        if party not in [one.party for one in vouched(site, visitor, case, definition)]:
            raise unknown(visitor.language())
        if how == "letter":
            return _letter(site, visitor, case, party)
        if how not in ("in_person", "call_back"):
            raise unknown(visitor.language())
        site.links.confirm_second(case.id, f"party:{party}", how, visitor.actor(case), site.clock())
        return see_other(f"/task/{back}" if case.task(back) else path_of(case))

    return router


def second_pages(site: Site, show: Show) -> APIRouter:
    """What a parent does who has to show over another channel who they are."""
    router = APIRouter(dependencies=[Depends(limiter(site))], include_in_schema=False)

    @router.post("/task/{task_id}/call")
    def ask_for_call(task_id: str, request: Request, form: Form) -> Response:
        look = _parent(site, request, task_id, form)
        if site.links.allow(f"vouch:{look.case.id}:{look.visitor.party}", 1, ONCE_A_DAY, site.clock()):
            _tell_custodians(site, look)
        return show("message.html", look.language, key="called", values={}, case=look.case.id)

    @router.post("/task/{task_id}/letter-code")
    def bring_letter_code(task_id: str, request: Request, form: Form) -> Response:
        look = _parent(site, request, task_id, form)
        reader, party = _letter_reader(look.visitor.party or ""), look.visitor.session.recipient
        typed = str(form.get("code", ""))
        answer = site.links.try_code(reader, look.case.id, code_hash(reader, typed), site.clock())
        if answer != "right":
            error = tell(f"letter_code_{answer}", look.language)
            return second_page(show, look, error=error, status=_WRONG[answer])
        site.links.confirm_second(look.case.id, party, "letter", look.visitor.actor(look.case), site.clock())
        return see_other(look.path)

    return router


def second_page(show: Show, look: Look, *, error: str = "", status: int = 403) -> Response:
    """What a parent does to be shown what is personal, in plain words."""
    nonce = look.visitor.nonce(look.path)
    return show("second.html", look.language, status, path=look.path, nonce=nonce, error=error, case=look.case.id)


def path_of(case: Case) -> str:
    return f"/vouch/{case.id}"


def vouched(site: Site, visitor: Visitor, case: Case, definition: Definition) -> list[Vouched]:
    """The case's parents, for a custodian who has shown a code; nobody for anybody else's eyes."""
    person = visitor.person
    if person is None or "custodian" not in person.roles or not is_enough(visitor.session.level, "code"):
        return []
    parents = [name for name, party in definition.parties.items() if party.kind != "operator" and name in case.parties]
    return [Vouched(name, case.parties[name].name, second_reached(site, case, name)) for name in parents]


def _custodian(site: Site, request: Request, case_id: str) -> tuple[Visitor, Case, Definition]:
    visitor = signed_in(site, request)
    try:
        case, definition = load(site, case_id)
    except UsageError as error:
        raise unknown(visitor.language()) from error
    if not vouched(site, visitor, case, definition):
        raise unknown(visitor.language())
    return visitor, case, definition


def _parent(site: Site, request: Request, task_id: str, form: FormData) -> Look:
    """The task for a parent who has shown a mailed code. Raises the page of unknown addresses for anybody else."""
    look = look_at(site, request, task_id)
    check_form(site, request, look.visitor, form, look.path)
    if look.visitor.party is None or look.needed != "second" or not is_enough(look.has, "code"):
        raise unknown(look.language)
    return look


def _letter_reader(party: str) -> str:
    """Whom the code of a letter is for: apart from the mailed codes of the same party."""
    return f"letter:{party}"


def _letter(site: Site, visitor: Visitor, case: Case, party: str) -> Response:
    """A new code, on a letter to print; it takes the place of an earlier letter's."""
    code, now = new_letter_code(), site.clock()
    reader, ends = _letter_reader(party), now + LETTER_DAYS
    if not site.links.new_code(reader, case.id, code_hash(reader, code), ends, now):
        raise PlainPage("many", 429, visitor.language())
    until = date_words(visitor.office.today(ends), case.parties[party].language or "en")
    page = site.code_letter(case, party, {"code": code, "until": until})
    return HTMLResponse(page, headers={"Content-Security-Policy": LETTER_POLICY})


def _tell_custodians(site: Site, look: Look) -> None:
    today = look.visitor.office.today(site.clock())
    for holder in look.visitor.office.holders("custodian", today):
        site.mail_now(f"person:{holder.person.id}", "vouch", {"case": look.case.id})
