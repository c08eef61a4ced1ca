"""Mails in doubt are found without reading through all that ever left"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    where = sa.text("state = 'uncertain'")
    op.create_index("ix_outbox_uncertain", "outbox", ["state", "id"], sqlite_where=where, postgresql_where=where)
