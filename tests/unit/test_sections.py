"""The sections of `soppa --help`."""

from __future__ import annotations

from itertools import chain

from cli.main import COMMANDS
from cli.sections import sections


def test_each_command_stands_in_the_help_once() -> None:
    shown = list(chain.from_iterable(names for _, names in sections(COMMANDS)))
    assert sorted(shown) == sorted(COMMANDS)


def test_a_command_of_no_section_comes_last() -> None:
    assert list(sections(["queue", "brand-new"]))[-1] == ("Further", ["brand-new"])
