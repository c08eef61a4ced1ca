"""`soppa check`: proves the processes, or shows every fault with the shortest story that leads to it."""

from __future__ import annotations

import datetime as dt
import gc
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.home import Home
from cli.options import home_option, json_option
from cli.printing import print_json, say
from engine.errors import Refused, SoppaError, UsageError
from engine.nodes import nearest
from workflows import Catalogue, faults_of

if TYPE_CHECKING:
    from cli.mutation import Verdict
    from engine.model.definition import Definition, StateDef, TaskDef
    from engine.model.office import Office
    from engine.proof.prove import Report

SAMPLE_DAY = dt.date(2026, 9, 14)
"""The day that stands in the mails which are rendered as a test."""


@dataclass(frozen=True, slots=True)
class Checked:
    report: Report
    scenarios: int
    failed: tuple[str, ...]
    mails: tuple[str, ...]
    unreviewed: tuple[str, ...]
    gaps: tuple[str, ...] = ()
    in_use: str | None = None

    @property
    def wrong(self) -> int:
        found = len(self.report.flaws) + len(self.failed) + len(self.mails) + len(self.gaps)
        return found + (not self.report.proved) + (self.in_use is not None)


@click.command(epilog="Example: soppa check correction_request")
@click.argument("processes", nargs=-1, metavar="[PROCESS]...", shell_complete=completion.processes)
@click.option("--district", is_flag=True,
              help="Also name every task that nobody, or no two people, of this district can do.")
@click.option("--mutate", is_flag=True,
              help="Instead, change one thing at a time and say which changes no scenario notices; takes minutes.")
