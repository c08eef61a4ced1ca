"""Uploaded documents: what kind a file is, by its first bytes. Its name and the browser's word count for nothing."""

from __future__ import annotations

from typing import Literal

Kind = Literal["pdf", "png", "jpg", "docx", "txt"]
MEDIA_TYPES = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "txt": "text/plain; charset=utf-8",
}
MAX_DOCUMENT = 10 * 1024 * 1024
_BEGINNINGS: tuple[tuple[bytes, Kind], ...] = (
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
)


def kind_of(content: bytes) -> Kind | None:
    """None for anything that is not a PDF, a PNG, a JPEG, a Word document or plain text."""
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning):
            return kind
    # A Word document is a zip whose directory names this part; nothing is unpacked here.
    if content.startswith(b"PK\x03\x04") and b"word/document.xml" in content:
        return "docx"
    return "txt" if _is_text(content) else None


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return bool(text.strip()) and all(char in "\t\n\r\f" or char >= " " for char in text)
