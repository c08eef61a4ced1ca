"""What is missing before go-live. Each look stands for itself: where one finds something, the others go on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from cli.home import Home, check_home
from cli.setup.finding import Finding, missing, ready
from cli.setup.machine import (
    look_at_clock,
    look_at_daemon,
    look_at_disk,
    look_at_pages,
    look_at_relay,
    look_at_test_mail,
)
from cli.setup.staff import (
    look_at_calendar,
    look_at_people,
    look_at_references,
    look_at_register,
    look_at_roles,
    look_at_second_person,
    look_at_translations,
)
from cli.wiring import House, open_house
from engine.errors import FaultyInput, SoppaError

Look = Callable[[House], Iterator[Finding]]
LOOKS: tuple[Look, ...] = (
    look_at_clock, look_at_disk, look_at_people, look_at_roles, look_at_second_person, look_at_relay, look_at_test_mail,
    look_at_pages, look_at_daemon, look_at_calendar, look_at_register, look_at_references, look_at_translations,
)


def findings(home: Home) -> Iterator[Finding]:
    """Everything that was looked at, each as soon as it is known. Without a home that can be opened, that alone."""
    if not home.settings.exists() and not home.ring.exists():
        yield missing("home", f"{home.root} is no home of a district yet", f"soppa setup --home {home.root}")
        return
    loose = loose_files(home.root)
    if loose:
        more = f", and {len(loose) - 1} more" if len(loose) > 1 else ""
        yield missing("modes", f"{loose[0]} may be read by others{more}", f"chmod -R go= {home.root}")
        return
    yield ready("modes", f"nobody else may read what lies in {home.root}")
    yield from _opened(home)


def loose_files(root: Path) -> list[Path]:
    """Folders and files that others than their owner may use; links are left out, since theirs is what they lead to."""
    places = [root, *(Path(folder, name) for folder, folders, files in os.walk(root) for name in (*folders, *files))]
    return [place for place in places if not place.is_symlink() and place.lstat().st_mode & 0o077]


def _opened(home: Home) -> Iterator[Finding]:
    from cli.settings import read_settings

    try:
        check_home(home)
        read_settings(home.settings)
    except FaultyInput as error:
        yield from (missing("settings", str(fault), f"edit {home.settings}") for fault in error.faults)
        return
    except SoppaError as error:
        yield missing("home", str(error), f"ls -l {home.ring.parent}")
        return
    yield ready("settings", f"{home.settings.name} is read without a fault")
    try:
        with open_house(home) as house:
            yield ready("database", "it has this program's schema and opens with this key ring")
            for look in LOOKS:
                yield from look(house)
    except SoppaError as error:
        yield missing("database", str(error), f"soppa setup --home {home.root}")
