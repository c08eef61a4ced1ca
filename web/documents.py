"""Documents handed in: their kinds, and why one is not taken, in the reader's language."""

from __future__ import annotations

from typing import Literal

from web.words import tell

Kind = Literal["pdf", "png", "jpg", "docx", "txt"]
MEDIA_TYPES = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "txt": "text/plain; charset=utf-8",
}
MAX_DOCUMENT = 10 * 1024 * 1024
_LONGEST_NAME = 60


class Unfit(Exception):
    """A file that is not taken. `key` is the end of a `document_…` of the words."""

    def __init__(self, key: str, *, name: str = "", named: str | None = None, kind: str = "") -> None:
        super().__init__(key)
        self.key = key
        self.name = "".join(char if char.isprintable() else "?" for char in name)[-_LONGEST_NAME:]
        self.kinds = {"named": named or "", "kind": kind}

    def sentence(self, language: str) -> str:
        """What is wrong with the file and what to do, without a full stop."""
        kinds = {word: tell(f"kind_{kind}", language) for word, kind in self.kinds.items() if kind}
        return tell(f"document_{self.key}", language, name=self.name, **kinds)
