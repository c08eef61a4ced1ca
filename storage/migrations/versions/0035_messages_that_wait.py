"""What an answer brings about in other cases waits as long as its mails do"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("at", sa.DateTime(timezone=True), nullable=True))
