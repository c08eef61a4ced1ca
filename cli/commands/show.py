"""`soppa show`: one case on one screen."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.dates import legal_and_target
from cli.home import Home
from cli.options import as_option, home_option, json_option
from cli.printing import WIDTH, day, left, pairs, print_json, say, table
from cli.takingback import mapping, may_undo, sentence
from cli.wiring import open_house
from engine.deciding.forms import file_name
from engine.deciding.holds import waits
from engine.deciding.suggesting import differences
from engine.words import say as in_words
from engine.words import written
from web.words import fact_lines

if TYPE_CHECKING:
    from engine.model.case import Case, Clock, FactValue, Task
    from engine.model.definition import Definition, FactDef
    from engine.model.office import Office
    from storage.chains.history import HistoryLine
    from storage.looking.views import Keeping

HELD = "waits: a hold\nstands"


@click.command(epilog="Example: soppa show 2026-0001")
@click.argument("case", shell_complete=completion.cases)
@as_option
@home_option
@json_option
def command(case: str, as_login: str | None, home: Home, as_json: bool) -> None:
    """Show CASE: where it stands, its deadlines, open tasks, parties and facts."""
    with open_house(home) as house:
        found = house.case(case, house.reader(as_login))
        office = house.make_office(house.store.people())
        definition = house.definitions.pinned(found.process, found.version, found.hash)
        labels = house.store.register.labels() if definition.shows_agreements else {}
        notes = house.store.views.notes(found.id)
        keeping = house.store.views.keeping_of(found.id)
        kept = may_undo(house, [found.id]).get(found.id)
        if as_json:
            print_json({**as_mapping(found), **_keeping_mapping(keeping),
                        "notes": [_note_mapping(note) for note in notes], "undo": mapping(kept)})
        else:
            show(found, definition, office, office.today(house.clock()), labels)
            if kept is not None:
                say(f"\n{sentence(found.id, kept, office.zone)}")
            _keeping(keeping, office)
            _notes(notes, office)


def show(case: Case, definition: Definition, office: Office, today: dt.date, labels: Mapping[str, str]) -> None:
    title = in_words(definition.states[case.state].title, "en")
    ended = f"ended: {case.outcome}" if not case.is_open else title
    say(f"{case.id}  {in_words(definition.title, 'en')}")
    pairs({"stands at": ended, "started": f"{day(office.today(case.started_at))} by {_name(office, case.initiator)}",
           **({"flagged": "; ".join(flag_words(flag, definition) for flag in case.flags)} if case.flags else {}),
           **_adopted(case), **({"belongs to": case.parent} if case.parent else {}),
           **({"about": case.subject} if case.subject else {}), **_regions(case, definition)})
    _clocks(case, definition, today)
    _tasks(case, definition, office, today)
    if case.parties:
        say("\nParties")
        pairs({name: f"{party.name} ({party.email or 'on paper'}, {party.language})"
               for name, party in case.parties.items()})
        say(f"  their mails: soppa mail outbox --case {case.id}\n"
            f"  a mail that came back: soppa mail bounced MAIL --reason TEXT")
    if case.facts:
        say("\nFacts")
        table(["fact", "what it is", "value"], [_fact_cells(name, value, definition, office, labels)
                                                 for name, value in case.facts.items()])
    _suggested(case, definition, office)


def flag_words(flag: str, definition: Definition) -> str:
    """What a flag of a case says of it."""
    what, _, task = flag.partition(".")
    wanted = definition.task_named(task)
    title = f" ({in_words(wanted.title, 'en')})" if wanted else ""
    known = {"glass_broken": f"answered in an absent person's place{title}",
             "started_late": "started later than planned"}  # fmt: skip
    return known.get(what, flag.replace("_", " "))


def _keeping(found: Keeping, office: Office) -> None:
    """That nothing of a case may be purged, and why; or that it was."""
    if found.preservation is not None:
        one = found.preservation
        say(f"\nPreserved since {day(office.today(one.placed_at))} by {_name(office, one.by)}: nothing of it is purged")
        say(textwrap.fill(one.reason, WIDTH, initial_indent="  ", subsequent_indent="  "))
    if found.purged_at is not None:
        say(f"\nPurged on {day(office.today(found.purged_at))}: facts, parties, documents and letters are gone;")
        say("dates and history stay, without names")


def _keeping_mapping(found: Keeping) -> dict[str, object]:
    one = found.preservation
    return {"preserved": one and {"since": one.placed_at, "by": one.by, "reason": one.reason},
            "purged_at": found.purged_at}


def _adopted(case: Case) -> dict[str, str]:
    """When a case was taken in, and the names under which soppa document has its papers."""
    if case.adopted is None:
        return {}
    until = case.adopted.quiet_until
    papers = ", ".join(f"evidence.{name}" for name in case.adopted.evidence)
    return {"adopted": day(case.adopted.on) + (f", quiet until {day(until)}" if until else ""),
            **({"papers": papers} if papers else {})}


def _notes(notes: Sequence[HistoryLine], office: Office) -> None:
    if notes:
        say("\nNotes")
    for note in notes:
        say(f"  {note.at.astimezone(office.zone):%Y-%m-%d %H:%M}  {_noted_by(note)}")
        for line in note_text(note).splitlines():
            say(textwrap.fill(line, WIDTH, initial_indent="    ", subsequent_indent="    "))


def note_text(note: HistoryLine) -> str:
    """The words of a note; they are gone once its personal part was purged."""
    return note.personal.get("text", "(purged)")


def _note_mapping(note: HistoryLine) -> dict[str, object]:
    return {"at": note.at, "by": _noted_by(note), "text": note.personal.get("text")}


def _noted_by(note: HistoryLine) -> str:
    """The name; once that was purged, the id."""
    return note.detail.get("by") or note.actor.partition(":")[2]


def _fact(value: FactValue, labels: Mapping[str, str]) -> str:
    """As text; an agreement with what people call it."""
    if isinstance(value, frozenset) and labels:
        return ", ".join(_fact(one, labels) for one in sorted(value))
    text = written(value)
    if name := file_name(text):
        return f"{name} (SHA-256 {text.partition('sha256:')[2][:12]}…)"
    return f"{text} ({labels[text]})" if text in labels else text


def _fact_cells(name: str, value: FactValue, definition: Definition, office: Office, labels: Mapping[str, str]
                ) -> list[str]:
    """Its name, as it is written after `-f`, what people call it, and the value as people say it."""
    known = definition.fact(name)
    label = in_words(known.label, "en") if known is not None else ""
    if known is None or known.type.kind in ("document", "agreement", "agreements"):
        return [name, label, _fact(value, labels if name in definition.shows_agreements else {})]
    if known.type.kind == "date" and isinstance(value, dt.date):
        return [name, label, day(value)]
    return [name, label, "\n".join(fact_lines(known, value, office, "en"))]


def _suggested(case: Case, definition: Definition, office: Office) -> None:
    """Last time's answers: what they were, and where this time's differ; and what was counted among earlier cases."""
    for name, count in case.suggested.items():
        if definition.facts[name].tally is not None and name not in case.facts:
            say(f"\nCounted for {name}: {f'{written(count.value)} ({count.case})' if count.case else 'none'}")
    answered = {name: last for name, last in case.suggested.items() if definition.facts[name].tally is None}
    if answered:
        say(f"\nLast answers, of case {case.after}")
    for name, last in answered.items():
        said = _since_last(definition.facts[name], last.value, case.facts.get(name), office)
        pairs({f"{name}, {day(last.on)}": said})


def _since_last(fact: FactDef, was: FactValue, now: FactValue | None, office: Office) -> str:
    """What was answered last time, and where it differs now."""

    def told(value: FactValue | None) -> str:
        return "not there" if value is None else " · ".join(fact_lines(fact, value, office, "en"))

    if now is None:
        return f"{told(was)}  (not answered yet)"
    if now == was:
        return f"{told(now)}  (unchanged)"
    return "; ".join(f"was {told(before)}, is {told(after)}" for before, after in differences(was, now))


def _regions(case: Case, definition: Definition) -> dict[str, str]:
    """Each region of a parallel state by its title, and where it stands."""
    states = definition.states
    return {in_words(region.title, "en"): in_words(states[case.regions[region.name].state].title, "en")
            for region in states[case.state].regions if region.name in case.regions}


def as_mapping(case: Case) -> dict[str, object]:
    """The documented JSON keys."""
    return {
        "case": case.id, "process": case.process, "version": case.version, "state": case.state,
        "regions": {name: place.state for name, place in case.regions.items()}, "open": case.is_open,
        "outcome": case.outcome, "flags": list(case.flags), "parent": case.parent, "started_at": case.started_at,
        "ended_at": case.ended_at, "revision": case.revision, "subject": case.subject, "after": case.after,
        "adopted": case.adopted and {"on": case.adopted.on, "quiet_until": case.adopted.quiet_until,
                                     "evidence": sorted(case.adopted.evidence)},
        "suggested": {name: {"value": written(last.value), "on": last.on, "case": last.case}
                      for name, last in case.suggested.items()},
        "facts": {name: written(value) for name, value in case.facts.items()},
        "parties": {name: {"name": party.name, "email": party.email, "language": party.language}
                    for name, party in case.parties.items()},
        "clocks": [clock_mapping(clock) for clock in case.clocks.values()],
        "tasks": [_task_mapping(task) for task in case.tasks],
    }


def clock_mapping(clock: Clock) -> dict[str, object]:
    return {"clock": clock.name, "rule": clock.rule, "status": clock.status, "generation": clock.generation,
            "window": clock.is_window, "trigger_date": clock.anchor, "nominal_due": clock.nominal,
            "legal_due": clock.legal, "target_due": None if clock.is_window else clock.target,
            "provisional": clock.provisional, "ended_on": clock.ended_on}


def _task_mapping(task: Task) -> dict[str, object]:
    return {"task": task.id, "name": task.name, "title": task.title, "open": task.is_open, "offered": task.offered,
            "assignees": list(task.assignees), "party": task.party, "due": task.due, "outcome": task.outcome,
            "done_by": task.done_by, "done_at": task.done_at}


def _clocks(case: Case, definition: Definition, today: dt.date) -> None:
    if not case.clocks:
        return
    say()
    table(["clock", "rule", "legal deadline", "district target", "left"], [
        [name, clock.rule, *legal_and_target(clock, definition.clocks), _status(clock, today)]
        for name, clock in case.clocks.items()])


def _status(clock: Clock, today: dt.date) -> str:
    """How long there is, or how it ended; of a window until when it is open, as it is nobody's deadline."""
    if clock.is_window and clock.status == "running":
        return f"open until {day(clock.legal)}"
    if clock.status != "running":
        return clock.status + (f" {day(clock.ended_on)}" if clock.ended_on else "")
    if clock.legal is None and (held := [hold.started for hold in clock.holds if hold.released is None]):
        return f"held since {day(min(held))}"
    return left(clock.legal, today) or "no date in the law"


def _tasks(case: Case, definition: Definition, office: Office, today: dt.date) -> None:
    tasks = [task for task in case.tasks if task.is_open]
    if not tasks:
        return
    say()
    table(["open task", "what", "who", "district target"], [
        [task.name, task.title, _who(task, office), HELD if waits(definition, case, task) else _target(task, today)]
        for task in sorted(tasks, key=lambda task: task.offered)])


def _target(task: Task, today: dt.date) -> str:
    if task.due is None:
        return "may be done" if task.offered else "–"
    return f"{day(task.due)}\n{left(task.due, today)}"


def _who(task: Task, office: Office) -> str:
    return ", ".join(_name(office, person) for person in task.assignees) or task.party or task.role or "nobody"


def _name(office: Office, person_id: str) -> str:
    person = office.person(person_id)
    return person.name if person else person_id
