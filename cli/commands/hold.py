"""`soppa hold`: an agency's written request to wait with a notice, and its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.commands.show import as_mapping
from cli.dates import kind_of
from cli.home import Home
from cli.options import as_option, example, home_option, json_option, read_date
from cli.printing import day, print_json, say, table
from cli.wiring import House, open_house
from engine.model.case import Case, Clock, HeldBy
from engine.model.messages import PlaceHold, ReleaseHold

if TYPE_CHECKING:
    from engine.model.definition import ClockDef


@click.group(name="hold", epilog="Example: soppa hold list 2026-0007")
def command() -> None:
    """Law-enforcement holds: place, release, list. Nothing else stops a legal clock."""


@command.command(epilog=example("soppa hold place 2026-0007 --agency 'Kane County Sheriff' \\",
                                "--officer 'Sgt. Roe' --matter 26-118 --from 2026-12-01 \\",
                                "--until 2026-12-20 --paper request.pdf"))
@click.argument("case", shell_complete=completion.cases)
@click.option("--agency", required=True, help="Who asks.")
@click.option("--officer", required=True, help="Who signed the request.")
@click.option("--matter", required=True, help="The agency's number of the investigation.")
@click.option("--from", "started", required=True, metavar="DATE", help="The day on which the request was received.")
@click.option("--until", metavar="DATE", default=None, help="The end named in the request, if there is one.")
@click.option("--paper", metavar="FILE", default=None, help="The written request; without it a hold has no effect.")
@as_option
@home_option
@json_option
def place(case: str, agency: str, officer: str, matter: str, started: str, until: str | None, paper: str | None,
          as_login: str | None, home: Home, as_json: bool) -> None:
    """Place a hold on the notices of CASE. It counts at once, and privacy officer and counsel confirm it within one
    business day, else it never had an effect."""
    begun, ends = read_date(started, "--from"), read_date(until, "--until") if until else None
    with open_house(home) as house:
        actor = house.actor(as_login)
        house.case(case, actor)

        def work(kept: str | None) -> Case:
            wanted = PlaceHold(agency, officer, matter, begun, kept or "", actor, ends)
            return house.service.place_hold(case, wanted, house.clock())

        _tell(house, _with_paper(house, paper, work), as_json)


@command.command(epilog=example("soppa hold release 2026-0007 H1 --on 2026-12-18 \\",
                                "--reason 'letter of the sheriff' --paper letter.pdf"))
@click.argument("case", shell_complete=completion.cases)
@click.argument("hold")
@click.option("--on", required=True, metavar="DATE", help="The day on which the school learned of it.")
@click.option("--reason", required=True, help="Why it ends: the agency's letter, its end date, a review.")
@click.option("--paper", metavar="FILE", default=None, help="The agency's letter, if there is one.")
@as_option
@home_option
@json_option
def release(case: str, hold: str, on: str, reason: str, paper: str | None, as_login: str | None, home: Home,
            as_json: bool) -> None:
    """Release HOLD of CASE: its dates count again."""
    released = read_date(on, "--on")
    with open_house(home) as house:
        actor = house.actor(as_login)
        house.case(case, actor)

        def work(kept: str | None) -> Case:
            return house.service.release_hold(case, ReleaseHold(hold, released, reason, actor, kept), house.clock())

        _tell(house, _with_paper(house, paper, work), as_json)


@command.command(name="list", epilog="Example: soppa hold list 2026-0007")
@click.argument("case", shell_complete=completion.cases)
@as_option
@home_option
@json_option
def list_(case: str, as_login: str | None, home: Home, as_json: bool) -> None:
    """The holds of CASE, with what became of them."""
    with open_house(home) as house:
        found = house.case(case, house.reader(as_login))
    if as_json:
        print_json([hold_mapping(hold) for hold in found.holds])
    elif not found.holds:
        say(f"case {case} has no hold")
    else:
        table(["hold", "status", "from", "until", "released", "agency", "matter"], [
            [hold.id, hold.status, day(hold.started), day(hold.until), day(hold.released), hold.agency, hold.matter]
            for hold in found.holds])


def hold_mapping(hold: HeldBy) -> dict[str, object]:
    """The documented JSON keys."""
    return {"hold": hold.id, "status": hold.status, "from": hold.started, "until": hold.until,
            "released_on": hold.released, "agency": hold.agency, "officer": hold.officer, "matter": hold.matter,
            "reason": hold.reason or None}


def _with_paper(house: House, paper: str | None, work: Callable[[str | None], Case]) -> Case:
    """Keeps the paper first, so that no hold lacks it, and forgets it again when the hold is refused."""
    from cli.documents import read_document

    files = {"paper": read_document("paper", f"@{paper}")} if paper else {}
    with house.documents.keeping(files) as kept:
        return work(kept.get("paper"))


def _tell(house: House, case: Case, as_json: bool) -> None:
    if as_json:
        print_json(as_mapping(case))
        return
    say(f"case {case.id}: {', '.join(f'hold {hold.id} is {hold.status}' for hold in case.holds)}")
    clocks = house.definition(case).clocks
    for clock in case.clocks.values():
        if clock.status == "running":
            say(f"  {clock.name}: {_date(clock, case, clocks)}")


def _date(clock: Clock, case: Case, clocks: Mapping[str, ClockDef]) -> str:
    if clock.legal is None and case.is_held:
        return "no date while the hold stands; it is reviewed every 14 days"
    return f"{kind_of(clock, clocks)} {day(clock.legal)}"
