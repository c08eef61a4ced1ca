"""What the source text of a mail may say: a subject line, simple Markdown, known placeholders and `if has(...)`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.faults import Mark
from engine.nodes import nearest
from engine.scope import Scope

PLACEHOLDERS = (
    "case",
    "process",
    "recipient_name",
    "district",
    "contact_name",
    "contact_email",
    "contact_phone",
    "due",
    "link",
    "task",
)
_MARKUP = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}|(\{[#{%])", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*")
_IF = re.compile(r"if has\(['\"]?([A-Za-z_]\w*)['\"]?\)")


def check_text(scope: Scope, text: str, file: str) -> None:
    """Writes down each fault of one text, with its line in its own file."""
    lines = text.split("\n")
    if not lines[0].startswith("Subject: ") or not lines[0].removeprefix("Subject: ").strip():
        scope.faults.add(Mark(file, 1, 1), "a mail begins with its subject: write 'Subject: …' on the first line")
    if len(lines) < 3 or lines[1].strip():
        scope.faults.add(Mark(file, 2, 1), "an empty line must stand between the subject and the text")
    depth = 0
    for match in _MARKUP.finditer(text):
        where = _place(text, match.start(), file)
        for message in _faults_of(scope, match):
            scope.faults.add(where, message)
        statement = (match[2] or "").strip()
        depth += statement.startswith("if ")
        depth -= statement == "endif"
    if depth:
        scope.faults.add(Mark(file, len(lines), 1), "each '{% if has(…) %}' needs one '{% endif %}'")


def _faults_of(scope: Scope, match: re.Match[str]) -> Iterator[str]:
    value, statement = match[1], match[2]
    if match[3]:
        yield f"'{match[3]}' is not closed, or is a comment: use {{{{ name }}}} or {{% if has(name) %}}"
    elif value is not None:
        yield from _faults_of_name(scope, value.strip())
    elif statement is not None and statement.strip() not in ("else", "endif"):
        condition = _IF.fullmatch(statement.strip())
        if condition is None:
            yield f"'{{%{statement}%}}' is not allowed: only if has(name), else and endif are"
        else:
            yield from _faults_of_name(scope, condition[1])


def _faults_of_name(scope: Scope, name: str) -> Iterator[str]:
    facts, clocks = scope.declared["facts"], scope.declared["clocks"]
    if name in PLACEHOLDERS:
        return
    fact, clock = name.removeprefix("fact_"), name.removeprefix("clock_")
    if name != fact and fact in facts:
        scope.used.add(f"facts.{fact}")
        if fact in scope.personal:
            yield f"fact '{fact}' is personal and never stands in a mail: show it on the page behind the link"
    elif name == clock or clock not in clocks:
        known = [*PLACEHOLDERS, *(f"fact_{f}" for f in facts), *(f"clock_{c}" for c in clocks)]
        yield f"unknown placeholder '{name}'{nearest(name, known)}"


def _place(text: str, offset: int, file: str) -> Mark:
    return Mark(file, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
