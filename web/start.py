"""Starting a case on a page: for signed-in people of the district whom the process lets start it themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from engine.errors import FaultyInput, SoppaError, UsageError, WrongDate
from engine.model.case import Actor, Case, FactValue
from engine.model.definition import Definition, FormField, Outcome, TaskDef, Who, say
from engine.model.office import Person
from web.answers import Show, see_other
from web.forms import SURE, Submission, doubted, fields_of, read_submission
from web.plain import PlainPage, unknown
from web.site import Site
from web.visitors import Visitor, check_form, is_enough, limiter, signed_in, submitted
from web.words import date_problem, tell

Form = Annotated[FormData, Depends(submitted)]
BEGIN = "begin"


@dataclass(frozen=True, slots=True)
class Starter:
    """A person before the start page of a process."""

    visitor: Visitor
    person: Person
    definition: Definition

    @property
    def path(self) -> str:
        return f"/start/{self.definition.process}"

    @property
    def language(self) -> str:
        return self.visitor.language()

    @property
    def wanted(self) -> TaskDef:
        """What the start asks for, as a task of whoever starts."""
        asked = [name for name in self.definition.start_needs if name in self.definition.facts]
        form = tuple(FormField(name) for name in asked if name != self.definition.start_self)
        outcome = Outcome(BEGIN, {"en": tell("start_button", "en"), "es": tell("start_button", "es")})
        return TaskDef(BEGIN, self.definition.title, Who("role", "staff"), "code", form, {BEGIN: outcome})


def start_pages(site: Site, show: Show) -> APIRouter:
    router = APIRouter(dependencies=[Depends(limiter(site))], include_in_schema=False)

    @router.api_route("/start/{process}", methods=["GET", "HEAD"])
    def show_start(process: str, request: Request) -> Response:
        return _page(show, _starter(site, request, process))

    @router.post("/start/{process}")
    def start(process: str, request: Request, form: Form) -> Response:
        starter = _starter(site, request, process)
        check_form(site, request, starter.visitor, form, starter.path)
        typed: dict[str, list[str]] = {}
        for name, value in form.multi_items():
            if isinstance(value, str):
                typed.setdefault(name, []).append(value)
        office = starter.visitor.office
        sent = read_submission(starter.definition, starter.wanted, {}, office, starter.language, typed, BEGIN)
        sent = doubted(sent, starter.definition, {}, office, starter.language, site.clock(), typed.get(SURE, ()))
        return _page(show, starter, sent, 422) if sent.errors else _begin(site, show, starter, sent)

    return router


def startable(site: Site, person: Person) -> list[tuple[str, str]]:
    """The processes that this person may start on a page: name and title."""
    found = []
    for process in site.definitions.processes():
        definition = _definition(site, process)
        if definition is not None and definition.start_self and _may(person, definition):
            found.append((process, say(definition.title, person.language)))
    return found


def _starter(site: Site, request: Request, process: str) -> Starter:
    """Raises the page that says why there is nothing to start here for this visitor."""
    visitor = signed_in(site, request)
    person = visitor.person
    if person is None or not is_enough(visitor.session.level, "code"):
        raise PlainPage("signin", 401, visitor.language())
    definition = _definition(site, process) if process in site.definitions.processes() else None
    if definition is None or not definition.start_self:
        raise unknown(visitor.language())
    if not _may(person, definition):
        raise PlainPage("other", 403, visitor.language())
    return Starter(visitor, person, definition)


def _definition(site: Site, process: str) -> Definition | None:
    """None for a definition of the district that has faults: its author hears of them from `soppa check`."""
    try:
        return site.definitions.newest(process)
    except FaultyInput:
        return None


def _may(person: Person, definition: Definition) -> bool:
    return bool(person.roles & set(definition.start_by))


def _begin(site: Site, show: Show, starter: Starter, sent: Submission) -> Response:
    facts: dict[str, FactValue] = {**sent.values, str(starter.definition.start_self): starter.person.id}
    actor = Actor("person", starter.person.id, starter.person.name, starter.person.roles)
    try:
        case = site.service.start(starter.definition.process, facts, {}, actor, site.clock())
    except WrongDate as error:
        problem = {error.fact: date_problem(error, starter.language)}
        return _page(show, starter, replace(sent, errors=problem), 422)
    except (UsageError, SoppaError):
        return _page(show, starter, sent, 422, tell("refused", starter.language))
    return see_other(_first_task(case, starter.person) or "/mine")


def _first_task(case: Case, person: Person) -> str | None:
    mine = [task for task in case.tasks if task.is_open and person.id in task.assignees]
    return f"/task/{mine[0].id}" if mine else None


def _page(
    show: Show, starter: Starter, sent: Submission | None = None, status: int = 200, refusal: str = ""
) -> Response:
    office, language = starter.visitor.office, starter.language
    fields = fields_of(starter.definition, starter.wanted, {}, office, language, personal=True, submission=sent)
    return show("start.html", language, status, visitor=starter.visitor, title=say(starter.definition.title, language),
                fields=fields, errors=sent.errors if sent else {}, refusal=refusal, path=starter.path,
                nonce=starter.visitor.nonce(starter.path))
