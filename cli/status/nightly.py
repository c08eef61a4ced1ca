"""Whether the backup of the night was made: kept in the database, where the daemon finds it and tells."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from cli.status.looks import BACKUP, BACKUP_FAILED
from cli.upkeep.backups import Made
from cli.wiring import House
from engine.errors import SoppaError, WrongEnvironment


@contextmanager
def noting(house: House) -> Iterator[Callable[[Made], None]]:
    """Keeps that a backup failed, and takes that back when one is made. Raises `WrongEnvironment` where it is made and
    that cannot be kept."""
    made: list[Made] = []
    try:
        yield made.append
    except SoppaError as error:
        at = house.clock().isoformat(timespec="seconds")
        with suppress(SoppaError):  # the database may be what failed
            house.store.set_mark(BACKUP_FAILED, json.dumps({"at": at, "says": str(error)}))
        raise
    for backup in made:
        _keep(house, backup)


def _keep(house: House, backup: Made) -> None:
    said = {"at": backup.manifest.made_at.isoformat(timespec="seconds"), "file": backup.file.name,
            "bytes": backup.bytes}  # fmt: skip
    try:
        house.store.set_mark(BACKUP, json.dumps(said))
        house.store.set_mark(BACKUP_FAILED, "")
    except SoppaError as error:
        raise WrongEnvironment(f"{backup.file} is whole, but this home could not note it: {error}") from error
