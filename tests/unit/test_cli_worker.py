"""The heartbeat, driven by hand on a fake clock: what it calls, when it pauses, what it survives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from cli.serving.clockwatch import gap, trouble
from cli.serving.worker import BATCH, Duties, Heart, only_daemon
from engine.errors import WrongEnvironment

NOON = dt.datetime(2026, 9, 14, 17, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@dataclass
class Office:
    """Plain records of what a beat asked for; each duty works off a backlog in batches."""

    now: dt.datetime = NOON
    backlog: int = 1
    mark: dt.datetime | None = None
    asked: list[str] = field(default_factory=list)

    def duty(self, name: str) -> Callable[[dt.datetime, int], int]:
        def work(now: dt.datetime, limit: int) -> int:
            self.asked.append(name)
            done = min(self.backlog, limit) if name == "tick" else 0
            self.backlog -= done
            return done
        return work

    def set_mark(self, now: dt.datetime) -> None:
        self.mark = now

    def heart(self) -> Heart:
        duties = Duties(self.duty("tick"), self.duty("advance"), self.duty("relay"),
                        lambda now: self.asked.append("rescue"), lambda now: self.backlog == 0, lambda: self.mark,
                        self.set_mark)
        return Heart(duties, lambda: self.now)


def test_a_beat_calls_the_four_in_order_and_marks_the_time() -> None:
    office = Office()
    assert office.heart().beat() == 1
    assert office.asked == ["rescue", "tick", "advance", "relay"]
    assert office.mark == NOON


def test_a_failure_that_lasts_is_told_once_with_its_cause(caplog: pytest.LogCaptureFixture) -> None:
    office = Office()
    heart = office.heart()

    def beats_of(error: Exception | None, number: int) -> list[str]:
        def relay(now: dt.datetime, limit: int) -> int:
            if error is not None:
                raise error
            return 0

        heart.duties, office.backlog = replace(heart.duties, relay=relay), number + 1
        caplog.clear()
        for _ in range(number):
            heart.beat()
        return [record.getMessage() for record in caplog.records]

    full = WrongEnvironment("the disk of the database is full: make room, nothing was lost")
    assert beats_of(full, 5) == [f"heartbeat failed ({full}); it is tried again each second"]
    assert beats_of(ValueError("Ana Ruiz"), 2) == ["heartbeat failed (ValueError); it is tried again each second"]
    assert beats_of(OSError(28, "No space left on device"), 1) == [
        "heartbeat failed (OSError: No space left on device); it is tried again each second"]
    assert beats_of(None, 1) == []
    assert len(beats_of(full, 2)) == 1


def test_an_idle_beat_does_nothing() -> None:
    office = Office(backlog=0)
    heart = office.heart()
    heart.beat()
    office.asked.clear()
    office.now += dt.timedelta(seconds=1)
    assert heart.beat() == 0
    assert office.asked == []
    assert office.mark == NOON


def test_a_backlog_is_worked_off_in_batches() -> None:
    office = Office(backlog=3 * BATCH)
    assert office.heart().beat() == 3 * BATCH
    assert office.asked.count("tick") == 4


def test_a_backlog_never_keeps_mail_waiting() -> None:
    office = Office(backlog=1000 * BATCH)
    office.heart().beat()
    assert office.asked.count("tick") == 10
    assert office.asked[-1] == "relay"


def test_a_forward_gap_never_stops_work() -> None:
    office = Office(mark=NOON - 200 * DAY)
    assert office.heart().beat() == 1
    assert office.mark == NOON


@pytest.mark.parametrize("mark", [NOON + DAY, NOON - 401 * DAY])
def test_a_wrong_clock_pauses_deadlines_but_not_mail(mark: dt.datetime) -> None:
    office = Office(mark=mark)
    heart = office.heart()
    heart.beat()
    assert office.asked == ["rescue", "relay"]
    assert office.mark == mark


def test_work_goes_on_once_the_clock_is_accepted() -> None:
    office = Office(mark=NOON + DAY)
    heart = office.heart()
    heart.beat()
    office.mark = NOON
    heart.beat()
    assert "tick" in office.asked


def test_an_error_is_survived() -> None:
    office = Office()
    heart = office.heart()
    good, broken = heart.duties, office.duty("tick")

    def fail(now: dt.datetime, limit: int) -> int:
        broken(now, 0)
        raise OSError("disk full")

    heart.duties = Duties(fail, good.advance, good.relay, good.rescue, good.idle, good.high_water, good.set_high_water)
    assert heart.beat() == 0
    heart.duties = good
    assert heart.beat() == 1


def test_nothing_new_begins_after_stop() -> None:
    office = Office()
    heart = office.heart()
    heart.stop.set()
    heart.beat()
    assert "tick" not in office.asked


def test_a_second_daemon_on_one_file_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "daemon.lock"
    with only_daemon(lock), pytest.raises(WrongEnvironment, match="this home's daemon already"), only_daemon(lock):
        pass
    with only_daemon(lock):
        assert lock.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("mark", "troubled"), [
    pytest.param(None, False, id="never worked before"),
    pytest.param(NOON + dt.timedelta(minutes=4), False, id="a small step back is waited out"),
    pytest.param(NOON + dt.timedelta(minutes=6), True, id="back"),
    pytest.param(NOON - 399 * DAY, False, id="off for a year"),
    pytest.param(NOON - 401 * DAY, True, id="too far ahead"),
])
def test_when_the_clock_is_not_believed(mark: dt.datetime | None, troubled: bool) -> None:
    assert (trouble(NOON, mark) is not None) is troubled


def test_a_silence_is_named_once_it_is_long() -> None:
    assert gap(NOON, NOON - dt.timedelta(minutes=59)) is None
    assert gap(NOON, NOON - DAY) == ("was off from 2026-09-13 17:00 UTC to 2026-09-14 17:00 UTC; "
                                     "what was due in between is done now")
