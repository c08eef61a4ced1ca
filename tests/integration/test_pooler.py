"""Behind PgBouncer, which gives each transaction another server process: nothing is kept between two of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from cli.demo.sink import MailSink
from cli.home import Home
from cli.wiring import open_house
from engine.errors import Refused
from engine.model.messages import Send
from storage.database import is_pooled, open_engine
from storage.store import SqlStore
from storage.upkeep.upgrading import Process, database
from tests import pooler
from tests.crew import CASES, all_receipts, at_work, begin, home_of_two
from tests.integration.stored import NOW, change, load, opened, start
from tests.processes import until

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(pooler.PROGRAM is None, reason="pgbouncer is not installed"),
]


@pytest.fixture
def pooled_url(postgres_url: str) -> Iterator[str]:
    with pooler.pooled(postgres_url) as url:
        yield url


@pytest.fixture
def store(pooled_url: str) -> Iterator[SqlStore]:
    with opened(pooled_url) as store:
        yield store


def test_a_pooler_is_known_for_what_it_is(store: SqlStore, postgres_url: str) -> None:
    assert is_pooled(store.base.engine)
    direct = open_engine(postgres_url)
    assert not is_pooled(direct)
    direct.dispose()


def test_statements_that_are_run_often_are_not_prepared(store: SqlStore) -> None:
    """psycopg would prepare each at its sixth use, and find it missing at the next server process."""

    def live(number: int) -> int:
        case = start(store, Send("told_parent", "1", "1", "party:parent"))
        for _ in range(10):
            case = change(store, case, outcome=f"by {number}")
        return load(store, case.id).revision

    with ThreadPoolExecutor(4) as workers:
        assert list(workers.map(live, range(12))) == [11] * 12
    assert len(store.outbox.claim(NOW, 50)) == 12


def test_of_two_upgrades_one_is_refused_and_the_next_one_is_not(pooled_url: str) -> None:
    """A lock that outlives its transaction would stay with the pooler's connection."""
    with database(pooled_url) as one, database(pooled_url) as two:
        for _ in range(3):
            with one.alone(), pytest.raises(Refused, match="somebody upgrades this database already"), two.alone():
                pass


def test_an_upgrade_sees_who_is_at_work_and_not_who_was(pooled_url: str) -> None:
    done = threading.Event()

    def beats() -> None:
        with called(pooled_url, "soppa 22 on there") as daemon:
            while not done.wait(0.2):
                daemon.execute("SELECT 1")

    with called(pooled_url, "soppa 11 on there") as dead:
        dead.execute("SELECT 1")
    with database(pooled_url) as there, ThreadPoolExecutor(1) as pool:
        working = pool.submit(beats)
        seen = there.others()
        done.set()
        working.result()
    assert seen == (Process(22, "there"),)


def called(url: str, name: str) -> psycopg.Connection:
    known = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(known, application_name=name, autocommit=True, prepare_threshold=None)


def test_workers_whom_the_database_cannot_wake_look_for_themselves(pooled_url: str, tmp_path: Path) -> None:
    with MailSink() as sink, open_house(Home(home_of_two(tmp_path, sink, pooled_url))) as house:
        for number in range(CASES):
            begin(house, number)
        with at_work(house):
            until(lambda: all_receipts(sink), "every receipt")
        assert all_receipts(sink)
