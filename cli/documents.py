"""Documents of a home: sealed under random names, pinned by the hash of their content.

A file is new until the command that brought it is done, and lies in a folder of its own: what a crash leaves there is
looked through by the daemon after a day.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from cli.home import to_disk, write_private
from cli.inspection.inspector import inspect
from engine.deciding.forms import KEPT_DOCUMENT, called
from engine.errors import Refused, UsageError, WrongEnvironment
from engine.model.definition import Definition
from storage.sealing import LONGEST_BEGINNING, Ring, key_of
from web.documents import MAX_DOCUMENT, Kind, Unfit

_NAME = re.compile(r"[0-9a-f]{32}")
_HALF = re.compile(r"\.[0-9a-f]{32}-[0-9a-f]{8}")
LOOKED_THROUGH_AFTER = dt.timedelta(days=1)


class Documents:
    """`folder` is the home's; `ring` seals each file for its own name."""

    def __init__(self, folder: Path, ring: Ring) -> None:
        self.folder = folder
        self.ring = ring

    @property
    def new(self) -> Path:
        return self.folder / "new"

    @contextmanager
    def keeping(self, files: Mapping[str, tuple[bytes, Kind]]) -> Iterator[Mapping[str, str]]:
        """Files for the length of a command, as the values of their facts: they stay when it is done, and go when it is
        refused. Where nobody knows how it ended, `sweep` finds out."""
        kept = {name: self._keep(*file) for name, file in files.items()}
        try:
            yield kept
        except (Refused, UsageError):
            for value in kept.values():
                self._path(value).unlink(missing_ok=True)
            raise
        for value in kept.values():
            self._settle(self._path(value))

    def read(self, value: str) -> tuple[bytes, str]:
        """The content and kind behind a fact's value. Raises `UsageError` when it is missing or not what was kept."""
        found = KEPT_DOCUMENT.fullmatch(value)
        if found is None:
            raise UsageError("this fact names no document that was kept here")
        try:
            content = self.ring.open(self._path(value).read_bytes(), _place(found["name"]))
        except (OSError, WrongEnvironment) as error:
            raise UsageError("the document is missing or cannot be opened: restore documents/ from a backup") from error
        if hashlib.sha256(content).hexdigest() != found["hash"]:
            raise UsageError("the document is not the one that was kept: restore documents/ from a backup")
        return content, found["kind"]

    def sweep(self, now: dt.datetime, named: Callable[[Collection[str]], Collection[str]]) -> int:
        """Looks through what has been new for a day: what a case names stays, the rest goes. Says how much went.

        `named` gives those of some names that stand anywhere in the database.
        """
        oldest = (now - LOOKED_THROUGH_AFTER).timestamp()
        found = list(self.new.iterdir()) if self.new.is_dir() else []
        left = [path for path in found if _written_at(path) < oldest]
        wanted = named([path.name for path in left]) if left else ()
        for path in left:
            self._settle(path) if path.name in wanted else path.unlink(missing_ok=True)
        return sum(path.name not in wanted for path in left)

    def count_by_key(self) -> Mapping[str, int]:
        """How many files each key has sealed."""
        return Counter(sealed_with(path) for path in self._files())

    def seal_anew(self, done: Callable[[int], object]) -> int:
        """Seals every file that opens and that another key has sealed with the present one, and says how many."""
        self._take_away_halves()
        count = 0
        for path in self._files():
            if sealed_with(path) not in ("", self.ring.now().current) and self._seal_anew(path):
                count += 1
                done(1)
        for folder in (self.folder, self.new):
            if count and folder.is_dir():
                to_disk(folder)
        return count

    def _take_away_halves(self) -> None:
        """What a killed run had begun to write."""
        for path in (*self.folder.glob(".*-*"), *self.new.glob(".*-*")):
            if _HALF.fullmatch(path.name):
                path.unlink(missing_ok=True)

    def _files(self) -> Iterator[Path]:
        """New ones first, since they move on."""
        for folder in (self.new, self.folder):
            if folder.is_dir():
                yield from sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))

    def _seal_anew(self, path: Path) -> bool:
        """At once or not at all; one that was taken away meanwhile does not come back, one that does not open stays."""
        beside = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
        try:
            place = _place(path.name)
            write_private(beside, self.ring.seal(self.ring.open(path.read_bytes(), place), place))
            if there := path.exists():
                os.replace(beside, path)
            return there
        except (FileNotFoundError, WrongEnvironment):
            return False
        finally:
            beside.unlink(missing_ok=True)

    def _keep(self, content: bytes, kind: Kind) -> str:
        """Keeps a file, and gives the fact's value: its random name, its kind and the SHA-256 of its content."""
        name = secrets.token_hex(16)
        self.new.mkdir(mode=0o700, exist_ok=True)
        write_private(self.new / name, self.ring.seal(content, _place(name)))
        to_disk(self.new)
        return f"{name}.{kind} sha256:{hashlib.sha256(content).hexdigest()}"

    def _path(self, value: str) -> Path:
        """Where a kept file lies: among the new ones as long as it is not settled."""
        name = value.partition(".")[0]
        return self.new / name if (self.new / name).exists() else self.folder / name

    def _settle(self, path: Path) -> None:
        with suppress(OSError):  # it can be read where it is, and is settled by the daemon later
            path.rename(self.folder / path.name)


@contextmanager
def handing_in(documents: Documents, definition: Definition, given: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The words typed after `-f`, each `@FILE` of a document fact kept and named. Raises `UsageError`."""
    facts = {name for name, fact in definition.facts.items() if fact.type.kind == "document"}
    typed = {name: word for name, word in given.items() if name in facts and not KEPT_DOCUMENT.fullmatch(word)}
    with documents.keeping({name: read_document(name, word) for name, word in typed.items()}) as kept:
        yield {**given, **{name: called(value, Path(typed[name][1:]).name) for name, value in kept.items()}}


def read_document(name: str, word: str) -> tuple[bytes, Kind]:
    """The file of a word such as `@letter.pdf`, and its kind. Raises `UsageError`."""
    if not word.startswith("@"):
        raise UsageError(f"{name} is a document: name its file as -f {name}=@letter.pdf")
    path = Path(word[1:]).expanduser()
    try:
        with path.open("rb") as file:
            content = file.read(MAX_DOCUMENT + 1)
        return content, inspect(content, path.name)
    except OSError as error:
        raise UsageError(f"{name}: {word[1:]} cannot be read ({error.strerror})") from error
    except Unfit as unfit:
        raise UsageError(f"{name}: {unfit.sentence('en')}") from unfit


def sealed_with(path: Path) -> str:
    """The id of the key that sealed a file; empty for one that is gone, or that nobody sealed."""
    try:
        with path.open("rb") as file:
            return key_of(file.read(LONGEST_BEGINNING))
    except FileNotFoundError:
        return ""


def _written_at(path: Path) -> float:
    """In seconds since 1970; never for one that another worker has taken away meanwhile."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _place(name: str) -> str:
    return f"documents/{name}"
