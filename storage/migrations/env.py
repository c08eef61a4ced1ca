"""Alembic's environment: runs on the connection that `storage.upgrade.migrate` hands over."""

from __future__ import annotations

from alembic import context

from storage.dialects import with_conditions
from storage.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=with_conditions(METADATA),
                  render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
