"""A brief's lines: what still holds of them, one a subject, in the reader's language, legal dates first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from engine.model.case import Clock
from engine.model.definition import Who, say
from engine.model.handed import BriefLine
from engine.model.kinds import kind_of_date
from notifiers.blocks import Cell, Table
from notifiers.words import Matter, date_words, phrase

Link = Callable[[BriefLine], str | None]
"""The address that a line leads its reader to, if there is one."""

_SAID: Mapping[str, Mapping[str, str]] = {
    "legal_lines": {"en": "The earliest first:", "es": "El más próximo primero:"},
    "agreement_lines": {"en": "The earliest first:", "es": "La más próxima primero:"},
    "target_lines": {"en": "The earliest first:", "es": "La más próxima primero:"},
    "news_lines": {"en": "For your information:", "es": "Para su información:"},
    "case": {"en": "Case", "es": "Caso"},
    "what": {"en": "What", "es": "Qué"},
    "when": {"en": "By when", "es": "Fecha"},
    "no_date": {"en": "no date", "es": "sin fecha"},
    "passed": {"en": "passed on ", "es": "venció el "},
    "legal": {"en": "legal deadline", "es": "plazo legal"},
    "legals": {"en": "legal deadlines", "es": "plazos legales"},
    "agreement": {"en": "date set by our agreement", "es": "fecha fijada por nuestro acuerdo"},
    "agreements": {"en": "dates set by our agreements", "es": "fechas fijadas por nuestros acuerdos"},
    "target": {"en": "task or target", "es": "tarea o meta"},
    "targets": {"en": "tasks and targets", "es": "tareas y metas"},
    "news": {"en": "to know", "es": "para su información"},
    "brief": {"en": "Brief for", "es": "Resumen del"},
    "reminder": {"en": "Reminder", "es": "Recordatorio"},
    "request": {"en": "Please answer", "es": "Le pedimos que responda"},
    "asked": {"en": "district target", "es": "meta del distrito"},
    "askeds": {"en": "district targets", "es": "metas del distrito"},
    "quiet": {"en": "all quiet", "es": "todo tranquilo"},
    "calm": {"en": "no legal deadline this week", "es": "ningún plazo legal esta semana"},
    "one_case": {"en": "case", "es": "caso"},
    "cases": {"en": "cases", "es": "casos"},
    "on_paper": {"en": "reads no mail, please tell them on paper", "es": "no lee correo electrónico, avise por carta"},
}


def said(name: str, language: str) -> str:
    return say(_SAID[name], language)


def merged(lines: Iterable[BriefLine]) -> list[BriefLine]:
    """One line a subject, the strongest; those with a date first, the earliest on top."""
    strongest: dict[tuple[str, str], BriefLine] = {}
    for line in lines:
        key = (line.case_id, line.subject)
        if key not in strongest or line.strength >= strongest[key].strength:
            strongest[key] = line
    return sorted(strongest.values(), key=lambda line: (line.date or dt.date.max, line.case_id, line.subject))


def wanted(lines: Iterable[BriefLine], matters: Mapping[str, Matter]) -> list[BriefLine]:
    """The merged lines without those of tasks that are closed and of clocks that have ended."""
    kept = (_as_law(line, matters[line.case_id]) for line in lines if _holds(line, matters.get(line.case_id)))
    return merged(_by_whom(line, matters[line.case_id]) for line in kept)


def _as_law(line: BriefLine, matter: Matter) -> BriefLine:
    """A task by which an outsider does a legal duty of their own is told with the law's date, not with the district's
    earlier target."""
    duty = _own_duty(line, matter)
    return line if duty is None else replace(line, date=duty.legal, legal=True)


def _by_whom(line: BriefLine, matter: Matter) -> BriefLine:
    """Only what the law sets is told as legal; an agreement may set fewer days, and a district a date of its own."""
    clock = _clock_of(line, matter) if line.legal else None
    kind = kind_of_date(matter.definition.clocks[clock.name], clock) if clock else "legal"
    return replace(line, legal=line.legal and kind != "target", by_agreement=kind == "contract")


def _clock_of(line: BriefLine, matter: Matter) -> Clock | None:
    """The duty that a line's date is of, if there is one."""
    return matter.case.clocks.get(line.subject) or _own_duty(line, matter)


def _own_duty(line: BriefLine, matter: Matter) -> Clock | None:
    """The legal duty of an outsider before whose date their task is due, while it has one."""
    task = matter.case.task(line.task_id) if line.party and line.task_id else None
    asked = matter.definition.task(task) if task else None
    name = asked.due.of if asked and asked.due and asked.due.before else None
    known, clock = matter.definition.clocks.get(name or ""), matter.case.clocks.get(name or "")
    if known is None or clock is None or known.chases != Who("party", line.party or ""):
        return None
    told = known.rule.kind_of_date == "legal deadline" and clock.status == "running" and clock.legal is not None
    return clock if told else None


def tables(lines: Sequence[BriefLine], matters: Mapping[str, Matter], today: dt.date, language: str, link: Link
           ) -> dict[str, Table]:
    """`legal_lines`, `agreement_lines`, `target_lines` and `news_lines`, each only where it has a line."""
    headers = (said("case", language), said("what", language), said("when", language))
    found = {}
    for name, group in _groups(lines):
        rows = tuple((Cell(line.case_id), Cell(_words(line, matters[line.case_id], language), link(line)),
                      Cell(_by_when(line, matters[line.case_id], today, language))) for line in group)
        if rows:
            found[name] = Table(said(name, language), headers, rows)
    return found


