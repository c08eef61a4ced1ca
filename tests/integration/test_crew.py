"""Several workers, to whom Procrastinate deals out the work: what they share, and what they survive."""

from __future__ import annotations

import datetime as dt
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from procrastinate.schema import SchemaManager
from sqlalchemy import text

from cli.demo.sink import MailSink
from cli.home import Home
from cli.serving.crew import workers_at_work
from cli.setup.machine import look_at_daemon
from cli.wiring import House, machine_clock, open_house
from storage.looking.waiting import waiting
from storage.upkeep.jobs import make_job_tables
from tests.crew import CASES, all_receipts, at_work, begin, home_of_two
from tests.processes import running, soppa, until

pytestmark = pytest.mark.postgres

@pytest.fixture
def sink() -> Iterator[MailSink]:
    with MailSink() as opened:
        yield opened


@pytest.fixture
def house(postgres_url: str, tmp_path: Path, sink: MailSink) -> Iterator[House]:
    with open_house(Home(home_of_two(tmp_path, sink, postgres_url))) as opened:
        yield opened


def jobs(house: House, where: str = "true") -> int:
    with house.store.base.reading() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM procrastinate_jobs WHERE {where}")) or 0)  # noqa: S608


def test_workers_share_what_is_due_and_leave_no_job_behind(house: House, sink: MailSink) -> None:
    for number in range(CASES):
        begin(house, number)
    with at_work(house):
        until(lambda: all_receipts(sink), "every receipt")
        until(lambda: waiting(house.store.base, machine_clock(), 50).total == 0, "the end of the work")
        assert workers_at_work(house.store.base) == 2
    assert all_receipts(sink)
    assert jobs(house) == 0
    assert workers_at_work(house.store.base) == 0


def test_the_doctor_counts_the_workers(house: House) -> None:
    with at_work(house, 1):
        until(lambda: workers_at_work(house.store.base) == 1, "a worker")
        until(lambda: house.store.high_water() is not None, "a beat")
        (found,) = look_at_daemon(house)
    assert (found.weight, found.says) == ("missing", "1 of 2 workers are at work")
    assert found.do.startswith("systemctl start soppa-worker@")


def test_what_a_dead_worker_had_in_hand_is_taken_away(house: House, sink: MailSink) -> None:
    """It never gives another sign of life; its job stays in hand, and the rows behind it are dealt anew."""
    make_job_tables(house.store.base, SchemaManager.get_schema())
    with house.store.base.writing() as connection:
        dead = connection.scalar(text(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"))
        connection.execute(text(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, status, worker_id, args) "
            "VALUES ('mail', 'relay', 'relay/0', 'doing', :dead, '{\"lane\": 0}')"), {"dead": dead})
    begin(house, 0)
    with at_work(house, 1):
        until(lambda: all_receipts(sink, 1), "the receipt")
        until(lambda: jobs(house, "status = 'doing' AND task_name = 'relay'") == 0, "the end of the dead one's job")


def test_a_worker_whose_database_went_away_starts_over(house: House, sink: MailSink) -> None:
    cut = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
               "WHERE datname = current_database() AND pid <> pg_backend_pid()")
    with at_work(house, 1):
        until(lambda: workers_at_work(house.store.base) == 1, "a worker")
        with house.store.base.writing() as connection:
            connection.execute(cut)
        begin(house, 0)
        until(lambda: all_receipts(sink, 1), "the receipt", 40)


def test_of_two_that_start_at_once_one_makes_the_tables_and_another_version_makes_them_anew(house: House) -> None:
    base, schema = house.store.base, SchemaManager.get_schema()
    with ThreadPoolExecutor(4) as several:
        made = list(several.map(lambda _: make_job_tables(base, schema), range(4)))
    assert sorted(made) == [False, False, False, True]
    assert make_job_tables(base, f"{schema}\n-- of a later version")


def test_a_clock_that_is_not_believed_pauses_dates_and_not_mails(house: House, sink: MailSink) -> None:
    begin(house, 0)
    house.store.set_high_water(machine_clock() + dt.timedelta(days=2))
    with house.store.base.writing() as connection:
        connection.execute(text("UPDATE timers SET at = now() WHERE at IS NOT NULL"))
    late = waiting(house.store.base, machine_clock(), 50).dates
    with at_work(house, 1):
        until(lambda: all_receipts(sink, 1), "the receipt")
    assert waiting(house.store.base, machine_clock(), 50).dates == late > 0


@pytest.mark.timeout(180)
def test_sigterm_ends_each_within_ten_seconds(postgres_url: str, tmp_path: Path, sink: MailSink) -> None:
    home = home_of_two(tmp_path, sink, postgres_url)
    with running(home, "worker") as one, running(home, "worker") as other, open_house(Home(home)) as house:
        until(lambda: workers_at_work(house.store.base) == 2, "two workers", 60)
        asked = time.monotonic()
        for process in (one, other):
            process.send_signal(signal.SIGTERM)
        assert [process.wait(10) for process in (one, other)] == [0, 0]
        assert time.monotonic() - asked < 10


def test_a_relay_that_hangs_keeps_no_date_waiting_and_no_process_alive(postgres_url: str, tmp_path: Path) -> None:
    with MailSink(pause=60.0) as slow:
        home = home_of_two(tmp_path, slow, postgres_url)
        with open_house(Home(home)) as house:
            begin(house, 0)
            with house.store.base.writing() as connection:
                connection.execute(text("UPDATE timers SET at = now() + interval '3 seconds' WHERE at IS NOT NULL"))
            with running(home, "worker") as process:
                handed_over = text("SELECT count(*) FROM outbox WHERE state = 'handing_over'")
                with house.store.base.engine.connect() as connection:
                    until(lambda: connection.scalar(handed_over), "a mail in hand", 60)
                    fired = text("SELECT count(*) FROM timers WHERE fired_at IS NOT NULL")
                    until(lambda: connection.scalar(fired), "a timer", 30)
                asked = time.monotonic()
                process.terminate()
                assert process.wait(10) == 0
            assert time.monotonic() - asked < 10


def test_several_workers_need_postgresql(tmp_path: Path, sink: MailSink) -> None:
    home = home_of_two(tmp_path, sink, f"sqlite:///{tmp_path / 'home' / 'soppa.db'}")
    refused = soppa(home, "worker")
    assert refused.returncode == 78
    assert "workers: 2 need PostgreSQL: move there with soppa migrate-to-postgres" in refused.stderr


