"""From the form that was sent to the answer that is recorded: values, files, and the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.datastructures import FormData, UploadFile

from engine.deciding.forms import SAMPLE_DOCUMENT, called
from engine.model.definition import TaskDef
from web.documents import MAX_DOCUMENT, Kind, Unfit
from web.forms import SURE, Submission, doubted, read_submission
from web.look import Look
from web.site import Site
from web.words import tell

Uploads = Mapping[str, tuple[bytes, Kind]]


def read_form(
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
    read = doubted(read, look.definition, look.case.facts, office, look.language, site.clock(), typed.get(SURE, ()))
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


def _with_names(documents: Mapping[str, str], form: FormData) -> dict[str, str]:
    """The kept files with the names under which they came."""
    sent = {name: form.get(name) for name in documents}
    return {name: called(value, one.filename or "") if isinstance(one := sent[name], UploadFile) else value
            for name, value in documents.items()}


def with_files_again(submission: Submission, uploads: Uploads, language: str) -> Submission:
    """A page cannot fill in a file again: says so beside the field."""
    again = {name: tell("document_again", language) for name in uploads}
    return replace(submission, errors={**again, **submission.errors})


def complete(site: Site, look: Look, submission: Submission, uploads: Uploads, form: FormData) -> None:
    """Files are kept first, so that no accepted answer lacks one, and go again when the answer is refused."""
    generation = str(form.get("_generation", ""))
    with site.documents.keeping(uploads) as documents:
        site.service.complete_task(
            look.task_id,
            submission.outcome,
            {**submission.values, **_with_names(documents, form)},
            look.visitor.actor(look.case),
            site.clock(),
            seen_generation=int(generation) if generation.isascii() and generation.isdigit() else 0,
            seen_facts=str(form.get("_facts", "")),
            also=tuple((one.task.id, str(form.get(f"_facts.{one.task.id}", ""))) for one in look.also),
        )
