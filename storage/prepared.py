"""Statements of the paths that people and the daemon wait for, written once: a statement that is built anew for each
row costs more than the database does. Values come as parameters; `its_…` are those of conditions."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Table,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import Insert, ReturningInsert

from storage.dialects import insert_into
from storage.lists import among
from storage.rows import LANES, PERSON_COLUMNS
from storage.tables import (
    ASSIGNEES,
    BRIEF_LINES,
    CASE_NUMBERS,
    CASES,
    CLOCKS,
    COPIES,
    CYCLES,
    DEFINITIONS,
    FACT_PAST,
    HISTORY,
    LINKS,
    MESSAGES,
    OUTBOX,
    PEOPLE,
    TASKS,
    TIMERS,
)


def _one_of(column: ColumnElement[Any], *values: object) -> ColumnElement[bool]:
    """As `in_`, which is written anew each time that it is sent."""
    return or_(*(column == value for value in values))


# What is due is asked for in words that lead to an index whatever the values are: a server that plans a statement once
# for all of them takes `at <= now` to be true of a third of the rows, and reads through the table.


def _due(at: ColumnElement[Any]) -> ColumnElement[bool]:
    return at.is_not(None) & (at <= bindparam("now", type_=at.type))


def may_be_delivered(now: dt.datetime | BindParameter[dt.datetime]) -> ColumnElement[bool]:
    """Of messages: neither stopped, nor waiting until their answer can no longer be taken back."""
    its = MESSAGES.c
    return its.stopped.is_(False) & (its.at.is_(None) | (its.at <= now))


def _is_any_due(at: ColumnElement[Any], *where: ColumnElement[bool]) -> ColumnElement[bool]:
    """Looks at the earliest only."""
    earliest = select(at).where(at.is_not(None), *where).order_by(at).limit(1).scalar_subquery()
    return earliest <= bindparam("now", type_=at.type)


def _of_last_line(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Of the history of a case."""
    lines = select(column).where(HISTORY.c.case_id == bindparam("its_id"))
    return lines.order_by(HISTORY.c.seq.desc()).limit(1).scalar_subquery().label(column.key)


EVERYBODY = select(*(PEOPLE.c[name] for name in PERSON_COLUMNS)).order_by(PEOPLE.c.id)

# --- a case ----------------------------------------------------------------------------------------------------------

CASE = select(CASES).where(CASES.c.id == bindparam("its_id"))
# Locks leave keys alone (`key_share`): a row that names a locked one is inserted meanwhile without waiting; between
# several workers that would be a deadlock now and then.
CASE_LOCKED = CASE.with_for_update(key_share=True)
CASE_OF_TASK = select(TASKS.c.case_id).where(TASKS.c.id == bindparam("its_id"))
PRESENT_TASKS = (
    select(TASKS).where((TASKS.c.case_id == bindparam("its_case")) & TASKS.c.present).order_by(TASKS.c.position)
)
PRESENT_ASSIGNEES = (
    select(ASSIGNEES.c.task_id, ASSIGNEES.c.person_id)
    .join(TASKS, TASKS.c.id == ASSIGNEES.c.task_id)
    .where((TASKS.c.case_id == bindparam("its_case")) & TASKS.c.present)
    .order_by(ASSIGNEES.c.position)
)
PRESENT_CLOCKS = (
    select(CLOCKS)
    .where((CLOCKS.c.case_id == bindparam("its_case")) & (CLOCKS.c.status != "superseded"))
    .order_by(CLOCKS.c.name)
)
_OF_THESE = among(TASKS.c.case_id, "its_cases") & TASKS.c.present
SOME_CASES = select(CASES).where(among(CASES.c.id, "its_cases"))
TASKS_OF_SOME = select(TASKS).where(_OF_THESE).order_by(TASKS.c.case_id, TASKS.c.position)
ASSIGNEES_OF_SOME = (
    select(ASSIGNEES.c.task_id, ASSIGNEES.c.person_id)
    .join(TASKS, TASKS.c.id == ASSIGNEES.c.task_id)
    .where(_OF_THESE)
    .order_by(ASSIGNEES.c.position)
)
CLOCKS_OF_SOME = (
    select(CLOCKS)
    .where(among(CLOCKS.c.case_id, "its_cases") & (CLOCKS.c.status != "superseded"))
    .order_by(CLOCKS.c.case_id, CLOCKS.c.name)
)
_ITS_CYCLE = (CYCLES.c.process == CASES.c.process) & (CYCLES.c.subject == CASES.c.subject)
_OF_CYCLE = _ITS_CYCLE & (CYCLES.c.case_id == CASES.c.id)
_ENDED_ABOUT = (
    (CASES.c.process == bindparam("its_process"))
    & among(CASES.c.subject, "its_subjects")
    & CASES.c.ended_at.is_not(None)
)
SUBJECTS_ENDED = select(CASES.c.subject).where(_ENDED_ABOUT).distinct()
LAST_ENDED = (
    select(CASES.c.id, select(CYCLES.c.id).where(_OF_CYCLE).exists().label("of_cycle"))
    .where(_ENDED_ABOUT)
    .order_by(CASES.c.ended_at.desc(), CASES.c.id.desc())
    .limit(bindparam("at_most"))
)
ADOPTED = select(DEFINITIONS.c.hash).where(
    (DEFINITIONS.c.process == bindparam("its_process")) & (DEFINITIONS.c.version == bindparam("its_version"))
)

