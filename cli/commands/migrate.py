"""`soppa migrate`: open cases to the newest version of their process, clocks before and after first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.home import Home
from cli.options import as_option, home_option, json_option
from cli.printing import day, print_json, say, table
from cli.wiring import House, open_house
from engine.errors import NotAllowed, Refused, UsageError

if TYPE_CHECKING:
    from engine.deciding.migrating import Migration
    from engine.model.case import Actor, Clock

MAY = frozenset({"privacy", "superintendent"})


@click.command(epilog="Example: soppa migrate correction_request --to 2")
@click.argument("process", shell_complete=completion.processes)
@click.option("--to", "version", type=int, required=True, help="The version on file; it must be the newest.")
@click.option("--case", "case_id", default=None, shell_complete=completion.cases, help="This case alone.")
@click.option("--apply", "apply_", is_flag=True, help="Do it; without this it is only shown.")
@click.option("--reason", default="", help="Why; needed with --apply.")
@as_option
@home_option
@json_option
def command(
    process: str,
    version: int,
    case_id: str | None,
    apply_: bool,
    reason: str,
    as_login: str | None,
    home: Home,
    as_json: bool,
) -> None:
    """Move open cases of PROCESS to another version of its definition: what becomes of each, its clocks before and
    after. A case stays where a legal clock would restart, lengthen or drop. Run it again for what was left."""
    if apply_ and not reason.strip():
        raise UsageError("moving cases to another version needs a reason: add --reason")
    with open_house(home) as house:
        actor = house.actor(as_login)
        if not actor.roles & MAY:
            raise NotAllowed(f"{actor.name} may not move cases: ask the privacy officer")
        _check_version(house, process, version)
        found = [_one(house, one, actor, reason, apply_) for one in _cases(house, process, version, case_id, actor)]
    if as_json:
        print_json({"process": process, "to": version, "applied": apply_, "cases": list(map(_mapping, found))})
    else:
        _print(process, version, found, apply_)
    stay = sum(bool(one.refusals) for one in found)
    if stay:
        raise Refused(f"{stay} of {len(found)} cases stay where they are: see above")


def _check_version(house: House, process: str, version: int) -> None:
    newest = house.definitions.newest(process).version
    if newest != version:
        raise UsageError(f"--to {version}: version {newest} of {process} is on file, and only that can be moved to")


def _cases(house: House, process: str, version: int, case_id: str | None, actor: Actor) -> Sequence[str]:
    """The open cases that run on another form of the process. Raises `NotAllowed` for one that is not for the actor."""
    definition = house.definitions.newest(process)
    with house.store.read() as unit:
        wanted = [case_id] if case_id else unit.open_cases(process)
        cases = [unit.case(one) for one in wanted]
    for case in cases:
        house.check_open(actor, case.id)
        if case.process != process:
            raise UsageError(f"case {case.id} is a {case.process}, not a {process}")
    return [case.id for case in cases if (case.version, case.hash) != (version, definition.hash)]


def _one(house: House, case_id: str, actor: Actor, reason: str, apply_: bool) -> Migration:
    if apply_:
        return house.service.migrate(case_id, actor, reason, house.clock())
    return house.service.would_migrate(case_id, actor, house.clock())


def _print(process: str, version: int, found: Sequence[Migration], applied: bool) -> None:
    if not found:
        say(f"every open case of {process} runs on version {version}")
    for one in found:
        verb = "stays on" if one.refusals else "moved from" if applied else "would move from"
        places = ", ".join(place.state for place in one.case.places)
        say(f"case {one.case.id} {verb} version {one.case.version}, at {places}")
        for sentence in one.refusals:
            say(f"  {sentence}")
        for title, names in (("closed", one.closed), ("opened", one.opened)):
            if names:
                say(f"  {title}: {', '.join(sorted(names))}")
        if one.clocks:
            table(
                ["  clock", "before", "after", "status"],
                [
                    [
                        f"  {change.name}",
                        _date(change.before),
                        _date(change.after),
                        change.after.status if change.after else "gone",
                    ]
                    for change in one.clocks
                ],
            )
    if found and not applied:
        say("nothing was changed: add --apply --reason TEXT")


def _date(clock: Clock | None) -> str:
    return "–" if clock is None else day(clock.legal or clock.target)


def _mapping(one: Migration) -> Mapping[str, object]:
    """The documented JSON keys."""
    return {
        "case": one.case.id,
        "from": one.case.version,
        "states": [place.state for place in one.case.places],
        "refusals": list(one.refusals),
        "closed": sorted(one.closed),
        "opened": sorted(one.opened),
        "clocks": [
            {"clock": change.name, "before": _clock(change.before), "after": _clock(change.after)}
            for change in one.clocks
        ],
    }


def _clock(clock: Clock | None) -> Mapping[str, object] | None:
    return (
        None
        if clock is None
        else {
            "nominal_due": clock.nominal,
            "legal_due": clock.legal,
            "target_due": clock.target,
            "status": clock.status,
        }
    )
