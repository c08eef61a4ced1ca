"""Briefs: one mail a reader and day, which gathers lines of all cases and waits for the mail window.

A brief leaves on its own day while the window is open, or not at all: what it holds then goes into the reader's next.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, delete, select, update

from engine.model.handed import CONTACT, BriefLine
from storage import direct, prepared
from storage.mailing.window import MailWindow
from storage.rows import BULK, Row, new_mail
from storage.sealing import Ring
from storage.tables import BRIEF_LINES, LINKS, OUTBOX

BRIEF = "brief"
_MINUTE = dt.timedelta(minutes=1)
_HELD_OVER = "it did not leave in its window: its lines stand in the reader's next brief"


def contact_key(ring: Ring, address: str) -> str:
    """`contact:KEY` for an address, however its letters are cased: a keyed digest, never the address itself."""
    return CONTACT + ring.lookup_digest(address.strip().lower().encode(), "outbox/contact")


def slot_of(contact: str, day: dt.date) -> str:
    """The place of the one mail that an address outside gets on a day; `contact` as `contact_key` gives it."""
    return f"{contact}/{day.isoformat()}"


def next_brief(
    connection: Connection, window: MailWindow, recipient: str, now: dt.datetime, *, late: bool = False,
    weekly: bool = False
) -> int:
    """The reader's next brief that nobody has begun to write; locked, so that nobody begins before we commit. What is
    `late` may still leave today, while the window is open; what is `weekly` waits for the first day of a week."""
    days = _days(window, recipient, now, late, weekly)
    return next(found for day, at in days if (found := _unbegun(connection, recipient, day, at, now)) is not None)


def add_line(
    connection: Connection, ring: Ring, outbox_id: int, line: BriefLine, answer: int | None = None
) -> None:
    """Adds a line; of two about one subject of one case the stronger stays. `answer`: as in the table."""
    key = {"outbox_id": outbox_id, "case_id": line.case_id, "subject": line.subject}
    row = {
        **key,
        "kind": line.kind,
        "strength": line.strength,
        "date": line.date,
        "legal": line.legal,
        "task_id": line.task_id,
        "party": line.party,
        "answer": answer,
        "sealed": ring.seal(line.text.encode(), line_place(key)),
    }
    direct.write(connection, prepared.stronger_line(connection.dialect.name), row)


def lines_of(connection: Connection, ring: Ring, outbox_id: int) -> Sequence[BriefLine]:
    """The strongest first."""
    order = (BRIEF_LINES.c.strength.desc(), BRIEF_LINES.c.case_id, BRIEF_LINES.c.subject)
    wanted = select(BRIEF_LINES).where(BRIEF_LINES.c.outbox_id == outbox_id).order_by(*order)
    return tuple(_line(row, ring) for row in connection.execute(wanted).mappings())


def drop_line(connection: Connection, outbox_id: int, line: BriefLine) -> None:
    mine = (BRIEF_LINES.c.case_id == line.case_id) & (BRIEF_LINES.c.subject == line.subject)
    connection.execute(delete(BRIEF_LINES).where((BRIEF_LINES.c.outbox_id == outbox_id) & mine))


def hold_over(connection: Connection, ring: Ring, window: MailWindow, row: Row, now: dt.datetime) -> None:
    """Cancels a brief that has missed its window; its lines go into the reader's next. Links in it were never sent."""
    lines = lines_of(connection, ring, row["id"])
    if lines:
        target = next_brief(connection, window, row["recipient"], now, late=True)
        for line in lines:
            add_line(connection, ring, target, line)
    unsent = (LINKS.c.outbox_id == row["id"]) & LINKS.c.revoked_at.is_(None)
    connection.execute(update(LINKS).where(unsent).values(revoked_at=now))
    ended = {"state": "cancelled", "reply": _HELD_OVER, "at": None, "lease_until": None, "settled_at": now}
    connection.execute(update(OUTBOX).where(OUTBOX.c.id == row["id"]).values(ended))


def of_reader(recipient: str) -> ColumnElement[bool]:
    """The briefs of one reader."""
    return (OUTBOX.c.recipient == recipient) & (OUTBOX.c.mail == BRIEF) & OUTBOX.c.case_id.is_(None)


def _days(
    window: MailWindow, recipient: str, now: dt.datetime, late: bool, weekly: bool
) -> Iterator[tuple[dt.date, dt.datetime]]:
    today = window.today(now) if late and window.is_hour(recipient, now) else None
    if today is not None:
        yield today, now
    while True:
        day, leaves = window.next_brief(recipient, now, weekly=weekly)
        yield day, leaves
        now = leaves + _MINUTE


def _unbegun(
    connection: Connection, recipient: str, day: dt.date, leaves: dt.datetime, now: dt.datetime
) -> int | None:
    wanted = {"its_recipient": recipient, "its_day": day.isoformat()}
    found = direct.first(connection, prepared.BRIEF_OF_DAY, wanted)
    if found is None:
        slot = slot_of(recipient, day) if recipient.startswith(CONTACT) else None
        row = {**new_mail(BRIEF, BRIEF, day.isoformat(), recipient, BULK, now), "at": leaves, "slot": slot}
        made = direct.scalar(connection, prepared.new_with_id(connection.dialect.name, OUTBOX), row)
        if made is not None:
            return int(made)
        found = direct.first(connection, prepared.BRIEF_OF_DAY, wanted)
    return int(found["id"]) if found and found["state"] == "queued" and found["sealed"] is None else None


def _line(row: Row, ring: Ring) -> BriefLine:
    return BriefLine(
        case_id=row["case_id"],
        kind=row["kind"],
        subject=row["subject"],
        text=ring.open(row["sealed"], line_place(row)).decode(),
        strength=row["strength"],
        date=row["date"],
        legal=row["legal"],
        task_id=row["task_id"],
        party=row["party"],
    )


def line_place(row: Row) -> str:
    return f"brief_lines/{row['outbox_id']}/{row['case_id']}/{row['subject']}"
