"""A case as one reads it on the screen: where it stands, its clocks as bars, what is open, what is on file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from cli.commands.show import flag_words, note_text
from cli.dates import kind_of
from cli.printing import clean, day, left
from cli.work.desk import LANGUAGE, Matter
from engine.model.case import Clock, Task
from engine.model.definition import ClockDef, say
from web.words import fact_lines

BAR = 20
"""Columns of a clock's bar."""

HEAD, LATE, SOON, CALM, DIM = "bold", "bold red", "yellow", "green", "dim"
_NEAR = 7


def case_text(matter: Matter, chosen: str | None = None) -> Text:
    """The whole case; the task `chosen` in the queue is marked, and what it asks for is told."""
    text = Text()
    for line in _lines(matter, chosen):
        text.append_text(line).append("\n")
    return text


def hanging(text: Text) -> Group:
    """The same for a pane of any width: what is too long goes on below its own beginning."""
    lines = text.split("\n", allow_blank=True)
    indents = [len(line.plain) - len(line.plain.lstrip()) for line in lines]
    return Group(*(Padding(line[indent:], (0, 0, 0, indent)) for line, indent in zip(lines, indents, strict=True)))


def clock_bar(clock: Clock, today: dt.date) -> Text:
    """How much of a duty's time is used: `████████░░░░ 45 of 90 days`."""
    if clock.legal is None or clock.legal <= clock.anchor:
        return Text()
    whole, used = (clock.legal - clock.anchor).days, max(0, (today - clock.anchor).days)
    filled = min(BAR, BAR * used // whole)
    return Text.assemble(("█" * filled, _colour(clock.legal, today)), ("░" * (BAR - filled), DIM),
                         f" {used} of {whole} days")


def _lines(matter: Matter, chosen: str | None) -> Iterator[Text]:
    case, definition = matter.case, matter.definition
    yield Text.assemble((case.id, HEAD), "  ", say(definition.title, LANGUAGE))
    state = definition.states[case.state]
    standing = say(state.title, LANGUAGE) if case.is_open else f"ended: {case.outcome}"
    yield Text(f"{standing}, since {day(matter.office.today(case.entered_at))}")
    for region in state.regions:
        place = definition.states[case.regions[region.name].state]
        yield Text.assemble((f"  {say(region.title, LANGUAGE)}: ", DIM), say(place.title, LANGUAGE))
    for flag in case.flags:
        yield Text(f"flagged: {flag_words(flag, matter.definition)}", LATE)
    if matter.undo:
        yield Text(matter.undo, SOON)
    yield from _clocks(matter)
    yield from _tasks(matter, chosen)
    yield from _facts(matter)
    yield from _parties(matter)
    for note in matter.notes:
        at = note.at.astimezone(matter.office.zone)
        yield Text.assemble(("\nNote", HEAD), f" of {note.detail['by']}, {at:%Y-%m-%d %H:%M}")
        yield Text(clean(note_text(note)))


def _clocks(matter: Matter) -> Iterator[Text]:
    if matter.case.clocks:
        yield Text("\nClocks", HEAD)
    for clock in matter.case.clocks.values():
        wanted = matter.definition.clocks[clock.name]
        yield Text.assemble(say(wanted.title, LANGUAGE), (f"  {wanted.rule.citation}", DIM))
        if clock.status != "running":
            yield Text(f"  {clock.status}" + (f" on {day(clock.ended_on)}" if clock.ended_on else ""), DIM)
        else:
            yield from _running(clock, wanted, matter.today)


def _running(clock: Clock, wanted: ClockDef, today: dt.date) -> Iterator[Text]:
    if clock.legal is not None:
        kind = kind_of(clock, {clock.name: wanted})
        yield Text.assemble("  ", clock_bar(clock, today))
        yield Text.assemble(f"  {kind} {day(clock.legal)}{' (provisional)' if clock.provisional else ''}, ",
                            (_left(clock.legal, today), _colour(clock.legal, today)))
    elif any(hold.released is None for hold in clock.holds):
        yield Text("  no date while law enforcement asks to wait", SOON)
    else:
        yield Text("  legal duty without a date")
    if clock.target is not None and clock.target != clock.legal and not wanted.window:
        yield Text(f"  district target {day(clock.target)}, {_left(clock.target, today)}")


def _tasks(matter: Matter, chosen: str | None) -> Iterator[Text]:
    if matter.open_tasks:
        yield Text("\nOpen tasks", HEAD)
    for task in matter.open_tasks:
        mark = "› " if task.id == chosen else "  "
        yield Text.assemble(mark, (_title(matter, task), HEAD if task.id == chosen else ""), f"  {matter.who(task)}")
        if task.due is not None:
            yield Text("  ").append_text(target_line(task.due, matter.today))
        elif task.offered:
            yield Text("  may be done; nobody is asked", DIM)
        if task.id == chosen:
            yield from _form(matter, task)


def target_line(due: dt.date, today: dt.date) -> Text:
    late = LATE if due < today else ""
    return Text.assemble(f"district target {day(due)}, ", (_left(due, today), late))


def _form(matter: Matter, task: Task) -> Iterator[Text]:
    wanted = matter.definition.task(task)
    if wanted is None:
        return
    facts = [matter.definition.fact(one.fact) for one in wanted.form]
    asked = [say(fact.label, LANGUAGE) for fact in facts if fact is not None]
    if asked:
        yield Text(f"  asks for: {'; '.join(asked)}", DIM)
    yield Text(f"  answers: {'; '.join(say(outcome.label, LANGUAGE) for outcome in wanted.outcomes.values())}", DIM)


def _facts(matter: Matter) -> Iterator[Text]:
    if matter.case.facts:
        yield Text("\nFacts", HEAD)
    for name, value in matter.case.facts.items():
        fact = matter.definition.fact(name)
        lines = list(fact_lines(fact, value, matter.office, LANGUAGE)) if fact is not None else [str(value)]
        label = say(fact.label, LANGUAGE) if fact is not None else name
        if name in matter.definition.shows_agreements:
            lines = [f"{line} ({matter.agreements[line]})" if line in matter.agreements else line for line in lines]
        shown = " / ".join(clean(line).replace("\n", " / ") for line in lines)
        yield Text.assemble((f"{label}: ", DIM), shown)
        last = matter.case.suggested.get(name)
        if last is not None:
            whence = f"on {day(last.on)}" if fact is None or fact.tally is None else f"counted here ({last.case})"
            yield Text(f"  {'the same' if last.value == value else 'not the same'} as {whence}", DIM)


def _parties(matter: Matter) -> Iterator[Text]:
    if matter.case.parties:
        yield Text("\nParties", HEAD)
    for name, contact in matter.case.parties.items():
        label = say(matter.definition.parties[name].label, LANGUAGE) if name in matter.definition.parties else name
        reach = contact.email if contact.reads_mail else "reads no mail"
        yield Text.assemble((f"{label}: ", DIM), clean(f"{contact.name}, {reach}, {contact.language}"))


def _title(matter: Matter, task: Task) -> str:
    wanted = matter.definition.task(task)
    return say(wanted.title, LANGUAGE) if wanted is not None else task.title


def _left(date: dt.date, today: dt.date) -> str:
    said = left(date, today)
    return f"{said} left" if date > today else said


def _colour(date: dt.date, today: dt.date) -> str:
    return LATE if date < today else SOON if is_near(date, today) else CALM


def is_near(date: dt.date, today: dt.date) -> bool:
    return 0 <= (date - today).days <= _NEAR
