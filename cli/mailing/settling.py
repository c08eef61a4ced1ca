"""Mails in doubt of which a person knows more: picked by what they have in common, shown, then settled together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from cli.wiring import House
from engine.errors import Refused, UsageError
from engine.model.case import Actor
from storage.looking.views import MailLine

MOST = 1000
"""Mails that are settled by one command; what is left needs another look."""


@dataclass(frozen=True, slots=True)
class Picked:
    """What mails in doubt have in common; `since` and `until` are local days on which they came into doubt."""

    numbers: tuple[int, ...] = ()
    case: str | None = None
    mail: str | None = None
    reply: str | None = None
    since: dt.date | None = None
    until: dt.date | None = None

    @property
    def is_everything(self) -> bool:
        return self == Picked()


@dataclass(frozen=True, slots=True)
class Settled:
    """Those that were settled, and those that somebody else had settled meanwhile."""

    done: tuple[MailLine, ...]
    late: tuple[MailLine, ...] = field(default=())


def in_doubt(house: House, picked: Picked, who: Actor | None) -> Sequence[MailLine]:
    """The oldest first, without those of cases that this person need not know of. Raises `Refused` for a number of a
    mail that is not in doubt, `NotAllowed` for a case or a number that is not for them."""
    if picked.case is not None:
        house.case(picked.case, who)
    rows = house.store.views.in_doubt(MOST, case_id=picked.case, mail=picked.mail)
    closed = house.closed_of(who, (row.case_id for row in rows))
    for row in rows:
        if row.id in picked.numbers:
            house.check_open(who, row.case_id)
    rows = [row for row in rows if row.case_id not in closed]
    known = {row.id for row in rows}
    strange = [number for number in picked.numbers if number not in known]
    if strange:
        found = house.store.views.mail(strange[0])
        house.check_open(who, found.case_id)
        state = found.state
        why = "not among those picked" if state == "uncertain" else f"{state}, not in doubt"
        raise Refused(f"mail {strange[0]} is {why}: nothing was changed")
    return [row for row in rows if _fits(house, row, picked)]


def settle(house: House, rows: Sequence[MailLine], accepted: bool, by: str, now: dt.datetime) -> Settled:
    """Each for itself: a break leaves the rest in doubt, where the same command finds them."""
    done, late = [], []
    for row in rows:
        try:
            house.store.views.resolve_uncertain(row.id, accepted, by, now)
            done.append(row)
        except Refused:
            late.append(row)
    return Settled(tuple(done), tuple(late))


def check(picked: Picked, everything: bool) -> None:
    """Raises `UsageError` for a pick that nobody has made."""
    if picked.is_everything and not everything:
        raise UsageError("which mails? write their numbers, or --case, --mail, --reply, --since, --until; --all is "
                         "every mail in doubt")
    if everything and not picked.is_everything:
        raise UsageError("--all and a pick together say two things: write one of them")
    if picked.since and picked.until and picked.until < picked.since:
        raise UsageError(f"--until {picked.until} lies before --since {picked.since}")


def _fits(house: House, row: MailLine, picked: Picked) -> bool:
    day = (row.settled_at or row.created_at).astimezone(house.settings.zone).date()
    return ((not picked.numbers or row.id in picked.numbers)
            and (picked.reply is None or picked.reply.lower() in row.reply.lower())
            and (picked.since is None or day >= picked.since)
            and (picked.until is None or day <= picked.until))  # fmt: skip
