"""The pictures of the documentation: each is shown somewhere, each that is shown is there, none is large."""

from __future__ import annotations

import random
import re
import struct
import zlib
from pathlib import Path

import pytest

from bench.palette import _chunk, _read, with_palette

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"


def test_each_picture_is_shown_and_each_that_is_shown_is_there() -> None:
    texts = "".join(file.read_text("utf-8") for file in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))))
    assert set(re.findall(r"pictures/([\w.-]+)", texts)) == {file.name for file in PICTURES.iterdir()}


def test_no_picture_is_large() -> None:
    assert all(file.stat().st_size < 150_000 for file in PICTURES.iterdir())


@pytest.mark.parametrize("how", [0, 1, 2, 3, 4])
def test_a_picture_with_a_palette_is_the_same_picture(how: int) -> None:
    chance, width, height = random.Random(how), 7, 5
    colours = [bytes(chance.randrange(256) for _ in range(3)) for _ in range(4)]
    pixels = [[chance.choice(colours) for _ in range(width)] for _ in range(height)]
    plain = b"".join(b"".join(row) for row in pixels)
    made = with_palette(_png(width, height, how, plain))
    at = made.index(b"PLTE")
    (size,) = struct.unpack(">I", made[at - 4 : at])
    palette = made[at + 4 : at + 4 + size]
    packed = made[made.index(b"IDAT") + 4 :]
    lines = zlib.decompressobj().decompress(packed)
    places = [lines[row * (width + 1) + 1 + column] for row in range(height) for column in range(width)]
    assert b"".join(palette[3 * place : 3 * place + 3] for place in places) == plain


def test_more_colours_than_a_palette_holds_become_the_nearest() -> None:
    colours = [bytes((red, green, 0)) for red in range(20) for green in range(20)]
    made = with_palette(_png(20, 20, 0, b"".join(colours)))
    assert made.index(b"IDAT") - made.index(b"PLTE") <= 256 * 3 + 12


def _png(width: int, height: int, how: int, plain: bytes) -> bytes:
    """A picture of three bytes a point, every line written as a difference of one kind."""
    wide, lines, above = width * 3, b"", bytes(width * 3)
    for at in range(0, len(plain), wide):
        line = plain[at : at + wide]
        lines += bytes([how, *((byte - _before(how, line, above, place)) & 255 for place, byte in enumerate(line))])
        above = line
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")
    png = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)
    assert _read(png)[3] == plain
    return png


def _before(how: int, line: bytes, above: bytes, place: int) -> int:
    left, corner = (line[place - 3], above[place - 3]) if place >= 3 else (0, 0)
    up = above[place]
    paeth = min((left, up, corner), key=lambda one: abs(left + up - corner - one))
    return (0, left, up, (left + up) // 2, paeth)[how]
