"""Letters on paper: print runs, and what of them is in the post."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, literal, select, update

from engine.errors import Refused, WrongDate
from storage.dialects import insert_into
from storage.mailing.copies import Copies, Mail, with_recipients
from storage.mailing.recipients import Recipient, in_parts, read_recipient
from storage.rows import Row
from storage.tables import COPIES, PRINT_RUNS, RECIPIENTS


@dataclass(frozen=True, slots=True)
class Letter:
    """A copy on paper and whom it is for."""

    copy_id: int
    mail: str
    recipient: Recipient


@dataclass(frozen=True, slots=True)
class PrintRuns(Copies):
    """Copies on paper, printed together and ticked off."""

    def letters(self, case_id: str, run: int | None = None) -> list[Letter]:
        """The copies that wait to be printed, or those of a print run, by language and number."""
        mine = (COPIES.c.case_id == case_id) & (COPIES.c.channel == "paper")
        mine &= (COPIES.c.state == "waiting") if run is None else (COPIES.c.run == run)
        found = with_recipients(COPIES.c.id.label("copy_id"), COPIES.c.mail.label("of_mail")).where(mine)
        rows = self.connection.execute(found.order_by(RECIPIENTS.c.language, RECIPIENTS.c.number)).mappings()
        return [Letter(row["copy_id"], row["of_mail"], read_recipient(row, self.ring)) for row in rows]

    def next_run(self, case_id: str) -> int:
        latest = select(func.max(PRINT_RUNS.c.number)).where(PRINT_RUNS.c.case_id == case_id)
        return (self.connection.scalar(latest) or 0) + 1

    def printed(self, case_id: str, run: int, letters: Sequence[Letter], by: str, files: Mapping[str, str]) -> None:
        """Puts letters into the next print run, with its files by name. Raises `Refused` where somebody else has
        printed meanwhile."""
        row = {
            "case_id": case_id,
            "number": run,
            "mail": letters[0].mail,
            "letters": len(letters),
            "at": self.now,
            "by": by,
            "files": json.dumps(list(files.items())),
        }
        new = insert_into(self.connection.dialect.name, PRINT_RUNS).values(**row).on_conflict_do_nothing()
        taken = 0 if self.connection.execute(new).rowcount else -1
        for some in in_parts([letter.copy_id for letter in letters]):
            mine = (COPIES.c.state == "waiting") & COPIES.c.id.in_(some)
            taken += self.connection.execute(update(COPIES).where(mine).values(state="printed", run=run)).rowcount
        if taken != len(letters):
            raise Refused(f"somebody else has just printed letters of case {case_id}: print again")

    def runs(self, case_id: str) -> Sequence[Row]:
        """The print runs of a case: `number`, `mail`, `letters`, `at`, `by`, `files`, and `printed`, how many are not
        posted."""
        waiting = (
            select(func.count())
            .select_from(COPIES)
            .where(
                (COPIES.c.case_id == PRINT_RUNS.c.case_id)
                & (COPIES.c.run == PRINT_RUNS.c.number)
                & (COPIES.c.state == "printed")
            )
            .scalar_subquery()
        )
        found = select(PRINT_RUNS, waiting.label("printed")).where(PRINT_RUNS.c.case_id == case_id)
        return self.connection.execute(found.order_by(PRINT_RUNS.c.number)).mappings().all()

    def posted(
        self,
        case_id: str,
        mail: str,
        on: dt.date,
        *,
        zone: dt.tzinfo,
        run: int | None = None,
        keep_back: Collection[int] = (),
    ) -> int:
        """The printed copies of a mail, or of one run of it, are in the post since `on`, but for the numbers in
        `keep_back`; says how many. Raises `Refused` while some are unprinted and no run is named, `WrongDate` for a
        day before one of them was printed, which is a local date of `zone`."""
        self._in_turn(case_id)
        paper = (COPIES.c.case_id == case_id) & (COPIES.c.mail == mail) & (COPIES.c.channel == "paper")
        unprinted = self._count(paper & (COPIES.c.state == "waiting"))
        if run is None and unprinted:
            raise Refused(f"{unprinted} letters of case {case_id} are not printed: soppa letters print {case_id}")
        mine = paper & (COPIES.c.state == "printed")
        mine &= (COPIES.c.run == run) if run is not None else literal(True)
        theirs = (RECIPIENTS.c.case_id == case_id) & RECIPIENTS.c.number.in_(sorted(keep_back))
        mine &= COPIES.c.recipient_id.not_in(select(RECIPIENTS.c.id).where(theirs)) if keep_back else literal(True)
        self._check_printed(case_id, mine, on, zone)
        found = self.connection.execute(select(COPIES.c.id, COPIES.c.recipient_id, COPIES.c.step).where(mine)).all()
        for some in in_parts([row.id for row in found]):
            self.connection.execute(update(COPIES).where(COPIES.c.id.in_(some)).values(state="posted", done_on=on))
        for step in sorted({row.step for row in found}):
            for some in in_parts([row.recipient_id for row in found if row.step == step]):
                self._told(Mail(case_id, mail, step), COPIES.c.recipient_id.in_(some), on)
            self._tell_when_complete(Mail(case_id, mail, step), on)
        return len(found)

    def _check_printed(self, case_id: str, mine: ColumnElement[bool], on: dt.date, zone: dt.tzinfo) -> None:
        runs = (PRINT_RUNS.c.case_id == case_id) & PRINT_RUNS.c.number.in_(select(COPIES.c.run).where(mine))
        latest = self.connection.scalar(select(func.max(PRINT_RUNS.c.at)).where(runs))
        day = latest and latest.astimezone(zone).date()
        if day is not None and on < day:
            printed = {"en": "when the letters were printed", "es": "cuando se imprimieron las cartas"}
            raise WrongDate("posted_on", on, "before", day, printed)
