"""Which case each row of an adoption became, so that none is adopted twice"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "adoptions",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_adoptions_case_id"),
        sa.PrimaryKeyConstraint("key", name="pk_adoptions"),
        sa.UniqueConstraint("case_id", name="uq_adoptions_case_id"),
        sqlite_strict=True,
    )
