"""The page of one task: what is asked, by when, what is on file, the form, and what became of the answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from engine.deciding.holds import waits
from engine.errors import AlreadyDecided, NotAllowed, Refused, Stale, Unmet, UsageError, WrongDate
from engine.model.definition import TaskDef, say
from engine.model.guards import evaluate
from web.answering import complete, read_form, with_files_again
from web.answers import Show, see_other
from web.combined import Also, merged
from web.forms import Submission, fields_of, outcome_facts
from web.lines import TaskLine, own_tasks
from web.links import answer_of, closed_page
from web.look import Look, look_at
from web.onfile import agreements_for, dates_of, facts_on_file
from web.plain import PlainPage, unknown
from web.proof import step_up
from web.site import Site
from web.undo import may_undo_until, undo_path
from web.visitors import check_form, is_enough, limiter, submitted
from web.vouching import path_of, vouched
from web.words import date_problem, instant_words, tell

Form = Annotated[FormData, Depends(submitted)]


def task_pages(site: Site, show: Show) -> APIRouter:
    router = APIRouter(dependencies=[Depends(limiter(site))], include_in_schema=False)

    @router.api_route("/task/{task_id}", methods=["GET", "HEAD"])
    def show_task(task_id: str, request: Request) -> Response:
        look = look_at(site, request, task_id)
        if not look.is_open:
            return closed_page(site, show, look.case, task_id, look.language, look.visitor)
        if not is_enough(look.has, look.needed):
            return step_up(site, show, look, sent="sent" in request.query_params)
        return _form_page(site, show, look)

    @router.post("/task/{task_id}")
    def answer_task(task_id: str, request: Request, form: Form) -> Response:
        look = look_at(site, request, task_id)
        check_form(site, request, look.visitor, form, look.path)
        if not look.is_open:
            site.service.answered_too_late(task_id, look.visitor.actor(look.case), site.clock())
            return _late_page(site, show, look)
        if not is_enough(look.has, look.needed):
            return see_other(look.path)
        return _answer(site, show, look, form, request)

    @router.api_route("/task/{task_id}/done", methods=["GET", "HEAD"])
    def show_done(task_id: str, request: Request) -> Response:
        return _done_page(site, show, look_at(site, request, task_id))

    return router


def _form_page(
    site: Site,
    show: Show,
    look: Look,
    submission: Submission | None = None,
    *,
    status: int = 200,
    refusal: str = "",
    unmet: Sequence[str] = (),
    stale: bool = False,
) -> Response:
    task, own, office = look.task, look.wanted, look.visitor.office
    if task is None or own is None:
        raise unknown(look.language)
    wanted = merged(own, look.also)
    agreements = agreements_for(site, look, wanted)
    fields = fields_of(
        look.definition,
        wanted,
        look.case.facts,
        office,
        look.language,
        personal=look.shows_personal,
        submission=submission,
        agreements=agreements,
        suggested=look.case.suggested,
        today=office.today(site.clock()),
    )
    absent = office.person(task.instead_of) if task.instead_of else None
    return show(
        "task.html",
        look.language,
        status,
        visitor=look.visitor,
        look=look,
        title=look.definition.named(wanted.title, look.case.facts, look.language),
        help=say(wanted.help, look.language) if wanted.help else "",
        process=say(look.definition.title, look.language),
        dates=dates_of(look, task, site.clock()),
        facts=facts_on_file(look, wanted, agreements),
        fields=fields,
        outcomes=[(name, say(outcome.label, look.language)) for name, outcome in wanted.outcomes.items()],
        chosen=submission.outcome if submission else _only(wanted),
        errors=submission.errors if submission else {},
        refusal=refusal,
        unmet=unmet,
        stale=stale,
        on_hold=waits(look.definition, look.case, task),
        instead_of=absent.name if absent else "",
        also=[_also_view(site, look, one) for one in look.also],
        digest=site.service.facts_digest(look.case, look.definition, own),
        generation=task.generation,
        nonce=look.visitor.nonce(look.path),
        letter=bool(wanted.posts or task.mail),
        ticks=vouched(site, look.visitor, look.case, look.definition) if look.shows_personal else [],
        tick_path=path_of(look.case),
        tick_nonce=look.visitor.nonce(path_of(look.case)),
        more=_besides(site, look) if wanted.link == "open" else [],
    )


def _besides(site: Site, look: Look) -> list[TaskLine]:
    """What else its reader may do in this case: an open link asks for one word only, and the longer answer is a task of
    its own behind a code."""
    return [line for line in own_tasks(site, look.visitor, look.case)
            if line.case == look.case.id and line.id != look.task_id]


def _also_view(site: Site, look: Look, also: Also) -> tuple[str, str, str]:
    """Of a further task: its id, its title with the role in which it is answered, the digest of what it shows."""
    role = (also.task.role or "").replace("_", " ")
    title = say(also.wanted.title, look.language)
    digest = site.service.facts_digest(look.case, look.definition, also.wanted)
    return also.task.id, f"{title} ({role})" if role else title, digest


def _only(wanted: TaskDef) -> str:
    """A single possible answer is chosen already; of several, none is."""
    return next(iter(wanted.outcomes)) if len(wanted.outcomes) == 1 else ""


def _answer(site: Site, show: Show, look: Look, form: FormData, request: Request) -> Response:
    own, chosen = look.wanted, form.getlist("_also")
    if own is None:
        raise unknown(look.language)
    look = replace(look, also=tuple(one for one in look.also if one.task.id in chosen))
    wanted = merged(own, look.also)
    submission, uploads = read_form(site, look, wanted, form, agreements_for(site, look, wanted))
    if submission.errors:
        return _form_page(site, show, look, with_files_again(submission, uploads, look.language), status=422)
    try:
        complete(site, look, submission, uploads, form)
    except (AlreadyDecided, Stale):
        newest = look_at(site, request, look.task_id)
        if not newest.is_open:
            return _late_page(site, show, newest)
        again = with_files_again(submission, uploads, look.language)
        return _form_page(site, show, newest, again, status=409, stale=True)
    except NotAllowed as error:
        raise PlainPage("other", 403, look.language) from error
    except Unmet as error:
        again = with_files_again(submission, uploads, look.language)
        unmet = [say(text, look.language) for text in error.texts]
        return _form_page(site, show, look, again, status=422, refusal=tell("unmet", look.language), unmet=unmet)
    except (Refused, UsageError) as error:
        return _refused(site, show, look, with_files_again(submission, uploads, look.language), error)
    return see_other(f"{look.path}/done")


def _late_page(site: Site, show: Show, look: Look) -> Response:
    """Tells who answered too late, on the page and once by mail; one's own second click needs no mail."""
    answer, recipient = answer_of(site, look.case, look.task_id), look.visitor.session.recipient
    if answer is not None and answer.by != look.visitor.actor(look.case).name:
        first_time = site.links.allow(f"late:{look.task_id}:{recipient}", 1, dt.timedelta(days=1), site.clock())
        at = instant_words(answer.at, look.visitor.office, look.language)
        if first_time:
            words = {"case": look.case.id, "decided_by": answer.by, "decided_at": at}
            site.mail_now(recipient, "already_decided", words)
    return closed_page(site, show, look.case, look.task_id, look.language, look.visitor, 409)


