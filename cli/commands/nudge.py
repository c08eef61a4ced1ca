"""`soppa nudge`: asks once more whoever an open task waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli import completion
from cli.commands.do import find_task
from cli.home import Home
from cli.options import as_option, home_option, json_option
from cli.printing import print_json, say
from cli.wiring import open_house

if TYPE_CHECKING:
    from engine.model.case import Case
    from engine.model.office import Office


@click.command(epilog="Example: soppa nudge 2026-0001 verify")
@click.argument("case", shell_complete=completion.cases)
@click.argument("task", shell_complete=completion.tasks)
@as_option
@home_option
@json_option
def command(case: str, task: str, as_login: str | None, home: Home, as_json: bool) -> None:
    """Mail whoever TASK of CASE waits for once more, each at most once a day."""
    from engine.model.messages import Nudge

    with open_house(home) as house:
        actor = house.actor(as_login)
        before, office = house.case(case, actor), house.make_office(house.store.people())
        wanted = find_task(before, task, house.definition(before))
        after = house.service.tend(before.id, Nudge(wanted.id, actor), house.clock())
    readers = nudged_by(before, after, wanted.id)
    if as_json:
        print_json({"case": after.id, "task": wanted.id, "to": readers})
    else:
        names = ", ".join(name_of(after, office, reader) for reader in readers)
        say(f"case {after.id}: {names} will be asked once more about {wanted.name}, by mail")


def nudged_by(before: Case, after: Case, task_id: str) -> list[str]:
    """`person:ID` or `party:NAME` of those whom a nudge about a task asked."""
    news = {mark for mark, day in after.nudged.items() if before.nudged.get(mark) != day}
    return [mark.removeprefix(f"{task_id}/") for mark in sorted(news) if mark.startswith(f"{task_id}/")]


def name_of(case: Case, office: Office, reader: str) -> str:
    kind, _, name = reader.partition(":")
    person, party = office.person(name), case.parties.get(name)
    found = party if kind == "party" else person
    return found.name if found else name
