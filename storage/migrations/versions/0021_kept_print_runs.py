"""The files of a print run as they were printed; from when to when a person may sign; when a cycle was planned for"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("print_runs", sa.Column("files", sa.String(), nullable=False, server_default="[]"))
    for name in ("signs_from", "signs_until"):
        op.add_column("people", sa.Column(name, sa.Date(), nullable=True))
    op.add_column("cycles", sa.Column("planned_at", sa.DateTime(timezone=True), nullable=True))
