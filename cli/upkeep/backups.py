"""Backup files: their key, their names, how they come to be at once or not at all, and how many are kept."""

from __future__ import annotations

import datetime as dt
import errno
import fcntl
import os
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from cli.home import ASIDE, Home, check_mode, to_disk, write_private
from cli.settings import Settings
from cli.upkeep.alone import alone
from cli.wiring import House, database_url
from engine.errors import UsageError, WrongEnvironment
from storage.backup.envelope import read_outside
from storage.backup.frames import FrameWriter, frames
from storage.backup.keys import BackupKey, new_backup_key, read_backup_key
from storage.backup.making import one_moment, write_backup
from storage.backup.manifest import Manifest
from storage.backup.restoring import first_of
from storage.database import database_file, opened

NAME = re.compile(r"soppa-\d{8}T\d{6}Z-[0-9a-f]{4}\.backup")
_PARTIAL = ".soppa-*.partial"
_COPY = ".backup-copy.db"
_NOT_KEPT = {"keys", "daemon.lock", "backup.lock", "job.lock", "alarms", "seen", "restoring", "moving"}
_ENDS = ("", "-wal", "-shm", "-journal")
"""What SQLite adds to the name of its file."""

_PASSING = re.compile(rf"\.?in-hand\..*|\.(seen|alarms)-.*|.*{re.escape(ASIDE)}(\.partial)?")
_KEY_FILE = """\
# The backup key {id} of this home. Print it, or copy it, and keep it apart from the home and from the backups:
# they cannot be opened without it. Whoever has it and a backup still cannot read personal data without the key ring.
{text}
"""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Made:
    file: Path
    bytes: int
    key: str
    manifest: Manifest
    files: int
    removed: tuple[str, ...]


def make_key(home: Home) -> BackupKey:
    """A fresh key; one that was there is kept beside it under its own name, to open what it has sealed."""
    key, before = new_backup_key(), home.backup_key
    if before.exists():
        old = read_key_file(before)
        before.rename(before.with_name(f"backup-{old.id}"))
    write_key(before, key)
    return key


def write_key(path: Path, key: BackupKey) -> None:
    write_private(path, _KEY_FILE.format(id=key.id, text=key.text).encode())


def key_of(home: Home) -> BackupKey:
    """The key that backups of this home are made with. Raises `WrongEnvironment` where there is none."""
    if not home.backup_key.is_file():
        raise WrongEnvironment(f"{home.backup_key} is missing: make it with soppa backup key, and keep a copy of it "
                               f"apart from the home")
    return read_key_file(home.backup_key)


def keys_of(home: Home) -> dict[str, BackupKey]:
    """Every backup key of a home by its id, the present one and those before it."""
    found = [read_key_file(path) for path in sorted(home.backup_key.parent.glob("backup*")) if path.is_file()]
    return {key.id: key for key in found}


def read_key_file(path: Path) -> BackupKey:
    """Raises `WrongEnvironment` for a file that others may read, or that holds no whole key."""
    check_mode(path)
    try:
        key = read_backup_key(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise WrongEnvironment(f"{path} cannot be read: name the file of the backup key") from error
    if key is None:
        raise WrongEnvironment(f"{path} holds no whole backup key: a letter is missing or wrong; copy it again")
    return key


def back_up(house: House, folder: Path, keep: int, now: dt.datetime, progress: Progress) -> Made:
    """Makes one backup, reads it again, and only then lets older ones go. Raises `UsageError`, `Refused` or
    `WrongEnvironment`; the folder then holds no new backup."""
    return back_up_from(house.home, house.settings, folder, keep, now, progress)


def back_up_from(
    home: Home, settings: Settings, folder: Path, keep: int, now: dt.datetime, progress: Progress
) -> Made:
    """The same of a database that may be of an older schema."""
    check_folder(home, folder)
    key = key_of(home)
    with _told(folder), alone(home.backup_lock, "is making a backup of this home"):
        _sweep(folder)
        with _partial(folder) as (partial, file):
            url = database_url(home, settings)
            with opened(url) as engine, one_moment(engine, home.root / _COPY) as connection:
                out = FrameWriter(file, key)
                kept = files_of(home, settings)
                manifest, files = write_backup(out, connection, kept, version("soppa"), now, progress)
            out.finish()
            file.flush()
            os.fsync(file.fileno())
            _read_again(partial, key)
            made = folder / f"soppa-{now.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}.backup"
            os.rename(partial, made)
        to_disk(folder)
        removed = _let_go(folder, keep, made, set(keys_of(home)))
    return Made(made, made.stat().st_size, key.id, manifest, files, removed)


def backups_in(folder: Path) -> Sequence[Path]:
    """The backups in a folder, oldest first."""
    return sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name) and path.is_file())


