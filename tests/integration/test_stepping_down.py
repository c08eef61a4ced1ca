"""The home of a server belongs to the daemon's user; officers come to it through sudo, and stay themselves."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.home import find_home
from cli.identity import login, step_down

DAEMON = 65534
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def served() -> Iterator[Path]:
    """A home of the daemon's, in a folder that everybody may pass."""
    with tempfile.TemporaryDirectory(prefix="soppa-") as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        os.chown(home, DAEMON, DAEMON)
        yield home


def in_a_child(work: Callable[[], object]) -> object:
    """What `work` gives in a process of its own, which stays what it became."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            told = json.dumps(work()).encode()
        except BaseException as error:
            told = json.dumps(f"{type(error).__name__}: {error}").encode()
        os.write(write, told)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return json.loads(told)


@root_only
def test_root_becomes_the_owner_for_good_and_the_officer_stays_known(served: Path, tmp_path: Path,
                                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    shut = tmp_path / "of-root"
    shut.mkdir(mode=0o700)
    monkeypatch.setenv("SUDO_USER", "pat")
    monkeypatch.delenv("SOPPA_HOME", raising=False)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(shut))

    def work() -> object:
        step_down(served)
        find_home(None)
        (served / "made").write_text("x")
        try:
            os.setuid(0)
        except PermissionError:
            return [os.getresuid(), os.getresgid(), login()]
        return "root again"

    assert in_a_child(work) == [[DAEMON] * 3, [DAEMON] * 3, "pat"]
    assert (served / "made").stat().st_uid == DAEMON


@root_only
def test_whoever_may_not_enter_is_told_to_use_sudo(served: Path) -> None:
    def work() -> object:
        os.setuid(1)
        step_down(served)
        return "entered"

    told = in_a_child(work)
    assert told == f"WrongEnvironment: {served} belongs to nobody: write sudo before the command"


def test_in_a_home_of_ones_own_nothing_changes(home: Path) -> None:
    before = (os.getresuid(), login())
    step_down(home)
    step_down(home / "not there")
    assert (os.getresuid(), login()) == before


def test_without_a_word_the_service_of_the_machine_is_meant_only_where_nobody_has_an_own_home(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOPPA_HOME", raising=False)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("cli.home.OF_THE_MACHINE", tmp_path / "service")
    assert find_home(None).root == tmp_path / "soppa"
    (tmp_path / "service").mkdir()
    assert find_home(None).root == tmp_path / "service"
    (tmp_path / "soppa").mkdir()
    assert find_home(None).root == tmp_path / "soppa"
    assert find_home(tmp_path / "named").root == tmp_path / "named"