def headline(lines: Sequence[BriefLine], today: dt.date, language: str, *, near: int = 0, by_agreement: int = 0,
             quiet: bool = False) -> str:
    """Such as `Brief for Monday, April 10, 2028: 1 legal deadline, 2 tasks and targets`; `near` are legal deadlines,
    and `by_agreement` dates of agreements, that the officer's outlook names besides."""
    legal, agreement, target, news = (len(group) for _, group in _groups(lines))
    parts = [*_count(legal + near, "legal", language), *_count(agreement + by_agreement, "agreement", language),
             *_count(target, "target", language)]
    if news:
        parts.append(f"{news} {said('news', language)}")
    if not parts:
        parts.append(said("quiet" if quiet else "calm", language))
    return f"{said('brief', language)} {date_words(today, language)}: {', '.join(parts)}"


def only_task(lines: Sequence[BriefLine], matters: Mapping[str, Matter], language: str) -> str | None:
    """The headline of a brief that only asks for one thing, such as `Case 2027-0034: Is it still used? (Reader)`."""
    if len(lines) != 1 or lines[0].kind != "task":
        return None
    (line,) = lines
    return f"{said('case', language)} {line.case_id}: {_title(line, matters[line.case_id], language)}"


def contact_words(lines: Sequence[BriefLine], today: dt.date, language: str) -> dict[str, str]:
    """The headline of a contact's mail, such as `Reminder: 1 legal deadline, 2 district targets (case 2028-0001)`; and
    `passed` when one of the dates has passed, `is_first` when nothing was asked for before."""
    legal, agreement, target, _ = (len(group) for _, group in _groups(lines))
    cases = sorted({line.case_id for line in lines})
    parts = [*_count(legal, "legal", language), *_count(agreement, "agreement", language),
             *_count(target, "asked", language)]
    where = f"{said('one_case', language)} {cases[0]}" if len(cases) == 1 else f"{len(cases)} {said('cases', language)}"
    passed = any(line.date is not None and line.date < today for line in lines)
    is_first = all(line.kind == "task" for line in lines)
    headline = f"{said('request' if is_first else 'reminder', language)}: {', '.join(parts)} ({where})"
    return {"headline": headline, "passed": "yes" if passed else "", "is_first": "yes" if is_first else ""}


def _groups(lines: Sequence[BriefLine]) -> Iterator[tuple[str, list[BriefLine]]]:
    yield "legal_lines", [line for line in lines if line.legal and not line.by_agreement]
    yield "agreement_lines", [line for line in lines if line.by_agreement]
    others = [line for line in lines if not line.legal]
    yield "target_lines", [line for line in others if line.kind != "news"]
    yield "news_lines", [line for line in others if line.kind == "news"]


def _count(number: int, noun: str, language: str) -> Iterator[str]:
    if number:
        yield f"{number} {said(noun if number == 1 else noun + 's', language)}"


def _holds(line: BriefLine, matter: Matter | None) -> bool:
    if matter is None or line.kind == "news":
        return matter is not None
    if line.task_id is None:
        clock = matter.case.clocks.get(line.subject)
        return clock is None or clock.status == "running"
    task = matter.case.task(line.task_id)
    return task is not None and task.is_open


def _words(line: BriefLine, matter: Matter, language: str) -> str:
    """The line's words in the reader's language, where the definition has them; and whom to tell on paper."""
    title, unread = _title(line, matter, language), _unread_party(line, matter, language)
    return f"{title} ({unread}: {said('on_paper', language)})" if unread else title


def _title(line: BriefLine, matter: Matter, language: str) -> str:
    definition, case = matter.definition, matter.case
    if line.kind != "news" and line.subject in definition.clocks:
        return definition.named(definition.clocks[line.subject].title, case.facts, language)
    task = case.task(line.task_id) if line.task_id else None
    asked = definition.task(task) if task else None
    return definition.named(asked.title, case.facts, language) if asked else line.text


def _unread_party(line: BriefLine, matter: Matter, language: str) -> str | None:
    """The party that a line's task or duty falls to, when no mail reaches it."""
    name = None if line.kind == "news" else _party_of(line, matter)
    contact = matter.case.parties.get(name) if name else None
    if name is None or (contact is not None and contact.reads_mail):
        return None
    return say(matter.definition.parties[name].label, language)


def _party_of(line: BriefLine, matter: Matter) -> str | None:
    task = matter.case.task(line.task_id) if line.task_id else None
    if task is not None:
        return task.party
    clock = matter.definition.clocks.get(line.subject)
    chased = clock.chases if clock else None
    return chased.name if chased and chased.kind == "party" else None


def _by_when(line: BriefLine, matter: Matter, today: dt.date, language: str) -> str:
    """The line's date; a target that belongs to a legal clock is told with the legal date behind it, and an outsider
    reads which law it is."""
    if line.date is None:
        return said("no_date", language)
    passed = said("passed", language) if line.date < today else ""
    clock = _clock_of(line, matter)
    return passed + date_words(line.date, language) + (_law(line, matter, clock, language) if clock else "")


def _law(line: BriefLine, matter: Matter, clock: Clock, language: str) -> str:
    wanted = matter.definition.clocks[clock.name]
    kind = phrase(kind_of_date(wanted, clock), language)
    if line.legal and line.party:
        return f" ({kind}, {wanted.rule.citation})"
    if line.legal or clock.legal is None:
        return ""
    return f" ({kind}: {date_words(clock.legal, language)})"
