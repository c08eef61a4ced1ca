"""`soppa retention`: how long each kind of personal data is kept, why, and how much of it is due."""

from __future__ import annotations

import textwrap

import click

from cli.home import Home
from cli.options import as_option, home_option, json_option
from cli.printing import WIDTH, day, pairs, print_json, say
from cli.wiring import open_house

STARTS = {
    "case_ended": "the end of the case", "school_year_ended": "the end of the school year (June 30) of the case's end",
    "agreement_ended": "the end of the agreement, and of the case", "sent": "the day on which it was made",
    "expired": "the day on which it ended", "act_begun": "the day on which it was begun",
    "left": "the day on which they left",
}  # fmt: skip


@click.command(epilog="Example: soppa retention")
@as_option
@home_option
@json_option
def command(as_login: str | None, home: Home, as_json: bool) -> None:
    """Show each class of personal data: what it is for, how long it is kept from when on, on what ground, how much is
    due now. A district's own terms stand in retention.yaml of the home.
    """
    from cli.retention.agreeing import counted
    from cli.retention.due import Due, look

    def one(due: Due) -> None:
        kind = due.kind
        say(f"{kind.title}  ({kind.name})")
        own = {"own reason": kind.reason} if kind.reason else {}
        said = {"holds": kind.holds, "purpose": kind.purpose, "kept": f"{kind.term} from {STARTS[kind.start]}",
                "ground": kind.basis, **own, **({"note": kind.note} if kind.note else {}),
                "due now": counted(due) if due.count else "nothing"}
        room = max(map(len, said)) + 4
        pairs({key: _wrapped(value, room) for key, value in said.items()})

    with open_house(home) as house:
        house.reader(as_login)
        with house.store.read() as unit:
            found = look(house, unit, house.office(unit).today(house.clock()))
    if as_json:
        print_json({"version": found.table.version, "as_of": found.as_of, "disposal": {
            "says": found.table.disposal.says, "citation": found.table.disposal.citation,
            "certainty": found.table.disposal.certainty}, "classes": [_mapping(due) for due in found.due],
            "elsewhere": [{"class": other.name, "title": other.title, "holds": other.holds, "kept": other.kept}
                          for other in found.table.elsewhere], "held": len(found.held)})
        return
    for due in found.due:
        one(due)
        say()
    for other in found.table.elsewhere:
        say(f"{other.title}  ({other.name})")
        pairs({"holds": _wrapped(other.holds, 11), "kept": _wrapped(other.kept, 11)})
        say()
    law = found.table.disposal
    say(textwrap.fill(f"{law.says} ({law.citation} [{law.certainty}])", WIDTH))
    if found.held:
        say(f"{len(found.held)} due and held back by a preservation as of {day(found.as_of)}: soppa purge preview")


def _wrapped(text: str, room: int) -> str:
    lines = textwrap.wrap(text, WIDTH - room)
    return ("\n" + " " * room).join(lines)


def _mapping(due: object) -> dict[str, object]:
    from cli.retention.due import Due

    assert isinstance(due, Due)  # noqa: S101
    kind = due.kind
    return {"class": kind.name, "title": kind.title, "holds": kind.holds, "purpose": kind.purpose,
            "term": str(kind.term), "start": kind.start, "least": str(kind.least) if kind.least else None,
            "ground": kind.basis, "certainty": kind.certainty, "by": kind.by, "reason": kind.reason or None,
            "certificate": kind.certificate, "due": due.count, "due_since": due.since}
