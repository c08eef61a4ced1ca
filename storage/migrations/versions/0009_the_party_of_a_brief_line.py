"""The party that a line of a contact's mail is for"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("brief_lines", sa.Column("party", sa.String(), nullable=True))
