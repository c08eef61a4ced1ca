"""Letters to many have a lane of their own; what waits is looked up by lane, what left by its instant"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_outbox_at_pending", table_name="outbox")
    waits, settled = sa.text("at IS NOT NULL"), sa.text("settled_at IS NOT NULL")
    op.create_index("ix_outbox_lane", "outbox", ["lane", "at"], sqlite_where=waits, postgresql_where=waits)
    op.create_index("ix_outbox_settled", "outbox", ["settled_at", "state"], sqlite_where=settled,
                    postgresql_where=settled)
    op.execute("UPDATE outbox SET lane = 2 WHERE recipient LIKE 'recipient:%'")
