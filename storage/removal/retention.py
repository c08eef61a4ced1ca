"""What there is of each class of personal data, with the day on which its term began. Reads only."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Table, and_, func, or_, select

from storage.tables import (
    AGREEMENTS,
    BRIEF_LINES,
    CASES,
    CODES,
    HISTORY,
    LINKS,
    OUTBOX,
    PENDING_ACTS,
    PEOPLE,
    PRESERVATIONS,
    PRODUCTS,
    PURGE_ITEMS,
    RATE_COUNTS,
    RECIPIENTS,
    REGISTER_HISTORY,
    SESSIONS,
)

SETTLED = ("accepted", "failed", "cancelled")
_AGREEMENT = re.compile(r"A-\d+")


@dataclass(frozen=True, slots=True)
class EndedCase:
    """`ended_on` is the local date, None while it runs."""

    id: str
    process: str
    parent: str | None
    ended_on: dt.date | None
    purged: bool


@dataclass(frozen=True, slots=True)
class Begun:
    """Something whose term runs since a local date."""

    ref: str
    since: dt.date


def cases(connection: Connection, zone: ZoneInfo) -> Mapping[str, EndedCase]:
    """Every case, by its id."""
    gone = _removed(connection) - _written_again(connection)
    rows = connection.execute(select(CASES.c.id, CASES.c.process, CASES.c.parent, CASES.c.ended_at))
    return {row.id: EndedCase(row.id, row.process, row.parent, _local(row.ended_at, zone), row.id in gone)
            for row in rows}  # fmt: skip


def with_recipients(connection: Connection) -> frozenset[str]:
    """Cases of which somebody is in an audience still."""
    return frozenset(connection.scalars(select(RECIPIENTS.c.case_id).distinct()))


def agreements_of(connection: Connection, case_id: str) -> frozenset[str]:
    """The agreements that a case is about, as its row and its history name them."""
    subject = connection.scalar(select(CASES.c.subject).where(CASES.c.id == case_id))
    named = {str(subject)} if subject else set[str]()
    for detail in connection.scalars(select(HISTORY.c.detail).where(HISTORY.c.case_id == case_id)):
        words: Mapping[str, str] = json.loads(detail)
        named |= {word for word in words.values() if _AGREEMENT.fullmatch(word)}
    return frozenset(named)


def agreement_ends(connection: Connection) -> Mapping[str, dt.date | None]:
    """Until when each agreement ran; None for one that still does. A superseded one ran until the next was signed."""
    rows = connection.execute(select(AGREEMENTS)).mappings().all()
    next_signed = {row["supersedes"]: row["signed_on"] for row in rows if row["supersedes"]}
    return {row["id"]: None if row["status"] == "active" else
            row["ended_on"] or next_signed.get(row["id"]) or row["expires_on"] for row in rows}  # fmt: skip


def operators(connection: Connection) -> Sequence[Begun]:
    """Operators of whom the register names somebody, and whose agreements have all ended, since when. One that never
    had an agreement counts from the last word about it."""
    ends, of = agreement_ends(connection), defaultdict[str, list[str]](list)
    for row in connection.execute(select(AGREEMENTS.c.id, PRODUCTS.c.operator).join(PRODUCTS)):
        of[row.operator].append(row.id)
    its = or_(REGISTER_HISTORY.c.entry == PRODUCTS.c.id, REGISTER_HISTORY.c.entry == PRODUCTS.c.operator)
    last = select(PRODUCTS.c.operator, func.max(REGISTER_HISTORY.c.at).label("at")).join(REGISTER_HISTORY, its)
    named = last.where(REGISTER_HISTORY.c.sealed.is_not(None)).group_by(PRODUCTS.c.operator)
    found = []
    for row in connection.execute(named.order_by(PRODUCTS.c.operator)):
        theirs = [ends[agreement] for agreement in of[row.operator]]
        if None not in theirs:
            found.append(Begun(row.operator, max((day for day in theirs if day), default=row.at.date())))
    return found


def agreements_of_operator(connection: Connection, operator: str) -> frozenset[str]:
    its = select(AGREEMENTS.c.id).join(PRODUCTS).where(PRODUCTS.c.operator == operator)
    return frozenset(connection.scalars(its))


def people(connection: Connection) -> Sequence[Begun]:
    """Those who have left and are still named."""
    left = PEOPLE.c.active.is_(False) & PEOPLE.c.left_on.is_not(None) & (PEOPLE.c.email != "")
    rows = connection.execute(select(PEOPLE.c.id, PEOPLE.c.left_on).where(left).order_by(PEOPLE.c.id))
    return [Begun(row.id, row.left_on) for row in rows]


def briefs(before: dt.datetime, preserved: Collection[str] = ()) -> ColumnElement[bool]:
    """Settled mails of no case that were made before an instant, but those with a line about one of these cases."""
    old = OUTBOX.c.case_id.is_(None) & OUTBOX.c.state.in_(SETTLED) & (OUTBOX.c.created_at < before)
    if not preserved:
        return old
    about = select(BRIEF_LINES.c.outbox_id).where(BRIEF_LINES.c.case_id.in_(sorted(preserved)))
    return and_(old, OUTBOX.c.id.not_in(about))


def access(before: dt.datetime) -> Sequence[tuple[Table, ColumnElement[bool]]]:
    """What let somebody in, and ended before an instant, in the order in which it can go."""
    dead = or_(LINKS.c.expires_at < before, LINKS.c.revoked_at < before)
    spent = CODES.c.expires_at.is_not(None) & (CODES.c.expires_at < before)
    return ((SESSIONS, SESSIONS.c.expires_at < before), (LINKS, dead), (CODES, spent),
            (RATE_COUNTS, RATE_COUNTS.c.window_start < before))


def acts(before: dt.datetime) -> ColumnElement[bool]:
    """Acts about no case that were begun before an instant and say something still."""
    return PENDING_ACTS.c.case_id.is_(None) & (PENDING_ACTS.c.at < before) & (PENDING_ACTS.c.act != "")


def count(connection: Connection, table: Table, where: ColumnElement[bool]) -> int:
    return int(connection.scalar(select(func.count()).select_from(table).where(where)) or 0)


def oldest(
    connection: Connection, column: ColumnElement[dt.datetime], where: ColumnElement[bool]
) -> dt.datetime | None:
    return connection.scalar(select(func.min(column)).where(where))


def family(connection: Connection, case_id: str) -> frozenset[str]:
    """A case with those that started it and those that it started."""
    top, above = case_id, connection.scalar(select(CASES.c.parent).where(CASES.c.id == case_id))
    while above is not None:
        top, above = above, connection.scalar(select(CASES.c.parent).where(CASES.c.id == above))
    found, new = {top}, [top]
    while new:
        new = [*connection.scalars(select(CASES.c.id).where(CASES.c.parent.in_(new)))]
        found.update(new)
    return frozenset(found)


def any_preserved(connection: Connection, case_ids: Iterable[str]) -> bool:
    wanted = select(PRESERVATIONS.c.case_id).where(PRESERVATIONS.c.case_id.in_(sorted(case_ids)))
    return connection.scalar(wanted.limit(1)) is not None


def _written_again(connection: Connection) -> frozenset[str]:
    """Purged cases that somebody has added something to since."""
    items = select(PURGE_ITEMS.c.ref).where(PURGE_ITEMS.c.what == "case")
    full = HISTORY.c.sealed.is_not(None) & HISTORY.c.case_id.in_(items)
    return frozenset(connection.scalars(select(HISTORY.c.case_id).where(full).distinct()))


def _removed(connection: Connection) -> frozenset[str]:
    """The cases that purges have taken."""
    gone = (PURGE_ITEMS.c.what == "case") & PURGE_ITEMS.c.state.in_(("files", "done"))
    return frozenset(connection.scalars(select(PURGE_ITEMS.c.ref).where(gone)))


def _local(at: dt.datetime | None, zone: ZoneInfo) -> dt.date | None:
    return at.astimezone(zone).date() if at else None
