"""What is counted over all cases: outcomes, legal dates, rungs, mails, incidents. Reads only."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from storage.base import Base
from storage.mailing.outbox import address_place
from storage.tables import CASES, CLOCKS, HISTORY, INCIDENTS, OUTBOX, TASKS

Pairs = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that the relay took: its address, when, its kind, its case and the process of that."""

    to: str
    at: dt.datetime
    mail: str
    case_id: str | None
    process: str | None


@dataclass(frozen=True, slots=True)
class LegalDate:
    """A legal date of a clock as it counts now; dates are local."""

    rule: str
    status: str
    legal: dt.date
    ended_on: dt.date | None


@dataclass(frozen=True, slots=True)
class Counts:
    base: Base

    def cases(self) -> Pairs:
        """Cases by process and outcome; an empty outcome is still open."""
        counted = select(CASES.c.process, CASES.c.outcome, func.count()).group_by(CASES.c.process, CASES.c.outcome)
        with self.base.reading() as connection:
            return {(process, outcome or ""): count for process, outcome, count in connection.execute(counted)}

    def legal_dates(self) -> Sequence[LegalDate]:
        wanted = select(CLOCKS.c.rule, CLOCKS.c.status, CLOCKS.c.legal, CLOCKS.c.ended_on)
        wanted = wanted.where((CLOCKS.c.status != "superseded") & CLOCKS.c.legal.is_not(None))
        with self.base.reading() as connection:
            return [LegalDate(*row) for row in connection.execute(wanted)]

    def rungs(self) -> Pairs:
        """Rungs that fired, by the clock they were of (`task` for a target) and their id."""
        found: Counter[tuple[str, str]] = Counter()
        with self.base.reading() as connection:
            for detail in connection.scalars(select(HISTORY.c.detail).where(HISTORY.c.kind == "rung_fired")):
                words = json.loads(detail)
                found["task" if "-" in words["of"] else words["of"], words["rung"]] += 1
        return found

    def sent(self) -> Iterator[Sent]:
        """Every accepted mail, in the order in which it was queued."""
        columns = (OUTBOX.c.id, OUTBOX.c.sealed_address, OUTBOX.c.settled_at, OUTBOX.c.mail, OUTBOX.c.case_id)
        wanted = select(*columns, CASES.c.process).outerjoin(CASES, CASES.c.id == OUTBOX.c.case_id)
        with self.base.reading() as connection:
            rows = connection.execute(wanted.where(OUTBOX.c.state == "accepted").order_by(OUTBOX.c.id)).all()
        for row in rows:
            address = self.base.ring.open(row.sealed_address, address_place(row.id)).decode()
            yield Sent(address, row.settled_at, row.mail, row.case_id, row.process)

    def open_tasks(self, offered: Collection[str] = ()) -> Sequence[tuple[str, str]]:
        """Task and case of everything that is asked now, the oldest first; of what is offered, these names only."""
        asked = TASKS.c.present & TASKS.c.outcome.is_(None) & (~TASKS.c.offered | TASKS.c.name.in_(sorted(offered)))
        found = select(TASKS.c.id, TASKS.c.case_id).where(asked).order_by(TASKS.c.opened_at, TASKS.c.id)
        with self.base.reading() as connection:
            return [(row.id, row.case_id) for row in connection.execute(found)]

    def incidents(self) -> int:
        with self.base.reading() as connection:
            return connection.scalar(select(func.count()).select_from(INCIDENTS)) or 0
