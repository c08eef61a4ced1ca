"""A row that kills the whole process is an incident after five ends, and the others go on meanwhile.

The failpoint kills a real daemon with SIGKILL at one timer, message or mail: nothing of the process can clean up.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import pytest
from sqlalchemy import Table, select, update

from cli.demo.sink import MailSink
from cli.home import Home
from cli.serving.failpoint import VARIABLE
from cli.wiring import machine_clock, open_house
from storage.incidents import KEEPS_ITS_TURN
from storage.tables import INCIDENTS, MESSAGES, OUTBOX, TIMERS
from tests.faults.test_kill import begin_cases, leases_run_out
from tests.processes import free_port, running, sample_home, soppa, until

CASES = 3
ENDS = 5
DAEMON = "worker"


@dataclass
class District:
    home: Path
    sink: MailSink

    def rows(self, table: Table) -> list[dict[str, object]]:
        """Every row of a table by its columns."""
        with open_house(Home(self.home)) as house, house.store.base.reading() as connection:
            return [dict(row) for row in connection.execute(select(table).order_by(table.c.id)).mappings()]

    def row(self, table: Table, ref: int) -> dict[str, object]:
        return next(row for row in self.rows(table) if row["id"] == ref)

    def pause_runs_out(self, table: Table, ref: int) -> None:
        waits = (table.c.id == ref) & table.c.at.is_not(None)
        with open_house(Home(self.home)) as house, house.store.base.writing() as connection:
            connection.execute(update(table).where(waits).values(at=machine_clock()))

    def incidents(self) -> list[tuple[object, ...]]:
        return [(row["kind"], row["ref"], row["tries"]) for row in self.rows(INCIDENTS)]

    def waiting(self, table: Table) -> set[int]:
        """The ids of the timers or mails that are due now."""
        now = machine_clock()
        return {int(str(row["id"])) for row in self.rows(table) if row["at"] is not None and row["at"] <= now}  # type: ignore[operator]


@pytest.fixture
def district(database_url: str, tmp_path: Path) -> Iterator[District]:
    with MailSink() as sink:
        home = sample_home(tmp_path, sink, free_port(), database_url)
        begin_cases(home, machine_clock(), range(CASES))
        yield District(home, sink)


def ended(process: Popen[str]) -> bool:
    """Waits until the failpoint has killed it."""
    return process.wait(30) == -signal.SIGKILL


@pytest.mark.timeout(240)
def test_a_timer_that_kills_five_daemons_is_an_incident_and_the_others_fire(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly, *others = sorted(district.waiting(TIMERS))
    monkeypatch.setenv(VARIABLE, f"timer/{deadly}")
    for _ in range(1 + KEEPS_ITS_TURN):
        with running(district.home, DAEMON) as process:
            assert ended(process)
    for end in range(1 + KEEPS_ITS_TURN, ENDS):
        with running(district.home, DAEMON) as process:
            until(lambda end=end: district.row(TIMERS, deadly)["attempts"] == end, f"count {end}")  # type: ignore[misc]
            until(lambda: district.waiting(TIMERS) == set(), "the other timers")
            assert process.poll() is None
            district.pause_runs_out(TIMERS, deadly)
            assert ended(process)
    assert all(district.row(TIMERS, other)["fired_at"] for other in others)
    assert district.incidents() == []
    with running(district.home, DAEMON) as process:
        until(lambda: district.incidents() == [("timer", deadly, 5)], "the incident")
        assert process.poll() is None
    monkeypatch.delenv(VARIABLE)
    assert soppa(district.home, "incidents", "retry", "1", "--as", "priya").returncode == 0
    with running(district.home, DAEMON):
        until(lambda: district.row(TIMERS, deadly)["fired_at"], "the timer")


@pytest.mark.timeout(240)
def test_a_message_that_kills_five_daemons_is_an_incident_and_the_others_are_delivered(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = leave_messages(district)
    deadly, sick_case = next(iter(left.items()))
    assert len(set(left.values())) > 1
    monkeypatch.setenv(VARIABLE, f"message/{deadly}")
    for _ in range(ENDS):
        with running(district.home, DAEMON) as process:
            assert ended(process)
    assert {row["case_id"] for row in district.rows(MESSAGES)} == {sick_case}
    with running(district.home, DAEMON) as process:
        until(lambda: district.incidents() == [("message", deadly, 5)], "the incident")
        until(lambda: [row["id"] for row in district.rows(MESSAGES)] == [deadly], "the messages behind it")
        assert process.poll() is None


def gone(mail: dict[str, object]) -> bool:
    """The mail was accepted; a daily brief that waited past its own day may be replaced by the next."""
    return mail["state"] == "accepted" or (mail["mail"], mail["state"]) == ("brief", "cancelled")


def leave_messages(district: District) -> dict[object, object]:
    """The mails of the cases count as accepted, of which each case gets a message: its id, oldest first, and case."""
    now = machine_clock()
    with open_house(Home(district.home)) as house:
        for row in house.store.outbox.claim(now, 100):
            house.store.outbox.settle(row, "accepted", "250 ok", now)
    return {row["id"]: row["case_id"] for row in district.rows(MESSAGES)}


@pytest.mark.timeout(240)
def test_a_mail_that_kills_five_daemons_is_an_incident_and_the_others_leave(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly, *others = sorted(district.waiting(OUTBOX))
    monkeypatch.setenv(VARIABLE, f"mail/{deadly}")
    with running(district.home, DAEMON) as process:
        assert ended(process)
    for end in range(1, ENDS):
        leases_run_out(district.home)
        with running(district.home, DAEMON) as process:
            until(lambda end=end: district.row(OUTBOX, deadly)["failures"] == end, f"count {end}")  # type: ignore[misc]
            for other in others:
                district.pause_runs_out(OUTBOX, other)
            until(lambda: district.waiting(OUTBOX) == set(), "the other mails")
            assert process.poll() is None
            district.pause_runs_out(OUTBOX, deadly)
            assert ended(process)
    assert not [mail for mail in (district.row(OUTBOX, other) for other in others) if not gone(mail)]
    leases_run_out(district.home)
    with running(district.home, DAEMON) as process:
        until(lambda: district.incidents() == [("mail", deadly, 5)], "the incident")
        assert process.poll() is None
    listed = json.loads(soppa(district.home, "mail", "outbox", "--state", "failed", "--json").stdout)
    assert [mail["id"] for mail in listed] == [deadly]
