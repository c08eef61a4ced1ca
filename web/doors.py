"""Doors: from a token in a mail, by a mailed code, to a session. Opening a door spends nothing and decides nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from engine.model.definition import LinkLevel
from web.answers import Show, see_other
from web.site import Site
from web.tokens import CODE_MINUTES, code_hash, new_code
from web.visitors import Visitor, begin_session, is_enough, visitor_of
from web.words import tell

_STATUS = {"wrong": 422, "expired": 422, "locked": 429}


@dataclass(frozen=True, slots=True)
class Door:
    """`path` is where the door's own forms are posted to, `goal` the clean address behind it; `case_id` is None for
    people of the district, `about` the case that the code's mail names."""

    recipient: str
    case_id: str | None
    level: LinkLevel
    path: str
    goal: str
    language: str
    about: str


def is_staff(recipient: str) -> bool:
    return recipient.startswith("person:")


def enter(site: Site, show: Show, request: Request, door: Door) -> Response:
    """What a GET of the door answers: the way on for who is known already, else the door itself."""
    if _is_known(visitor_of(site, request), door):
        return see_other(door.goal)
    if door.level == "open" and request.method == "GET":
        response = see_other(door.goal)
        begin_session(site, response, door.recipient, door.case_id, "open")
        return response
    return door_page(show, door, sent="sent" in request.query_params)


def door_page(show: Show, door: Door, *, sent: bool = False, error: str = "", status: int = 200) -> Response:
    message = tell(error, door.language) if error else ""
    return show("door.html", door.language, status, door=door, sent=sent, error=message, staff=is_staff(door.recipient))


def mail_code(site: Site, show: Show, door: Door) -> Response:
    """Mails a new code to the address on file."""
    code, now = new_code(), site.clock()
    ends = now + dt.timedelta(minutes=CODE_MINUTES)
    if not site.links.new_code(door.recipient, door.case_id, code_hash(door.recipient, code), ends, now):
        return door_page(show, door, sent=True, error="code_many", status=429)
    site.mail_now(door.recipient, "code", {"case": door.about, "code": code, "minutes": str(CODE_MINUTES)})
    return see_other(f"{door.path}?sent")


def try_code(site: Site, show: Show, door: Door, typed: str) -> Response:
    """A right code opens a new session."""
    answer = site.links.try_code(door.recipient, door.case_id, code_hash(door.recipient, typed), site.clock())
    if answer != "right":
        return door_page(show, door, sent=True, error=f"code_{answer}", status=_STATUS[answer])
    response = see_other(door.goal)
    begin_session(site, response, door.recipient, door.case_id, "code")
    return response


def _is_known(visitor: Visitor | None, door: Door) -> bool:
    """Whether this session is the reader's own and has shown a code where one is wanted. `second` comes later."""
    if visitor is None or visitor.session.recipient != door.recipient or visitor.session.case_id != door.case_id:
        return False
    return is_enough(visitor.session.level, "open" if door.level == "open" else "code")
