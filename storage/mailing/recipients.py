"""Who belongs to an audience: each recipient sealed, counted, and fixed at the release."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from sqlalchemy import Connection, delete, func, insert, select, update

from engine.errors import Refused, UsageError
from engine.model.case import Contact
from engine.model.handed import RECIPIENT
from storage.rows import Row
from storage.sealing import Ring
from storage.statements import put
from storage.tables import AUDIENCES, COPIES, RECIPIENTS


@dataclass(frozen=True, slots=True)
class Member:
    """One of an audience, as it is imported. `students` are keys, never names; `address` has a line a line."""

    name: str
    email: str | None
    address: str
    language: str = "en"
    paper: bool = False
    consent: bool = False
    leaked: bool = False
    students: tuple[str, ...] = ()
    schools: tuple[str, ...] = ()

    @property
    def by_mail(self) -> bool:
        return self.email is not None and not self.paper

    @property
    def contact(self) -> Contact:
        return Contact(self.name, self.email, self.language, self.address, self.paper)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A member with its number in the audience of its case."""

    id: int
    number: int
    member: Member


@dataclass(frozen=True, slots=True)
class AtOnce:
    """One transaction at one moment; `today` is the local date of `now`."""

    connection: Connection
    ring: Ring
    now: dt.datetime
    today: dt.date


@dataclass(frozen=True, slots=True)
class Recipients(AtOnce):
    """Who is told."""

    def enter(self, case_id: str, audience: str, members: Sequence[Member]) -> None:
        """Puts an audience in the place of the one imported before. Raises `Refused` once it is fixed."""
        mine = (AUDIENCES.c.case_id == case_id) & (AUDIENCES.c.audience == audience)
        if self.connection.scalar(select(AUDIENCES.c.fixed_at).where(mine).with_for_update()) is not None:
            raise Refused(
                f"audience '{audience}' of case {case_id} was fixed when its letters were released: nobody changes it "
                "now; decide about single ones by name"
            )
        theirs = (RECIPIENTS.c.case_id == case_id) & (RECIPIENTS.c.audience == audience)
        self.connection.execute(delete(RECIPIENTS).where(theirs))
        students = len({student.casefold() for member in members for student in member.students})
        put(
            self.connection,
            AUDIENCES,
            {
                "case_id": case_id,
                "audience": audience,
                "counted": len(members),
                "students": students,
                "imported_at": self.now,
                "fixed_at": None,
            },
        )
        if members:
            self.connection.execute(insert(RECIPIENTS), list(_rows(self.ring, case_id, audience, members)))

    def fix(self, case_id: str, audience: str) -> None:
        mine = (AUDIENCES.c.case_id == case_id) & (AUDIENCES.c.audience == audience) & AUDIENCES.c.fixed_at.is_(None)
        self.connection.execute(update(AUDIENCES).where(mine).values(fixed_at=self.now))

    def free(self, case_id: str, audience: str) -> None:
        """Opens an audience for another import; one that a mail was sent to stays as it is."""
        mine = (AUDIENCES.c.case_id == case_id) & (AUDIENCES.c.audience == audience)
        theirs = select(RECIPIENTS.c.id).where((RECIPIENTS.c.case_id == case_id) & (RECIPIENTS.c.audience == audience))
        if self.connection.scalar(select(COPIES.c.id).where(COPIES.c.recipient_id.in_(theirs)).limit(1)) is None:
            self.connection.execute(update(AUDIENCES).where(mine).values(fixed_at=None))

    def counted(self, case_id: str) -> Sequence[Row]:
        """The audiences of a case: `audience`, `counted`, `students`, `imported_at`, `fixed_at`."""
        return self.connection.execute(select(AUDIENCES).where(AUDIENCES.c.case_id == case_id)).mappings().all()

    def by_mail(self, case_id: str) -> int:
        """How many of the audiences of a case have an address and no wish for paper."""
        mine = (RECIPIENTS.c.case_id == case_id) & RECIPIENTS.c.by_mail
        return self.connection.scalar(select(func.count()).select_from(RECIPIENTS).where(mine)) or 0

    def recipient(self, recipient_id: int) -> Recipient | None:
        row = self.connection.execute(select(RECIPIENTS).where(RECIPIENTS.c.id == recipient_id)).mappings().first()
        return None if row is None else read_recipient(row, self.ring)

    def give_address(self, case_id: str, number: int, address: str, name: str | None = None) -> None:
        """Enters where the letter of one recipient goes by post, and if given the name on it. Raises `UsageError` for a
        number that the case has not."""
        mine = (RECIPIENTS.c.case_id == case_id) & (RECIPIENTS.c.number == number)
        rows = self.connection.execute(select(RECIPIENTS).where(mine).with_for_update()).mappings().all()
        if not rows:
            raise UsageError(f"case {case_id} tells nobody with the number {number}: soppa audience show {case_id}")
        for row in rows:
            known = read_recipient(row, self.ring).member
            member = replace(known, address=address, name=name or known.name)
            sealed = self.ring.seal_json(asdict(member), member_place(case_id, row["audience"], number))
            self.connection.execute(update(RECIPIENTS).where(RECIPIENTS.c.id == row["id"]).values(sealed=sealed))


def key_of(ring: Ring, member: Member) -> str:
    """A keyed digest of who a member is: the name with the mail address, or with the postal address."""
    who = f"{member.name}\n{member.email or member.address}"
    return ring.lookup_digest(" ".join(who.lower().split()).encode(), "recipients/key")


def people_of_audience(connection: Connection, ring: Ring, recipients: Iterable[str]) -> dict[str, Contact]:
    """Whom copies are for, by the recipients of their outbox rows; those who are gone are left out."""
    found: dict[str, Contact] = {}
    for some in in_parts(sorted(int(recipient.removeprefix(RECIPIENT)) for recipient in recipients)):
        rows = connection.execute(select(RECIPIENTS).where(RECIPIENTS.c.id.in_(some))).mappings()
        found |= {f"{RECIPIENT}{row['id']}": read_recipient(row, ring).member.contact for row in rows}
    return found


def read_recipient(row: Row, ring: Ring) -> Recipient:
    """A row of the recipients, opened."""
    kept = ring.open_json(row["sealed"], row_place(row))
    values = cast("dict[str, Any]", kept)
    lists = {name: tuple(values[name]) for name in ("students", "schools")}
    return Recipient(row["id"], row["number"], Member(**{**values, **lists}))


def member_place(case_id: str, audience: str, number: int) -> str:
    return f"recipients/{case_id}/{audience}/{number}"


def row_place(row: Row) -> str:
    return member_place(row["case_id"], row["audience"], row["number"])


def in_parts(ids: Sequence[int], size: int = 500) -> Iterator[Sequence[int]]:
    """In parts that both databases take as parameters of one statement."""
    yield from (ids[start : start + size] for start in range(0, len(ids), size))


def _rows(ring: Ring, case_id: str, audience: str, members: Iterable[Member]) -> Iterator[Mapping[str, object]]:
    for number, member in enumerate(members, 1):
        yield {
            "case_id": case_id,
            "audience": audience,
            "number": number,
            "key": key_of(ring, member),
            "language": member.language,
            "by_mail": member.by_mail,
            "consent": member.consent,
            "leaked": member.leaked,
            "sealed": ring.seal_json(asdict(member), member_place(case_id, audience, number)),
        }
