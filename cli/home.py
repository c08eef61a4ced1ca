"""The home of a district: one folder of mode 0700 that holds everything, found and checked before it is used."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UsageError, WrongEnvironment

OF_THE_MACHINE = Path("/var/lib/soppa")
"""Where the units in `deploy/` keep the home. sudo takes SOPPA_HOME away, and so this needs no word."""

ASIDE = ".before-postgres"
"""Ends the name of a database file whose rows have moved to PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Home:
    root: Path

    @property
    def settings(self) -> Path:
        return self.root / "district.yaml"

    @property
    def ring(self) -> Path:
        return self.root / "keys" / "ring"

    @property
    def database(self) -> Path:
        return self.root / "soppa.db"

    @property
    def documents(self) -> Path:
        return self.root / "documents"

    @property
    def workflows(self) -> Path:
        return self.root / "workflows"

    @property
    def references(self) -> Path:
        return self.root / "references"

    @property
    def lock(self) -> Path:
        return self.root / "daemon.lock"

    @property
    def backup_lock(self) -> Path:
        return self.root / "backup.lock"

    @property
    def retention(self) -> Path:
        """The district's own terms; those that are shipped hold where it is not there."""
        return self.root / "retention.yaml"

    @property
    def alarms(self) -> Path:
        """What is wrong just now, where neither database nor mail is needed to read it."""
        return self.root / "alarms"

    @property
    def job_lock(self) -> Path:
        """Held by a job of which one may run at a time."""
        return self.root / "job.lock"

    @property
    def seen(self) -> Path:
        """How far this home has seen its database come."""
        return self.root / "seen"

    @property
    def restoring(self) -> Path:
        """There while a backup is restored into this home, and when that did not come to its end."""
        return self.root / "restoring"

    @property
    def asides(self) -> list[Path]:
        """Database files as they were before this home moved to PostgreSQL."""
        return sorted(self.root.glob(f"*{ASIDE}"))

    @property
    def moving(self) -> Path:
        """There while this home is moved to PostgreSQL, and when that did not come to its end."""
        return self.root / "moving"

    @property
    def backup_key(self) -> Path:
        return self.root / "keys" / "backup"


def find_home(named: Path | None) -> Home:
    """The folder named, else SOPPA_HOME, else systemd's state folder, else the user's own data folder; where that is
    not there, the folder of the machine's service, if it is."""
    word = os.environ.get("SOPPA_HOME") or os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if named is not None or word:
        return Home((named or Path(word)).expanduser().absolute())
    import platformdirs

    own = Path(platformdirs.user_data_dir("soppa", appauthor=False))
    there = os.path.exists(own)  # Path.exists raises where a folder above may not be entered
    return Home(OF_THE_MACHINE if OF_THE_MACHINE.is_dir() and not there else own)


def make_home(home: Home) -> None:
    """Makes the folders. Raises `UsageError` when something is there already, or where they cannot be."""
    check_restored(home)
    if home.settings.exists() or home.ring.exists():
        raise UsageError(f"{home.root} is a home already: use it, or name an empty folder with --home")
    try:
        for folder in (home.root, home.ring.parent, home.documents, home.workflows):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
    except OSError as error:
        raise UsageError(f"{home.root} cannot be made ({error.strerror}): name another folder with --home") from error


def write_private(path: Path, content: bytes) -> None:
    """Writes a new file of mode 0600, on the disk when this returns; never over one that is there."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def to_disk(folder: Path) -> None:
    """The names in a folder are on the disk as well when this returns."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def check_home(home: Home) -> None:
    """Refuses a home that is missing, open to others, or without its key. Raises `WrongEnvironment`."""
    check_restored(home)
    if not home.settings.is_file():
        raise WrongEnvironment(f"{home.root} is no home of a district: make one with soppa setup --home {home.root}, "
                               f"or name yours with --home or SOPPA_HOME")
    if not home.ring.is_file():
        raise WrongEnvironment(f"{home.ring} is missing: put the key ring back from its own backup; without it the "
                               f"personal data of {home.database.name} cannot be read")
    for path in (home.root, home.ring.parent, home.ring, home.settings, home.database):
        check_mode(path)


def check_own(home: Home) -> None:
    """Refuses to write what the home's own user could not read afterwards. Raises `WrongEnvironment`."""
    owner = home.root.stat().st_uid
    if owner != os.geteuid():
        raise WrongEnvironment(f"{home.root} belongs to another user (number {owner}), whose daemon could not use what "
                               f"this command writes: run it as that user, sudo -u '#{owner}' soppa …")


def check_restored(home: Home) -> None:
    """Refuses a folder into which a backup was restored in part. Raises `WrongEnvironment`."""
    if home.restoring.exists():
        raise WrongEnvironment(f"{home.root} holds a restore that is not finished: wait for it; where it was cut off, "
                               f"empty the folder and restore again")


def check_mode(path: Path) -> None:
    """Refuses a file or folder that others may read. Raises `WrongEnvironment`."""
    if not path.exists():
        return
    found = path.stat()
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        wanted = "700" if path.is_dir() else "600"
        raise WrongEnvironment(f"{path} may be read by others (mode {mode:03o}): chmod {wanted} {path}")
