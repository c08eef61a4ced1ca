"""`soppa simulate`: a case played on a fake clock. Nothing is stored and nothing is sent."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.dates import dates_in_words, dates_told, windows_of
from cli.home import Home
from cli.options import example, facts_option, home_option, json_option, read_date, read_given
from cli.printing import day, print_json, say, table
from engine import nodes
from engine.nodes import Faults, Node
from workflows import Catalogue
from workflows.reader import read_file

if TYPE_CHECKING:
    from cli.settings import Settings
    from engine.model.office import Office, Person
    from engine.proof.simulate import Answer, Story

SHOWN = {"mail": "mail", "rung_fired": "rung", "clock_started": "clock starts", "clock_moved": "clock moves",
         "clock_satisfied": "clock met", "clock_voided": "clock void", "clock_expired": "window closed",
         "task_opened": "task", "task_completed": "answer", "case_started": "case starts", "case_ended": "case ends"}


@click.command(epilog=example("soppa simulate correction_request --from 2026-11-23 --days 120 \\",
                              "-f received_on=2026-11-20 -f item=x -f 'parent=Ana Ruiz <ana@example.org>'"))
@click.argument("process", shell_complete=completion.processes)
@facts_option
@click.option("--from", "start", required=True, metavar="DATE", help="The local day on which the case starts.")
@click.option("--days", type=click.IntRange(1, 1500), default=120, show_default=True, help="How long to play.")
@click.option("--answers", type=click.Path(path_type=Path, dir_okay=False), default=None,
              help="YAML list of answers: on, task, outcome, values, process.")
@home_option
@json_option
def command(process: str, given: tuple[str, ...], start: str, days: int, answers: Path | None, home: Home,
            as_json: bool) -> None:
    """Play a case of PROCESS: what would fire when, and to whom."""
    from cli.demo.district import PEOPLE
    from cli.office import make_office, settings_or_sample
    from cli.values import facts_and_parties
    from engine.deciding.forms import without_files
    from engine.proof.simulate import play

    settings = settings_or_sample(home)
    people = _people(home, settings)
    office = make_office(settings, people or PEOPLE, home)
    catalogue = Catalogue(home.workflows if home.workflows.is_dir() else None)
    definition = catalogue.newest(process)
    facts, parties = facts_and_parties(definition, without_files(definition, read_given(given)))
    given_answers = read_answers(answers, process, catalogue) if answers else ()
    story = play(definition, catalogue, office, read_date(start, "--from"), facts, parties, given_answers, days)
    if as_json:
        print_json(_mapping(story))
        return
    if not people:
        say("Nobody works here yet: the people below are made up.\n")
    _print(story, office, catalogue)


def _people(home: Home, settings: Settings) -> Sequence[Person]:
    """The people of the home, where there is one."""
    from cli.wiring import open_house

    if not home.settings.is_file() or (settings.database is None and not home.database.is_file()):
        return ()
    with open_house(home) as house:
        return house.store.people()


def read_answers(path: Path, process: str, catalogue: Catalogue) -> tuple[Answer, ...]:
    """The answers in a file. Raises `FaultyInput` with every fault, `UsageError` for a value of the wrong type."""
    faults = Faults()
    read = nodes.each(read_file(path), faults, _entry, "the answers")
    faults.raise_if_any()
    return tuple(_answer(entry, process, catalogue) for entry in read)


def _entry(node: Node, faults: Faults) -> Mapping[str, Node]:
    top = nodes.fields(node, faults, required=("on", "task", "outcome"), optional=("values", "process"),
                       what="an answer")
    nodes.date(top.get("on"), faults, "on")
    for key in ("task", "outcome", "process"):
        nodes.text(top.get(key), faults, key)
    for name, value in nodes.named(top.get("values"), faults, "values"):
        nodes.text(value, faults, name.text)
    return top


def _answer(top: Mapping[str, Node], process: str, catalogue: Catalogue) -> Answer:
    from cli.values import fact_values
    from engine.deciding.forms import without_files
    from engine.proof.simulate import Answer

    faults = Faults()
    words = {key: nodes.text(top.get(key), faults) or "" for key in ("task", "outcome")}
    named = nodes.text(top.get("process"), faults)
    given = {key.text: nodes.text(value, faults) or "" for key, value in nodes.named(top.get("values"), faults)}
    of = catalogue.newest(named or process)
    values = fact_values(of, without_files(of, given))
    on = read_date(nodes.text(top.get("on"), faults) or "", "on")
    return Answer(on, words["task"], words["outcome"], values, named)


def _print(story: Story, office: Office, catalogue: Catalogue) -> None:
    windows = windows_of(story.cases.values())
    rows = [[day(office.today(line.at)), line.case_id, SHOWN[line.kind], told(line.detail, windows)]
            for line in story.happenings if line.kind in SHOWN]
    table(["day", "case", "what", "which, and to whom"], rows)
    say()
    for case in story.cases.values():
        for clock in case.clocks.values():
            met = f"{clock.status} {day(clock.ended_on)}" if clock.ended_on else clock.status
            say(f"{case.id} {clock.name}: {dates_in_words(clock, catalogue.newest(case.process).clocks)}, {met}")
        say(f"{case.id} {'ended: ' + (case.outcome or '') if case.ended_at else 'still open at: ' + case.state}")


def told(detail: Mapping[str, str], windows: Container[str] = ()) -> str:
    """The parts of a line that a reader looks for, in their order."""
    first = [detail[key] for key in ("name", "mail", "clock", "of", "rung", "outcome") if key in detail]
    to = [f"→ {detail['to']}"] if detail.get("to") else []
    by = [f"by {detail['by']}"] if detail.get("by") else []
    return "  ".join([" ".join(first), dates_told(detail, windows), *by, *to]).strip()


def _mapping(story: Story) -> dict[str, object]:
    cases = [{"case": case.id, "process": case.process, "state": case.state, "outcome": case.outcome,
              "clocks": [{"clock": clock.name, "rule": clock.rule, "status": clock.status, "legal_due": clock.legal,
                          "target_due": None if clock.is_window else clock.target, "ended_on": clock.ended_on}
                         for clock in case.clocks.values()]}
             for case in story.cases.values()]
    return {"happenings": [{"at": line.at, "case": line.case_id, "kind": line.kind, "detail": dict(line.detail)}
                           for line in story.happenings], "cases": cases}
