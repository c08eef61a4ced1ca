"""`soppa letters`: print what goes by post, and tick it off."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import completion
from cli.home import Home
from cli.mailing.printrun import Sorted, check_free, left_out, print_again, print_anew, sort_out, write_out
from cli.options import Commands, as_option, example, home_option, json_option, read_date
from cli.printing import print_json, say, table
from cli.wiring import House, open_house
from engine.errors import NotAllowed, Refused, UsageError

if TYPE_CHECKING:
    import datetime as dt

    from engine.model.case import Actor, Case

MAY = frozenset({"privacy", "custodian"})


@click.group(cls=Commands, epilog="Example: soppa letters print 2026-0007 --out letters")
def command() -> None:
    """Letters to many on paper: print, runs, posted."""


@command.command("print", epilog="Example: soppa letters print 2026-0007 --out letters")
@click.argument("case", shell_complete=completion.cases)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="A folder for the PDFs and the manifest; it is made if it is not there.",
)
@click.option("--run", type=int, default=None, help="Print this run again, byte for byte; nothing is counted anew.")
@as_option
@home_option
@json_option
def print_(case: str, out: Path, run: int | None, as_login: str | None, home: Home, as_json: bool) -> None:
    """Print the letters of CASE that wait: a PDF for each language, and a manifest to tick them off."""
    with open_house(home) as house:
        actor = _actor(house, as_login)
        with house.store.read() as unit:
            found, audiences = unit.case(case), unit.audiences(house.clock())
            letters, number = audiences.letters(case, run), run or audiences.next_run(case)
            row = next((row for row in audiences.runs(case) if row["number"] == run), None)
        _check_not_held(found)
        chosen = Sorted(tuple(letters)) if run else sort_out(letters)
        if not chosen.fit:
            raise Refused(_nothing(case, run, chosen))
        check_free(out, case, number)
        if row is not None:
            files = print_again(house, found, row, letters)
        else:
            number, files = print_anew(house, found, actor, chosen.fit)
        written = write_out(out, files)
    if as_json:
        print_json({"case": case, "run": number, "letters": len(chosen.fit), "files": [str(path) for path in written],
                    "without_address": list(chosen.homeless), "undrawn": dict(chosen.undrawn or {})})  # fmt: skip
        return
    say(f"run {number} of case {case}: {len(chosen.fit):,} letters")
    for path in written:
        say(f"  {path}")
    say(
        f"they are personal data: delete the files once they are printed. When they are in the post: "
        f"soppa letters posted {case} --run {number} --on DATE"
    )
    for sentence in left_out(case, chosen):
        say(sentence)


@command.command(epilog="Example: soppa letters runs 2026-0007")
@click.argument("case", shell_complete=completion.cases)
@as_option
@home_option
@json_option
def runs(case: str, as_login: str | None, home: Home, as_json: bool) -> None:
    """The print runs of CASE, and how many letters of each are not posted."""
    with open_house(home) as house:
        read_letters_of(house, case, as_login)
        with house.store.read() as unit:
            found, office = unit.audiences(house.clock()).runs(case), house.office(unit)
    if as_json:
        print_json([run_mapping(row) for row in found])
    elif not found:
        say(f"nothing of case {case} was printed")
    else:
        table(
            ["run", "mail", "letters", "not posted", "printed", "by"],
            [
                [
                    str(row["number"]),
                    row["mail"],
                    f"{row['letters']:,}",
                    f"{row['printed']:,}",
                    f"{row['at'].astimezone(office.zone):%Y-%m-%d %H:%M}",
                    by.name if (by := office.person(row["by"])) else row["by"],
                ]
                for row in found
            ],
        )


@command.command(epilog=example("soppa letters posted 2026-0007 --run 1 --on 2026-12-03 \\", "--except 17 --except 22"))
@click.argument("case", shell_complete=completion.cases)
@click.option("--run", type=int, required=True)
@click.option("--on", required=True, metavar="DATE", help="The day on which they went into the post.")
@click.option("--except", "keep_back", type=int, multiple=True, help="A number that was not posted; once for each.")
@as_option
@home_option
@json_option
def posted(
    case: str, run: int, on: str, keep_back: tuple[int, ...], as_login: str | None, home: Home, as_json: bool
) -> None:
    """Tick off a print run of CASE: its letters are in the post."""
    day = read_date(on, "--on")
    with open_house(home) as house:
        actor = _actor(house, as_login)
        with house.store.read() as unit:
            held_since = min((hold.started for hold in unit.case(case).holds if hold.stands), default=None)
            audiences = unit.audiences(house.clock())
            found = next((row for row in audiences.runs(case) if row["number"] == run), None)
            strange = set(keep_back) - {letter.recipient.number for letter in audiences.letters(case, run)}
        if found is None:
            raise UsageError(f"case {case} has no print run {run}: soppa letters runs {case}")
        if strange:
            raise UsageError(f"--except: run {run} has no letter {min(strange)}")
        if held_since is not None and day >= held_since:
            raise Refused(f"a law-enforcement hold stands in case {case}: keep its letters back until it is released")
        _check_day(day, found["at"].astimezone(house.settings.zone).date(), house)
        with house.store.begin() as unit:
            audiences, zone = unit.audiences(house.clock()), house.settings.zone
            count = audiences.posted(case, found["mail"], day, zone=zone, run=run, keep_back=keep_back)
        _close_task(house, case, found["mail"], day, actor)
    print_json({"case": case, "run": run, "posted": count, "on": day}) if as_json else say(
        f"run {run} of case {case}: {count:,} letters are in the post since {day}"
    )


def _nothing(case: str, run: int | None, chosen: Sorted) -> str:
    if run is not None:
        return f"case {case} has no run {run}"
    return "; ".join(left_out(case, chosen)) or f"no letter of case {case} waits to be printed"


def _check_not_held(case: Case) -> None:
    if case.is_held:
        raise Refused(f"a law-enforcement hold stands in case {case.id}: keep its letters back until it is released")


def _check_day(day: dt.date, printed: dt.date, house: House) -> None:
    if day > house.clock().astimezone(house.settings.zone).date():
        raise UsageError(f"--on: {day} is in the future: tick letters off when they are in the post")
    if day < printed:
        raise UsageError(f"--on: {day} is before {printed}, when they were printed: give the day of posting")


def run_mapping(row: Mapping[str, Any]) -> dict[str, object]:
    """The documented JSON keys."""
    names = {"run": "number", "mail": "mail", "letters": "letters", "at": "at", "by": "by", "not_posted": "printed"}
    return {key: row[name] for key, name in names.items()}


def read_letters_of(house: House, case_id: str, as_login: str | None) -> None:
    """Raises `NotAllowed` for whoever may not read how the letters of a case have come on. Those who print and post
    them may, whatever the case."""
    reader = house.reader(as_login)
    house.case(case_id, None if reader is not None and reader.roles & MAY else reader)


def _actor(house: House, as_login: str | None) -> Actor:
    actor = house.actor(as_login)
    if not actor.roles & MAY:
        raise NotAllowed(f"{actor.name} may not print these letters: ask the privacy officer or the custodian")
    return actor


def _close_task(house: House, case_id: str, mail: str, on: dt.date, actor: Actor) -> None:
    """With the last letter the task of posting them is done."""
    from engine.model.definition import POST

    with house.store.read() as unit:
        case, waiting = unit.case(case_id), unit.audiences(house.clock()).letters(case_id)
        left = any(row["printed"] for row in unit.audiences(house.clock()).runs(case_id))
    task = case.open_task(POST + mail)
    if task is not None and not waiting and not left:
        with suppress(Refused):  # somebody else, or the daemon, has closed it in this moment
            house.service.complete_task(task.id, "posted", {"posted_on": on}, actor, house.clock())
