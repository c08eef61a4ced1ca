"""What is due at one instant lies in its order, and so do the cases of the queue"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_PENDING = sa.text("at IS NOT NULL")
_WAITS = sa.text("next_legal IS NOT NULL")
_INDEXES = (
    ("ix_timers_at_pending", "timers", ("at", "id"), _PENDING),
    ("ix_cycles_at_pending", "cycles", ("at", "id"), _PENDING),
    ("ix_outbox_lane", "outbox", ("lane", "at", "id"), _PENDING),
    ("ix_cases_next_legal_pending", "cases", ("next_legal", "next_target", "id", "process"), _WAITS),
)
_NONE = sa.text("UPDATE cases SET next_target = NULL WHERE next_legal IS NULL AND next_target IS NOT NULL")
_OF_TASKS = """SELECT MIN(t.due) FROM tasks t
    WHERE t.case_id = cases.id AND t.outcome IS NULL AND t.present AND NOT t.offered"""
_EARLIEST = """UPDATE cases SET next_target = {least}(COALESCE(next_target, :never), COALESCE(({of_tasks}), :never))
    WHERE next_legal IS NOT NULL"""


def upgrade() -> None:
    for name, table, columns, where in _INDEXES:
        op.drop_index(name, table)
        if table == "cases":
            fill(op.get_bind())
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def fill(connection: sa.Connection) -> None:
    """The target of a case is the earliest of its open tasks too, or the last of all days."""
    least = "MIN" if connection.dialect.name == "sqlite" else "LEAST"
    earliest = sa.text(_EARLIEST.format(least=least, of_tasks=_OF_TASKS))
    connection.execute(_NONE)
    connection.execute(earliest.bindparams(sa.bindparam("never", dt.date.max, sa.Date())))
