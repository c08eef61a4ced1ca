"""What a relay says arrives in pieces of any size, and may end anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest

from notifiers.talk import Broken, Lines

SAID = b"250-mail.example\r\n250 PIPELINING\r\n354 go on\n"


def read(lines: Lines, count: int) -> list[bytes]:
    async def some() -> list[bytes]:
        return [await lines.next(asyncio.get_running_loop().time()) for _ in range(count)]

    return asyncio.run(some())


def pieces(size: int) -> Iterator[bytes]:
    yield from (SAID[start:end] for start, end in pairwise([*range(0, len(SAID), size), len(SAID)]))


@pytest.mark.parametrize("size", [1, 2, 7, 19, len(SAID)])
def test_lines_come_whole_however_they_are_cut(size: int) -> None:
    lines = Lines()
    for piece in pieces(size):
        lines.data_received(piece)
    assert [line.strip() for line in read(lines, 3)] == [b"250-mail.example", b"250 PIPELINING", b"354 go on"]
    with pytest.raises(Broken, match="does not answer"):
        read(lines, 1)


def test_what_was_said_before_the_end_is_heard_and_half_a_line_is_not() -> None:
    lines = Lines()
    lines.data_received(b"421 closing\r\n250 o")
    lines.connection_lost(None)
    assert read(lines, 1) == [b"421 closing\r"]
    with pytest.raises(Broken, match="hung up"):
        read(lines, 1)


@pytest.mark.parametrize("flood", [b"x" * 70_000, b"250-more\r\n" * 400], ids=["one line", "many lines"])
def test_a_relay_that_never_stops_is_given_up(flood: bytes) -> None:
    lines = Lines()
    lines.data_received(flood)
    assert "no end" in str(lines.ended)
