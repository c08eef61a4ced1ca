"""`soppa adopt`: rehearsed as a whole, then adopted row by row; what a cut run left is adopted by the next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.adoption.draft import draft, to_csv
from cli.adoption.papers import Papers
from cli.adoption.plan import Planned, Planner
from cli.adoption.rehearsal import Rehearsed, rehearse
from cli.adoption.rows import read_rows
from cli.commands.show import clock_mapping
from cli.dates import AGREEMENT, kind_of
from cli.home import Home, write_private
from cli.options import read_date
from cli.printing import bar, day, left, print_json, say, table
from cli.wiring import House, open_house
from engine.deciding.adopting import wrong_quiet
from engine.errors import AlreadyDecided, FaultyInput, NotAllowed, Refused, UsageError

if TYPE_CHECKING:
    from engine.model.case import Actor, Case, Clock
    from engine.model.definition import ClockDef

MAY = frozenset({"privacy", "superintendent"})


@dataclass(frozen=True, slots=True)
class Wish:
    file: Path
    apply: bool
    quiet_until: str | None
    as_json: bool


def adopt(home: Home, wish: Wish, as_login: str | None) -> None:
    """Raises `FaultyInput` with everything that is wrong, by row, before anything is adopted; `UsageError`,
    `NotAllowed`."""
    with open_house(home) as house:
        actor = house.actor(as_login)
        if not actor.roles & MAY:
            raise NotAllowed(f"{actor.name} may not adopt cases: it is for {' or '.join(sorted(MAY))}")
        today = house.make_office(()).today(house.clock())
        quiet = _quiet(wish.quiet_until, today) if wish.quiet_until else None
        planned, found = looked_at(house, wish.file, actor, quiet)
        adopted = keep_all(house, planned, found) if wish.apply else {}
        clocks = {case.process: house.definition(case).clocks for case, _ in found.cases.values()}
    if wish.as_json:
        print_json(_mapping(found, adopted, planned, quiet))
    else:
        _print(found, adopted, today, wish, clocks)


def _quiet(text: str, today: dt.date) -> dt.date:
    until = read_date(text, "--quiet-until")
    for wrong in wrong_quiet(until, today):
        raise UsageError(wrong)
    return until


def looked_at(house: House, file: Path, actor: Actor, quiet_until: dt.date | None) -> tuple[list[Planned], Rehearsed]:
    """The rows of a file as they will be adopted, and what comes of it. Raises `FaultyInput` with all that is wrong."""
    planner = Planner(house, Papers(file.parent), actor, quiet_until, house.active())
    planned = planner.plan(read_rows(file))
    found = rehearse(house, planned)
    faults = [*planner.faults, *found.faults]
    if faults:
        raise FaultyInput(sorted(faults, key=lambda fault: fault.mark.line))
    return planned, found


def write_draft(home: Home, out: Path, *, as_json: bool) -> None:
    """Raises `UsageError` where the file is there already."""
    with open_house(home) as house:
        today = house.make_office(()).today(house.clock())
        rows = draft(house.store.register.holdings(), today)
    try:
        write_private(out, to_csv(rows).encode())
    except OSError as error:
        raise UsageError(f"{out} cannot be written ({error.strerror}): name a new file") from error
    if as_json:
        print_json({"file": str(out), "rows": len(rows)})
    else:
        say(f"{len(rows)} running obligations of the register to {out}: add the documents, then soppa adopt {out}")


def keep_all(house: House, planned: Sequence[Planned], found: Rehearsed) -> dict[str, str]:
    """Adopts what is no case yet, each row in a transaction of its own; the numbers of the new cases by key."""
    adopted: dict[str, str] = {}
    wanted = [one for one in planned if one.row.key in found.cases]
    with bar("adopting") as done:
        for one in wanted:
            try:
                adopted[one.row.key] = _keep(house, one).id
            except AlreadyDecided:  # by another terminal, since we looked
                found.known[one.row.key] = "another's"
            except (Refused, UsageError) as error:
                raise Refused(f"{one.row.key}: {error}; {len(adopted)} of {len(wanted)} rows are adopted: run it again "
                              f"for the others") from error
            done(len(adopted), len(wanted))
    return adopted


def _keep(house: House, one: Planned) -> Case:
    files = {name: paper.content() for name, paper in one.papers.items()}
    with house.documents.keeping(files) as kept:
        return house.service.adopt(one.with_kept(kept), house.clock())


def _print(
    found: Rehearsed,
    adopted: Mapping[str, str],
    today: dt.date,
    wish: Wish,
    clocks: Mapping[str, Mapping[str, ClockDef]],
) -> None:
    if found.cases:
        table(["row", "stands at", "clock", "legal deadline", "", "passed"],
              [line for key, (case, passed) in found.cases.items()
               for line in _lines(key, case, passed, today, clocks[case.process])])
    for on, count in found.by_day.items():
        say(f"{count} mail{'s' if count != 1 else ''} {'leave' if count != 1 else 'leaves'} on {day(on)}")
    if found.known:
        say(f"{len(found.known)} of these rows are cases already: {', '.join(found.known)}")
    if wish.apply:
        say(f"{len(adopted)} adopted" + (f": {', '.join(adopted.values())}" if adopted else ""))
    else:
        say("nothing is adopted yet: add --apply" if found.cases else "nothing is left to adopt")


def _lines(
    key: str, case: Case, passed: int, today: dt.date, wanted: Mapping[str, ClockDef]
) -> list[list[str]]:
    at = " ".join(place.state for place in (case.place, *case.regions.values()))
    clocks = [[name, *_dates(clock, today, kind_of(clock, wanted))]
              for name, clock in case.clocks.items()] or [["–", "–", ""]]
    return [[key if number == 0 else "", at if number == 0 else "", *clock, str(passed) if number == 0 else ""]
            for number, clock in enumerate(clocks)]


def _dates(clock: Clock, today: dt.date, kind: str) -> tuple[str, str]:
    """The legal deadline and what is left; a window has none, and is open until its last day, nor has a clock whose day
    our agreement sets."""
    if clock.is_window:
        return "–", f"open until {clock.legal}"
    how = left(clock.legal, today) if clock.status == "running" else clock.status
    return ("–", f"agreement {clock.legal}, {how}") if kind == AGREEMENT else (str(clock.legal or "–"), how)


def _mapping(
    found: Rehearsed, adopted: Mapping[str, str], planned: Sequence[Planned], quiet: dt.date | None
) -> Mapping[str, object]:
    """The documented JSON keys."""
    return {
        "rows": len(planned), "adopted": len(adopted), "known": sorted(found.known), "quiet_until": quiet,
        "mails": [{"on": on, "mails": count} for on, count in found.by_day.items()],
        "cases": [{"key": key, "process": case.process, "state": case.state, "case": adopted.get(key),
                   "rungs_before": passed, "clocks": [clock_mapping(clock) for clock in case.clocks.values()]}
                  for key, (case, passed) in found.cases.items()],
    }
