"""A set-up that is killed, at any moment: nothing half-written is taken for whole, and the same command finishes it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from cli.home import Home
from cli.settings import read_settings
from cli.setup.readiness import loose_files
from cli.wiring import open_house
from tests.integration.test_setup import FILE
from tests.processes import SOPPA

MOMENTS = 8
FROM = 0.3
"""The share of a whole run after which the first of them lies: before, it only loads."""


def set_up(home: Home, answers: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "SOPPA_HOME": str(home.root)}
    return subprocess.Popen([SOPPA, "setup", "--from", str(answers)], env=environment, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


@pytest.mark.timeout(300)
def test_a_set_up_killed_anywhere_is_finished_by_the_same_command(tmp_path: Path) -> None:
    answers = tmp_path / "answers.yaml"
    answers.write_text(FILE, "utf-8")
    begun = time.monotonic()
    assert set_up(Home(tmp_path / "whole"), answers).wait(60) == 0
    whole = time.monotonic() - begun
    killed = 0
    for moment in range(MOMENTS):
        home = Home(tmp_path / f"home{moment}")
        process = set_up(home, answers)
        time.sleep(whole * (FROM + (1 - FROM) * moment / MOMENTS))
        process.send_signal(signal.SIGKILL)
        killed += process.wait(60) == -signal.SIGKILL
        assert set_up(home, answers).wait(60) == 0, f"after moment {moment}"
        assert read_settings(home.settings).second_person == "sam"
        assert loose_files(home.root) == []
        with open_house(home) as house:
            assert len(house.store.people()) == 2
            assert [act.payload["set_up"] for act in house.store.acts.every()] == ["over"]
    assert killed >= MOMENTS // 2, "too few were killed in time"
