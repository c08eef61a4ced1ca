"""Answers that may be taken back: what is kept of one for some minutes, and what taking it back writes.

What is kept is the case as it was before, sealed. It goes with the next answer of the case, when it is used, or when
its minutes are over (`sweep`), and with a purge.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, literal, select, update

from engine.model.case import Case, FactValue
from engine.model.handed import BriefLine
from engine.model.messages import Decision, StartChild, TellParent, WriteRegister
from engine.model.undoable import TAKEN_BACK, Answered, Kept
from storage.base import Base
from storage.keeping import Keeper, source_of
from storage.mailing.briefs import BRIEF, add_line, line_place
from storage.register import RegisterWriter, begin_writing
from storage.register_before import changed_since, entries_before, records_of
from storage.rows import (
    BULK,
    Row,
    case_row,
    clock_row,
    pack_fact,
    pack_secrets,
    read_case,
    read_clock,
    read_task,
    task_row,
    unpack_fact,
)
from storage.sealing import Ring
from storage.statements import put
from storage.tables import BRIEF_LINES, CASES, KEPT_ANSWERS, LINKS, MESSAGES, OUTBOX, TASKS, TIMERS

WAITING = ("queued", "claimed", "deferred")
"""States of a mail of which no byte has left, or which the relay did not take."""


@dataclass(frozen=True, slots=True)
class MayUndo:
    """An answer that may be taken back, given `at` an instant, `by` whom and until when; so many `mails` wait so long,
    and so many other `cases` to hear of it. `barred` says why it may not."""

    by: str
    at: dt.datetime
    until: dt.datetime
    mails: int
    cases: int
    barred: str


def keep(keeper: Keeper, before: Case | None, decision: Decision) -> None:
    """Keeps a decision. Of an answer that may be taken back also what that would need; where one is, that is undone
    first of all. Raises `LostRace` as `Keeper.keep` does."""
    given = decision.answered
    if before is not None and decision.undoes is not None:
        keeper.keep(_put_back(keeper, before, decision.case, decision.undoes), decision)
    elif before is not None and given is not None:
        sealed = None if given.barred else _sealed(keeper, before, given, decision)
        leaves = given.until if given.waits else None
        keeper = replace(keeper, answer=None if given.barred else decision.case.revision, leaves=leaves)
        keeper.keep(before, decision)
        row = {"case_id": before.id, "revision": decision.case.revision, "by": keeper.actor.id, "at": keeper.now,
               "until": given.until, "barred": given.barred, "sealed": sealed}  # fmt: skip
        put(keeper.connection, KEPT_ANSWERS, row)
    else:
        keeper.keep(before, decision)


def answered(connection: Connection, ring: Ring, case_id: str) -> Kept | None:
    """What is kept of the last answer in a case that this transaction has locked."""
    row = _row(connection, case_id)
    if row is None:
        return None
    whose = {"by": row["by"], "at": row["at"], "until": row["until"], "revision": row["revision"]}
    if row["sealed"] is None:
        return Kept(**whose, barred=row["barred"])
    found = _open(ring, row)
    answers = tuple((task, outcome) for task, outcome in found["answers"])
    timers = {key: dt.datetime.fromisoformat(at) for key, at in found["timers"]}
    agreements = tuple(str(entry["id"]) for kind, _, entry in found["register"] if kind == "A")
    left = _left(connection, case_id, row, found)
    return Kept(**whose, answers=answers, before=_case(found), timers=timers, left=left, agreements=agreements,
                started=tuple((child, process) for child, process in found["started"]))


class Undoing:
    """The side of the store that tells what may be taken back, and forgets it in time."""

    def __init__(self, base: Base) -> None:
        self.base = base

    def of(self, case_ids: Iterable[str], now: dt.datetime) -> Mapping[str, MayUndo]:
        """What may be taken back at this instant in these cases, where nothing has happened in them since."""
        its = KEPT_ANSWERS.c
        latest = (CASES.c.id == its.case_id) & (CASES.c.revision == its.revision)
        wanted = its.case_id.in_(sorted(case_ids)) & (its.until > now)
        with self.base.reading() as connection:
            rows = connection.execute(select(KEPT_ANSWERS).join(CASES, latest).where(wanted)).mappings().all()
            return {row["case_id"]: _may_undo(connection, row) for row in rows}

    def sweep(self, now: dt.datetime) -> int:
        """Forgets what may not be taken back any more; says how many answers that were."""
        late = KEPT_ANSWERS.c.until <= now
        with self.base.reading() as connection:
            if connection.scalar(select(KEPT_ANSWERS.c.case_id).where(late).limit(1)) is None:
                return 0
        some = select(KEPT_ANSWERS.c.case_id).where(late).with_for_update(skip_locked=True)

        def work(connection: Connection) -> int:
            ids = connection.scalars(some).all()
            return connection.execute(delete(KEPT_ANSWERS).where(KEPT_ANSWERS.c.case_id.in_(ids))).rowcount

        return self.base.write(work)


def kept_place(case_id: str) -> str:
    return f"kept_answers/{case_id}"


# --- what is kept ----------------------------------------------------------------------------------------------------

_TIMERS = (
    select(TIMERS.c.key, TIMERS.c.at)
    .where((TIMERS.c.case_id == bindparam("its_case")) & TIMERS.c.at.is_not(None))
    .order_by(TIMERS.c.id)
)
# The lines of a case in briefs that wait, by way of the few briefs that do.
_LINES = (
    select(BRIEF_LINES)
    .join(OUTBOX, (BRIEF_LINES.c.outbox_id == OUTBOX.c.id) & (BRIEF_LINES.c.case_id == bindparam("its_case")))
    .where((OUTBOX.c.lane == BULK) & OUTBOX.c.at.is_not(None) & (OUTBOX.c.mail == BRIEF))
    .where(OUTBOX.c.state == "queued")
    .order_by(BRIEF_LINES.c.id)
)


def _sealed(keeper: Keeper, before: Case, given: Answered, decision: Decision) -> bytes:
    connection, ring, its = keeper.connection, keeper.ring, {"its_case": before.id}
    timers = connection.execute(_TIMERS, its).all()
    lines = connection.execute(_LINES, its).mappings().all()
    changed = {effect.agreement for effect in decision.effects if isinstance(effect, WriteRegister)}
    if changed:
        begin_writing(connection)
    return ring.seal_json(
        {
            "case": _plain(case_row(before)),
            "secrets": pack_secrets(before),
            "tasks": [[_plain(task_row(before.id, task, 0)), list(task.assignees)] for task in before.tasks],
            "clocks": [_plain(clock_row(before.id, clock)) for clock in before.clocks.values()],
            "answers": given.answers,
            "timers": [[row.key, row.at.isoformat()] for row in timers],
            "lines": [[row["outbox_id"], _line(row, ring)] for row in lines],
            "started": [[one.child, one.process] for one in decision.effects if isinstance(one, StartChild)],
            "words": sum(isinstance(one, StartChild | TellParent) for one in decision.effects),
            "register": entries_before(connection, changed) if changed else [],
        },
        kept_place(before.id),
    )


def _case(found: Mapping[str, Any]) -> Case:
    tasks = [read_task(_values(row), assignees) for row, assignees in found["tasks"]]
    return read_case(_values(found["case"]), found["secrets"], tasks, [read_clock(_values(row)) for row in
                                                                       found["clocks"]])  # fmt: skip


def _open(ring: Ring, row: Row) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", ring.open_json(row["sealed"], kept_place(row["case_id"])))


def _plain(row: Mapping[str, Any]) -> Mapping[str, object]:
    return {name: value if value is None else pack_fact(value) for name, value in row.items()}


def _values(row: Mapping[str, object]) -> Mapping[str, FactValue | None]:
    return {name: value if value is None else unpack_fact(value) for name, value in row.items()}


def _line(row: Row, ring: Ring) -> Mapping[str, object]:
    text = ring.open(row["sealed"], line_place(row)).decode()
    names = ("case_id", "kind", "subject", "strength", "date", "legal", "task_id", "party")
    return _plain({"text": text, **{name: row[name] for name in names}})


# --- taking back -----------------------------------------------------------------------------------------------------


def _left(connection: Connection, case_id: str, row: Row, found: Mapping[str, Any]) -> str:
    """What of an answer cannot be called back any more, as a reason. What waits of it is locked."""
    if _has_left(connection, case_id, row["revision"]):
        return "a mail of the last answer has left already, or is just leaving"
    words = connection.execute(select(MESSAGES.c.id).where(_words(case_id, row["revision"])).with_for_update()).all()
    if len(words) < found["words"]:
        return "another case has heard of the last answer already"
    if found["register"]:
        begin_writing(connection)
        entry = changed_since(connection, found["register"], row["by"], row["at"])
        return entry and f"entry {entry} of the register has been changed since the last answer"
    return ""


def _words(case_id: str, revision: int) -> ColumnElement[bool]:
    """What waits to be told to other cases."""
    return MESSAGES.c.source.startswith(source_of(case_id, revision), autoescape=True)


def _has_left(connection: Connection, case_id: str, revision: int) -> bool:
    """Whether a mail of an answer is on its way or gone, or a brief with a line of it is being written. What waits is
    locked, so that nobody begins with it."""
    mine = (OUTBOX.c.case_id == case_id) & (OUTBOX.c.answer == revision)
    mails = select(OUTBOX.c.state).where(mine).order_by(OUTBOX.c.id).with_for_update(key_share=True)
    if any(state not in (*WAITING, "cancelled") for state in connection.scalars(mails)):
        return True
    lines = (BRIEF_LINES.c.case_id == case_id) & (BRIEF_LINES.c.answer == revision)
    ids = select(BRIEF_LINES.c.outbox_id).where(lines)
    briefs = select(OUTBOX.c.state, OUTBOX.c.sealed).where(OUTBOX.c.id.in_(ids)).order_by(OUTBOX.c.id)
    found = connection.execute(briefs.with_for_update(key_share=True)).all()
    return any(brief.state != "queued" or brief.sealed is not None for brief in found)


def _put_back(keeper: Keeper, after: Case, wanted: Case, kept: Kept) -> Case:
    """Undoes what the answer has written beside its case, and gives the case as the tables show it now."""
    _cancel(keeper, after.id, kept.revision)
    _lines_back(keeper, after.id, kept.revision)
    keeper.connection.execute(delete(MESSAGES).where(_words(after.id, kept.revision)))
    _register_back(keeper, after.id)
    known = {task.id for task in after.tasks}
    back = [task for task in wanted.tasks if task.id not in known]
    keeper.connection.execute(update(TASKS).where(TASKS.c.id.in_([task.id for task in back])).values(present=True))
    keeper.connection.execute(delete(KEPT_ANSWERS).where(KEPT_ANSWERS.c.case_id == after.id))
    as_left = (replace(task, generation=0, outcome="") for task in back)
    return replace(after, tasks=(*after.tasks, *as_left))


def _cancel(keeper: Keeper, case_id: str, revision: int) -> None:
    """Cancels the mails of an answer. Their places are free for those of another answer to the same task."""
    mine = (OUTBOX.c.case_id == case_id) & (OUTBOX.c.answer == revision) & OUTBOX.c.state.in_(WAITING)
    ids = keeper.connection.scalars(select(OUTBOX.c.id).where(mine)).all()
    ended = {"state": "cancelled", "reply": TAKEN_BACK, "at": None, "lease_until": None, "settled_at": keeper.now,
             "slot": None, "sealed_words": None,
             "step": OUTBOX.c.step + literal(f"/undone/{revision}")}  # fmt: skip
    keeper.connection.execute(update(OUTBOX).where(OUTBOX.c.id.in_(ids)).values(ended))
    links = LINKS.c.outbox_id.in_(ids) & LINKS.c.revoked_at.is_(None)
    keeper.connection.execute(update(LINKS).where(links).values(revoked_at=keeper.now))


def _lines_back(keeper: Keeper, case_id: str, revision: int) -> None:
    """Takes the answer's lines out of the briefs, and puts back those that they had taken the place of."""
    connection, row = keeper.connection, _row(keeper.connection, case_id)
    mine = (BRIEF_LINES.c.case_id == case_id) & (BRIEF_LINES.c.answer == revision)
    touched = set(connection.scalars(select(BRIEF_LINES.c.outbox_id).where(mine)))
    connection.execute(delete(BRIEF_LINES).where(mine))
    kept: Sequence[Any] = _open(keeper.ring, row)["lines"] if row is not None and row["sealed"] is not None else ()
    for outbox_id, line in kept:
        if outbox_id in touched:
            add_line(connection, keeper.ring, outbox_id, BriefLine(**_values(line)))  # type: ignore[arg-type]


