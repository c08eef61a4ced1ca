"""Seals over the heads of all histories

Append-only by trigger, as the histories are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SQLITE = (
    "CREATE TRIGGER seals_no_update BEFORE UPDATE ON seals BEGIN SELECT RAISE(ABORT, 'seals are append-only'); END",
    "CREATE TRIGGER seals_no_delete BEFORE DELETE ON seals BEGIN SELECT RAISE(ABORT, 'seals are append-only'); END",
)
_POSTGRES = (
    "CREATE TRIGGER seals_no_change BEFORE UPDATE OR DELETE ON seals "
    "FOR EACH ROW EXECUTE FUNCTION history_refuse()",
    "CREATE TRIGGER seals_no_truncate BEFORE TRUNCATE ON seals "
    "FOR EACH STATEMENT EXECUTE FUNCTION history_refuse()",
)


def upgrade() -> None:
    op.create_table(
        "seals",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heads", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_seals")),
        sqlite_strict=True,
    )
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRES:
        op.execute(statement)
