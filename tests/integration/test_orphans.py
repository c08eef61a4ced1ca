"""Files that a crash left: gone after a day unless something in the database names them, wherever it stands."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from cli.demo.forward import FAST_START
from cli.demo.run import FakeClock
from cli.demo.sink import MailSink
from cli.documents import Documents
from cli.home import Home
from cli.serving.daemon import beat_until_quiet, heart_of
from engine.errors import Refused, UsageError, WrongEnvironment
from engine.model.messages import StartChild
from storage.entrance.acts import Act
from storage.sealing import new_ring
from storage.store import SqlStore
from storage.tables import CASES
from tests.databases import sample_house
from tests.files import pdf
from tests.integration.pages import kept_files
from tests.integration.stored import NOW, change, opened, start

DAY = dt.timedelta(days=1)
PDF = pdf()


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    with opened(database_url) as store:
        yield store


@pytest.fixture
def documents(home: Path) -> Documents:
    return Documents(home, new_ring())


def left_by_a_crash(documents: Documents) -> str:
    """The value of a file whose command ended nobody knows how, a day and a bit ago."""
    with pytest.raises(KeyboardInterrupt), documents.keeping({"evidence": (PDF, "pdf")}) as kept:
        raise KeyboardInterrupt
    (path,) = documents.new.iterdir()
    ago = (NOW - DAY).timestamp() - 1
    os.utime(path, (ago, ago))
    return kept["evidence"]


def sweep(documents: Documents, store: SqlStore) -> int:
    return documents.sweep(NOW, store.views.named_documents)


def test_what_nobody_names_goes_after_a_day(documents: Documents, store: SqlStore) -> None:
    start(store)
    value = left_by_a_crash(documents)
    assert documents.read(value) == (PDF, "pdf")
    assert documents.sweep(NOW - dt.timedelta(minutes=1), store.views.named_documents) == 0
    assert sweep(documents, store) == 1
    assert kept_files(documents.folder) == []
    with pytest.raises(UsageError, match="missing"):
        documents.read(value)


@pytest.mark.parametrize("place", ["fact", "former fact", "message", "act"])
def test_what_something_names_stays(documents: Documents, store: SqlStore, place: str) -> None:
    value, case = left_by_a_crash(documents), start(store)
    match place:
        case "fact":
            change(store, case, facts={**case.facts, "child": value})
        case "former fact":
            case = change(store, case, facts={**case.facts, "child": value})
            change(store, case, facts={**case.facts, "child": "other"})
        case "message":
            change(store, case, StartChild("fix", "operator_fix", {"evidence": value}, {}))
        case _:
            with store.begin() as unit:
                payload = {"given": {"evidence": value}, "second": "bob"}
                unit.begin_act(Act("a", "record", case.id, payload, "ann", NOW, NOW + DAY), None)
    assert sweep(documents, store) == 0
    assert [path.parent for path in kept_files(documents.folder)] == [documents.folder]
    assert documents.read(value) == (PDF, "pdf")
    assert sweep(documents, store) == 0


def test_a_case_that_cannot_be_opened_may_name_any(documents: Documents, store: SqlStore) -> None:
    value, case = left_by_a_crash(documents), start(store)
    with store.base.engine.begin() as connection:
        connection.execute(update(CASES).where(CASES.c.id == case.id).values(sealed=b"broken"))
    assert sweep(documents, store) == 0
    assert documents.read(value) == (PDF, "pdf")


@pytest.mark.parametrize("error", [Refused("no"), UsageError("what")])
def test_a_refused_command_leaves_nothing(documents: Documents, error: Exception) -> None:
    with pytest.raises(type(error)), documents.keeping({"a": (PDF, "pdf"), "b": (PDF, "pdf")}):
        raise error
    assert kept_files(documents.folder) == []


@pytest.mark.parametrize("error", [WrongEnvironment("the database does not answer"), RuntimeError(), MemoryError()])
def test_where_nobody_knows_how_a_command_ended_its_file_waits(documents: Documents, error: Exception) -> None:
    with pytest.raises(type(error)), documents.keeping({"a": (PDF, "pdf")}) as kept:
        raise error
    assert documents.read(kept["a"]) == (PDF, "pdf")


def test_the_daemon_looks_after_them(tmp_path: Path) -> None:
    with MailSink() as sink, sample_house(Home(tmp_path / "home"), sink, 8080, FakeClock(FAST_START)) as house:
        with pytest.raises(KeyboardInterrupt), house.documents.keeping({"evidence": (PDF, "pdf")}):
            raise KeyboardInterrupt
        (path,) = kept_files(house.home.documents)
        ago = path.stat().st_mtime - DAY.total_seconds() - 60
        os.utime(path, (ago, ago))
        with heart_of(house, tells_gaps=False) as heart:
            beat_until_quiet(heart)
        assert kept_files(house.home.documents) == []
