"""Open tasks are looked up by role and by due date"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    still_open = sa.text("outcome IS NULL AND present")
    op.create_index("ix_tasks_role", "tasks", ["role"], sqlite_where=still_open, postgresql_where=still_open)
    op.create_index("ix_tasks_due", "tasks", ["due"], sqlite_where=still_open, postgresql_where=still_open)
