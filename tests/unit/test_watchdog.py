"""What systemd hears of a daemon: that it moves, as long as it does."""

from __future__ import annotations

import os
import queue

import pytest

from cli.serving.watchdog import LONGEST, Pulse, watched


def stuck() -> Pulse:
    pulse = Pulse()
    pulse.at -= LONGEST + 1
    return pulse


@pytest.fixture
def watched_each_third_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "30000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)


@pytest.mark.usefixtures("watched_each_third_of")
def test_a_daemon_that_moves_is_told_again_and_again() -> None:
    heard = queue.Queue[str]()
    with watched(Pulse(), heard.put):
        assert {heard.get(timeout=10) for _ in range(3)} == {"WATCHDOG=1"}


@pytest.mark.usefixtures("watched_each_third_of")
def test_one_that_is_stuck_is_silent_until_it_moves() -> None:
    heard, pulse = queue.Queue[str](), stuck()
    assert pulse.is_stuck()
    with watched(pulse, heard.put):
        with pytest.raises(queue.Empty):
            heard.get(timeout=0.2)
        pulse.moved()
        assert heard.get(timeout=10) == "WATCHDOG=1"


@pytest.mark.parametrize(("usec", "pid"), [("", ""), ("often", ""), ("30000", "1")])
def test_nobody_is_told_who_does_not_watch_us(monkeypatch: pytest.MonkeyPatch, usec: str, pid: str) -> None:
    assert os.getpid() != 1
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", pid)
    heard: list[str] = []
    with watched(Pulse(), heard.append):
        pass
    assert heard == []