def _register_back(keeper: Keeper, case_id: str) -> None:
    row = _row(keeper.connection, case_id)
    entries = _open(keeper.ring, row)["register"] if row is not None and row["sealed"] is not None else ()
    if entries:
        cause = f"case {case_id}: {TAKEN_BACK}"
        writer = RegisterWriter(keeper.connection, keeper.ring, keeper.actor, keeper.now, keeper.today, cause)
        for record in records_of(entries, keeper.ring):
            writer.put_back(record)
        writer.flush()


# --- looking ---------------------------------------------------------------------------------------------------------


def _row(connection: Connection, case_id: str) -> Row | None:
    return connection.execute(select(KEPT_ANSWERS).where(KEPT_ANSWERS.c.case_id == case_id)).mappings().first()


def _may_undo(connection: Connection, row: Row) -> MayUndo:
    """One with a mail that did not wait, or was let go, is as good as sent."""
    mine = (OUTBOX.c.case_id == row["case_id"]) & (OUTBOX.c.answer == row["revision"])
    mails = connection.execute(select(OUTBOX.c.state, OUTBOX.c.at).where(mine)).all()
    waits = [mail.state == "queued" and mail.at is not None and mail.at >= row["until"] for mail in mails]
    barred = row["barred"] or ("" if all(waits) else "a mail of it does not wait")
    words = select(func.count()).where(_words(row["case_id"], row["revision"]))
    cases = connection.scalar(words) or 0
    return MayUndo(row["by"], row["at"], row["until"], len(mails), cases, barred)
