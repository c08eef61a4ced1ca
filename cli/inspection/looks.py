"""What a file is, by what it holds. Pure: bytes in, a kind out, or a `Fault`."""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Callable, Iterator

from cli.inspection.docx import check_docx
from cli.inspection.pdf import check_pdf
from cli.inspection.verdict import Fault

MAX_SIDE = 30_000
MAX_PIXELS = 200_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
_FRAMES = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
"""The markers of a JPEG that begin a frame, and so say its size."""

_BARE = (0x01, *range(0xD0, 0xD8))
"""Those that carry nothing."""

_BYTE_ORDER = "\ufeff".encode()
_LAYOUT = "\t\n\r\f\x85"


def look(content: bytes) -> str:
    """The kind of a file that is whole as far as its kind asks for it. Raises `Fault`."""
    for beginning, kind, check in _KINDS:
        if content.startswith(beginning):
            check(content)
            return kind
    if not is_text(content):
        raise Fault("kind")
    return "txt"


def is_text(content: bytes) -> bool:
    try:
        text = content.removeprefix(_BYTE_ORDER).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return bool(text.strip()) and all(char in _LAYOUT or unicodedata.category(char) != "Cc" for char in text)


def check_png(content: bytes) -> None:
    length, name, width, height = struct.unpack_from(">I4sII", content, len(_PNG))
    if (length, name) != (13, b"IHDR"):
        raise Fault("unreadable")
    _check_size(width, height)


def check_jpeg(content: bytes) -> None:
    for marker, at in _segments(content):
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 3)
            _check_size(width, height)
            return
    raise Fault("unreadable")


def _segments(content: bytes) -> Iterator[tuple[int, int]]:
    """Each marker before the picture itself, and where its segment begins."""
    at = 2
    while content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _BARE:
            at += 2
        else:
            yield marker, at + 2
            at += 2 + struct.unpack_from(">H", content, at + 2)[0]


def _check_size(width: int, height: int) -> None:
    if not width or not height:
        raise Fault("unreadable")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise Fault("picture")


_KINDS: tuple[tuple[bytes, str, Callable[[bytes], None]], ...] = (
    (b"%PDF-", "pdf", check_pdf),
    (_PNG, "png", check_png),
    (b"\xff\xd8\xff", "jpg", check_jpeg),
    (b"PK\x03\x04", "docx", check_docx),
)
