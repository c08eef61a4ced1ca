"""An upgrade: nobody works, a backup, the migrations, a look whether all is whole; whatever goes wrong leads back.

How far it has come is kept in the database, so that it can be begun again after a kill; until it has ended every other
command is refused.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from cli.home import Home, check_home, check_own
from cli.settings import Settings, read_settings
from cli.upkeep.afterupgrade import UPGRADE
from cli.upkeep.backups import Progress, back_up_from, check_folder, key_id_of, keys_of
from cli.upkeep.joblock import only_job
from cli.upkeep.verifying import told_wrong, verify_house
from cli.wiring import House, check_origin, database_url, is_sqlite, open_house
from engine.errors import Refused, SoppaError, UsageError, WrongEnvironment
from storage.backup.frames import Frame, frames
from storage.backup.manifest import Manifest
from storage.backup.restoring import first_of
from storage.driver import SCHEMA
from storage.upkeep.upgrading import Database, MovedOn, Process, Upgrade, database, definitions_in_use, open_cases
from storage.upkeep.verifying import Found

PATIENCE = 20.0
"""Seconds in which a daemon that was asked to stop has stopped; it takes ten at most."""

KEEP = 10_000
"""A backup of an upgrade lets none of the nightly ones go."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What somebody has asked for. `stop`: whoever works is asked to stop; `despite`: faults that `verify` finds do not
    lead back."""

    home: Home
    folder: Path | None
    stop: bool
    despite: bool
    clock: Callable[[], dt.datetime]
    tell: Tell
    progress: Progress


@dataclass(frozen=True, slots=True)
class Upgraded:
    """`backup` is None where there was nothing to migrate."""

    was: str
    schema: str
    backup: Path | None
    definitions: int
    found: Found


def upgrade(job: Job) -> Upgraded:
    """Raises `WrongEnvironment`, `Refused`, `UsageError`; the database is then as before, or the next run goes on."""
    check_home(job.home)
    check_own(job.home)
    check_origin()
    with only_job(job.home, UPGRADE):
        settings = read_settings(job.home.settings)
        with database(database_url(job.home, settings)) as there, there.alone():
            was = there.schema()
            with _nobody_at_work(job, settings, there.others):
                return _upgrade(job, settings, there, was)


def _upgrade(job: Job, settings: Settings, there: Database, was: str) -> Upgraded:
    begun = there.under_way()
    if begun is not None and begun.goes_back:
        _go_back(job, there, begun)
        raise Refused(f"the upgrade that had failed is taken back: the database has schema {begun.schema} as before; "
                      f"mend what was told then, and run soppa upgrade again")
    if begun is None and was == SCHEMA:
        definitions, found = _look(job)
        return Upgraded(was, was, None, definitions, found)
    begun = begun if begun is not None and begun.backup else _begin(job, settings, there, was)
    try:
        with _contents(job, begun) as (manifest, _):
            there.migrate(manifest, job.progress)
        job.tell(f"migrated from schema {begun.schema} to {SCHEMA}")
        definitions, found = _look(job)
    except MovedOn:
        there.end()
        raise
    except Exception as error:
        _take_back(job, there, begun, error)
    there.end()
    return Upgraded(begun.schema, SCHEMA, Path(begun.backup), definitions, found)


def _begin(job: Job, settings: Settings, there: Database, was: str) -> Upgrade:
    """Keeps everybody else out, and makes the backup that leads back."""
    if job.folder is None:
        raise UsageError(f"the database has schema {was}, this program {SCHEMA}: name the folder for the backup that "
                         f"is made first, such as --to /mnt/backup")
    check_folder(job.home, job.folder)
    begun = Upgrade(was, job.clock().isoformat())
    there.keep(begun)
    try:
        made = back_up_from(job.home, settings, job.folder, KEEP, job.clock(), job.progress)
    except BaseException:
        there.end()
        raise
    begun = replace(begun, backup=str(made.file))
    there.keep(begun)
    job.tell(f"backed up to {made.file}")
    return begun


def _look(job: Job) -> tuple[int, Found]:
    """Whether every definition in use is there, and all that is kept is whole. Raises what is wrong."""
    with open_house(job.home, job.clock, upgrading=True) as house:
        with house.store.base.reading() as connection:
            used, cases = definitions_in_use(connection), open_cases(connection)
        _check_definitions(house, used)
        job.tell(f"{len(used)} definitions of {cases:,} open cases are there")
        found = verify_house(house, job.progress)
    if found.wrong and not job.despite:
        raise Refused(f"{told_wrong(found)}\nfaults that are older than the upgrade are none of its doing: where soppa "
                      f"verify of the version before names the same, add --despite-faults")
    return len(used), found


def _check_definitions(house: House, used: Sequence[tuple[str, int, str]]) -> None:
    """Raises `FaultyInput`, `Refused` or `WrongEnvironment`."""
    for process, version, digest in used:
        house.definitions.pinned(process, version, digest)
    with house.store.rehearse() as unit:
        for process in house.definitions.processes():
            unit.adopt(house.definitions.newest(process), house.definitions.source)


def _take_back(job: Job, there: Database, begun: Upgrade, error: Exception) -> NoReturn:
    """Leads back after a failure, and raises what went wrong; `WrongEnvironment` where the way back fails too."""
    said = str(error) if isinstance(error, SoppaError) else f"a fault in soppa itself ({type(error).__name__})"
    back = replace(begun, goes_back=True)
    there.keep(back)
    try:
        _go_back(job, there, back)
    except SoppaError as worse:
        raise WrongEnvironment(f"the upgrade failed: {said}\nand so did the way back: {worse}\nmend that, and run "
                               f"soppa upgrade again: it goes back first") from error
    raise Refused(f"the upgrade failed: {said}\nthe database is as it was, with schema {begun.schema}: the version of "
                  f"soppa before goes on with it") from error


def _go_back(job: Job, there: Database, begun: Upgrade) -> None:
    with _contents(job, begun) as (manifest, contents):
        there.go_back(manifest, contents, job.progress)
    there.end()


@contextmanager
def _contents(job: Job, begun: Upgrade) -> Iterator[tuple[Manifest, Iterator[Frame]]]:
    """The backup of an upgrade. Raises `WrongEnvironment` where it cannot be read."""
    file = Path(begun.backup)
    if not file.is_file():
        raise WrongEnvironment(f"the backup {file} of this upgrade is not there: put it back, or mount its disk")
    key = keys_of(job.home).get(key_id_of(file))
    if key is None:
        raise WrongEnvironment(f"the backup key of {file} is not in {job.home.backup_key.parent}: put it back")
    with file.open("rb") as opened:
        contents = frames(opened, key, file.name)
        yield first_of(contents, file.name), contents


@contextmanager
def _nobody_at_work(job: Job, settings: Settings, others: Callable[[], Sequence[Process]]) -> Iterator[None]:
    """Holds the daemon's place. Raises `Refused` naming who is at work."""
    held = os.open(job.home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if is_sqlite(job.home, settings):
            _wait_until_gone(job, lambda: () if _takes(held) else (_holder(held),))
        else:
            _wait_until_gone(job, others)
        os.ftruncate(held, 0)
        os.pwrite(held, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(held)


def _wait_until_gone(job: Job, at_work: Callable[[], Sequence[Process]]) -> None:
    found = at_work()
    if found and not job.stop:
        raise Refused(f"{_named(found)} at work on this database: end that first (systemctl stop soppa), or add "
                      f"--stop; nothing was changed")
    for process in found:
        if process.host == socket.gethostname() and process.pid > 1:
            job.tell(f"asking process {process.pid} to stop")
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, signal.SIGTERM)
    ends = time.monotonic() + PATIENCE
    while found := at_work():
        if time.monotonic() > ends:
            raise Refused(f"{_named(found)} at work still: end that there first; nothing was changed")
        time.sleep(0.1)


def _named(found: Sequence[Process]) -> str:
    names = [f"process {one.pid}" + ("" if one.host == socket.gethostname() else f" on {one.host}") for one in found]
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"


def _takes(held: int) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _holder(held: int) -> Process:
    word = os.pread(held, 20, 0).decode("ascii", "replace").strip()
    return Process(int(word) if word.isdecimal() else 0, socket.gethostname())
