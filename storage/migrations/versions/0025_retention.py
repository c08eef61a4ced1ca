"""Retention: what was purged and by whom, what a preservation holds back, since when somebody has left

A line of history may be cut once: what names somebody goes out of its plain part, and its hash stays.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("people", sa.Column("left_on", sa.Date(), nullable=True))
    op.add_column("history", sa.Column("cut", sa.Boolean(), server_default=sa.false(), nullable=False))
    _count_leavers_from_today()
    op.create_table(
        "preservations",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_preservations_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_preservations")),
        sqlite_strict=True,
    )
    op.create_table(
        "purges",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("terms", sa.String(), nullable=False),
        sa.Column("certificate", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purges")),
        sqlite_strict=True,
    )
    op.create_table(
        "purge_items",
        sa.Column("purge", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("counts", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("files", sa.String(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'files', 'done', 'held')", name=op.f("ck_purge_items_state")),
        sa.ForeignKeyConstraint(["purge"], ["purges.id"], name=op.f("fk_purge_items_purge")),
        sa.PrimaryKeyConstraint("purge", "number", name=op.f("pk_purge_items")),
        sqlite_strict=True,
    )
    _let_lines_be_cut(op.get_bind().dialect.name)


def _count_leavers_from_today() -> None:
    """Nobody wrote down when they left: their term is counted from now, which is never too short."""
    people = sa.table("people", sa.column("active", sa.Boolean), sa.column("left_on", sa.Date))
    today = dt.datetime.now(dt.UTC).date()
    op.execute(people.update().where(people.c.active.is_(False)).values(left_on=today))


def _let_lines_be_cut(dialect: str) -> None:
    for statement in _SQLITE if dialect == "sqlite" else _POSTGRES:
        op.execute(statement)


_FIXED = "case_id, seq, at, actor, kind, personal_digest, hash"
_CUT = "WHEN (NOT (OLD.cut {false} AND NEW.cut {true}))"

_SQLITE = (
    "DROP TRIGGER history_no_update",
    f"CREATE TRIGGER history_no_update BEFORE UPDATE OF {_FIXED} ON history "
    "BEGIN SELECT RAISE(ABORT, 'history is append-only'); END",
    "CREATE TRIGGER history_cut_once BEFORE UPDATE OF detail, cut ON history "
    f"{_CUT.format(false='= 0', true='= 1')} BEGIN SELECT RAISE(ABORT, 'history is append-only'); END",
)

_POSTGRES = (
    "DROP TRIGGER history_no_update ON history",
    f"CREATE TRIGGER history_no_update BEFORE UPDATE OF {_FIXED} ON history "
    "FOR EACH ROW EXECUTE FUNCTION history_refuse()",
    "CREATE TRIGGER history_cut_once BEFORE UPDATE OF detail, cut ON history FOR EACH ROW "
    f"{_CUT.format(false='IS FALSE', true='IS TRUE')} EXECUTE FUNCTION history_refuse()",
)
