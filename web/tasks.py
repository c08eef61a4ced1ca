"""The page of one task: what is asked, by when, what is on file, the form, and what became of the answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response

from engine.case import Case, FactValue, Task
from engine.decisions import reasons
from engine.definition import Definition, FactDef, LinkLevel, TaskDef, say
from engine.errors import AlreadyDecided, NotAllowed, Refused, Stale, Unmet, UsageError
from engine.forms import SAMPLE_DOCUMENT
from engine.guards import evaluate
from engine.suggesting import differences
from web.answers import PlainPage, Show, see_other, unknown
from web.combined import Also, answered_alike, merged
from web.documents import MAX_DOCUMENT, Kind, Unfit
from web.doors import Door, door_page, is_staff, mail_code, try_code
from web.forms import Submission, fields_of, outcome_facts, read_submission
from web.links import answer_of, closed_page
from web.site import Site
from web.visitors import (
    Visitor,
    check_form,
    check_origin,
    is_enough,
    limiter,
    load,
    reached,
    signed_in,
    submitted,
)
from web.words import date_words, fact_lines, instant_words, tell

Form = Annotated[FormData, Depends(submitted)]
Uploads = Mapping[str, tuple[bytes, Kind]]


@dataclass(frozen=True, slots=True)
class Look:
    """A task as one visitor sees it. `task` and `wanted` are None when its case has left it behind."""

    visitor: Visitor
    case: Case
    definition: Definition
    task_id: str
    task: Task | None
    wanted: TaskDef | None
    language: str
    has: LinkLevel
    also: tuple[Also, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.task is not None and self.task.is_open and self.wanted is not None

    @property
    def path(self) -> str:
        return f"/task/{self.task_id}"

    @property
    def needed(self) -> LinkLevel:
        return self.wanted.link if self.wanted else "open"

    @property
    def shows_personal(self) -> bool:
        return is_enough(self.has, "code")


@dataclass(frozen=True, slots=True)
class DateView:
    kind: str
    title: str
    date: str


def task_pages(site: Site, show: Show) -> APIRouter:
    router = APIRouter(dependencies=[Depends(limiter(site))], include_in_schema=False)

    @router.api_route("/task/{task_id}", methods=["GET", "HEAD"])
    def show_task(task_id: str, request: Request) -> Response:
        look = look_at(site, request, task_id)
        if not look.is_open:
            return closed_page(site, show, look.case, task_id, look.language)
        if not is_enough(look.has, look.needed):
            return _step_up(site, show, look, sent="sent" in request.query_params)
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


def proof_pages(site: Site, show: Show) -> APIRouter:
    """Where a visitor proves more of who they are, and where the custodian vouches for a parent."""
    router = APIRouter(dependencies=[Depends(limiter(site))], include_in_schema=False)

    @router.post("/task/{task_id}/code")
    def ask_for_code(task_id: str, request: Request) -> Response:
        check_origin(site, request)
        return mail_code(site, show, _door(look_at(site, request, task_id)))

    @router.post("/task/{task_id}/enter")
    def bring_code(task_id: str, request: Request, form: Form) -> Response:
        check_origin(site, request)
        return try_code(site, show, _door(look_at(site, request, task_id)), str(form.get("code", "")))

    @router.post("/task/{task_id}/totp")
    def bring_totp(task_id: str, request: Request, form: Form) -> Response:
        look = look_at(site, request, task_id)
        check_form(site, request, look.visitor, form, look.path)
        return bring_app_code(site, show, look.visitor, look.path, str(form.get("code", "")), look.language)

    @router.post("/task/{task_id}/second")
    def tick_second(task_id: str, request: Request, form: Form) -> Response:
        look = look_at(site, request, task_id)
        check_form(site, request, look.visitor, form, look.path)
        how, parents = str(form.get("how", "")), _parents(look)
        if not parents or how not in ("in_person", "call_back"):
            raise unknown(look.language)
        by = look.visitor.actor(look.case).id
        for name in parents:
            site.links.confirm_second(look.case.id, f"party:{name}", how, by, site.clock())
        return see_other(look.path)

    return router


def look_at(site: Site, request: Request, task_id: str) -> Look:
    """The task for this visitor. Raises the page that says why it is not for them."""
    visitor = signed_in(site, request)
    try:
        with site.store.read() as unit:
            case_id = unit.case_of_task(task_id)
        case, definition = load(site, case_id)
    except UsageError as error:
        raise unknown(visitor.language()) from error
    language = visitor.language(case)
    if visitor.session.case_id not in (None, case.id):
        raise unknown(language)
    task = case.task(task_id)
    if task is not None and not visitor.may_answer(task, visitor.office.today(site.clock())):
        raise PlainPage("other", 403, language)
    wanted = definition.task(task) if task is not None else None
    also = _also(visitor, case, definition, task, visitor.office.today(site.clock()))
    return Look(visitor, case, definition, task_id, task, wanted, language, reached(site, visitor, case.id), also)


def _also(
    visitor: Visitor, case: Case, definition: Definition, task: Task | None, today: dt.date
) -> tuple[Also, ...]:
    """The further tasks of the same entry of a state that this person may answer alike."""
    wanted = definition.task(task) if task is not None and not task.is_own and task.is_open else None
    if task is None or wanted is None or visitor.person is None or wanted.offered or wanted.approval:
        return ()
    state = definition.states[task.state]
    if state.join == "any" or state.distinct:
        return ()
    others = [one for one in case.tasks if one.is_open and one.entry == task.entry and one.id != task.id]
    pairs = [(one, definition.task(one)) for one in others if not one.offered and visitor.may_answer(one, today)]
    return tuple(Also(one, of) for one, of in pairs if of and not of.approval and answered_alike(wanted, of))


def app_code_page(
    site: Site, show: Show, visitor: Visitor, path: str, language: str, *, error: str = "", status: int = 200
) -> Response:
    """Asks for the code of the authenticator app, or says how to get one."""
    person = visitor.person
    has_app = person is not None and site.links.totp_secret(person.id) is not None
    nonce = visitor.nonce(path)
    return show("totp.html", language, status, path=path, nonce=nonce, has_app=has_app, error=error)


def bring_app_code(site: Site, show: Show, visitor: Visitor, path: str, typed: str, language: str) -> Response:
    """Raises the session to `second` with a right code that nobody has used yet; tries are counted."""
    person, now = visitor.person, site.clock()
    secret = site.links.totp_secret(person.id) if person is not None else None
    if person is None or secret is None or visitor.session.level == "open":
        raise unknown(language)
    if not site.links.allow(f"totp:{person.id}", 5, dt.timedelta(minutes=15), now):
        raise PlainPage("many", 429, language)
    step = site.match_totp(secret, typed.replace(" ", ""), now)
    if step is None or not site.links.totp_used(person.id, step):
        error = tell("totp_wrong", language)
        return app_code_page(site, show, visitor, path, language, error=error, status=422)
    site.links.raise_session(visitor.session, "second")
    return see_other(path)


def _door(look: Look) -> Door:
    session = look.visitor.session
    return Door(session.recipient, session.case_id, "code", look.path, look.path, look.language, look.case.id)


def _step_up(site: Site, show: Show, look: Look, sent: bool) -> Response:
    """What this visitor still has to prove: a mailed code first, then the second channel."""
    if not is_enough(look.has, "code"):
        return door_page(show, _door(look), sent=sent)
    if is_staff(look.visitor.session.recipient):
        return app_code_page(site, show, look.visitor, look.path, look.language)
    return show("message.html", look.language, 403, key="second", values={}, case=look.case.id)


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
    agreements = _agreements(site, look, wanted)
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
    )
    absent = office.person(task.instead_of) if task.instead_of else None
    return show(
        "task.html",
        look.language,
        status,
        look=look,
        title=look.definition.named(wanted.title, look.case.facts, look.language),
        help=say(wanted.help, look.language) if wanted.help else "",
        process=say(look.definition.title, look.language),
        dates=_dates(look, task),
        facts=_facts(look, wanted, agreements),
        fields=fields,
        outcomes=[(name, say(outcome.label, look.language)) for name, outcome in wanted.outcomes.items()],
        chosen=submission.outcome if submission else _only(wanted),
        errors=submission.errors if submission else {},
        refusal=refusal,
        unmet=unmet,
        stale=stale,
        instead_of=absent.name if absent else "",
        also=[_also_view(site, look, one) for one in look.also],
        digest=site.service.facts_digest(look.case, look.definition, own),
        generation=task.generation,
        nonce=look.visitor.nonce(look.path),
        letter=bool(wanted.posts or task.mail),
        ticks=_ticks(site, look),
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


def _dates(look: Look, task: Task) -> tuple[DateView, ...]:
    """The task's own date, and the legal dates that run: for a party only its own windows."""
    clocks = look.definition.clocks
    running = sorted(
        (clock.legal, clock.name)
        for clock in look.case.clocks.values()
        if clock.status == "running" and clock.legal and (look.visitor.person or clocks[clock.name].window)
    )
    views = [
        DateView(
            "window" if clocks[name].window else "legal",
            say(clocks[name].title, look.language),
            date_words(day, look.language),
        )
        for day, name in running
    ]
    if task.due is not None:
        own = DateView("target", tell("until", look.language), date_words(task.due, look.language))
        return (own, *views)
    return tuple(views)


@dataclass(frozen=True, slots=True)
class OnFile:
    """A fact as this visitor may see it; `address` of a document that can be opened. `last` says of what was suggested
    from when that is, and `changes` what it was and what it is now; without any it is the same."""

    label: str
    lines: Sequence[str]
    address: str = ""
    last: str = ""
    changes: Sequence[tuple[str, str]] = ()


def _agreements(site: Site, look: Look, wanted: TaskDef) -> Mapping[str, str]:
    """The agreements of the register, where this task asks for one or shows one."""
    names = {*wanted.shows, *(field.fact for field in wanted.form)}
    return site.agreements() if names & set(look.definition.shows_agreements) else {}


def _facts(look: Look, wanted: TaskDef, agreements: Mapping[str, str]) -> list[OnFile]:
    """What is on file, as far as this visitor has proved who they are."""
    rows: list[OnFile] = _hold_on_file(look)
    for name in wanted.shows:
        fact = look.definition.fact(name)
        if fact is None:
            continue
        lines: Sequence[str] = (tell("not_recorded", look.language),)
        if name in look.case.facts:
            because = [say(reason, look.language) for reason in reasons(look.definition, look.case, name)]
            lines = (*fact_lines(fact, look.case.facts[name], look.visitor.office, look.language), *because)
        if name in look.definition.shows_agreements:
            lines = [f"{line}: {agreements[line]}" if line in agreements else line for line in lines]
        is_file = fact.type.kind == "document" and name in look.case.facts and look.shows_personal
        if fact.personal and not look.shows_personal:
            lines = (tell("behind_code", look.language),)
        address = f"{look.path}/document/{name}" if is_file else ""
        row = OnFile(say(fact.label, look.language), lines, address)
        rows.append(_beside_the_last(look, fact, row))
    return rows


