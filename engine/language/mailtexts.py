"""What the source text of a mail may say: a subject line, simple Markdown, known placeholders and `if has(...)`.

    case, parent_case the case number, 2026-0001, and that of the case which started this one
    process, state    what kind of matter it is, and where it stands
    district, today   the district's name, the local date of the mail
    recipient_name    who reads it
    contact_name, contact_email, contact_phone    whom to ask
    contact_edtech, contact_ai    whom to ask about teaching with a product, about artificial intelligence
    packet_days       how many days before a meeting of the Board its packet closes
    attestation_month the month of every yearly attestation, where the district has set one
    task, due, instead_of     what the reader is asked to do, its date, for whom the reader stands in (with a task)
    state_until       the last day of the state in which the case stands, where days end it: a district's own
    legal_due, legal_title    the earliest running legal date of the district's own duties, and what it is of
    clock_NAME, clock_NAME_kind    a clock's date, and what that date is to the reader
    fact_NAME         a recorded fact that is not personal
    fact_NAME_month   the month of a date: April
    ref_NAME_TEXT     a text of reference data, such as an agency's address
    because_NAME      why a decision table gave a fact its value, inside `has` only
    link, status_link the engine's own links (`link` with a task or to a party, `status_link` to a party)
    on_screen         asked by `has` only: the reader can follow a link, since it is no letter on paper
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from engine.faults import Mark
from engine.language.scope import Scope
from engine.model.definition import Definition, MailDef
from engine.nodes import nearest

EVERY = (
    "case", "process", "state", "district", "today", "recipient_name", "contact_name", "contact_email",
    "contact_phone", "contact_edtech", "contact_ai", "packet_days", "legal_due", "legal_title", "parent_case",
    "state_until", "attestation_month", "on_screen",
)  # fmt: skip
OF_A_TASK = ("task", "due", "instead_of")
SOMETIMES = frozenset({"due", "instead_of", "legal_due", "legal_title", "parent_case", "state_until",
                       "attestation_month"})
"""Not known in each mail that may read them: they stand inside `has`."""

ON_SCREEN = "on_screen"
"""Has no words: it is asked, and never written out."""

BECAUSE, REFERENCE, FACT, MONTH = "because_", "ref_", "fact_", "_month"

_MARKUP = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}|(\{[#{%])", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*")
_IF = re.compile(r"if has\(([A-Za-z_]\w*)\)")


def unreviewed(definition: Definition) -> Iterator[str]:
    """The translated texts that nobody has reviewed yet, such as `receipt.es`: worth knowing, no fault."""
    for mail in definition.mails.values():
        for language in sorted(mail.texts):
            if language != "en" and mail.reviewed_by.get(language) is None:
                yield f"{mail.name}.{language}"


def known_names(definition: Definition, mail: MailDef) -> frozenset[str]:
    """Every name that a text of this mail may read, but for those of reference data."""
    shown = [fact for fact in definition.facts.values() if not fact.personal]
    months = (fact.name for fact in shown if fact.type.kind == "date")
    return frozenset(_names((fact.name for fact in shown), definition.clocks, definition.decisions, mail, months))


def fact_read(name: str) -> str:
    """The fact that a placeholder such as `fact_signed_on` or `fact_signed_on_month` reads; else the name itself."""
    return name.removeprefix(FACT).removesuffix(MONTH) if name.startswith(FACT) else name


def reference_names(references: Mapping[str, Collection[str]]) -> list[str]:
    return [f"{REFERENCE}{name}_{text}" for name, texts in references.items() for text in texts]


def _names(
    facts: Iterable[str], clocks: Iterable[str], decided: Iterable[str], mail: MailDef, months: Iterable[str]
) -> list[str]:
    party = mail.to.kind == "party"
    links = (["link"] if mail.task or party else []) + (["status_link"] if party else [])
    dates = [f"clock_{name}{end}" for name in clocks for end in ("", "_kind")]
    return [*EVERY, *(OF_A_TASK if mail.task else ()), *links, *dates, *(f"{FACT}{name}" for name in facts),
            *(f"{FACT}{name}{MONTH}" for name in months), *(f"{BECAUSE}{name}" for name in decided)]


def needed_names(text: str) -> Mapping[str, int]:
    """The names that a text reads outside every `has`, each with the offset of its first reading."""
    needed: dict[str, int] = {}
    asked: list[bool] = []
    for match in _MARKUP.finditer(text):
        statement = (match[2] or "").strip()
        if match[1] is not None and not any(asked):
            needed.setdefault(match[1].strip(), match.start())
        elif statement.startswith("if "):
            asked.append(True)
        elif statement == "else" and asked:
            asked[-1] = False
        elif statement == "endif" and asked:
            asked.pop()
    return needed


def _said(text: str) -> frozenset[str]:
    """Every placeholder of a text."""
    return frozenset(match[1].strip() for match in _MARKUP.finditer(text) if match[1] is not None)


def check_said(scope: Scope, mail: MailDef, text: str, file: str) -> None:
    """What the law wants a text to say, it says, and what it may not say it says nowhere. A mail that asks for a task
    leads to it, since the program asks its reader in no other."""
    said = _said(text)
    if mail.task is not None and "link" not in said:
        scope.faults.add(Mark(file, 1, 1), f"this mail asks for task '{mail.task}': write {{{{ link }}}} into the text")
    for name in (one for one in mail.must_say if one not in said):
        scope.faults.add(Mark(file, 1, 1), f"this mail must say {{{{ {name} }}}}: put it into the text")
    for name in (one for one in mail.must_not_say if one in said):
        where = next(match.start() for match in _MARKUP.finditer(text) if (match[1] or "").strip() == name)
        scope.faults.add(_place(text, where, file), f"this mail must not say {{{{ {name} }}}}: take it out")


def check_text(scope: Scope, mail: MailDef, text: str, file: str) -> None:
    """Writes down each fault of one text, with its line in its own file."""
    months = [name for name, kind in scope.types.items() if kind.kind == "date"]
    known = _names(scope.declared["facts"], scope.declared["clocks"], scope.decided, mail, months)
    known += reference_names(scope.references)
    lines = text.split("\n")
    if not lines[0].startswith("Subject: ") or not lines[0].removeprefix("Subject: ").strip():
        scope.faults.add(Mark(file, 1, 1), "a mail begins with its subject: write 'Subject: …' on the first line")
    if len(lines) < 3 or lines[1].strip():
        scope.faults.add(Mark(file, 2, 1), "an empty line must stand between the subject and the text")
    depth = 0
    for match in _MARKUP.finditer(text):
        where = _place(text, match.start(), file)
        for message in _faults_of(scope, known, match):
            scope.faults.add(where, message)
        statement = (match[2] or "").strip()
        depth += statement.startswith("if ")
        depth -= statement == "endif"
    for name, offset in needed_names(text).items():
        if (name in SOMETIMES or name.startswith(BECAUSE)) and name in known:
            scope.faults.add(_place(text, offset, file), f"'{name}' is not known in each such mail: write it inside "
                                                         f"{{% if has({name}) %}} … {{% endif %}}")
    if depth:
        scope.faults.add(Mark(file, len(lines), 1), "each '{% if has(…) %}' needs one '{% endif %}'")


def _faults_of(scope: Scope, known: Sequence[str], match: re.Match[str]) -> Iterator[str]:
    value, statement = match[1], match[2]
    if match[3]:
        yield f"'{match[3]}' is not closed, or is a comment: use {{{{ name }}}} or {{% if has(name) %}}"
    elif value is not None and value.strip() == ON_SCREEN:
        yield f"'{ON_SCREEN}' has no words: ask {{% if has({ON_SCREEN}) %}} … {{% endif %}}"
    elif value is not None:
        yield from _faults_of_name(scope, known, value.strip())
    elif statement is not None and statement.strip() not in ("else", "endif"):
        condition = _IF.fullmatch(statement.strip())
        if condition is None:
            yield f"'{{%{statement}%}}' is not allowed: only if has(name), else and endif are"
        else:
            yield from _faults_of_name(scope, known, condition[1])


def _faults_of_name(scope: Scope, known: Sequence[str], name: str) -> Iterator[str]:
    fact = fact_read(name)
    if name in OF_A_TASK and name not in known:
        yield f"'{name}' needs a task: name it in the mail's `task`"
    elif name not in known:
        yield f"unknown placeholder '{name}'{nearest(name, known)}"
    elif name != fact:
        scope.used.add(f"facts.{fact}")
        if fact in scope.personal:
            yield f"fact '{fact}' is personal and never stands in a mail: show it on the page behind the link"


def _place(text: str, offset: int, file: str) -> Mark:
    return Mark(file, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
