"""The state that a task belongs to, since a case may be in several at once, and who answered it by id"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_OF_ITS_CASE = """
    UPDATE tasks SET state = (SELECT cases.state FROM cases WHERE cases.id = tasks.case_id)
    WHERE present AND mail IS NULL"""


def upgrade() -> None:
    op.add_column("tasks", sa.Column("state", sa.String(), nullable=False, server_default=""))
    op.add_column("tasks", sa.Column("done_by_id", sa.String(), nullable=True))
    op.execute(_OF_ITS_CASE)
