"""What a daemon has in hand: noted while it lives, found after it died, never counted while it works."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.home import Home
from cli.serving.inhand import count_dead, in_hand
from engine.errors import WrongEnvironment
from engine.ports import InHandKind


def counted(home: Home) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    count_dead(home, lambda kind, ref: found.append((kind, ref)))
    return found


DIES = """
import os, signal, sys
from pathlib import Path
from cli.home import Home
from cli.serving.inhand import in_hand

home, kind, ref, when = sys.argv[1:]
with in_hand(Home(Path(home))) as hand:
    with hand.working():
        hand.take(kind, int(ref))
        if when == "at it":
            os.kill(os.getpid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def dies(home: Path, kind: InHandKind, ref: int, when: str = "at it") -> None:
    """Another process takes a row in hand and is killed."""
    ended = subprocess.run([sys.executable, "-c", DIES, home, kind, str(ref), when], check=False, timeout=30)
    assert ended.returncode == -signal.SIGKILL


@pytest.mark.parametrize("row", [("timer", 17), ("message", 4)])
def test_the_row_at_which_a_process_died_is_counted_once(home: Path, row: tuple[InHandKind, int]) -> None:
    dies(home, *row)
    assert counted(Home(home)) == [row]
    assert counted(Home(home)) == [] and list(home.iterdir()) == []


def test_each_of_several_workers_has_its_own_note(home: Path) -> None:
    for number in (1, 2, 3):
        dies(home, "timer", number)
    assert sorted(counted(Home(home))) == [("timer", 1), ("timer", 2), ("timer", 3)]


def test_who_died_between_two_batches_had_nothing_in_hand(home: Path) -> None:
    dies(home, "timer", 17, "after the batch")
    assert counted(Home(home)) == [] and list(home.iterdir()) == []


def test_the_note_of_a_living_worker_is_left_alone_and_ends_with_it(home: Path) -> None:
    with in_hand(Home(home)) as hand:
        hand.take("timer", 17)
        assert counted(Home(home)) == []
        (note,) = home.iterdir()
        assert note.stat().st_mode & 0o777 == 0o600
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("written", [b"", b"timer", b"timer x", b"timer -1", b"mail 3", b"\xff\x00" * 20, b"timer 1 2"])
def test_a_note_that_says_nothing_is_taken_away(home: Path, written: bytes) -> None:
    (home / "in-hand.0123").write_bytes(written)
    assert counted(Home(home)) == [] and list(home.iterdir()) == []


def test_a_home_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    said = r"cannot be written \(No such file or directory\)"
    with pytest.raises(WrongEnvironment, match=said), in_hand(Home(tmp_path / "nowhere")):
        pass
