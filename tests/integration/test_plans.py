"""What every beat asks is found by an index, also by a server that has planned it once for all values."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from storage import direct, prepared
from storage.looking.waiting import COUNTS
from storage.store import SqlStore
from tests.integration.stored import NOW, opened, start

pytestmark = pytest.mark.postgres
MANY = """INSERT INTO timers (case_id, key, at, attempts)
    SELECT :case_id, 'k' || n, CAST(:now AS timestamptz) + INTERVAL '1 year', 0 FROM generate_series(1, 5000) AS n"""
READ_THROUGH = "SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'timers'"


@pytest.fixture
def store(postgres_with_tables: str) -> Iterator[SqlStore]:
    with opened(postgres_with_tables) as store:
        yield store


def test_what_sleeps_is_not_read_by_a_look_at_what_is_due(store: SqlStore) -> None:
    case_id = start(store).id
    with store.base.writing() as connection:
        connection.execute(text(MANY), {"case_id": case_id, "now": NOW})
        connection.execute(text("ANALYZE timers"))
    with store.base.writing() as connection:
        connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        assert not direct.scalar(connection, prepared.IS_WORK_DUE, {"now": NOW})
        assert direct.read(connection, prepared.DUE_TIMERS, {"now": NOW, "most": 50}) == []
        assert connection.execute(COUNTS, {"now": NOW, "most": 50}).one().timers == 0
        assert connection.scalar(text(READ_THROUGH)) == 0
