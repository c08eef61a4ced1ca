"""Restoring a backup into an empty folder, which is a home at the end or is refused as long as it is not whole."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cli.home import Home, check_mode, check_restored, to_disk, write_private
from cli.settings import Settings, check_text, read_settings
from cli.upkeep.backups import backups_in, key_id_of, keys_of, read_key_file, write_key
from cli.upkeep.seen import why_doubted
from engine.errors import FaultyInput, Refused, UsageError, WrongEnvironment
from storage.backup.frames import frames
from storage.backup.keys import BackupKey, read_backup_key
from storage.backup.manifest import Manifest
from storage.backup.restoring import first_of, key_ring_fits, restore_into
from storage.database import parse_url
from storage.mailing.window import MailWindow
from storage.sealing import Ring, read_ring
from storage.store import open_store
from storage.upkeep.seen import RESTORED

_STAGED = "district.yaml.restored"
_DATABASE = re.compile(r"^database\s*:.*$", re.MULTILINE)
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Back:
    """A restored home. `doubtful` are the mails that may have been sent since, None where they are found later."""

    file: Path
    home: Home
    manifest: Manifest
    files: int
    doubtful: int | None


def find_backup(named: Path) -> Path:
    """A backup, or the newest one of a folder. Raises `UsageError`."""
    if named.is_dir():
        found = backups_in(named)
        if not found:
            raise UsageError(f"there is no backup in {named}: name another folder, or a file")
        return found[-1]
    if not named.is_file():
        raise UsageError(f"there is no file {named}: name a backup, or a folder of them")
    return named


def find_key(file: Path, home: Home, named: Path | None, ask: Callable[[str], str] | None) -> BackupKey:
    """The key that opens a backup: the one named, else one of the home's, else as somebody types it."""
    if named is not None:
        return read_key_file(named)
    wanted = key_id_of(file)
    known = keys_of(home)
    if wanted in known:
        return known[wanted]
    if ask is None:
        raise UsageError(f"{file} was made with the backup key {wanted}, which is not here: name its file with --key")
    key = read_backup_key(ask(f"Backup key {wanted}, as it was printed"))
    if key is None:
        raise UsageError("this is no whole backup key: a letter is missing or wrong, type it again")
    return key


def read_ring_file(path: Path) -> Ring:
    """Raises `WrongEnvironment`."""
    if not path.is_file():
        raise WrongEnvironment(f"the key ring {path} is missing: name its copy with --ring")
    check_mode(path)
    return read_ring(path.read_bytes())


def restore(
    file: Path,
    key: BackupKey,
    into: Home,
    ring_file: Path | None,
    url: str | None,
    now: dt.datetime,
    progress: Progress,
) -> Back:
    """Restores into an empty folder and a new database. Raises `UsageError`, `Refused` or `WrongEnvironment`; folder
    and database are then empty as before."""
    ring = None if ring_file is None else read_ring_file(ring_file)
    _check_url(url)
    with file.open("rb") as opened:
        contents = frames(opened, key, file.name)
        manifest = first_of(contents, file.name)
        if ring is not None and not key_ring_fits(manifest, ring.open):
            raise WrongEnvironment(f"{ring_file} is not the key ring of this backup: name the one that its home had")
        with _claimed(into):
            database = url or f"sqlite:///{into.database}"
            marks = {RESTORED: manifest.made_at.isoformat()}
            files = restore_into(database, manifest, contents, _placing(into.root), marks, progress)
            settings = _fit_settings(into, url)
            doubtful = _doubt(database, ring, settings, manifest, now)
            _write_keys(into, key, ring_file)
            os.replace(into.root / _STAGED, into.settings)
            for folder in (into.root, *(path for path in into.root.rglob("*") if path.is_dir())):
                to_disk(folder)
    return Back(file, into, manifest, files, doubtful)


def restore_to_look(
    file: Path, key: BackupKey, into: Home, ring_file: Path, now: dt.datetime, progress: Progress
) -> Back:
    """The same into a folder that goes away again. The key ring is not copied there: a link leads to it."""
    read_ring_file(ring_file)
    back = restore(file, key, into, None, None, now, progress)
    into.ring.symlink_to(ring_file.absolute())
    return back


@contextmanager
def _claimed(into: Home) -> Iterator[None]:
    """Takes an empty folder, and empties it again when the block fails."""
    check_restored(into)
    try:
        into.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(into.root.iterdir()):
            raise Refused(f"{into.root} is not empty: name an empty folder, or one that is not there yet")
        into.root.chmod(0o700)
        held = os.open(into.restoring, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UsageError(f"{into.root} cannot be restored into ({error.strerror}): name another folder") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    except BaseException as error:
        _empty(into)
        if isinstance(error, OSError):
            raise WrongEnvironment(f"nothing was restored ({error.strerror}): make room on the disk of {into.root}, or "
                                   f"name another folder") from error
        raise
    finally:
        os.close(held)
    into.restoring.unlink()


def _empty(into: Home) -> None:
    for path in into.root.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path != into.restoring:
            path.unlink(missing_ok=True)
    into.restoring.unlink(missing_ok=True)


def _placing(root: Path) -> Callable[[PurePosixPath, Iterator[bytes]], None]:
    """Writes each file where it was, of mode 0600 in folders of mode 0700; the settings under another name at first,
    since they make a folder a home."""

    def place(name: PurePosixPath, pieces: Iterator[bytes]) -> None:
        path = root / (_STAGED if str(name) == "district.yaml" else name)
        for folder in reversed(path.relative_to(root).parents):
            (root / folder).mkdir(mode=0o700, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())

    return place


def _check_url(url: str | None) -> None:
    if url is None:
        return
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        raise UsageError("--database is for PostgreSQL: without it the database is a file in the folder")
    if parsed.password:
        raise UsageError("--database holds a password, which others on this machine could see: put it into a .pgpass")


def _fit_settings(into: Home, url: str | None) -> Settings | None:
    """Points the settings at the new database; they must never lead to the one that the backup came from. None for
    settings that this program cannot read otherwise."""
    staged = into.root / _STAGED
    text = _DATABASE.sub(lambda was: f"# before the restore: {was.group()}", staged.read_text("utf-8"))
    if url is not None:
        text = text.rstrip("\n") + f'\ndatabase: "{url}"\n'
    staged.unlink()
    write_private(staged, text.encode())
    try:
        check_text(text, into.settings)
        settings = read_settings(staged)
    except FaultyInput:
        return None
    if settings.database != url:
        raise WrongEnvironment("the settings in the backup name their database in a way that cannot be changed here: "
                               "restore another backup")
    return settings


def _doubt(
    database: str, ring: Ring | None, settings: Settings | None, manifest: Manifest, now: dt.datetime
) -> int | None:
    if ring is None or settings is None:
        return None
    store = open_store(database, ring, window=MailWindow(settings.zone))
    try:
        return len(store.outbox.doubt(now, why_doubted(manifest.made_at)))
    finally:
        store.close()


def _write_keys(into: Home, key: BackupKey, ring_file: Path | None) -> None:
    for folder in (into.ring.parent, into.documents, into.workflows):
        folder.mkdir(mode=0o700, exist_ok=True)
    write_key(into.backup_key, key)
    if ring_file is not None:
        write_private(into.ring, ring_file.read_bytes())
