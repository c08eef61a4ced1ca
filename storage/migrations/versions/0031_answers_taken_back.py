"""Answers that may be taken back: the case as it was before, for some minutes, and which mails an answer has queued"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_answers",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("barred", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_kept_answers_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_kept_answers")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_kept_answers_until"), "kept_answers", ["until"])
    op.add_column("outbox", sa.Column("answer", sa.Integer(), nullable=True))
    op.add_column("brief_lines", sa.Column("answer", sa.Integer(), nullable=True))
    given = sa.text("answer IS NOT NULL")
    op.create_index("ix_brief_lines_answer", "brief_lines", ["case_id", "answer"], sqlite_where=given,
                    postgresql_where=given)
