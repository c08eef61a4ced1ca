"""The disk of a home is full: each command says so, what needs no room goes on, and all goes on once there is room."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from cli.demo.sink import MailSink
from cli.home import Home
from cli.main import main
from cli.serving.daemon import beat_until_quiet, heart_of
from cli.upkeep.backups import backups_in, make_key
from cli.wiring import open_house
from tests.integration.test_bad_backups import small_disk
from tests.integration.test_environment import begin, listening, states
from tests.processes import free_port, sample_home

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")


def test_a_home_on_a_full_disk_says_so_and_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_disk(tmp_path / "small", "6m") as small, MailSink() as sink:
        home = listening(Home(sample_home(small, sink, free_port())), sink)
        make_key(home)
        with open_house(home) as house, heart_of(house) as heart:
            begin(house)
            fill(small / "filler")
            assert heart.beat() == 0
            for words in (["keys", "new", "--copy", str(tmp_path / "ring")], ["upgrade"], ["verify"]):
                assert main(["--home", str(home.root), *words]) == (0 if words == ["verify"] else 78)
            said = capsys.readouterr().err
            assert said.count("a disk is full: make room") == said.count("\n") == 2
            assert main(["--home", str(home.root), "backup", "--to", str(tmp_path)]) == 78
            (backup,) = backups_in(tmp_path)
            assert f"{backup} is whole, but this home could not note it: the disk of the" in capsys.readouterr().err
            assert states(house) == {"queued"}
            (small / "filler").unlink()
            beat_until_quiet(heart)
            assert states(house) == {"accepted"}


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(bytes(4096))