def _refused(site: Site, show: Show, look: Look, submission: Submission, error: Exception) -> Response:
    """Puts the engine's refusal into the page's words: beside the field it names, or on top."""
    if isinstance(error, WrongDate) and look.wanted is not None:
        errors = {**submission.errors, error.fact: date_problem(error, look.language)}
        if any(field.fact == error.fact for field in look.wanted.form):
            return _form_page(site, show, look, replace(submission, errors=errors), status=422)
    return _form_page(site, show, look, submission, status=422, refusal=_refusal(look, submission))


def _refusal(look: Look, submission: Submission) -> str:
    outcome = look.wanted.outcomes.get(submission.outcome) if look.wanted else None
    if look.task is not None and waits(look.definition, look.case, look.task):
        return tell("on_hold", look.language)
    if outcome is None or outcome.when is None:
        return tell("refused", look.language)
    if evaluate(outcome.when, {**look.case.facts, **submission.values}, look.case.at) is True:
        return tell("refused", look.language)
    label = say(outcome.label, look.language)
    facts = outcome_facts(look.definition, outcome, look.language)
    return tell("not_with_these", look.language, outcome=label, facts=facts)


def _done_page(site: Site, show: Show, look: Look) -> Response:
    """What was answered, where the case stands now, who does what next."""
    if look.is_open:
        return see_other(look.path)
    answer = answer_of(site, look.case, look.task_id)
    state = look.definition.states[look.case.state]
    return show(
        "done.html",
        look.language,
        visitor=look.visitor,
        case=look.case.id,
        by=answer.by if answer else "",
        state=say(state.title, look.language),
        following=_following(look),
        undo_until=may_undo_until(look, site.answered(look.task_id)),
        undo_path=undo_path(look),
        undo_nonce=look.visitor.nonce(undo_path(look)),
        tasks=own_tasks(site, look.visitor, look.case),
    )


def _following(look: Look) -> list[str]:
    """For staff: the open tasks of the case and who does them. Parties learn where it stands, and no names."""
    if look.visitor.person is None:
        return []
    rows = []
    for task in look.case.tasks:
        wanted = look.definition.task(task)
        if not task.is_open or task.offered or wanted is None:
            continue
        people = [person.name for person in map(look.visitor.office.person, task.assignees) if person]
        party = look.case.parties.get(task.party or "")
        who = ", ".join(people) or (party.name if party else tell("office", look.language))
        rows.append(tell("next_task", look.language, title=say(wanted.title, look.language), who=who))
    return rows