NEW_CASE = insert(CASES)
CHANGE_CASE = (
    update(CASES)
    .where((CASES.c.id == bindparam("its_id")) & (CASES.c.revision == bindparam("its_revision")))
    .returning(_of_last_line(HISTORY.c.seq), _of_last_line(HISTORY.c.hash))  # a change adds to its history
)
NEW_FACT_PAST = insert(FACT_PAST)
NEW_TASKS = insert(TASKS)
CHANGE_TASK = update(TASKS).where(TASKS.c.id == bindparam("its_id"))
LEAVE_TASK = CHANGE_TASK.values(present=False)
NEW_ASSIGNEES = insert(ASSIGNEES)
DROP_ASSIGNEES = delete(ASSIGNEES).where(ASSIGNEES.c.task_id == bindparam("its_task"))
NEW_CLOCK = insert(CLOCKS)
CHANGE_CLOCK = update(CLOCKS).where(
    (CLOCKS.c.case_id == bindparam("its_case"))
    & (CLOCKS.c.name == bindparam("its_name"))
    & (CLOCKS.c.generation == bindparam("its_generation"))
)
REVOKE_LINKS = (
    update(LINKS)
    .where((LINKS.c.task_id == bindparam("its_task")) & LINKS.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)
CANCEL_TASK_MAILS = (
    update(OUTBOX)
    .where(
        (OUTBOX.c.task_id == bindparam("its_task"))
        & _one_of(OUTBOX.c.mail, "task", "nudge")
        & _one_of(OUTBOX.c.state, "queued", "claimed", "deferred")
    )
    .values(state="cancelled", at=None, lease_until=None)
)

# --- its timers, its history -----------------------------------------------------------------------------------------

CANCEL_TIMERS = (
    update(TIMERS)
    .where(
        (TIMERS.c.case_id == bindparam("its_case"))
        & TIMERS.c.at.is_not(None)
        & (func.substr(TIMERS.c.key, 1, func.length(bindparam("its_prefix"))) == bindparam("its_prefix"))
    )
    .values(at=None)
)
SET_AGAIN = (
    update(TIMERS)
    .where(
        (TIMERS.c.case_id == bindparam("its_case"))
        & (TIMERS.c.key == bindparam("its_key"))
        & TIMERS.c.at.is_(None)
        & TIMERS.c.fired_at.is_(None)
    )
    .values(at=bindparam("its_at", type_=TIMERS.c.at.type))
)
DUE_TIMERS = (
    select(TIMERS.c.id, TIMERS.c.case_id, TIMERS.c.key, TIMERS.c.at)
    .join(CASES, CASES.c.id == TIMERS.c.case_id)
    .where(_due(TIMERS.c.at))
    .order_by(TIMERS.c.at, TIMERS.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, key_share=True)
)
TIMERS_FIRED = (
    update(TIMERS)
    .where(among(TIMERS.c.id, "its_ids"))
    .values(at=None, fired_at=bindparam("now", type_=TIMERS.c.fired_at.type))
)
HISTORY_HEAD = (
    select(HISTORY.c.seq, HISTORY.c.hash)
    .where(HISTORY.c.case_id == bindparam("its_case"))
    .order_by(HISTORY.c.seq.desc())
    .limit(1)
)
NEW_HISTORY = insert(HISTORY)

# --- briefs ----------------------------------------------------------------------------------------------------------

# Its step says so too: the first word of the index of briefs. Without it those of all days would be read through.
_IS_BRIEF = OUTBOX.c.case_id.is_(None) & (OUTBOX.c.step == "brief") & (OUTBOX.c.mail == "brief")
BRIEF_OF_DAY = (
    select(OUTBOX.c.id, OUTBOX.c.state, OUTBOX.c.sealed)
    .where(
        _IS_BRIEF
        & (OUTBOX.c.recipient == bindparam("its_recipient"))
        & (OUTBOX.c.occurrence == bindparam("its_day"))
    )
    .with_for_update(read=True)  # many add lines at once, and nobody claims the brief before they have committed
)

_AT_ONE_S_WISH = ("code", "fresh_link", "already_decided", "nudge")
ASKED_SINCE = (
    select(OUTBOX.c.id)
    .where(
        (OUTBOX.c.recipient == bindparam("its_recipient"))
        & (OUTBOX.c.mail != literal_column("'brief'"))  # written out, as the index says it
        & ~_one_of(OUTBOX.c.mail, *_AT_ONE_S_WISH)
        & (OUTBOX.c.created_at >= bindparam("lately", type_=OUTBOX.c.created_at.type))
        & (
            (OUTBOX.c.created_at >= bindparam("since", type_=OUTBOX.c.created_at.type))
            | (OUTBOX.c.settled_at >= bindparam("since", type_=OUTBOX.c.created_at.type))
        )
        & (OUTBOX.c.state != "cancelled")
    )
    .limit(1)
)
MAIL_OF_STEP = (
    select(OUTBOX.c.id)
    .where(
        (OUTBOX.c.case_id == bindparam("its_case"))
        & (OUTBOX.c.step == bindparam("its_step"))
        & (OUTBOX.c.occurrence == bindparam("its_occurrence"))
        & (OUTBOX.c.recipient == bindparam("its_recipient"))
        & (OUTBOX.c.mail == bindparam("its_mail"))
    )
    .limit(1)
)
LINE_SINCE = (
    select(BRIEF_LINES.c.id)
    .join(OUTBOX, OUTBOX.c.id == BRIEF_LINES.c.outbox_id)
    .where(
        _IS_BRIEF
        & (OUTBOX.c.recipient == bindparam("its_recipient"))
        & (OUTBOX.c.occurrence >= bindparam("since"))
        & (BRIEF_LINES.c.case_id == bindparam("its_case"))
        & (BRIEF_LINES.c.task_id == bindparam("its_task"))
    )
    .limit(1)
)

# --- a mail on its way -----------------------------------------------------------------------------------------------

_ITS_MAIL = OUTBOX.c.id == bindparam("its_id")
_HELD = _ITS_MAIL & (OUTBOX.c.fence == bindparam("its_fence"))

DUE_MAILS = (
    select(OUTBOX)
    .where((OUTBOX.c.lane == bindparam("its_lane")) & _due(OUTBOX.c.at))
    .order_by(OUTBOX.c.at, OUTBOX.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, key_share=True)
)
_IS_MAIL_DUE = or_(*(_is_any_due(OUTBOX.c.at, OUTBOX.c.lane == lane) for lane in LANES))
IS_MAIL_DUE = select(_IS_MAIL_DUE)
HOW_MANY_DUE = select(func.count()).select_from(OUTBOX).where(_one_of(OUTBOX.c.lane, *LANES) & _due(OUTBOX.c.at))
IS_WORK_DUE = select(
    or_(
        _is_any_due(TIMERS.c.at),
        _is_any_due(CYCLES.c.at),
        exists().where(may_be_delivered(bindparam("now", type_=MESSAGES.c.at.type))),
        _IS_MAIL_DUE,
    )
)
_CAME = _one_of(OUTBOX.c.state, "accepted", "uncertain")
TAKEN_SINCE = (
    select(func.count())
    .select_from(OUTBOX)
    .where((OUTBOX.c.settled_at >= bindparam("since", type_=OUTBOX.c.settled_at.type)) & _CAME)
)
HANDING_OVER = (
    select(func.count())
    .select_from(OUTBOX)
    .where(OUTBOX.c.lease_until.is_not(None) & (OUTBOX.c.state == "handing_over"))
)
CLAIM_MAIL = (
    update(OUTBOX)
    .where(_ITS_MAIL)
    .values(state="claimed", at=None, attempts=OUTBOX.c.attempts + 1, fence=OUTBOX.c.fence + 1)
)
_THESE_MAILS = among(OUTBOX.c.id, "its_ids")
MAILS_LOCKED = (
    select(OUTBOX.c.id, OUTBOX.c.fence, OUTBOX.c.state)
    .where(_THESE_MAILS)
    .order_by(OUTBOX.c.id)
    .with_for_update(key_share=True)
)
THESE_MAILS = select(OUTBOX).where(_THESE_MAILS)
CHANGE_CLAIMED = update(OUTBOX).where(_HELD & (OUTBOX.c.state == "claimed"))
FENCES = select(OUTBOX.c.id, OUTBOX.c.fence).where(_THESE_MAILS & (OUTBOX.c.state == bindparam("its_state")))
_IN_HAND = _one_of(OUTBOX.c.state, "claimed", "handing_over")
HELD_MAIL = select(OUTBOX).where(_HELD & _IN_HAND).with_for_update(key_share=True)
CHANGE_MAIL = update(OUTBOX).where(_ITS_MAIL)
NEW_LINKS = insert(LINKS)
TOKENS_OF_MAILS = select(LINKS.c.outbox_id, LINKS.c.token_hash).where(
    among(LINKS.c.outbox_id, "its_ids")
)

# --- copies of a mail to many ----------------------------------------------------------------------------------------

_COPIES_OF = (
    (COPIES.c.case_id == bindparam("its_case"))
    & (COPIES.c.mail == bindparam("its_mail"))
    & (COPIES.c.step == bindparam("its_step"))
)
A_TOLD_COPY = select(COPIES.c.id).where(_COPIES_OF & COPIES.c.told_on.is_not(None)).limit(1)
AN_UNTOLD_COPY = select(COPIES.c.id).where(_COPIES_OF & COPIES.c.told_on.is_(None)).limit(1)
AN_UNDONE_COPY = select(COPIES.c.id).where(_COPIES_OF & COPIES.c.done_on.is_(None)).limit(1)
_ITS_COPY = _COPIES_OF & (COPIES.c.recipient_id == bindparam("its_recipient"))
COPY_ACCEPTED = (
    update(COPIES)
    .where(_ITS_COPY & (COPIES.c.channel == "mail") & (COPIES.c.state != "decided"))
    .values(state="accepted", done_on=bindparam("on", type_=COPIES.c.done_on.type))
)
TELL_COPY = (
    update(COPIES)
    .where(_ITS_COPY & COPIES.c.told_on.is_(None))
    .values(told_on=bindparam("on", type_=COPIES.c.told_on.type))
)

# --- what each database says in its own words ------------------------------------------------------------------------


@cache
def new(dialect: str, table: Table) -> Insert:
    """Inserts the rows whose unique key is not there yet, and leaves the others as they are."""
    return insert_into(dialect, table).on_conflict_do_nothing()


@cache
def new_with_id(dialect: str, table: Table) -> ReturningInsert[int]:
    """Inserts a row and gives its id; nothing where its unique key is there already."""
    return insert_into(dialect, table).on_conflict_do_nothing().returning(table.c.id)


@cache
def next_case_number(dialect: str) -> ReturningInsert[int]:
    """Counts the numbers of a year on, and gives the new one."""
    statement = insert_into(dialect, CASE_NUMBERS)
    counted = statement.on_conflict_do_update(index_elements=["year"], set_={"last": CASE_NUMBERS.c.last + 1})
    return counted.returning(CASE_NUMBERS.c.last)


@cache
def stronger_line(dialect: str) -> Insert:
    """Inserts a line of a brief; of two about one subject of one case the stronger stays."""
    statement = insert_into(dialect, BRIEF_LINES)
    key = ("outbox_id", "case_id", "subject")
    news = {column.name: statement.excluded[column.name] for column in BRIEF_LINES.c if column.name not in key}
    stronger = BRIEF_LINES.c.strength < statement.excluded.strength
    return statement.on_conflict_do_update(index_elements=list(key), set_=news, where=stronger)