def key_id_of(file: Path) -> str:
    """Raises `WrongEnvironment` for a file that is no backup."""
    with file.open("rb") as opened:
        return read_outside(opened, str(file)).key


@dataclass(frozen=True, slots=True)
class Line:
    """A backup in a list; `wrong` where it cannot be opened."""

    file: Path
    bytes: int
    key: str | None
    manifest: Manifest | None
    wrong: str | None


def look_at(file: Path, home: Home) -> Line:
    """What a backup says of itself. Only its beginning is read."""
    size, key = file.stat().st_size, None
    try:
        key = key_id_of(file)
        known = keys_of(home).get(key)
        if known is None:
            return Line(file, size, key, None, f"of the backup key {key}")
        with file.open("rb") as opened:
            return Line(file, size, key, first_of(frames(opened, known, file.name), file.name), None)
    except (WrongEnvironment, OSError) as error:
        return Line(file, size, key, None, str(error))


def check_folder(home: Home, folder: Path) -> None:
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}: make it, or mount the disk that it is on")
    if folder.resolve().is_relative_to(home.root.resolve()):
        raise UsageError(f"{folder} lies in the home itself: a backup belongs on another disk, name a folder there")


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """What the disk says, as one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise WrongEnvironment(f"the disk of {folder} is full: make room, no backup was made") from error
        raise WrongEnvironment(f"no backup was made ({error.strerror}: {error.filename or folder}): see that soppa's "
                               f"user may read the home and write there") from error


@contextmanager
def _partial(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A file under a name that nobody takes for a backup, locked for the life of its maker, gone unless it is whole."""
    path = folder / f".soppa-{secrets.token_hex(8)}.partial"
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        with suppress(OSError):  # a disk in the network may know no locks; then what is left is not swept
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            yield path, file
        finally:
            path.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Takes away what makers left that were killed: nobody holds its lock any more."""
    for path in folder.glob(_PARTIAL):
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def _read_again(path: Path, key: BackupKey) -> None:
    with path.open("rb") as file:
        for _ in frames(file, key, path.name):
            pass


def _let_go(folder: Path, keep: int, made: Path, ours: set[str]) -> tuple[str, ...]:
    """Removes the oldest of our own backups beyond so many; those of another home in the same folder stay."""
    mine = [path for path in backups_in(folder) if path != made and _is_ours(path, ours)]
    gone = mine[: max(0, len(mine) + 1 - keep)]
    for path in gone:
        path.unlink(missing_ok=True)
    return tuple(path.name for path in gone)


def _is_ours(path: Path, ours: set[str]) -> bool:
    try:
        return key_id_of(path) in ours
    except (WrongEnvironment, OSError):
        return False


def files_of(home: Home, settings: Settings) -> Iterator[tuple[str, Path]]:
    """Every file of the home but its keys, its database and what passes; new documents first, since they move on."""
    new = home.documents / "new"
    database = database_file(database_url(home, settings))
    databases = (_COPY,) if database is None else (_COPY, database.name)
    not_kept = _NOT_KEPT | {name + end for name in databases for end in _ENDS}
    yield from ((path.relative_to(home.root).as_posix(), path) for path in _below(new, ()))
    for path in _below(home.root, (home.root.resolve(), new.resolve())):
        name = path.relative_to(home.root)
        if name.parts[0] not in not_kept and not _PASSING.fullmatch(name.name):
            yield name.as_posix(), path


def _below(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """The files below a folder; a link is followed, but never back to where it lies in."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.resolve() not in above:
            yield from _below(path, (*above, path.resolve()))
        elif path.is_file():
            yield path
