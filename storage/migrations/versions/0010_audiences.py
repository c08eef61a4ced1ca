"""Audiences: who is told by a mail to many, each copy of it by mail or on paper, and what was printed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _audiences()
    _recipients()
    _copies()
    _print_runs()


def _audiences() -> None:
    op.create_table(
        "audiences",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("students", sa.Integer(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fixed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_audiences_case_id")),
        sa.PrimaryKeyConstraint("case_id", "audience", name=op.f("pk_audiences")),
        sqlite_strict=True,
    )


def _recipients() -> None:
    op.create_table(
        "recipients",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("by_mail", sa.Boolean(), nullable=False),
        sa.Column("consent", sa.Boolean(), nullable=False),
        sa.Column("leaked", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_recipients_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipients")),
        sa.UniqueConstraint("case_id", "audience", "number", name=op.f("uq_recipients_case_id_audience_number")),
        sa.UniqueConstraint("case_id", "audience", "key", name=op.f("uq_recipients_case_id_audience_key")),
        sqlite_strict=True,
    )


def _copies() -> None:
    op.create_table(
        "copies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("mail", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("recipient_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("told_on", sa.Date(), nullable=True),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column("run", sa.Integer(), nullable=True),
        sa.Column("sealed_note", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'accepted', 'failed', 'uncertain', 'printed', 'posted', 'decided')",
            name=op.f("ck_copies_state"),
        ),
        sa.CheckConstraint("channel IN ('mail', 'paper')", name=op.f("ck_copies_channel")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_copies_case_id")),
        sa.ForeignKeyConstraint(["recipient_id"], ["recipients.id"], name=op.f("fk_copies_recipient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_copies")),
        sa.UniqueConstraint(
            "recipient_id", "mail", "step", "channel", name=op.f("uq_copies_recipient_id_mail_step_channel")
        ),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_copies_case_id"), "copies", ["case_id"])
    _index("ix_copies_untold", "told_on IS NULL")
    _index("ix_copies_undone", "done_on IS NULL")


def _print_runs() -> None:
    op.create_table(
        "print_runs",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("mail", sa.String(), nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_print_runs_case_id")),
        sa.PrimaryKeyConstraint("case_id", "number", name=op.f("pk_print_runs")),
        sqlite_strict=True,
    )


def _index(name: str, where: str) -> None:
    op.create_index(
        name, "copies", ["case_id", "mail", "step"], sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )
