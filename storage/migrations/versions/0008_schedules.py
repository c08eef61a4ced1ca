"""Standing schedules: which cycle waits for whom, and what a case of a schedule is about"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cycles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("occurrence", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("case_id", sa.String(), nullable=True),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_cycles_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cycles")),
        sa.UniqueConstraint(
            "process", "subject", "occurrence", name=op.f("uq_cycles_process_subject_occurrence")
        ),
        sqlite_strict=True,
    )
    _index("uq_cycles_waiting", "cycles", ["process", "subject"], "fired_at IS NULL", unique=True)
    _index("ix_cycles_at_pending", "cycles", ["at"], "at IS NOT NULL")
    op.add_column("cases", sa.Column("subject", sa.String(), nullable=True))
    _index("ix_cases_subject", "cases", ["process", "subject"], "subject IS NOT NULL")


def _index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
