"""Who answered a party's task is said by the party; the name stands in the sealed part of the case alone"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE tasks SET done_by = NULL WHERE party IS NOT NULL AND done_by_id = party")
