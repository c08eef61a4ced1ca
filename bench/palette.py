"""A screen has few colours: the same picture with a palette takes a third of the bytes."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

_HEAD = b"\x89PNG\r\n\x1a\n"
_MOST = 256


def with_palette(png: bytes) -> bytes:
    """An 8-bit picture without interlacing, in at most 256 colours; those that are too many become the nearest."""
    width, height, channels, data = _read(png)
    pixels = [data[at : at + 3] for at in range(0, len(data), channels)]
    palette = [colour for colour, _ in Counter(pixels).most_common(_MOST)]
    places = {colour: place for place, colour in enumerate(palette)}
    for colour in set(pixels).difference(palette):
        places[colour] = _nearest(colour, palette)
    row = bytes(places[pixel] for pixel in pixels)
    lines = b"".join(b"\0" + row[at : at + width] for at in range(0, len(row), width))
    return _HEAD + b"".join([
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)), _chunk(b"PLTE", b"".join(palette)),
        _chunk(b"IDAT", zlib.compress(lines, 9)), _chunk(b"IEND", b""),
    ])  # fmt: skip


def _nearest(colour: bytes, palette: list[bytes]) -> int:
    return min(range(len(palette)), key=lambda place: sum((a - b) ** 2
                                                          for a, b in zip(colour, palette[place], strict=True)))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _read(png: bytes) -> tuple[int, int, int, bytes]:
    chunks = list(_chunks(png))
    width, height, depth, kind, _, _, interlace = struct.unpack(">IIBBBBB", chunks[0][1])
    assert depth == 8 and kind in (2, 6) and not interlace, "no plain picture of 8 bits a colour"
    channels = 3 if kind == 2 else 4
    packed = zlib.decompress(b"".join(content for name, content in chunks if name == b"IDAT"))
    return width, height, channels, _unfiltered(packed, width * channels, channels)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_HEAD)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _unfiltered(packed: bytes, wide: int, step: int) -> bytes:
    """The bytes of all lines; each tells in its first byte how it was written as a difference."""
    above, found = bytearray(wide), bytearray()
    for at in range(0, len(packed), wide + 1):
        line = bytearray(packed[at + 1 : at + 1 + wide])
        how = packed[at]
        for place in range(wide if how else 0):
            before = line[place - step] if place >= step else 0
            corner = above[place - step] if place >= step else 0
            line[place] = (line[place] + _guess(how, before, above[place], corner)) & 255
        found += line
        above = line
    return bytes(found)


def _guess(how: int, before: int, above: int, corner: int) -> int:
    if how == 4:
        guess = before + above - corner
        return min((before, above, corner), key=lambda one: abs(guess - one))
    return (0, before, above, (before + above) // 2)[how]
