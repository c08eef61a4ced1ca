"""What a task's page tells its reader: the dates, and the facts on file as far as they may be seen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.deciding.suggesting import differences
from engine.model.case import FactValue, Task
from engine.model.decisions import reasons
from engine.model.definition import FactDef, TaskDef, say
from web.dates import DateView, clock_dates, late, until_date
from web.look import Look
from web.site import Site
from web.words import date_words, fact_lines, suggestion_words, tell


def dates_of(look: Look, task: Task, now: dt.datetime) -> list[DateView]:
    """The task's own date or, of what is only offered, until when it can be done; then the legal dates that run, for a
    party its own ones."""
    staff, language = look.visitor.person is not None, look.language
    today = look.visitor.office.today(now) if staff else None
    views = clock_dates(look.case, look.definition, language, party=look.visitor.party, today=today)
    dated = [view for view in views if view.date]
    if task.due is not None:
        own = DateView("target", tell("until", language), date_words(task.due, language),
                       late(task.due, today, language))  # fmt: skip
        return [own, *dated]
    until = until_date(look.case, look.definition, look.visitor.office, language)
    return [until, *dated] if until is not None and task.offered and task.party is not None else dated


@dataclass(frozen=True, slots=True)
class OnFile:
    """A fact as this visitor may see it; `address` of a document that can be opened. `last` says of what was suggested
    from when that is, and `changes` what it was and what it is now; without any it is the same."""

    label: str
    lines: Sequence[str]
    address: str = ""
    last: str = ""
    changes: Sequence[tuple[str, str]] = ()


def agreements_for(site: Site, look: Look, wanted: TaskDef) -> Mapping[str, str]:
    """The agreements of the register, where this task asks for one or shows one."""
    names = {*wanted.shows, *(field.fact for field in wanted.form)}
    return site.agreements() if names & set(look.definition.shows_agreements) else {}


def facts_on_file(look: Look, wanted: TaskDef, agreements: Mapping[str, str]) -> list[OnFile]:
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
    said = suggestion_words(fact, last, look.language)
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
