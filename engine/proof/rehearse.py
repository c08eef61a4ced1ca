"""The scenarios of a definition, played on a fake clock and held against what they expect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from engine.deciding.forms import read_values, without_files
from engine.errors import SoppaError
from engine.language.scope import ROLES
from engine.law.calendar import SchoolDays
from engine.law.clocks import Calendars
from engine.model.case import Contact, FactValue
from engine.model.definition import Definition, Scenario
from engine.model.office import Office, Person, Reference
from engine.ports import Definitions
from engine.proof.samples import fillings
from engine.proof.simulate import Answer, Story, play


def rehearse(
    definition: Definition, definitions: Definitions, calendars: Calendars, references: Mapping[str, Reference]
) -> tuple[str, ...]:
    """One sentence for each thing that a scenario expected and that did not come; empty when all came.

    Reference data counts as looked up on the day on which a story starts.
    """
    office = rehearsal_office(calendars, references)
    return tuple(
        f"{scenario.place}: scenario '{scenario.name}': {wrong}"
        for scenario in definition.scenarios
        for wrong in differences(scenario, definition, definitions, office)
    )


def rehearsal_office(calendars: Calendars, references: Mapping[str, Reference]) -> Office:
    """The office in which stories are played."""
    return replace(_office(calendars), references=references)


def differences(
    scenario: Scenario, definition: Definition, definitions: Definitions, office: Office
) -> Iterator[str]:
    """What one scenario expected and did not get, a sentence each."""
    try:
        story = _play(scenario, definition, definitions, office)
    except SoppaError as error:
        yield str(error)
        return
    case, expect = story.case, scenario.expect
    for name in ("state", "outcome"):
        if name in expect and expect[name] != getattr(case, name):
            yield f"{name} should be {expect[name]}, is {getattr(case, name)}"
    clocks = expect.get("clocks", {})
    for name, wanted in clocks.items() if isinstance(clocks, Mapping) else ():
        clock = case.clocks.get(name)
        for key, value in wanted.items():
            found = _of_clock(story, name, key) if clock is not None else "not started"
            if found != value:
                yield f"clock {name}: {key} should be {value}, is {found}"
    if "mails" in expect:
        yield from _mails(story, expect["mails"])


def _of_clock(story: Story, name: str, key: str) -> object:
    """What became of a clock of the case itself: a date, its status, or the ids of the rungs that fired, in order."""
    if key != "rungs":
        return str(getattr(story.case.clocks[name], {"ended": "ended_on"}.get(key, key)))
    fired = [h for h in story.of("rung_fired") if h.case_id == story.case.id and h.detail["of"] == name]
    return tuple(dict.fromkeys(h.detail["rung"] for h in fired))


def _mails(story: Story, wanted: object) -> Iterator[str]:
    """The mails of the definition that the case sent, in order; task links and reminders are not counted."""
    sent = [h.detail["mail"] for h in story.of("mail_queued") if h.case_id == story.case.id]
    if isinstance(wanted, tuple) and sent != list(wanted):
        yield f"mails should be {', '.join(wanted)}; are {', '.join(sent) or 'none'}"


def _play(scenario: Scenario, definition: Definition, definitions: Definitions, office: Office) -> Story:
    start_on = dt.date.fromisoformat(scenario.start)
    facts = _values(definition, {k: v for k, v in scenario.given.items() if k not in definition.parties})
    given = [party.name for party in definition.parties.values() if party.source is None]
    parties = {name: _contact(name, scenario.given.get(name, "")) for name in given}
    answers = [_answer(step, definition, definitions) for step in scenario.steps]
    looked_up = {name: replace(reference, as_of=start_on) for name, reference in office.references.items()}
    return play(definition, definitions, replace(office, references=looked_up), start_on, facts, parties, answers)


def _answer(step: Mapping[str, object], definition: Definition, definitions: Definitions) -> Answer:
    process = str(step["process"]) if "process" in step else None
    task, _, outcome = str(step["do"]).partition(".")
    on, typed = str(step["on"]), step.get("with", {})
    of = definitions.newest(process) if process else definition
    given = typed if isinstance(typed, Mapping) else {}
    values = _values(of, {**fillings(of, task, outcome, on), **given})
    refused = str(step["refused"]) if "refused" in step else None
    return Answer(dt.date.fromisoformat(on), task, outcome, values, process, refused=refused)


def _values(definition: Definition, typed: Mapping[str, str | Sequence[str]]) -> Mapping[str, FactValue]:
    values, errors = read_values(definition, [*definition.facts, "posted_on"], without_files(definition, typed))
    if errors:
        raise SoppaError("; ".join(f"{name}: {message}" for name, message in errors.items()))
    return values


def _contact(name: str, given: str) -> Contact:
    """A party of a story reads mail, unless `paper` was given for it."""
    if given == "paper":
        return Contact(name.capitalize(), None, "en", "1 Sample Street", paper=True)
    return Contact(name.capitalize(), f"{name}@party.example")


def _office(calendars: Calendars) -> Office:
    """An office with one person a role, whose id is the role; `owner` and `officer` stand for any named person."""
    ids = {role: frozenset({role}) for role in ROLES}
    ids |= {"owner": frozenset({"data_owner"}), "officer": frozenset()}
    people = {id_: Person(id_, id_.capitalize(), f"{id_}@district.example", roles) for id_, roles in ids.items()}
    school = SchoolDays("rehearsal", frozenset(), dt.date(2021, 1, 1), dt.date(2040, 12, 31))
    days = Calendars(calendars.statutory, calendars.strict, school)
    return Office("Rehearsal District", ZoneInfo("America/Chicago"), days, people, second_person="superintendent")
