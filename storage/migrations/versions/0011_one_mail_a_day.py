"""One mail a day: what a person was asked by mail is found at once, and an address outside has one slot a day"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("slot", sa.String(), nullable=True))
    taken = sa.text("slot IS NOT NULL")
    op.create_index("uq_outbox_slot", "outbox", ["slot"], unique=True, sqlite_where=taken, postgresql_where=taken)
    where = sa.text("mail <> 'brief'")
    op.create_index(
        "ix_outbox_asked", "outbox", ["recipient", "created_at"], sqlite_where=where, postgresql_where=where
    )
