"""Law-enforcement holds, and tasks that stand for a child

Which task is about a hold or a child, and what a released hold does to a clock.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("hold", sa.String(), nullable=True))
    op.add_column("tasks", sa.Column("child", sa.String(), nullable=True))
    op.add_column("clocks", sa.Column("policy", sa.String(), nullable=False, server_default="asap"))
    op.add_column("clocks", sa.Column("grace", sa.Integer(), nullable=False, server_default="1"))
