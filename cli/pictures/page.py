"""A page about a process for those who run it or argue about it, made from its definition alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path

from cli.pictures.graph import due_words, picture_of
from cli.pictures.mermaid import mermaid
from engine.model.definition import ClockDef, Definition, MailDef, ScheduleDef, StateDef, say
from workflows import SHIPPED, Catalogue

COMMAND = "soppa diagram --pages docs/processes"
_HEAD = f"<!-- Made by `{COMMAND}` from the definition: change that, and run it again. -->"


def write_pages(folder: Path, catalogue: Catalogue) -> list[Path]:
    """Writes a page for each process and their list; pages of processes that are gone are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    made = pages(catalogue)
    for old in set(folder.glob("*.md")) - {folder / name for name in made}:
        old.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, "utf-8")
    return [folder / name for name in made]


def pages(catalogue: Catalogue) -> dict[str, str]:
    """Every page by the name of its file."""
    found = [catalogue.newest(process) for process in catalogue.processes()]
    return {"README.md": _list(found), **{f"{one.process}.md": page(one, _purpose(one.process)) for one in found}}


def page(definition: Definition, purpose: str = "") -> str:
    parts = [
        [f"# {say(definition.title, 'en')}", _HEAD, purpose, _facts_of(definition)],
        ["## The way", f"```mermaid\n{mermaid(picture_of(definition))}```"],
        _clocks(definition),
        ["## States", _table(("state", "who acts", "district target", "answers"), _states(definition))],
        ["## Mails", _table(("mail", "to", "on paper by", "languages"), map(_mail, definition.mails.values()))]
        if definition.mails else [],
        _scenarios(definition),
    ]  # fmt: skip
    return "\n\n".join(text for part in parts for text in part if text) + "\n"


def _facts_of(definition: Definition) -> str:
    by = ", ".join(role.replace("_", " ") for role in definition.start_by) or "anybody who works for the district"
    on_page = f", on the page `/start/{definition.process}`" if definition.start_self else ""
    lines = [f"- Process `{definition.process}`, version {definition.version}",
             f"- Cites {'; '.join(definition.cites)}", f"- Started by {by}{on_page}"]
    if definition.schedule is not None:
        lines.append(f"- Starts by itself {_schedule(definition.schedule)}")
    for child in definition.children.values():
        how, whose = "Waits for" if child.joined else "Starts", child.role or ("operator" if child.each else "")
        each = f" for each {whose}" if whose else ""
        lines.append(f"- {how} [{child.process}]({child.process}.md){each}")
    return "\n".join(lines)


def _schedule(schedule: ScheduleDef) -> str:
    whose = "for each active agreement, " if schedule.of_agreements else ""
    days = ", ".join(day.replace("_", " ") for day in schedule.days or (schedule.of,))
    on = f"{schedule.before} {schedule.unit.replace('_', ' ')} before {days}" if schedule.before else days
    return whose + on + (", or in the district's attestation month" if schedule.in_month else "")


def _clocks(definition: Definition) -> Sequence[str]:
    if not definition.clocks:
        return ["## Clocks", "None: no date of this process is the law's, all are the district's own targets."]
    rows = map(_clock, definition.clocks.values())
    return ["## Clocks", _table(("what", "kind", "rule", "citation", "counts from", "met by"), rows)]


def _clock(clock: ClockDef) -> tuple[str, ...]:
    anchor = ", or ".join(source.name for source in clock.anchor.sources)
    rule, met = f"{clock.rule.id} [{clock.rule.certainty}]", ", ".join(f"`{event}`" for event in clock.satisfied_by)
    return (say(clock.title, "en"), clock.rule.kind_of_date, rule, clock.rule.citation, f"`{anchor}`", met or "–")


def _states(definition: Definition) -> Iterator[tuple[str, ...]]:
    for state in definition.states.values():
        yield from _rows(state)


def _rows(state: StateDef) -> Iterator[tuple[str, ...]]:
    title = f"**{say(state.title, 'en')}**" + (f" (`{state.region}`)" if state.region else "")
    if state.final or not state.tasks:
        yield (title, "", "", f"ends: {state.outcome}" if state.final and not state.region else "")
        return
    for number, task in enumerate(state.tasks):
        answers = ", ".join(say(one.label, "en") or name.replace("_", " ") for name, one in task.outcomes.items())
        due = due_words(task.due) if task.due else "may" if task.offered else ""
        who = task.who.name.replace("_", " ")
        yield (title if number == 0 else "", f"{who}: {say(task.title, 'en')}", due, answers)


def _mail(mail: MailDef) -> tuple[str, ...]:
    marks = {language: " (not reviewed)" for language, by in mail.reviewed_by.items() if by is None}
    languages = ", ".join(f"{language}{marks.get(language, '')}" for language in sorted(mail.texts))
    return (f"`{mail.name}`", mail.to.name.replace("_", " "), mail.paper or "–", languages)


def _scenarios(definition: Definition) -> Sequence[str]:
    if not definition.scenarios:
        return []
    names = "\n".join(f"- {one.name}" for one in definition.scenarios)
    return ["## Scenarios", "Stories that `soppa check` plays:", names]


def _list(definitions: Sequence[Definition]) -> str:
    rows = ((f"[{say(one.title, 'en')}]({one.process}.md)", str(len(one.states)),
             ", ".join(sorted({clock.rule.id for clock in one.clocks.values()})) or "–") for one in definitions)
    return "\n\n".join(["# The processes", _HEAD, _table(("process", "states", "rules"), rows)]) + "\n"


def _purpose(process: str) -> str:
    """The comment at the head of a shipped definition."""
    path = SHIPPED / process / "process.yaml"
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return " ".join(line.removeprefix("#").strip() for line in takewhile(lambda line: line.startswith("#"), lines))


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    cells = [[cell.replace("|", "/").replace("\n", " ") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
