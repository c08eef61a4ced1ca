"""The documents of an adoption: each file looked into once, and kept when its case is adopted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from cli.documents import read_document
from engine.errors import Refused, UsageError
from web.documents import Kind


@dataclass(frozen=True, slots=True)
class Paper:
    """A file that may be kept; `stand_in` has its place in a rehearsal."""

    path: Path
    kind: Kind
    digest: str

    @property
    def stand_in(self) -> str:
        return f"{'0' * 32}.{self.kind} sha256:{self.digest}"

    def content(self) -> tuple[bytes, Kind]:
        """Raises `Refused` where the file is not the one that was looked into any more."""
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise Refused(f"{self.path} cannot be read any more ({error.strerror})") from error
        if hashlib.sha256(content).hexdigest() != self.digest:
            raise Refused(f"{self.path} has changed since it was looked into: run it again")
        return content, self.kind


@dataclass(frozen=True, slots=True)
class Papers:
    """`folder` is that of the adoption's file: names of documents count from there."""

    folder: Path
    _seen: dict[Path, Paper | str] = field(default_factory=dict)

    def paper(self, name: str, word: str) -> Paper:
        """The file of a word such as `@letter.pdf`. Raises `UsageError` where it cannot be kept."""
        path = (self.folder / Path(word.removeprefix("@")).expanduser()).resolve()
        if path not in self._seen:
            self._seen[path] = self._look(name, path)
        found = self._seen[path]
        if isinstance(found, str):
            raise UsageError(f"{name}: {found}")
        return found

    def _look(self, name: str, path: Path) -> Paper | str:
        """The paper, or what is wrong with it."""
        try:
            content, kind = read_document(name, f"@{path}")
        except UsageError as error:
            return str(error).removeprefix(f"{name}: ")
        return Paper(path, kind, hashlib.sha256(content).hexdigest())
