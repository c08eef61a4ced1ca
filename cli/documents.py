"""Documents of a home: sealed under random names, pinned by the hash of their content."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path

from cli.home import write_private
from engine.definition import Definition
from engine.errors import UsageError, WrongEnvironment
from engine.forms import KEPT_DOCUMENT
from storage.sealing import Ring
from web.documents import MAX_DOCUMENT, kind_of


class Documents:
    """`folder` is the home's; `ring` seals each file for its own name."""

    def __init__(self, folder: Path, ring: Ring) -> None:
        self.folder = folder
        self.ring = ring

    def keep(self, content: bytes, kind: str) -> str:
        """Keeps a file, and gives the fact's value: its random name, its kind and the SHA-256 of its content."""
        name = secrets.token_hex(16)
        write_private(self.folder / name, self.ring.seal(content, _place(name)))
        return f"{name}.{kind} sha256:{hashlib.sha256(content).hexdigest()}"

    def read(self, value: str) -> tuple[bytes, str]:
        """The content and kind behind a fact's value. Raises `UsageError` when it is missing or not what was kept."""
        found = KEPT_DOCUMENT.fullmatch(value)
        if found is None:
            raise UsageError("this fact names no document that was kept here")
        try:
            content = self.ring.open((self.folder / found["name"]).read_bytes(), _place(found["name"]))
        except (OSError, WrongEnvironment) as error:
            raise UsageError("the document is missing or cannot be opened: restore documents/ from a backup") from error
        if hashlib.sha256(content).hexdigest() != found["hash"]:
            raise UsageError("the document is not the one that was kept: restore documents/ from a backup")
        return content, found["kind"]

    def forget(self, value: str) -> None:
        """Takes a file away again whose answer was refused."""
        found = KEPT_DOCUMENT.fullmatch(value)
        if found is not None:
            (self.folder / found["name"]).unlink(missing_ok=True)


def keep_files(documents: Documents, definition: Definition, given: Mapping[str, str]) -> dict[str, str]:
    """The words typed after `-f`, each `@FILE` of a document fact kept and named. Raises `UsageError`."""
    kept = dict(given)
    for name, word in given.items():
        fact = definition.facts.get(name)
        if fact is not None and fact.type.kind == "document" and not KEPT_DOCUMENT.fullmatch(word):
            kept[name] = documents.keep(*_file(name, word))
    return kept


def keep_file(documents: Documents, name: str, path: str) -> str:
    """Keeps the file at a path; the value of its fact. Raises `UsageError`."""
    return documents.keep(*_file(name, f"@{path}"))


def _file(name: str, word: str) -> tuple[bytes, str]:
    if not word.startswith("@"):
        raise UsageError(f"{name} is a document: name its file as -f {name}=@letter.pdf")
    try:
        with Path(word[1:]).expanduser().open("rb") as file:
            content = file.read(MAX_DOCUMENT + 1)
    except OSError as error:
        raise UsageError(f"{name}: {word[1:]} cannot be read ({error.strerror})") from error
    kind = kind_of(content)
    if len(content) > MAX_DOCUMENT:
        raise UsageError(f"{name}: {word[1:]} is larger than {MAX_DOCUMENT // 1024 // 1024} MB")
    if kind is None:
        raise UsageError(f"{name}: {word[1:]} is no PDF, PNG, JPEG, Word document or plain text")
    return content, kind


def _place(name: str) -> str:
    return f"documents/{name}"
