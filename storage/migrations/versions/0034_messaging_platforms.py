"""What the audit of messaging platforms says of a product"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("products", sa.Column("messaging", sa.String(), nullable=True))
