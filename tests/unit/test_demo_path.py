"""What the demo says to type works in another terminal, whose path does not lead to a fresh `.venv`."""

import sys
from pathlib import Path

import pytest

from cli.demo.stage import path_line


def test_a_terminal_without_our_command_is_told_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "a place" / "soppa")])
    assert path_line() == f"       export PATH='{tmp_path}/a place':\"$PATH\"\n"
    command = tmp_path / "soppa"
    command.touch(0o755)
    assert path_line() == ""
