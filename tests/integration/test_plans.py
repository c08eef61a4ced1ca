"""What every beat asks is found by an index, also by a server that has planned it once for all values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from sqlalchemy import Connection, text

from storage import cycles, direct, prepared
from storage.looking.waiting import COUNTS
from storage.store import SqlStore
from tests.integration.stored import NOW, opened, start

pytestmark = pytest.mark.postgres
MANY = """INSERT INTO timers (case_id, key, at, attempts)
    SELECT :case_id, 'k' || n, CAST(:now AS timestamptz) + INTERVAL '1 year', 0 FROM generate_series(1, 5000) AS n"""
AT_ONE_INSTANT = {
    "timers": """INSERT INTO timers (case_id, key, at, attempts)
        SELECT :case_id, 'k' || n, :now, 0 FROM generate_series(1, 2000) AS n""",
    "cycles": """INSERT INTO cycles (process, subject, occurrence, at, missed, attempts)
        SELECT 'a', 's' || n, DATE '2026-12-01', :now, 0, 0 FROM generate_series(1, 2000) AS n""",
    "outbox": """INSERT INTO outbox (mail, step, occurrence, recipient, state, lane, created_at, at, attempts, failures,
            fence, reply)
        SELECT 'm', 's' || n, '', 'person:ann', 'queued', 0, :now, :now, 0, 0, 0, ''
        FROM generate_series(1, 2000) AS n""",
}
DUE: dict[str, Callable[[Connection], Sequence[object]]] = {
    "timers": lambda connection: direct.read(connection, prepared.DUE_TIMERS, {"now": NOW, "most": 50}),
    "cycles": lambda connection: cycles.due(connection, NOW, 50),
    "outbox": lambda connection: direct.read(connection, prepared.DUE_MAILS, {"its_lane": 0, "now": NOW, "most": 50}),
}
TAKEN = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = :table"
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


@pytest.mark.parametrize("table", AT_ONE_INSTANT)
def test_of_many_that_are_due_at_one_instant_only_those_that_are_taken_are_read(store: SqlStore, table: str) -> None:
    case_id = start(store).id
    with store.base.writing() as connection:
        connection.execute(text(AT_ONE_INSTANT[table]), {"case_id": case_id, "now": NOW})
        connection.execute(text(f"ANALYZE {table}"))
    with store.base.writing() as connection:
        connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        assert len(DUE[table](connection)) == 50
        assert connection.scalar(text(TAKEN), {"table": table}) < 200
