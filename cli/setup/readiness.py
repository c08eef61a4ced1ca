"""What is missing before go-live. Each look stands for itself: where one finds something, the others go on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cli.home import Home, check_home
from cli.setup.finding import Finding, edit, missing, ready
from cli.setup.look import look_at_board, look_at_logo
from cli.setup.machine import (
    look_at_clock,
    look_at_daemon,
    look_at_disk,
    look_at_pages,
    look_at_relay,
    look_at_test_mail,
)
from cli.setup.making import is_unmade
from cli.setup.staff import (
    look_at_calendar,
    look_at_people,
    look_at_references,
    look_at_register,
    look_at_roles,
    look_at_second_person,
    look_at_thresholds,
    look_at_translations,
)
from cli.wiring import House, open_house
from engine.errors import FaultyInput, FaultySettings, SoppaError

Look = Callable[[House], Iterator[Finding]]
LOOKS: tuple[Look, ...] = (
    look_at_clock, look_at_disk, look_at_thresholds, look_at_people, look_at_roles, look_at_second_person,
    look_at_relay, look_at_test_mail, look_at_pages, look_at_daemon, look_at_calendar, look_at_register,
    look_at_references, look_at_translations, look_at_board, look_at_logo,
)  # fmt: skip


def findings(home: Home) -> Iterator[Finding]:
    """Everything that was looked at, each as soon as it is known. Without a home that can be opened, that alone."""
    wrong = _unusable(home)
    if wrong is not None:
        yield wrong
        return
    yield ready("modes", f"nobody else may read what lies in {home.root}")
    yield from _opened(home)


def _unusable(home: Home) -> Finding | None:
    """Why there is nothing more to look at."""
    root = home.root
    if root.exists() and not os.access(root, os.R_OK | os.X_OK):
        owner = root.stat().st_uid
        return missing("home", f"{root} belongs to another user (number {owner})", f"sudo -u '#{owner}' soppa doctor")
    if not home.settings.exists() and not home.ring.exists():
        return missing("home", f"{root} is no home of a district yet", f"soppa setup --home {root}")
    strange, loose = strange_files(root), loose_files(root)
    if strange:
        return missing("modes", f"{strange[0]} is not the home's own user's{_more(strange)}: no daemon could use it",
                       f"chown -R --reference={root} {root}")
    if loose:
        return missing("modes", f"{loose[0]} may be read by others{_more(loose)}", f"chmod -R go= {root}")
    return None


def _more(places: Sequence[Path]) -> str:
    return f", and {len(places) - 1} more" if len(places) > 1 else ""


def loose_files(root: Path) -> list[Path]:
    """Folders and files that others than their owner may use; links are left out, since theirs is what they lead to."""
    return [place for place in _within(root) if not place.is_symlink() and place.lstat().st_mode & 0o077]


def strange_files(root: Path) -> list[Path]:
    """What belongs to another user than the home itself, as after a command that was run as root."""
    owner = root.lstat().st_uid
    return [place for place in _within(root) if place.lstat().st_uid != owner]


def _within(root: Path) -> Iterator[Path]:
    yield root
    for folder, folders, files in os.walk(root):
        yield from (Path(folder, name) for name in (*folders, *files))


def _opened(home: Home) -> Iterator[Finding]:
    from cli.settings import read_settings

    try:
        check_home(home)
        settings = read_settings(home.settings)
    except FaultyInput as error:
        yield from (missing("settings", str(fault), edit(home.settings)) for fault in error.faults)
        return
    except SoppaError as error:
        yield missing("home", str(error), f"ls -l {home.ring.parent}")
        return
    yield ready("settings", f"{home.settings.name} is read without a fault")
    try:
        if is_unmade(home, settings):
            yield missing("database", "it has no tables yet", f"soppa setup --home {home.root}")
            return
        with open_house(home) as house:
            yield ready("database", "it has this program's schema and opens with this key ring")
            wrong = list(_look_at_own_data(house))
            yield from wrong
            for look in LOOKS:
                yield from _seen(look, house, told=bool(wrong))
    except SoppaError as error:
        yield missing("database", str(error), f"soppa doctor --home {home.root}")


def _look_at_own_data(house: House) -> Iterator[Finding]:
    """The faults of the district's own calendars and reference data, each with the file to mend."""
    try:
        house.make_office(())
    except FaultySettings as error:
        yield from (missing("calendar", str(fault), edit(fault.mark.file)) for fault in error.faults)


def _seen(look: Look, house: House, *, told: bool) -> Iterator[Finding]:
    """What a look finds; one that needs data whose faults are told already finds nothing."""
    try:
        yield from look(house)
    except FaultySettings:
        if not told:
            raise
