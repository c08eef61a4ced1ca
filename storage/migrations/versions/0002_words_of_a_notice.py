"""The words of a notice: values that only its mail carries, sealed until it is accepted"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("sealed_words", sa.LargeBinary(), nullable=True))
