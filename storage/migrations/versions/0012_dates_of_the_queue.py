"""The dates that the queue is ordered by stand on the case, and a clock says itself whether it is a window"""

from __future__ import annotations

import datetime as dt
import json

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_IN_WINDOWS = sa.text("""
    UPDATE clocks SET is_window = :yes
    WHERE name = :name AND case_id IN (SELECT id FROM cases WHERE process = :process AND version = :version)
    """).bindparams(sa.bindparam("yes", True, sa.Boolean()))
_DUTIES = "FROM clocks k WHERE k.case_id = cases.id AND k.status = 'running' AND NOT k.is_window"
_IN_QUEUE = """ended_at IS NULL OR EXISTS (
        SELECT 1 FROM tasks t WHERE t.case_id = cases.id AND t.outcome IS NULL AND t.present AND NOT t.offered)"""
_DATES = sa.text(f"""
    UPDATE cases SET next_target = (SELECT MIN(k.target) {_DUTIES}),
    next_legal = CASE WHEN {_IN_QUEUE} THEN COALESCE((SELECT MIN(k.legal) {_DUTIES}), :never) END
    """).bindparams(sa.bindparam("never", dt.date.max, sa.Date()))  # noqa: S608 - our own words


def upgrade() -> None:
    no = sa.false()
    op.add_column("clocks", sa.Column("is_window", sa.Boolean(), nullable=False, server_default=no))
    op.add_column("cases", sa.Column("next_legal", sa.Date(), nullable=True))
    op.add_column("cases", sa.Column("next_target", sa.Date(), nullable=True))
    fill(op.get_bind())
    waits = sa.text("next_legal IS NOT NULL")
    op.create_index(
        "ix_cases_next_legal_pending", "cases", ["next_legal", "process"], sqlite_where=waits, postgresql_where=waits
    )


def fill(connection: sa.Connection) -> None:
    """What the queue worked out each time it was asked, until now."""
    for process, version, labels in connection.execute(sa.text("SELECT process, version, labels FROM definitions")):
        for name in (name for name, label in json.loads(labels).items() if label.get("window")):
            connection.execute(_IN_WINDOWS, {"name": name, "process": process, "version": version})
    connection.execute(_DATES)
