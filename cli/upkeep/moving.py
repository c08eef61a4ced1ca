"""Moving a home from its SQLite file to PostgreSQL: all at one moment, compared, and put into service at once.

Each step may be the last one that is run:

1. The home notes a token of this move, and nobody else writes into the file.
2. PostgreSQL gets all rows and the token in one transaction, which commits when both sides are alike.
3. The file is copied aside as it is.
4. From its commit on the file refuses its writers, those included who waited for the move to end.
5. The settings name PostgreSQL.
6. The token goes, and the file with it.

Until 4 the home works as before, and the command begins anew; after that, it goes on from where it was.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from cli.home import ASIDE, Home, to_disk, write_private
from cli.serving.daemon import lock_of
from cli.serving.failpoint import dies_at
from cli.serving.worker import only_daemon
from cli.settings import check_text
from cli.setup.document import other_keys, with_key
from cli.setup.making import put_file
from cli.upkeep.joblock import only_job
from cli.wiring import House, database_url, is_sqlite
from engine.errors import FaultyInput, Refused, UsageError, WrongEnvironment
from storage.backup.making import copied_to
from storage.database import database_file, parse_url
from storage.upkeep.moving import (
    Contents,
    Target,
    contents_of,
    fill,
    look_at_target,
    put_in_service,
    refuse_writers,
    refuses_writers,
)

_ENDS = ("", "-wal", "-shm", "-journal")
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Look:
    """What a move would do."""

    file: Path
    target: Target
    contents: Contents


@dataclass(frozen=True, slots=True)
class Moved:
    file: Path
    aside: Path
    before: Contents
    after: Contents


def look(house: House, url: str) -> Look:
    """Changes nothing. Raises `UsageError`, `Refused` or `WrongEnvironment`."""
    file, target = _file_of(house), _target(house.home, url)
    with house.store.base.reading() as connection:
        return Look(file, target, contents_of(connection))


def move(house: House, url: str, now: dt.datetime, progress: Progress) -> Moved:
    """Raises `UsageError`, `Refused` or `WrongEnvironment`; the home then works as before."""
    file = _file_of(house)
    with only_job(house.home, "soppa migrate-to-postgres"), only_daemon(lock_of(house)), _told(house.home):
        target = _target(house.home, url)
        _check_settings(house.home, url)
        token = _token(house.home, file)
        with house.store.base.writing() as source:
            before, after = fill(url, source, target, token, version("soppa"), now, progress)
            dies_at(house.settings, "move/filled")
            aside = _set_aside(house, file, keep=refuses_writers(source))
            dies_at(house.settings, "move/aside")
            refuse_writers(source)
        dies_at(house.settings, "move/refusing")
        put_file(house.home.settings, _settings(house.home, url))
        dies_at(house.settings, "move/switched")
        _end(house.home, url, file)
    return Moved(file, aside, before, after)


def is_half_moved(house: House) -> bool:
    """Whether the settings name PostgreSQL already, and only the end is missing."""
    return house.home.moving.exists() and not is_sqlite(house.home, house.settings)


def end(house: House) -> Path:
    """Ends a move that was cut off, and gives where the file stands aside."""
    file = Path(_noted(house.home)["file"])
    with _told(house.home):
        _end(house.home, database_url(house.home, house.settings), file)
    return _aside(file)


def _end(home: Home, url: str, file: Path) -> None:
    put_in_service(url)
    for ending in _ENDS:
        file.with_name(file.name + ending).unlink(missing_ok=True)
    home.moving.unlink(missing_ok=True)
    to_disk(home.root)


def _file_of(house: House) -> Path:
    file = database_file(database_url(house.home, house.settings))
    if file is None:
        raise UsageError(f"the database of {house.home.root} is PostgreSQL already: there is nothing to move")
    return file


def _target(home: Home, url: str) -> Target:
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        raise UsageError("--to is a PostgreSQL database: write postgresql://USER@HOST/NAME")
    if parsed.password:
        raise UsageError("--to holds a password, which others on this machine could see: put it into a .pgpass")
    target = look_at_target(url)
    if target.token is not None and target.token != _noted(home).get("token"):
        raise Refused("the database to move into holds the move of another home: make a new one, and name that")
    return target


def _set_aside(house: House, file: Path, *, keep: bool) -> Path:
    """A copy of the file as it was; `keep` leaves one that is there already."""
    aside = _aside(file)
    if not (keep and aside.exists()):
        partial = aside.with_name(f".{aside.name}.partial")
        copied_to(house.store.base.engine, partial).dispose()
        for ending in _ENDS[1:]:
            partial.with_name(partial.name + ending).unlink(missing_ok=True)
        os.replace(partial, aside)
        to_disk(aside.parent)
    return aside


def _aside(file: Path) -> Path:
    return file.with_name(file.name + ASIDE)


def _token(home: Home, file: Path) -> str:
    """That of a move that was cut off, else a fresh one."""
    noted = _noted(home)
    if noted.get("file") != str(file):
        home.moving.unlink(missing_ok=True)
        noted = {"token": secrets.token_hex(16), "file": str(file)}
        write_private(home.moving, json.dumps(noted).encode() + b"\n")
    return noted["token"]


def _noted(home: Home) -> dict[str, str]:
    try:
        said = json.loads(home.moving.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): str(value) for name, value in said.items()} if isinstance(said, dict) else {}


def _check_settings(home: Home, url: str) -> None:
    """Whether the key can be written by a program. Raises `Refused`, before anything is moved."""
    text, path = home.settings.read_text("utf-8-sig"), home.settings
    fresh = _settings(home, url)
    try:
        written = check_text(fresh, path).database == url
    except FaultyInput as error:
        raise Refused("\n".join(fault.message for fault in error.faults)) from error
    if not written or other_keys(fresh, "database", str(path)) != other_keys(text, "database", str(path)):
        raise Refused(f"{path} is not written one key a line: put the key database on a line of its own, and run this "
                      f"again")


def _settings(home: Home, url: str) -> str:
    return with_key(home.settings.read_text("utf-8-sig"), "database", url, str(home.settings))


@contextmanager
def _told(home: Home) -> Iterator[None]:
    """What the disk says, as one sentence."""
    try:
        yield
    except OSError as error:
        raise WrongEnvironment(f"the move stopped ({error.strerror}): make room on the disk of {home.root}, or give it "
                               f"back to soppa's user, and run the same command again") from error