def _beside_the_last(look: Look, fact: FactDef, row: OnFile) -> OnFile:
    """The row with what was answered last time, where that was suggested and may be seen."""
    last, now = look.case.suggested.get(fact.name), look.case.facts.get(fact.name)
    if last is None or now is None or (fact.personal and not look.shows_personal):
        return row

    def told(value: FactValue | None) -> str:
        if value is None:
            return tell("not_there", look.language)
        return "; ".join(fact_lines(fact, value, look.visitor.office, look.language))

    changes = [(told(was), told(becomes)) for was, becomes in differences(last.value, now)]
    said = tell("last_answer", look.language, date=date_words(last.on, look.language))
    return replace(row, last=said, changes=changes)


def _hold_on_file(look: Look) -> list[OnFile]:
    """What a law-enforcement hold rests on, for those who confirm or review it."""
    hold = next((one for one in look.case.holds if look.task and one.id == look.task.hold), None)
    if hold is None or not look.shows_personal:
        return []
    told = {
        "hold_agency": hold.agency,
        "hold_officer": hold.officer,
        "hold_matter": hold.matter,
        "hold_from": date_words(hold.started, look.language),
        **({"hold_until": date_words(hold.until, look.language)} if hold.until else {}),
    }
    rows = [OnFile(tell(key, look.language), (words,)) for key, words in told.items()]
    paper = OnFile(tell("hold_paper", look.language), (tell("hold_open", look.language),), f"{look.path}/document/hold")
    return [*rows, paper]


