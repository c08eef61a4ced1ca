"""A preservation stands on its own row and in the history, with a reason that is sealed."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from engine.errors import Refused, UsageError
from engine.model.messages import Event
from storage.chains import history
from storage.chains.history import KEPT
from storage.removal import preservations
from storage.tables import HISTORY
from tests.integration.stored import ANN, NOW, opened, start


def test_a_case_is_preserved_and_released_with_words(database_url: str) -> None:
    with opened(database_url) as store:
        case = start(store)
        ring = store.base.ring
        with store.base.writing() as connection:
            preservations.place(connection, ring, case.id, "Ruiz v. District", ANN, NOW)
        with store.base.reading() as connection:
            assert [one.reason for one in preservations.every(connection, ring)] == ["Ruiz v. District"]
            assert preservations.preserved(connection) == {case.id}
        with store.base.writing() as connection, pytest.raises(Refused, match="preserved already"):
            preservations.place(connection, ring, case.id, "again", ANN, NOW)
        with store.base.writing() as connection:
            preservations.release(connection, ring, case.id, "settled", ANN, NOW)
        with store.base.writing() as connection, pytest.raises(Refused, match="not preserved"):
            preservations.release(connection, ring, case.id, "again", ANN, NOW)
        lines = store.views.history(case.id)
        assert [(line.kind, line.personal.get("reason")) for line in lines[1:]] == [
            ("preservation_placed", "Ruiz v. District"), ("preservation_released", "settled")]
        assert store.views.verify_history(case.id) == []


def test_a_preservation_needs_a_reason(database_url: str) -> None:
    with opened(database_url) as store:
        case = start(store)
        with store.base.writing() as connection, pytest.raises(UsageError, match="needs a reason"):
            preservations.place(connection, store.base.ring, case.id, "  ", ANN, NOW)


def test_what_names_somebody_has_chance_beside_it_in_the_hash(database_url: str) -> None:
    """Two lines that say the same have other digests; a line that names nobody has none."""
    with opened(database_url) as store:
        event = Event("task_completed", {"task": "t", "by": "Ana Ruiz"})
        one, two = (start(store, events=(event, Event("state_entered", {"state": "s"}))) for _ in range(2))
        with store.base.reading() as connection:
            rows = connection.execute(HISTORY.select()).mappings().all()
        named = [row for row in rows if row["kind"] == "task_completed"]
        assert {row["case_id"] for row in named} == {one.id, two.id}
        assert len({row["personal_digest"] for row in named} - {None}) == 2
        assert [row["personal_digest"] for row in rows if row["kind"] == "state_entered"] == [None, None]
        assert store.views.history(one.id)[0].personal == {}
        assert "by" not in KEPT


def test_a_line_is_cut_once_and_never_mended(database_url: str) -> None:
    with opened(database_url) as store:
        case = start(store, events=(Event("case_started", {"by": "Ana Ruiz"}),))
        mine = update(HISTORY).where(HISTORY.c.case_id == case.id)
        with store.base.engine.begin() as connection:
            connection.execute(mine.values(detail="{}", cut=True, sealed=None))
        for change in ({"detail": '{"by":"Eve"}', "cut": True}, {"cut": False}, {"hash": "x"}, {"kind": "x"}):
            with pytest.raises(DBAPIError), store.base.engine.begin() as connection:
                connection.execute(mine.values(**change))


def test_what_a_purge_has_left_of_a_history_cannot_be_changed_unseen(database_url: str) -> None:
    with opened(database_url) as store:
        case, ring = start(store, events=(Event("case_started", {"by": "Ana Ruiz"}),)), store.base.ring
        with store.base.writing() as connection:
            connection.execute(update(HISTORY).values(detail="{}", cut=True, sealed=None))
            rows = connection.execute(HISTORY.select()).mappings().all()
            kept = Event(history.PURGED, {"kept": history.left_by_purge(rows)})
            history.append(connection, ring, case.id, [kept], ANN, NOW)
        assert store.views.verify_history(case.id) == []
        with store.base.engine.connect() as connection:
            first, last = connection.execute(HISTORY.select().order_by(HISTORY.c.seq)).mappings().all()
        forged = {**first, "detail": '{"outcome":"corrected"}'}
        assert history.faults_in(ring, case.id, [forged, last]) == [
            f"case {case.id}: what its purge has left of its history, before line 2, was changed"]


