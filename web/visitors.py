"""Who stands before a page: the session behind a cookie, and what it has proved so far."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from engine.model.case import Actor, Case, Task
from engine.model.definition import Definition, LinkLevel
from engine.model.handed import Session
from engine.model.office import Office, Person
from web.network import client_address, from_own_page, within_limits
from web.plain import PlainPage
from web.site import Site
from web.tokens import form_nonce, new_token, nonce_is_right, token_hash
from web.words import known_language

LEVELS: tuple[LinkLevel, ...] = ("open", "code", "second")
PARTY_HOURS = 2
MAX_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Visitor:
    """`person` is set for staff, `party` for outsiders, whose session is bound to one case."""

    token: str
    session: Session
    office: Office
    person: Person | None = None
    party: str | None = None

    def language(self, case: Case | None = None) -> str:
        if self.person is not None:
            return known_language(self.person.language)
        contact = case.parties.get(self.party or "") if case else None
        return known_language(contact.language if contact else "en")

    def nonce(self, form: str) -> str:
        return form_nonce(self.token, form)

    def actor(self, case: Case) -> Actor:
        if self.person is not None:
            return Actor("person", self.person.id, self.person.name, self.person.roles)
        name = self.party or ""
        return Actor("party", name, case.parties[name].name)

    def may_answer(self, task: Task, today: dt.date) -> bool:
        """As the engine judges it: an assignee, somebody who answers for the role, or the party itself."""
        if self.person is None:
            return task.party == self.party
        if task.role is None:
            return self.person.id in task.assignees
        standing_in = {holder.person.id for holder in self.office.holders(task.role, today)}
        return self.person.id in {*task.assignees, *standing_in} or task.role in self.person.roles


def visitor_of(site: Site, request: Request) -> Visitor | None:
    token = request.cookies.get(site.settings.cookie, "")
    session = site.links.session(token_hash(token), site.clock()) if token else None
    if session is None:
        return None
    kind, _, name = session.recipient.partition(":")
    office = site.office()
    if kind == "party":
        return Visitor(token, session, office, party=name)
    person = office.person(name)
    return Visitor(token, session, office, person=person) if person is not None and person.active else None


def signed_in(site: Site, request: Request) -> Visitor:
    """The visitor. Raises the page that asks to open the link in the mail."""
    visitor = visitor_of(site, request)
    if visitor is None:
        raise PlainPage("signin", 401, language_of(request))
    return visitor


def reached(site: Site, visitor: Visitor, case: Case) -> LinkLevel:
    """The level proved: a party that a second channel has confirmed for this case reaches `second` with the code."""
    session = visitor.session
    if visitor.party and session.level == "code" and second_reached(site, case, visitor.party):
        return "second"
    return session.level


def second_reached(site: Site, case: Case, party: str) -> bool:
    """Whether a second channel has confirmed a party: for this case, or for the case that started this one with the
    same contact as its party of that name."""
    if site.links.second_confirmed(case.id, f"party:{party}"):
        return True
    if case.parent is None:
        return False
    above = load(site, case.parent)[0]
    return above.parties.get(party) == case.parties.get(party) and second_reached(site, above, party)


def is_enough(has: LinkLevel, needed: LinkLevel) -> bool:
    return LEVELS.index(has) >= LEVELS.index(needed)


def begin_session(site: Site, response: Response, recipient: str, case_id: str | None, level: LinkLevel) -> None:
    """A new session under a new token. A person's opens all their tasks, a party's its case alone."""
    now, token = site.clock(), new_token()
    hours = site.settings.session_hours if case_id is None else min(PARTY_HOURS, site.settings.session_hours)
    ends = now + dt.timedelta(hours=hours)
    site.links.open_session(token_hash(token), Session(0, recipient, case_id, level, ends), now)
    secure = site.settings.secure
    response.set_cookie(
        site.settings.cookie, token, max_age=hours * 3600, path="/", secure=secure, httponly=True, samesite="lax"
    )


def language_of(request: Request) -> str:
    return known_language(request.headers.get("accept-language", "en"))


def address_of(site: Site, request: Request) -> str:
    peer = request.client.host if request.client else ""
    return client_address(peer, request.headers.get("x-forwarded-for", ""), site.settings.trusted_proxies)


def limiter(site: Site) -> Callable[[Request], None]:
    """A dependency that counts the request for its token, address and network."""

    def limit(request: Request) -> None:
        token = request.path_params.get("token") or request.cookies.get(site.settings.cookie, "")
        if not within_limits(site.links, address_of(site, request), token, site.clock()):
            raise PlainPage("many", 429, language_of(request))

    return limit


async def submitted(request: Request) -> AsyncIterator[FormData]:
    """A dependency: the form that was sent; its files are closed after the answer."""
    async with request.form(max_files=20, max_fields=MAX_FIELDS, max_part_size=64 * 1024) as form:
        yield form


def check_origin(site: Site, request: Request) -> None:
    """Raises the page that asks to send the form again, for a form from elsewhere."""
    if not from_own_page(site.settings.origin, request.headers.items()):
        raise PlainPage("form", 403, language_of(request))


def check_form(site: Site, request: Request, visitor: Visitor, form: FormData, name: str) -> None:
    """As `check_origin`, and for a form that was not served to this very session."""
    check_origin(site, request)
    if not nonce_is_right(visitor.token, name, str(form.get("_nonce", ""))):
        raise PlainPage("form", 403, language_of(request))


def load(site: Site, case_id: str) -> tuple[Case, Definition]:
    """A case and the definition it runs on. Raises `UsageError` for an unknown case."""
    with site.store.read() as unit:
        case = unit.case(case_id)
    return case, site.definitions.pinned(case.process, case.version, case.hash)