@click.option("--legal", is_flag=True, help="With --mutate: only what changes a legal clock.")
@home_option
@json_option
def command(processes: tuple[str, ...], district: bool, mutate: bool, legal: bool, home: Home, as_json: bool) -> None:
    """Read, prove and rehearse the processes (all of them, without a name)."""
    catalogue = _catalogue(home)
    names = processes or catalogue.processes()
    broken = faults_of(catalogue, names)
    if broken is not None:
        raise broken
    if legal and not mutate:
        raise UsageError("--legal says which changes to make: add --mutate")
    if mutate:
        _mutate(home, names, legal, as_json)
        return
    office = _district(home) if district else None
    if office is not None:
        check_thresholds(office, [catalogue.newest(name) for name in catalogue.processes()])
    checked = [replace(one, gaps=tuple(gaps_in(catalogue.newest(name), office))) if office else one
               for name, one in zip(names, _check_all(home, catalogue, names), strict=True)]
    changed, unseen = _changed_in_use(home, [catalogue.newest(name) for name in names])
    checked = [replace(one, in_use=changed.get(one.report.process)) for one in checked]
    if as_json:
        print_json([_mapping(one) for one in checked])
    else:
        for one in checked:
            _print(one)
        if unseen is not None:
            say(f"note: not compared with what cases are on: {unseen}")
    wrong = sum(one.wrong for one in checked)
    if wrong:
        raise Refused(f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong: see above")


def _catalogue(home: Home) -> Catalogue:
    return Catalogue(home.workflows if home.workflows.is_dir() else None)


def _mutate(home: Home, names: Sequence[str], legal: bool, as_json: bool) -> None:
    from cli.mutation import judge, strange_reasons
    from cli.printing import bar

    with bar("mutants") as told:
        verdicts = sorted(judge(home, names, legal_only=legal, told=told), key=lambda one: (one.process, one.mutant))
    strange = strange_reasons(home, names)
    left = [one for one in verdicts if one.noticed_by is None or one.is_wrong]
    wrong = sum(one.is_wrong for one in verdicts) + len(strange)
    if as_json:
        print_json({"mutants": len(verdicts), "noticed": sum(one.noticed_by is not None for one in verdicts),
                    "unnoticed": [{"process": one.process, "mutant": one.mutant, "says": one.says, "legal": one.legal,
                                   "reason": one.reason, "wrong": one.is_wrong} for one in left],
                    "strange_reasons": strange})
    else:
        _print_verdicts(verdicts, left, strange)
    if wrong:
        raise Refused(f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong: see above")


def _print_verdicts(verdicts: Sequence[Verdict], left: Sequence[Verdict], strange: Sequence[str]) -> None:
    for one in left:
        mark = "wrong" if one.is_wrong else "reason" if one.reason else "unnoticed"
        unneeded = f"noticed by '{one.noticed_by}', so it needs no reason" if one.noticed_by else None
        why = unneeded or one.reason or "no scenario notices it"
        say(f"{mark}: {one.process} {one.mutant}: {one.says}")
        say(f"  {why}")
    for sentence in strange:
        say(f"wrong: {sentence}")
    noticed = sum(one.noticed_by is not None for one in verdicts)
    legal = sum(one.legal and one.noticed_by is None and not one.reason for one in verdicts)
    say(f"{len(verdicts):,} mutants, {noticed:,} noticed, {legal} unnoticed in a legal clock without a reason")


def check_thresholds(office: Office, definitions: Iterable[Definition]) -> None:
    """Raises `UsageError` for a number of the district that no process asks for: its name would have no effect."""
    known = {fact.name for each in definitions for fact in each.facts.values() if fact.threshold is not None}
    strange = next((name for name in office.thresholds if name not in known), None)
    if strange is not None:
        raise UsageError(f"thresholds of district.yaml: no process asks for '{strange}'{nearest(strange, known)}")


def gaps_in(definition: Definition, office: Office) -> Iterator[str]:
    """Tasks whose role nobody holds, approvals and signatures for which there are not enough people."""
    for task, where in _unheld(definition, office):
        yield f"{where}, a role that nobody holds: soppa people set ID --role {task.who.name}"
    yield from unsigned(definition, office)
    yield from own_requests(definition, office)


def unheld_roles(definition: Definition, office: Office) -> frozenset[str]:
    """The roles of tasks that nobody holds and nobody stands in for."""
    return frozenset(task.who.name for task, _ in _unheld(definition, office))


def _unheld(definition: Definition, office: Office) -> Iterator[tuple[TaskDef, str]]:
    for state in definition.states.values():
        for task in state.tasks:
            if task.who.kind == "role" and not _holders(task, office):
                yield task, f"{definition.process}: task '{task.name}' of state '{state.name}' is for {task.who.name}"


def unsigned(definition: Definition, office: Office) -> Iterator[str]:
    """Signatures of distinct persons for which there are not enough people."""
    for state in definition.states.values():
        if state.distinct and not _can_all_sign(state, office):
            roles = ", ".join(task.who.name for task in state.tasks)
            yield (f"{definition.process}: the tasks of state '{state.name}' take distinct persons, and there are too "
                   f"few: give {roles} to different people, or name a second_person")


def own_requests(definition: Definition, office: Office) -> Iterator[str]:
    """Approvals that one person alone could give, who could not approve what they asked for themselves."""
    for state in definition.states.values():
        for task in state.tasks:
            holders = len(_holders(task, office))
            where = f"{definition.process}: task '{task.name}' of state '{state.name}' is for {task.who.name}"
            if task.approval and holders == 1 and office.second_person in (None, *_holders(task, office)):
                other = "a second_person" if office.second_person is None else "another second_person"
                yield f"{where}, one person who could not approve an own request: name {other} in district.yaml"


def _can_all_sign(state: StateDef, office: Office) -> bool:
    """Whether every task of a state can be answered by another person; the second person may stand in for one."""
    asked = [set(_holders(task, office)) for task in state.tasks if not task.offered and task.who.kind == "role"]
    spare = {office.second_person} if office.second_person else set()
    return any(len(set(chosen)) == len(chosen) for chosen in product(*(people | spare for people in asked)))


def _holders(task: TaskDef, office: Office) -> list[str]:
    """Who has the role or stands in for it, away today or not; the fall-back to the privacy officer is not counted."""
    stand_in = office.stand_ins.get(task.who.name)
    return [person.id for person in office.people.values()
            if person.active and (task.who.name in person.roles or person.id == stand_in)]


def _changed_in_use(home: Home, definitions: Sequence[Definition]) -> tuple[Mapping[str, str], str | None]:
    """By process, what to do about a definition that cases are on in another form under the same number; and why that
    is not known, where the home cannot be opened. A folder that is no home has no cases."""
    from cli.wiring import open_house

    if not home.settings.is_file():
        return {}, None
    try:
        with open_house(home) as house, house.store.read() as unit:
            told = {one.process: unit.changed_in_use(one) for one in definitions}
    except SoppaError as error:
        return {}, str(error)
    return {process: sentence for process, sentence in told.items() if sentence is not None}, None


def _district(home: Home) -> Office:
    from cli.wiring import open_house

    with open_house(home) as house, house.store.read() as unit:
        return house.office(unit)


def _check_all(home: Home, catalogue: Catalogue, names: Sequence[str]) -> list[Checked]:
    """Side by side, proofs apart from stories, those with the most states first, since they take longest.
    Little of what these short processes leave behind hangs together in circles: to look for it took a tenth of them."""
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(max_workers=os.cpu_count(), initializer=gc.disable) as pool:
        order = sorted(names, key=lambda name: -len(catalogue.newest(name).states))
        waiting = {name: (pool.submit(_prove, home.root, name), pool.submit(_rehearse, home.root, name))
                   for name in order}
        return [Checked(proof.result(), *stories.result()) for proof, stories in map(waiting.__getitem__, names)]


def _prove(root: Path, process: str) -> Report:
    from cli.office import make_office, settings_or_sample
    from engine.proof.prove import check as prove

    home = Home(root)
    catalogue = _catalogue(home)
    others = {process: catalogue.newest(process) for process in catalogue.processes()}
    return prove(others[process], others, make_office(settings_or_sample(home), (), home).calendars)


def _rehearse(root: Path, process: str) -> tuple[int, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """How many stories there are, what did not come in them, what is wrong with mails, and who reviews those."""
    from cli.office import make_office, settings_or_sample
    from engine.language.mailtexts import unreviewed
    from engine.proof.rehearse import rehearse
    from notifiers.preview import text_faults

    home = Home(root)
    catalogue = _catalogue(home)
    definition = catalogue.newest(process)
    plain = make_office(settings_or_sample(home), (), home)
    mails = tuple(map(str, text_faults(definition, SAMPLE_DAY, plain)))
    failed = rehearse(definition, catalogue, plain.calendars, plain.references)
    return len(definition.scenarios), failed, mails, tuple(unreviewed(definition))


def _print(one: Checked) -> None:
    report = one.report
    verdict = "good" if not one.wrong else f"{one.wrong} wrong"
    proof = "proved" if report.proved else "not proved: too many"
    say(f"{report.process}: {verdict} ({report.configurations:,} configurations {proof}, "
        f"{one.scenarios - len(one.failed)} of {one.scenarios} scenarios as expected)")
    for line in (*map(str, report.flaws), *one.failed, *one.mails, *one.gaps, *((one.in_use,) if one.in_use else ())):
        for part in line.splitlines():
            say(f"  {part}")
    if one.unreviewed:
        say(f"  note: {len(one.unreviewed)} translated mails wait for a reviewer (reviewed_by in process.yaml): "
            f"{', '.join(one.unreviewed)}")


def _mapping(one: Checked) -> dict[str, object]:
    return {"process": one.report.process, "good": not one.wrong, "proved": one.report.proved,
            "configurations": one.report.configurations, "scenarios": one.scenarios, "failed": list(one.failed),
            "mails": list(one.mails),
            "gaps": list(one.gaps), "unreviewed": list(one.unreviewed), "in_use": one.in_use,
            "flaws": [{"message": flaw.message, "place": flaw.place, "story": list(flaw.story)}
                      for flaw in one.report.flaws]}
