"""`soppa check`: proves the processes, or shows every fault with the shortest story that leads to it."""

from __future__ import annotations

import click

from cli.home import Home
from cli.options import home_option, json_option
from cli.printing import print_json, say
from engine.errors import Refused
from engine.prove import Report
from engine.prove import check as prove
from workflows import Catalogue, faults_of


@click.command(epilog="Example: soppa check correction_request")
@click.argument("processes", nargs=-1, metavar="[PROCESS]...")
@click.option("--district", is_flag=True, help="Also look for tasks that nobody, or no two people, of this district can do.")
@home_option
@json_option
def command(processes: tuple[str, ...], district: bool, home: Home, as_json: bool) -> None:
    """Read, prove and rehearse the processes (all of them, without a name)."""
    catalogue = Catalogue(home.workflows if home.workflows.is_dir() else None)
    names = processes or catalogue.processes()
    broken = faults_of(catalogue, names)
    if broken is not None:
        raise broken
    reports = [prove(catalogue.newest(name)) for name in names]
    rehearsed = {name: rehearse(catalogue, name) for name in names}
    gaps = office_gaps(home, catalogue, names) if district else []
    if as_json:
        print_json([_mapping(report, rehearsed[report.process]) for report in reports])
    else:
        for report in reports:
            _print(report, rehearsed[report.process])
        for gap in gaps:
            say(f"district: {gap}")
    wrong = sum(len(report.flaws) + (not report.proved) for report in reports) + len(gaps)
    wrong += sum(len(failed) for _, failed in rehearsed.values())
    if wrong:
        raise Refused(f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong: see above")