def _parents(look: Look) -> tuple[str, ...]:
    """The case's parents, whom the custodian may vouch for; none for anybody else's eyes."""
    person = look.visitor.person
    if person is None or "custodian" not in person.roles or not look.shows_personal:
        return ()
    kinds = look.definition.parties
    return tuple(name for name in look.case.parties if name in kinds and kinds[name].kind == "parent")


def _ticks(site: Site, look: Look) -> list[tuple[str, bool]]:
    """Each parent's name, and whether they have been met or called back for this case."""
    return [
        (look.case.parties[name].name, site.links.second_confirmed(look.case.id, f"party:{name}"))
        for name in _parents(look)
    ]


def _answer(site: Site, show: Show, look: Look, form: FormData, request: Request) -> Response:
    own, chosen = look.wanted, form.getlist("_also")
    if own is None:
        raise unknown(look.language)
    look = replace(look, also=tuple(one for one in look.also if one.task.id in chosen))
    wanted = merged(own, look.also)
    submission, uploads = _read(site, look, wanted, form, _agreements(site, look, wanted))
    if submission.errors:
        return _form_page(site, show, look, _with_files_again(submission, uploads, look.language), status=422)
    try:
        _complete(site, look, submission, uploads, form)
    except (AlreadyDecided, Stale):
        newest = look_at(site, request, look.task_id)
        if not newest.is_open:
            return _late_page(site, show, newest)
        again = _with_files_again(submission, uploads, look.language)
        return _form_page(site, show, newest, again, status=409, stale=True)
    except NotAllowed as error:
        raise PlainPage("other", 403, look.language) from error
    except Unmet as error:
        again = _with_files_again(submission, uploads, look.language)
        unmet = [say(text, look.language) for text in error.texts]
        return _form_page(site, show, look, again, status=422, refusal=tell("unmet", look.language), unmet=unmet)
    except (Refused, UsageError) as error:
        return _refused(site, show, look, _with_files_again(submission, uploads, look.language), error)
    return see_other(f"{look.path}/done")


def _read(
    site: Site, look: Look, wanted: TaskDef, form: FormData, agreements: Mapping[str, str]
) -> tuple[Submission, Uploads]:
    typed: dict[str, list[str]] = {}
    documents = {name for name, fact in look.definition.facts.items() if fact.type.kind == "document"}
    for name, value in form.multi_items():
        if isinstance(value, str) and name not in documents:
            typed.setdefault(name, []).append(value)
    uploads, wrong = _uploads(site, look, wanted, form)
    typed |= {name: [SAMPLE_DOCUMENT] for name in uploads}
    office, outcome = look.visitor.office, str(form.get("_outcome", ""))
    read = read_submission(look.definition, wanted, look.case.facts, office, look.language, typed, outcome, agreements)
    return replace(read, errors={**read.errors, **wrong}), uploads


def _uploads(site: Site, look: Look, wanted: TaskDef, form: FormData) -> tuple[Uploads, Mapping[str, str]]:
    """The documents that came, and a message for each that cannot be taken."""
    fit: dict[str, tuple[bytes, Kind]] = {}
    wrong: dict[str, str] = {}
    for field in wanted.form:
        fact, sent = look.definition.fact(field.fact), form.get(field.fact)
        if fact is None or fact.type.kind != "document" or not isinstance(sent, UploadFile) or not sent.filename:
            continue
        content = sent.file.read(MAX_DOCUMENT + 1)
        try:
            fit[field.fact] = (content, site.inspect(content, sent.filename))
        except Unfit as unfit:
            wrong[field.fact] = unfit.sentence(look.language)
    return fit, wrong


