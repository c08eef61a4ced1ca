"""What is due at one instant lies in its order"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_WAITING = sa.text("at IS NOT NULL")
_INDEXES = (("ix_timers_at_pending", "timers", "at"), ("ix_cycles_at_pending", "cycles", "at"),
            ("ix_outbox_lane", "outbox", "lane", "at"))  # fmt: skip


def upgrade() -> None:
    for name, table, *columns in _INDEXES:
        op.drop_index(name, table)
        op.create_index(name, table, [*columns, "id"], sqlite_where=_WAITING, postgresql_where=_WAITING)