def _late_page(site: Site, show: Show, look: Look) -> Response:
    """Tells who answered too late, on the page and once by mail; one's own second click needs no mail."""
    answer, recipient = answer_of(site, look.case, look.task_id), look.visitor.session.recipient
    if answer is not None and answer.by != look.visitor.actor(look.case).name:
        first_time = site.links.allow(f"late:{look.task_id}:{recipient}", 1, dt.timedelta(days=1), site.clock())
        at = instant_words(answer.at, look.visitor.office, look.language)
        if first_time:
            words = {"case": look.case.id, "decided_by": answer.by, "decided_at": at}
            site.mail_now(recipient, "already_decided", words)
    return closed_page(site, show, look.case, look.task_id, look.language, 409)


def _with_files_again(submission: Submission, uploads: Uploads, language: str) -> Submission:
    """A page cannot fill in a file again: says so beside the field."""
    again = {name: tell("document_again", language) for name in uploads}
    return replace(submission, errors={**again, **submission.errors})


def _complete(site: Site, look: Look, submission: Submission, uploads: Uploads, form: FormData) -> None:
    """Files are kept first, so that no accepted answer lacks one, and go again when the answer is refused."""
    generation = str(form.get("_generation", ""))
    with site.documents.keeping(uploads) as documents:
        site.service.complete_task(
            look.task_id,
            submission.outcome,
            {**submission.values, **documents},
            look.visitor.actor(look.case),
            site.clock(),
            seen_generation=int(generation) if generation.isascii() and generation.isdigit() else 0,
            seen_facts=str(form.get("_facts", "")),
            also=tuple((one.task.id, str(form.get(f"_facts.{one.task.id}", ""))) for one in look.also),
        )


def _refused(site: Site, show: Show, look: Look, submission: Submission, error: Exception) -> Response:
    """Puts the engine's refusal into the page's words: beside the field it names, or on top."""
    name = str(error).partition(":")[0]
    if look.wanted is not None and any(field.fact == name for field in look.wanted.form):
        errors = {**submission.errors, name: tell("future", look.language)}
        return _form_page(site, show, look, replace(submission, errors=errors), status=422)
    return _form_page(site, show, look, submission, status=422, refusal=_refusal(look, submission))


def _refusal(look: Look, submission: Submission) -> str:
    outcome = look.wanted.outcomes.get(submission.outcome) if look.wanted else None
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
        case=look.case.id,
        by=answer.by if answer else "",
        state=say(state.title, look.language),
        following=_following(look),
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


@dataclass(frozen=True, slots=True)
class TaskLine:
    id: str
    title: str
    case: str
    due: str
    offered: bool


def own_tasks(site: Site, visitor: Visitor, case: Case | None = None) -> list[TaskLine]:
    """The reader's open tasks, the asked ones by date before the offered ones: a person's in every case, a party's in
    its own. Who came by an open link sees those of this case by name, and opens them with a code."""
    person = visitor.person if is_enough(visitor.session.level, "code") else None
    cases = site.cases_of(person.id) if person else [case.id] if case else []
    found = [pair for case_id in cases for pair in _lines_of(site, visitor, case_id)]
    return [line for _, line in sorted(found, key=lambda pair: pair[0])]


def _lines_of(site: Site, visitor: Visitor, case_id: str) -> list[tuple[tuple[bool, dt.date, str], TaskLine]]:
    """Lines with what orders them."""
    case, definition = load(site, case_id)
    language = visitor.language(case)
    lines = []
    for task in case.tasks:
        wanted = definition.task(task)
        mine = task.party == visitor.party if visitor.person is None else visitor.person.id in task.assignees
        if task.is_open and mine and wanted is not None:
            due = date_words(task.due, language) if task.due else ""
            order = (task.offered, task.due or dt.date.max, task.id)
            title = definition.named(wanted.title, case.facts, language)
            lines.append((order, TaskLine(task.id, title, case.id, due, task.offered)))
    return lines
